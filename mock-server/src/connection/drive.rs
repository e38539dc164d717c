//! What the machine says is done here, action by action.

use std::time::Duration;

use pgtls_harness::Deadline;
use tokio::{task::coop::consume_budget, time::sleep};

use super::{
    channel::Gone,
    state::{Driven, OpenConnection},
};
use crate::machine::action::{Action, Input};

/// How long a client behind an injected login has to speak before it is asked. One that takes it for
/// its own sends its query by itself; asked at once, some clients run a race with themselves.
/// Chosen well above a scheduling delay on a busy machine, and well below any connect timeout.
const HEAD_START: Duration = Duration::from_millis(100);

impl OpenConnection {
    /// Does what the machine says until that is to serve a session, or the connection is over.
    pub(super) async fn drive(&mut self) -> Driven {
        let mut turn = self.advance(Input::Done, None);
        loop {
            // However much a script has to do, deadlines and other connections have their turn.
            consume_budget().await;
            turn = match turn.action {
                Action::AwaitFirstPacket { again } => {
                    let Some(input) = self.first_packet(again).await else { return Driven::Over };
                    self.advance(input, None)
                }
                Action::AwaitByte { of_tls } => {
                    if of_tls {
                        self.begin_tls();
                    }
                    match self.anything().await {
                        Ok(()) => self.advance(Input::Done, None),
                        Err(Gone) if of_tls => return Driven::Over,
                        Err(Gone) => return self.gone().await,
                    }
                }
                Action::AwaitClientHello => {
                    if !self.client_hello().await {
                        return Driven::Over;
                    }
                    self.advance(Input::Done, None)
                }
                Action::AwaitMessage => {
                    let Some(turn) = self.await_message().await else { return Driven::Over };
                    turn
                }
                Action::HeadStart => {
                    let spoke = self.speaks_unasked().await;
                    self.advance(Input::Spoke(spoke), None)
                }
                Action::Wait(time) => {
                    sleep(time).await;
                    self.advance(Input::Done, None)
                }
                Action::Send(parts) => {
                    self.send_parts(parts).await;
                    self.advance(Input::Done, None)
                }
                Action::Handshake => match self.handshake().await {
                    Some(input) => self.advance(input, None),
                    None => return Driven::Over,
                },
                Action::UpdateKeys => {
                    self.channel.update_keys().await;
                    self.advance(Input::Done, None)
                }
                Action::MakeVerifier(iterations) => {
                    let verifier = self.core.verifier(iterations).await;
                    self.advance(Input::Verifier(verifier), None)
                }
                Action::Session => return Driven::Session,
                Action::Reject(parts, report) => {
                    self.send_parts(parts).await;
                    self.send_report(report).await;
                    return self.close().await;
                }
                Action::Junk(report) => {
                    self.junk();
                    if let Some(report) = report {
                        self.send_report(report).await;
                    }
                    return self.close().await;
                }
                Action::Close => return self.close().await,
                Action::Reset => {
                    self.channel.reset();
                    return Driven::Over;
                }
                Action::Silence { listening } => {
                    self.channel.wait_without_end();
                    if listening {
                        self.listen_in_silence().await;
                    }
                    self.channel.wait_for_end().await;
                    return Driven::Over;
                }
            };
        }
    }

    /// Whether the client has more to say before it is asked.
    async fn speaks_unasked(&mut self) -> bool {
        let deadline = Deadline::after(HEAD_START);
        // What was read may be the beginning of a TLS record, and say nothing yet. Silence, bytes
        // and the end are all seen by whoever reads next.
        while self.channel.received().is_empty()
            && let Ok(Ok(())) = deadline.bound(self.channel.fill_within(Duration::MAX)).await
        {
        }
        !self.channel.received().is_empty()
    }

    /// Waits until something is there to be read.
    async fn anything(&mut self) -> Result<(), Gone> {
        while self.channel.received().is_empty() {
            self.channel.fill().await?;
        }
        Ok(())
    }
}
