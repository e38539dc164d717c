//! Connects with rustls and prints the server's version: `cargo run --example rustls -- 'postgres://…'`.

use pgtls_connector::{Backend, Connector};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("the argument is a connection string")?;
    let connector = Connector::from_url(&url)?.with_backend(Backend::rustls());
    let (client, _cancel) = connector.connect_and_spawn().await?;
    let row = client.query_one("SELECT version()", &[]).await?;
    println!("{}", row.get::<_, String>(0));
    Ok(())
}
