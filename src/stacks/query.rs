//! The query over a tokio-postgres client, however it came to its connection, and the end of it.

use std::{error::Error, time::Duration};

use pgtls_conformance::{
    runner::Network,
    shim::{Connect, Outcome},
};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::values::texts;

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

/// Runs the query, and tells its rows: by the simple protocol where a number is all that is asked for,
/// and as an application reads typed values where columns of types are.
pub(super) async fn query(client: &Client, request: &Connect, network: &Network) -> Outcome {
    let rows = if request.fetch.is_empty() {
        simple(client, &request.query).await
    } else {
        typed(client, request, network).await
    };
    match rows {
        Ok(rows) => Outcome::Connected { tls: None, rows },
        Err(error) => Outcome::failed(class(&error), &error),
    }
}

type Rows = Result<Vec<Vec<String>>, tokio_postgres::Error>;

async fn simple(client: &Client, query: &str) -> Rows {
    use tokio_postgres::SimpleQueryMessage::Row;
    let messages = client.simple_query(query).await?;
    let rows = messages.iter().filter_map(|message| match message {
        Row(row) => Some(row),
        _ => None,
    });
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    rows.map(|row| (0..row.len()).map(|column| Ok(text(row.try_get(column)?))).collect()).collect()
}

async fn typed(client: &Client, request: &Connect, network: &Network) -> Rows {
    let rows = client.query(&request.query, &[]).await?;
    rows.iter().map(|row| texts(row, &request.fetch, network.is_in_memory())).collect()
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
