//! The built-in stacks, each an adapter from one client to the shim contract.

mod pgtls;
mod psql;
mod serve;
mod tokio_postgres;

use pgtls_conformance::{
    runner::StackSpec,
    shim::{Connect, Hello, Launch, Outcome},
};

pub use self::serve::serve;
use self::tokio_postgres::Tls;

/// One built-in client with one TLS backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stack {
    /// tokio-postgres with tokio-postgres-rustls, as released.
    TokioPostgresRustls,
    /// tokio-postgres with postgres-native-tls, as released.
    TokioPostgresNativeTls,
    /// Our connector on rustls.
    PgtlsRustls,
    /// Our connector on native-tls.
    PgtlsNativeTls,
    /// The machine's psql.
    LibpqPsql,
}

impl Stack {
    /// Every built-in stack.
    pub const ALL: [Self; 5] = [
        Self::TokioPostgresRustls,
        Self::TokioPostgresNativeTls,
        Self::PgtlsRustls,
        Self::PgtlsNativeTls,
        Self::LibpqPsql,
    ];

    /// The stack's name in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokioPostgresRustls => "tokio-postgres/rustls",
            Self::TokioPostgresNativeTls => "tokio-postgres/native-tls",
            Self::PgtlsRustls => "pgtls/rustls",
            Self::PgtlsNativeTls => "pgtls/native-tls",
            Self::LibpqPsql => "libpq/psql",
        }
    }

    /// The built-in stack of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stack| stack.name() == name)
    }

    /// How the runner starts it: as a child of the same program.
    #[must_use]
    pub fn spec(self) -> StackSpec {
        match std::env::current_exe() {
            Ok(program) => StackSpec::process(self.name(), self.launch(program)),
            Err(error) => {
                let reason = format!("the program does not know its own path: {error}");
                StackSpec::missing(self.name(), reason)
            }
        }
    }

    /// How it is started from that program.
    #[must_use]
    pub fn launch(self, program: impl Into<std::ffi::OsString>) -> Launch {
        Launch {
            program: program.into(),
            arguments: vec!["shim".into(), self.name().into()],
            variables: Vec::new(),
        }
    }

    /// What the stack says of itself.
    ///
    /// # Errors
    ///
    /// If it cannot run here, and why.
    pub async fn hello(self) -> Result<Hello, String> {
        match self {
            Self::TokioPostgresRustls => Ok(tokio_postgres::hello(Tls::Rustls)),
            Self::TokioPostgresNativeTls => Ok(tokio_postgres::hello(Tls::Native)),
            Self::PgtlsRustls => Ok(pgtls::hello(Tls::Rustls)),
            Self::PgtlsNativeTls => Ok(pgtls::hello(Tls::Native)),
            Self::LibpqPsql => psql::hello().await,
        }
    }

    /// One connect call: connects, runs the query, closes.
    pub async fn connect(self, request: &Connect) -> Outcome {
        match self {
            Self::TokioPostgresRustls => tokio_postgres::connect(Tls::Rustls, request).await,
            Self::TokioPostgresNativeTls => tokio_postgres::connect(Tls::Native, request).await,
            Self::PgtlsRustls => pgtls::connect(Tls::Rustls, request).await,
            Self::PgtlsNativeTls => pgtls::connect(Tls::Native, request).await,
            Self::LibpqPsql => psql::connect(request).await,
        }
    }
}

/// The version of a dependency, from the lock file that this program was built with.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.find(&name)
        .and_then(|start| lock[start + name.len()..].split('"').next())
        .unwrap_or("unknown")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        assert!(locked_version("tokio-postgres").starts_with("0.7."));
        assert_eq!(locked_version("no-such-package"), "unknown");
    }

    #[test]
    fn stacks_are_found_by_their_names() {
        for stack in Stack::ALL {
            assert_eq!(Stack::named(stack.name()), Some(stack));
        }
    }
}
