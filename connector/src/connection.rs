//! The connection of a session that stands.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_postgres::AsyncMessage;

use crate::cancel::CancelToken;
use crate::stream::Stream;

/// A session's connection: the future that moves its bytes.
///
/// Spawn it, or poll it by other means; the [`Client`](tokio_postgres::Client) does nothing without. It ends when the client is dropped and
/// all outstanding work is done, or with the error that broke it.
#[must_use = "the client makes no progress unless its connection is polled, for example by tokio::spawn"]
pub struct Connection {
    inner: tokio_postgres::Connection<Stream, Stream>,
    cancel: CancelToken,
    encrypted: bool,
}

impl Connection {
    pub(crate) fn new(
        inner: tokio_postgres::Connection<Stream, Stream>,
        cancel: CancelToken,
        encrypted: bool,
    ) -> Connection {
        Connection { inner, cancel, encrypted }
    }

    /// By what to cancel queries of this session; clone it freely. Use it in place of
    /// [`Client::cancel_token`](tokio_postgres::Client::cancel_token), which knows neither the address nor the host.
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Whether the session is protected by TLS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// A parameter that the server reported, `server_version` for one.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.inner.parameter(name)
    }

    /// Moves the session on until the server sends a notice or a notification; none when the connection is over.
    pub fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        self.inner.poll_message(cx)
    }
}

impl Future for Connection {
    type Output = Result<(), tokio_postgres::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("encrypted", &self.encrypted).finish_non_exhaustive()
    }
}
