//! A server that says no, and what a client then did: `cargo run --example watch`.

use std::{error::Error, time::Duration};

use pgtls_mock_server::{MockServer, axes::Reply};
use tokio_postgres::NoTls;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = MockServer::builder().reply(Reply::Refuse).start().await?;
    println!("listening on {}", server.address());
    println!("a client that wants TLS would be given {}", server.url("verify-full"));

    // This one takes no for an answer, and sends its password in clear.
    let (client, connection) = tokio_postgres::connect(&server.url("disable"), NoTls).await?;
    let connection = tokio::spawn(connection);
    client.simple_query("SELECT 1").await?;
    drop(client);
    connection.await??;

    let seen = server.finish(Duration::from_secs(1)).await;
    println!("{}", seen.trace);
    for entry in seen.connections.iter().flat_map(|connection| &connection.entries) {
        println!("{:>9.1?} {} {:?}", entry.at, entry.sender, entry.what);
    }
    Ok(())
}
