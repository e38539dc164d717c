//! Unix sockets.

use pgtls_connector::Connector;
use tokio::net::UnixListener;

use crate::server::{Server, lines, plain};

#[tokio::test]
async fn unix_sockets_know_no_tls_whatever_the_mode() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
    let server = Server::start(&[plain(&[])]).await;
    let port = server.port();
    let passing_on = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    });
    // Nor does it matter that rustls has none of the versions that are asked for.
    let text = format!(
        "host={} user=u sslmode=verify-full sslrootcert=system ssl_min_protocol_version=TLSv1 \
         ssl_max_protocol_version=TLSv1.1",
        folder.path().display()
    );
    let (client, connection) =
        Connector::from_url(&text).expect("settings").connect().await.expect("plaintext");
    assert!(!connection.is_encrypted());
    drop(client);
    connection.await.expect("a good end");
    passing_on.await.expect("no panic").expect("both ends closed");
    assert_eq!(server.sent().await, lines(&[&["StartupMessage", "Terminate", "end"]]));
}
