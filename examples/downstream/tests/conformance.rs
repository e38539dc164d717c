//! The driver as pgtls sees it: every mode that it has against every server, and hostile ones.

use std::time::Duration;

use downstream::{Config, query};
use pgtls_conformance::{
    Written,
    baseline::Baseline,
    runner::{Driver, Network},
    shim::{Connect, Hello, Outcome, Supports},
};

/// The driver as a stack.
struct Stack;

impl Driver for Stack {
    fn hello(&self) -> Hello {
        let supports = Supports {
            sslmode: Written::read_all(&["disable", "verify-full"]),
            sslrootcert: Written::read_all(&["file"]),
            hostaddr: true,
            ..Supports::default()
        };
        Hello { tls: "rustls".to_owned(), supports, ..Hello::new("downstream", "0.0.0") }
    }

    async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        let root = request.sslrootcert.clone().map(Into::into);
        let root = match request.sslmode.as_deref() {
            Some("disable") => None,
            Some("verify-full") => root.or_else(|| Some("~/.postgresql/root.crt".into())),
            _ => return Outcome::unsupported("no such sslmode"),
        };
        let config = Config {
            host: request.host.clone(),
            user: request.user.clone(),
            password: request.password.clone(),
            dbname: request.dbname.clone(),
            root,
            timeout: Duration::from_millis(request.timeout_ms),
        };
        let tls = Some(config.root.is_some());
        let queried = async { query(&config, network.dial().await?, &request.query).await };
        match queried.await {
            Ok(rows) => Outcome::Connected { tls, rows },
            Err(error) => Outcome::failed("downstream::Error", &*error),
        }
    }
}

#[test]
fn it_does_as_libpq_does_but_for_what_is_known() {
    let known = Baseline::from_json(include_str!("known.json")).expect("a baseline");
    pgtls_conformance::check(Stack).baseline(known).assert();
}

#[test]
fn hostile_servers_do_not_break_it() {
    pgtls_conformance::fuzz(Stack).assert();
}
