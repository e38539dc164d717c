//! What can go wrong while a mock server is set up; what goes wrong later stands in its transcript.

/// An error of the mock server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] pgtls_harness::Error),
    /// A certificate, a key or a file of theirs cannot be made.
    #[error(transparent)]
    Pki(#[from] crate::pki::Error),
    /// The TLS library refuses what the axes ask for.
    #[error("cannot set up TLS: {what}")]
    Tls {
        /// The step that failed.
        what: &'static str,
        /// What the library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// For `map_err`: the TLS library refused this step.
    pub(crate) fn tls<E: std::error::Error + Send + Sync + 'static>(
        what: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Tls { what, source: Box::new(source) }
    }
}
