//! Messages of the client one by one, and messages of the server to it.

use super::{Connection, channel::Gone};
use crate::{
    describe,
    machine::{
        action::{Input, Turn},
        segment,
    },
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

impl Connection {
    /// Waits for a message, and tells the machine; `None` once the connection is over.
    pub(super) async fn await_message(&mut self) -> Option<Turn> {
        match self.message().await {
            Ok((message, size)) => {
                Some(self.advance(Input::Message(&message), Some((&message, size))))
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

    /// Enters a message that nobody asked for, behind an injected login.
    pub(super) fn enter_out_of_turn(&self, message: &Message, size: usize) {
        let words = format!("{} {}", message.name(), message.summary());
        self.enter(Sender::Client, size, EntryKind::OutOfTurn(words.trim_end().to_owned()));
    }

    pub(super) fn enter_frontend(&self, message: &Message, size: usize) {
        let kind = EntryKind::Frontend {
            tag: message.tag(),
            name: message.name(),
            summary: message.summary(),
        };
        self.enter(Sender::Client, size, kind);
    }

    /// Sends messages of the honest server in one segment, edited as the script has it.
    pub(super) async fn send_honest(&mut self, messages: Vec<u8>) {
        if self.machine.edits() {
            let edited = self.edited(messages);
            return self.send_parts(segment::messages(&edited)).await;
        }
        self.send(&messages).await;
    }

    /// Sends protocol messages in one segment.
    pub(super) async fn send(&mut self, messages: &[u8]) {
        let entries = describe::messages(messages);
        self.channel.log().enter_all(Sender::Server, self.channel.is_encrypted(), entries);
        self.channel.send(messages).await;
    }
}
