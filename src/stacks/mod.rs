//! The built-in stacks, each an adapter from one client to the shim contract.

mod locked;
mod pgtls;
mod psql;
mod query;
mod serve;
mod tls;
mod tokio_postgres;
mod values;

use pgtls_conformance::{
    runner::{Driver as _, Network, StackSpec},
    shim::{Connect, Hello, Launch, Outcome},
};

pub use self::serve::serve;
use self::{pgtls::Pgtls, tls::Tls, tokio_postgres::TokioPostgres};

/// One built-in client with one TLS backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuiltIn {
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

impl BuiltIn {
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

    /// The same as a driver in this process; `None` for what is a program of its own.
    #[must_use]
    pub fn in_process(self) -> Option<StackSpec> {
        let name = self.name();
        Some(match self {
            Self::TokioPostgresRustls => StackSpec::in_process(name, TokioPostgres(Tls::Rustls)),
            Self::TokioPostgresNativeTls => StackSpec::in_process(name, TokioPostgres(Tls::Native)),
            Self::PgtlsRustls => StackSpec::in_process(name, Pgtls::new(Tls::Rustls)),
            Self::PgtlsNativeTls => StackSpec::in_process(name, Pgtls::new(Tls::Native)),
            Self::LibpqPsql => return None,
        })
    }

    /// Whether nothing but this program is needed for it: where it does not run, the program is broken.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        !matches!(self, Self::LibpqPsql)
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
            Self::TokioPostgresRustls => Ok(TokioPostgres(Tls::Rustls).hello()),
            Self::TokioPostgresNativeTls => Ok(TokioPostgres(Tls::Native).hello()),
            Self::PgtlsRustls => Ok(Pgtls::new(Tls::Rustls).hello()),
            Self::PgtlsNativeTls => Ok(Pgtls::new(Tls::Native).hello()),
            Self::LibpqPsql => psql::hello().await,
        }
    }

    /// One connect call: connects, runs the query, closes.
    pub async fn connect(self, request: &Connect) -> Outcome {
        let network = &Network::tcp(request);
        match self {
            Self::TokioPostgresRustls => TokioPostgres(Tls::Rustls).connect(request, network).await,
            Self::TokioPostgresNativeTls => {
                TokioPostgres(Tls::Native).connect(request, network).await
            }
            Self::PgtlsRustls => Pgtls::new(Tls::Rustls).connect(request, network).await,
            Self::PgtlsNativeTls => Pgtls::new(Tls::Native).connect(request, network).await,
            Self::LibpqPsql => psql::connect(request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_found_by_their_names() {
        for stack in BuiltIn::ALL {
            assert_eq!(BuiltIn::named(stack.name()), Some(stack));
        }
    }
}
