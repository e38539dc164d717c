//! What a session is for: one question and its answer.

use std::future::Future;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Asks once, leaves, and waits for the connection to be over.
///
/// The connection is driven by the asking task and not by one of its own: what is measured has a task
/// less, and nothing of it waits for another thread.
///
/// # Panics
///
/// If the answer is not the server's, or the connection breaks.
pub(crate) async fn ask_and_leave(
    client: Client,
    connection: impl Future<Output = Result<(), Error>>,
) {
    let ask = async move {
        let answer = client.simple_query("SELECT 48151").await.expect("an answer");
        answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    };
    let (ended, number) = tokio::join!(connection, ask);
    ended.expect("an orderly end");
    assert_eq!(number.as_deref(), Some("48151"));
}
