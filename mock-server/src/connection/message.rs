//! Messages of the client one by one, and messages of the server to it.

use super::{channel::Gone, state::OpenConnection};
use crate::{
    machine::action::{Input, Turn},
    protocol::{
        self,
        frontend::{self, Message},
    },
    transcript::{EntryKind, Sender},
};

/// Why there is no next message.
pub(super) enum Missing {
    /// The client left.
    Gone,
    /// What it sent cannot be one.
    Broken(protocol::Error),
}

impl OpenConnection {
    /// Waits for a message, and tells the machine; `None` once the connection is over.
    pub(super) async fn await_message(&mut self) -> Option<Turn> {
        match self.message().await {
            Ok((message, size)) => {
                let turn = self.advance(Input::Message(&message), Some((&message, size)));
                self.follow(message);
                Some(turn)
            }
            Err(Missing::Gone) => {
                self.gone().await;
                None
            }
            Err(Missing::Broken(error)) => {
                if self.machine.has_injected() {
                    self.enter(Sender::Client, 0, EntryKind::OutOfTurn(error.to_string()));
                }
                self.junk();
                Some(self.advance(Input::Broken(error.to_string()), None))
            }
        }
    }

    /// The next message and its size.
    pub(super) async fn message(&mut self) -> Result<(Message, usize), Missing> {
        loop {
            match frontend::message(self.channel.received()) {
                Ok(Some((message, size))) => {
                    self.channel.take(size);
                    return Ok((message, size));
                }
                Ok(None) => {
                    let expected = frontend::size(self.channel.received()).unwrap_or_default();
                    self.channel.fill_up_to(expected).await.map_err(|Gone| Missing::Gone)?;
                }
                Err(error) => return Err(Missing::Broken(error)),
            }
        }
    }
}
