//! Whether a session is of the kind that `target_session_attrs` asks for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio_postgres::{Client, SimpleQueryMessage};

use crate::config::SessionAttrs;
use crate::connection::Connection;
use crate::error::Fault;
use crate::policy::Event;
use crate::route::{Cause, Failure};

impl SessionAttrs {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SessionAttrs::Any => "any",
            SessionAttrs::ReadWrite => "read-write",
            SessionAttrs::ReadOnly => "read-only",
            SessionAttrs::Primary => "primary",
            SessionAttrs::Standby => "standby",
            SessionAttrs::PreferStandby => "prefer-standby",
        }
    }
}

/// Goes by what the server reported at login (14 and newer do), or else asks it.
///
/// # Errors
/// A server that does not answer the question is unsuitable; one that is gone ends the call, as in libpq.
pub(crate) async fn suits(
    client: &Client,
    connection: &mut Connection,
    wanted: SessionAttrs,
) -> Result<bool, Failure> {
    let standby = reported(connection, "in_hot_standby");
    let read_only = match (standby, reported(connection, "default_transaction_read_only")) {
        (Some(standby), Some(read_only)) => Some(standby || read_only),
        _ => None,
    };
    match wanted {
        SessionAttrs::Any | SessionAttrs::PreferStandby => Ok(true),
        SessionAttrs::ReadWrite | SessionAttrs::ReadOnly => {
            let read_only = match read_only {
                Some(read_only) => read_only,
                None => ask(client, connection, "SHOW transaction_read_only").await? == "on",
            };
            Ok(read_only == (wanted == SessionAttrs::ReadOnly))
        }
        SessionAttrs::Primary | SessionAttrs::Standby => {
            let standby = match standby {
                Some(standby) => standby,
                None => {
                    ask(client, connection, "SELECT pg_catalog.pg_is_in_recovery()").await? == "t"
                }
            };
            Ok(standby == (wanted == SessionAttrs::Standby))
        }
    }
}

/// A parameter that is on or off.
fn reported(connection: &Connection, name: &str) -> Option<bool> {
    connection.parameter(name).map(|value| value == "on")
}

/// The one value that `query` gives, with the connection moved on meanwhile.
async fn ask(client: &Client, connection: &mut Connection, query: &str) -> Result<String, Failure> {
    let mut answer = pin!(client.simple_query(query));
    let answered = tokio::select! {
        biased;
        answered = &mut answer => answered,
        ended = connection => {
            // A server that shuts down may have said so with its last bytes.
            match poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
                Poll::Ready(answered) => answered,
                Poll::Pending => {
                    let cause = ended.err().map_or_else(|| Fault::ClosedInLogin.into(), Cause::from);
                    return Err(Failure::new(Event::Broken, cause));
                }
            }
        }
    };
    let messages = answered.map_err(|error| match error.as_db_error() {
        Some(_) => Failure::new(Event::Unsuitable, error),
        None => Failure::new(Event::Broken, error),
    })?;
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .ok_or_else(|| Failure::new(Event::Unsuitable, format!("{query} gave no value")))
}
