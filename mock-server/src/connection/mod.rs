//! One connection, from its acceptance to its end: the rim of sockets around the machine.

mod channel;
mod drive;
mod follow;
mod log;
mod message;
mod negotiation;
mod session;
mod state;
mod unexpected;

use self::{channel::Bound, state::Driven};
pub(crate) use self::{
    channel::Channel,
    log::Log,
    state::{Met, OpenConnection},
};

impl OpenConnection {
    /// Serves the client until it leaves, or has to.
    pub(crate) async fn run(&mut self) {
        if self.drive().await == Driven::Session {
            self.serve_session().await;
        }
        // Whatever was waited for: a client that is still there is left in good order.
        if self.channel.ended_by() == Some(Bound::Silent) {
            self.channel.close().await;
        }
    }
}
