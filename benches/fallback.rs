//! What libpq's fallbacks cost: each second try of pgtls-connector beside the straight way to the same session.
//!
//! - `prefer-refused`: `prefer`, answered `N`, goes on in plaintext on the same connection; beside `disable`.
//! - `prefer-failed`: `prefer` with a root that did not issue the certificate: the handshake fails, and a
//!   new connection goes on in plaintext; beside `disable`.
//! - `allow-rejected`: `allow`, rejected in plaintext by the server's access rule, begins anew with TLS;
//!   beside `require`.
//! - `verify-full`, with the right root file: what verification costs; beside `require`.
//!
//! Client and server share one thread, so that time is work and not waiting.

mod support {
    pub(crate) mod query;
}

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use pgtls_connector::{Backend, Connector};
use pgtls_mock_server::{
    Builder, MockServer,
    axes::{Access, Key, Reply},
    pki::Authority,
};
use support::query::ask_and_leave;
use tokio::runtime::Runtime;

/// One way to a session.
struct Case {
    name: &'static str,
    sslmode: &'static str,
    /// Whether the client is given the wrong root file; the URL of a mode that verifies names the right one.
    wrong_root: bool,
    behaviour: fn(Builder) -> Builder,
    /// What the server must have seen, lest something else be measured.
    trace: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        name: "straight-plain",
        sslmode: "disable",
        wrong_root: false,
        behaviour: |server| server,
        trace: "connect, authok -> plain",
    },
    Case {
        name: "prefer-refused",
        sslmode: "prefer",
        wrong_root: false,
        behaviour: |server| server.reply(Reply::Refuse),
        trace: "connect, sslreject, authok -> plain",
    },
    Case {
        name: "prefer-failed",
        sslmode: "prefer",
        wrong_root: true,
        behaviour: |server| server,
        trace: "connect, sslaccept, reconnect, authok -> plain",
    },
    Case {
        name: "straight-tls",
        sslmode: "require",
        wrong_root: false,
        behaviour: |server| server,
        trace: "connect, sslaccept, authok -> ssl",
    },
    Case {
        name: "verify-full",
        sslmode: "verify-full",
        wrong_root: false,
        behaviour: |server| server,
        trace: "connect, sslaccept, authok -> ssl",
    },
    Case {
        name: "allow-rejected",
        sslmode: "allow",
        wrong_root: false,
        behaviour: |server| server.access(Access::SslOnly),
        trace: "connect, authfail, reconnect, sslaccept, authok -> ssl",
    },
];

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let authority = Authority::generate().expect("an authority");
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("fallback");
    group
        .throughput(Throughput::Elements(1))
        // A session may take long: the same number of them in every sample.
        .sampling_mode(SamplingMode::Flat)
        .sample_size(15)
        .nresamples(5_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    for (name, backend) in [("rustls", Backend::rustls()), ("native-tls", Backend::native_tls())] {
        for case in &CASES {
            let id = BenchmarkId::new(name, case.name);
            group.bench_function(id, |bencher| {
                case.check(&runtime, &authority, &backend);
                let (_server, connector) = case.prepare(&runtime, &authority, &backend);
                bencher.to_async(&runtime).iter(|| run(&connector));
            });
        }
    }
    group.finish();
    criterion.final_summary();
}

impl Case {
    fn prepare(
        &self,
        runtime: &Runtime,
        authority: &Authority,
        backend: &Backend,
    ) -> (MockServer, Connector) {
        let builder = MockServer::builder().authority(authority.clone()).key(Key::P256);
        let server = runtime.block_on((self.behaviour)(builder).start()).expect("a server");
        // Given the address, no measurement waits for a look-up of the name.
        let mut url = format!("{}&hostaddr={}", server.url(self.sslmode), server.address().ip());
        if self.wrong_root {
            let root = authority.wrong_root_path(Key::P256).expect("a root");
            url.push_str(&format!("&sslrootcert={}", root.display()));
        }
        let connector = Connector::from_url(&url).expect("a URL").with_backend(backend.clone());
        (server, connector)
    }

    /// One session goes the way that is to be measured.
    fn check(&self, runtime: &Runtime, authority: &Authority, backend: &Backend) {
        let (server, connector) = self.prepare(runtime, authority, backend);
        let seen = runtime.block_on(async {
            run(&connector).await;
            server.finish(Duration::from_secs(5)).await
        });
        assert_eq!(seen.trace.to_string(), self.trace, "{}", self.name);
    }
}

async fn run(connector: &Connector) {
    let (client, connection) = connector.connect().await.expect("a connection");
    ask_and_leave(client, connection).await;
}
