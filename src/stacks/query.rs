//! The query over a tokio-postgres client, however it came to its connection, and the end of it.

use std::{error::Error, time::Duration};

use pgtls_conformance::shim::Outcome;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// How long a connection may take to close once its client is gone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Has the connection do its work beside the client.
pub(super) fn spawn(
    connection: impl Future<Output: Send + 'static> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        // What ends it shows in the query's result.
        let _ = connection.await;
    })
}

/// Runs the query by the simple protocol, and tells its rows.
pub(super) async fn query(client: &Client, query: &str) -> Outcome {
    use tokio_postgres::SimpleQueryMessage::Row;
    match client.simple_query(query).await {
        Ok(messages) => Outcome::Connected {
            tls: None,
            rows: messages
                .iter()
                .filter_map(|message| match message {
                    Row(row) => Some(row),
                    _ => None,
                })
                .map(|row| {
                    (0..row.len())
                        .map(|column| row.get(column).unwrap_or_default().to_owned())
                        .collect()
                })
                .collect(),
        },
        Err(error) => Outcome::failed(class(&error), &error),
    }
}

/// Lets the connection end in order.
pub(super) async fn close(client: Client, mut connection: JoinHandle<()>) {
    drop(client);
    if tokio::time::timeout(CLOSE_TIMEOUT, &mut connection).await.is_err() {
        connection.abort();
    }
}

/// The SQLSTATE that the server gave, or the error's type.
pub(super) fn class<'a>(error: &'a (dyn Error + 'static)) -> &'a str {
    let error = error.downcast_ref::<tokio_postgres::Error>();
    error.and_then(|error| error.code()).map_or("tokio_postgres::Error", |state| state.code())
}
