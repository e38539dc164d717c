//! The dialer: how clients in this process come to a listener that has no socket.

use std::{
    future::poll_fn,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

use super::stream::{MemoryStream, pair};
use crate::Transport;

/// Dials a [`Listener`](crate::Listener) in this process; clones dial the same one.
#[derive(Debug, Clone)]
pub struct Dialer(mpsc::Sender<MemoryStream>);

/// What was dialled, in that order; dropped, it resets what nobody accepted.
#[derive(Debug)]
pub(crate) struct Dialled(Mutex<mpsc::Receiver<MemoryStream>>);

/// A dialer, and where its connections arrive; as many as `backlog` wait there to be accepted.
pub(crate) fn dialling(backlog: usize) -> (Dialer, Dialled) {
    let (sender, receiver) = mpsc::channel(backlog);
    (Dialer(sender), Dialled(Mutex::new(receiver)))
}

impl Dialer {
    /// Connects, and gives the client's end. As with TCP, the connection stands before it is
    /// accepted: what the client writes meanwhile waits for the server.
    ///
    /// Where 1024 connections wait to be accepted, it waits for one that is. Cancel safe: a call
    /// that is dropped has made no connection.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` if the listener is gone.
    pub async fn dial(&self) -> io::Result<MemoryStream> {
        let place = self
            .0
            .reserve()
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        let (client, server) = pair();
        place.send(server);
        Ok(client)
    }
}

impl Dialled {
    /// The next connection; pending for good once no dialer is left.
    pub(crate) async fn accept(&self) -> MemoryStream {
        match poll_fn(|cx| self.lock().poll_recv(cx)).await {
            Some(stream) => stream,
            None => std::future::pending().await,
        }
    }

    /// The next connection that was dialled already, if there is one.
    pub(crate) fn accept_waiting(&self) -> Option<MemoryStream> {
        self.lock().try_recv().ok()
    }

    fn lock(&self) -> MutexGuard<'_, mpsc::Receiver<MemoryStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        let receiver = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        receiver.close();
        while let Ok(stream) = receiver.try_recv() {
            Box::new(stream).reset();
        }
    }
}
