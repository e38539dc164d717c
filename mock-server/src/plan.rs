//! Plans: a script's conversations with the certificates that they need.

use std::{sync::Arc, time::Duration};

use crate::{
    Error,
    pki::Authority,
    script::{Conversation, Script},
    tls::{Context, ContextKey, TlsSettings},
};

/// What the server is to do on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) conversation: Arc<Conversation>,
    /// Absent where the script never comes to a handshake.
    pub(crate) context: Option<Arc<Context>>,
    /// How the server's `ssl` parameter reads.
    pub(crate) offers_tls: bool,
    /// How long the client is waited for.
    pub(crate) answer_timeout: Duration,
}

impl Plan {
    /// For the first connection, the second, …; at least one, and the last for all behind it.
    pub(crate) fn all(
        script: &Script,
        authority: &Authority,
        settings: TlsSettings,
    ) -> Result<Arc<[Self]>, Error> {
        let honest = [Conversation::default()];
        let conversations: &[Conversation] =
            if script.connections.is_empty() { &honest } else { &script.connections };
        let answer_timeout = script.idle_timeout_ms.map_or(Duration::MAX, Duration::from_millis);
        conversations.iter().map(|of| Self::new(of, answer_timeout, authority, settings)).collect()
    }

    fn new(
        conversation: &Conversation,
        answer_timeout: Duration,
        authority: &Authority,
        settings: TlsSettings,
    ) -> Result<Self, Error> {
        let outline = conversation.outline();
        let key = ContextKey::new(conversation.tls, settings);
        let context = outline.shakes_hands().then(|| authority.tls_context(key)).transpose()?;
        let offers_tls = outline.offers_tls();
        Ok(Self {
            conversation: Arc::new(conversation.clone()),
            context,
            offers_tls,
            answer_timeout,
        })
    }
}
