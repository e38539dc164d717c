//! What servers of one authority share, so that one more server costs no more than its socket.

use std::{convert::Infallible, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{
    Error,
    pki::{Authority, cache::Cache},
    scram::{DEFAULT_ITERATIONS, Verifier},
    tls::{Context, ContextKey},
};

/// TLS contexts and stretched passwords, each made once.
#[derive(Default)]
pub(crate) struct Shared {
    contexts: Cache<ContextKey, Arc<Context>>,
    verifiers: Cache<String, Arc<Verifier>>,
}

impl Shared {
    /// The TLS context for these settings.
    pub(crate) fn context(
        &self,
        authority: &Authority,
        key: ContextKey,
    ) -> Result<Arc<Context>, Error> {
        self.contexts.get_or_make(key, || Context::new(authority, key).map(Arc::new))
    }

    /// What a server keeps of the password for SCRAM.
    pub(crate) fn verifier(&self, password: &str) -> Arc<Verifier> {
        let made = self.verifiers.get_or_make::<Infallible>(password.to_owned(), || {
            // A salt need not be secret, nor change: derived, it is the same in every run.
            let digest = Sha256::digest(["pgtls salt ", password].concat());
            Ok(Arc::new(Verifier::new(password, &digest[..16], DEFAULT_ITERATIONS)))
        });
        match made {
            Ok(verifier) => verifier,
        }
    }
}
