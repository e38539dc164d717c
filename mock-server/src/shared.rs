//! What servers of one authority share, so that one more server costs no more than its socket.

use std::sync::Arc;

use crate::{
    Error,
    budget::Budget,
    pki::cache::Cache,
    tls::{Context, ContextKey},
};

/// What all servers of an authority together hold for their clients, unless one has a budget of its
/// own, in bytes: with what the allocator loses it stays well below 64 MiB.
pub(crate) const DEFAULT_MEMORY: usize = 12 << 20;

/// TLS contexts, each made once, and the memory for clients.
pub(crate) struct Shared {
    contexts: Cache<ContextKey, Arc<Context>>,
    pub(crate) budget: Budget,
}

impl Default for Shared {
    fn default() -> Self {
        Self { contexts: Cache::default(), budget: Budget::new(DEFAULT_MEMORY) }
    }
}

impl Shared {
    /// The TLS context for these settings, which `make` makes where there is none.
    pub(crate) fn context(
        &self,
        key: ContextKey,
        make: impl FnOnce() -> Result<Context, Error>,
    ) -> Result<Arc<Context>, Error> {
        self.contexts.get_or_make(key, || make().map(Arc::new))
    }
}
