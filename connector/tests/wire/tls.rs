//! Sessions with TLS, over connections in memory, by every backend that is compiled in.

use pgtls_connector::{Backend, Config};
use serde_json::{Value, json};

use crate::server::{Server, config, connect};

fn backends() -> Vec<Backend> {
    vec![
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        Backend::rustls(),
        #[cfg(feature = "native-tls")]
        Backend::native_tls(),
    ]
}

/// An honest server that asks for no password.
fn honest() -> Value {
    json!({ "startup": [{ "send": ["welcome"] }] })
}

/// The settings that trust the server: by a root file, and by a system store that holds the root.
fn trusting(server: &Server) -> [Config; 2] {
    let port = server.port();
    let by_file = format!("sslmode=verify-full sslrootcert={}", server.root().display());
    [config(port, &by_file), config(port, "sslrootcert=system").system_store([server.root()])]
}

#[tokio::test]
async fn a_session_and_its_cancel_request_are_encrypted() {
    for backend in backends() {
        for trusted in 0..2 {
            let server = Server::start_in_memory(&[honest()]).await;
            let connector = server.connector_with(&trusting(&server)[trusted]);
            let connector = connector.with_backend(backend.clone());
            let (client, connection) = connect(connector).await.expect("a session");
            assert!(connection.is_encrypted());
            let cancel = connection.cancel_token();
            let driver = tokio::spawn(connection);
            client.simple_query("SELECT 1").await.expect("an answer");
            cancel.cancel().await.expect("sent");
            drop(client);
            driver.await.expect("no panic").expect("a good end");
            let sent = server.sent().await;
            assert_eq!(sent.len(), 2, "{backend:?}: {sent:?}");
            for (connection, last) in sent.iter().zip(["Query", "CancelRequest"]) {
                assert_eq!(connection[..2], ["SSLRequest", "ClientHello"], "{backend:?}");
                assert!(connection.iter().any(|line| line == last), "{backend:?}: {sent:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_told_so_and_gets_no_second_connection() {
    for backend in backends() {
        let server = Server::start_in_memory(&[honest()]).await;
        // Not one certificate.
        let nobody = config(server.port(), "sslrootcert=system").system_store(["/nowhere/store"]);
        let connector = server.connector_with(&nobody).with_backend(backend.clone());
        let failure = connect(connector).await.expect_err("a stranger's certificate");
        assert!(failure.is_handshake(), "{backend:?}: {failure}");
        assert_eq!(server.connections(), 1, "{backend:?}");
        // By an alert, and not by a connection that is gone.
        let failed = server.failed_handshakes().await;
        assert!(failed.len() == 1 && failed[0].contains("alert"), "{backend:?}: {failed:?}");
    }
}
