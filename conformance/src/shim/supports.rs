//! What a stack says that it can be asked.

use std::num::NonZeroUsize;

use pgtls_mock_server::axis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Texts, Written,
    axes::{ChannelBinding, Sslmode, Sslnegotiation},
};

/// What can be asked of a stack; what is not named here is `unsupported`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Supports {
    /// The modes by name.
    pub sslmode: Vec<Written<Sslmode>>,
    /// `postgres`, `direct`.
    pub sslnegotiation: Vec<Written<Sslnegotiation>>,
    /// `file`, `system`.
    pub sslrootcert: Vec<Written<RootStore>>,
    /// `prefer`, `disable`, `require`.
    pub channel_binding: Vec<Written<ChannelBinding>>,
    /// It can be told the server's address apart from its name.
    pub hostaddr: bool,
    /// It takes a client certificate.
    pub sslcert: bool,
    /// It takes a revocation list.
    pub sslcrl: bool,
    /// It can send a cancel request.
    pub cancel: bool,
    /// How many questions it takes before it has answered; absent, one. Answers then come in any order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroUsize>,
}

axis! {
    /// Where the authorities stand that `sslrootcert` names.
    "sslrootcert" RootStore {
        /// In a file.
        File = "file",
        /// In the system's store.
        System = "system",
    }
}

impl Supports {
    /// The modes of libpq.
    #[must_use]
    pub fn all_modes() -> Vec<Written<Sslmode>> {
        Sslmode::BY_STRICTNESS
            .into_iter()
            .filter(|mode| *mode != Sslmode::Unset)
            .map(Written::Known)
            .collect()
    }
}

impl Texts for Supports {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self {
            sslmode,
            sslnegotiation,
            sslrootcert,
            channel_binding,
            hostaddr: _,
            sslcert: _,
            sslcrl: _,
            cancel: _,
            concurrency: _,
        } = self;
        sslmode.texts(each);
        sslnegotiation.texts(each);
        sslrootcert.texts(each);
        channel_binding.texts(each);
    }
}
