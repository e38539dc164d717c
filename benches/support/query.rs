//! What a session is for: one question and its answer.

use std::future::Future;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Asks once, leaves, and waits for the connection to be over.
///
/// # Panics
///
/// If the answer is not the server's, or the connection breaks.
pub(crate) async fn ask_and_leave(
    client: Client,
    connection: impl Future<Output = Result<(), Error>> + Send + 'static,
) {
    let connection = tokio::spawn(connection);
    let answer = client.simple_query("SELECT 48151").await.expect("an answer");
    let number = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(number, Some("48151"));
    drop(client);
    connection.await.expect("no panic").expect("an orderly end");
}
