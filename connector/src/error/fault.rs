//! The reasons for which this crate itself gives up.

use std::path::PathBuf;
use std::time::Duration;

/// The reasons that are ours; those of the libraries travel as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Configuration(String),
    #[error("no address is known for this name")]
    NoAddress,
    #[error("nothing more within {0:?}")]
    TimedOut(Duration),
    #[error("the server does not speak TLS (it answered N), and the mode asks for it")]
    TlsRefused,
    #[error(
        "the server answered the SSLRequest with an error; anybody could have sent that, so its text is not shown"
    )]
    ErrorBeforeTls,
    #[error("wanted S or N in answer to the SSLRequest, got byte 0x{0:02x}")]
    UnexpectedAnswer(u8),
    #[error("the server closed the connection without answering the SSLRequest")]
    NoAnswer,
    #[error(
        "plaintext ({0} bytes at least) behind the S that announces TLS: somebody may be injecting data into the connection"
    )]
    Injected(usize),
    #[error(
        "{mode} needs a root certificate, and there is none{}: set sslrootcert, or choose a mode that does not verify",
        .path.as_ref().map(|path| format!(" at {}", path.display())).unwrap_or_default()
    )]
    RootMissing { mode: &'static str, path: Option<PathBuf> },
    #[error("no certificate in {0}")]
    NoCertificate(String),
    #[error("{what} {path}", path = .path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{what} {from} is not what it should be: {reason}")]
    BadFile { what: &'static str, from: String, reason: String },
    #[error("direct TLS needs ALPN \"postgresql\", and the server chose {0}")]
    Alpn(String),
    #[error("the server showed no certificate")]
    NoPeerCertificate,
    #[error(transparent)]
    Name(#[from] crate::names::Mismatch),
    #[error(transparent)]
    Login(#[from] crate::login::Violation),
    #[error("the server closed the connection before the login was decided")]
    ClosedInLogin,
    #[error("the session is not {0}, as target_session_attrs asks")]
    WrongSession(&'static str),
    #[error("the server gave no key by which its session could be cancelled")]
    NoCancelKey,
    #[error("no host is configured")]
    NoHost,
}
