//! The reference: libpq's documented and measured behaviour, a pure and total function from axes
//! to a trace.
//!
//! It plays a model of the client against a model of the server, one connection after the
//! other. It knows nothing of what a stack supports, and shares no code with the connector.

mod client;
mod server;
mod version;

use std::collections::VecDeque;

use pgtls_mock_server::{
    script::{
        Script,
        outline::{Answer, Handshake},
    },
    trace::{Event, Outcome, Trace},
};

pub use self::version::{ParseVersionError, Version};
use self::{
    client::{Client, Method},
    server::{LoginAnswer, Rejection, Server},
};
use crate::axes::{Axes, Then};

/// What the server sees of libpq under these settings.
///
/// ```
/// use pgtls_conformance::{axes::Axes, reference};
///
/// let axes: Axes = "certificate=expired,sslmode=prefer,sslrootcert=right".parse()?;
/// let trace = reference::predict(&axes, reference::Version::default());
/// assert_eq!(trace.to_string(), "connect, sslaccept, reconnect, authok -> plain");
/// # Ok::<(), pgtls_conformance::Error>(())
/// ```
#[must_use]
pub fn predict(axes: &Axes, version: Version) -> Trace {
    predict_against(&Script::of(&axes.server), axes, version)
}

/// What a server that does as `script` has it sees of libpq under the client's settings, as far as
/// that can be read off the script without running it: its answers before the login, and which proof
/// it asks for.
#[must_use]
pub fn predict_against(script: &Script, axes: &Axes, version: Version) -> Trace {
    let Some(client) = Client::configure(axes, version) else {
        return Trace::default();
    };
    let server = Server::of(script, 0, axes);
    let mut call = Call { client, script, server, axes };
    let mut trace = Trace::default();
    call.connect(&mut trace);
    if axes.then == Then::Cancel && trace.outcome.is_connected() {
        call.cancel(&mut trace);
    }
    trace
}

/// A client's call, and the server that it meets.
struct Call<'a> {
    client: Client,
    script: &'a Script,
    /// On the connection that is open.
    server: Server<'a>,
    axes: &'a Axes,
}

/// How one step on a connection ends for the call as a whole.
enum End {
    /// The query arrived.
    Connected(Outcome),
    /// Another connection, with the next method that the mode allows.
    NextMethod,
    /// The call fails, whatever methods are left.
    Fail,
}

/// What the StartupMessage travels on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Plain,
    /// Plaintext, and behind the server's `N` came a login that looks complete.
    InjectedPlain,
    Tls,
}

/// How far a handshake gets.
enum ClientHandshake {
    /// The client gives up before its ClientHello.
    NotEvenBegun,
    /// It fails on the client's side.
    Failed,
    /// Nothing comes.
    TimedOut,
    /// TLS 1.3: the client is done, and then the server rejects its certificate.
    DoneButRejectedByServer,
    /// It completes.
    Done,
}

fn connected(encrypted: bool) -> End {
    End::Connected(if encrypted { Outcome::Ssl } else { Outcome::Plain })
}

impl Call<'_> {
    fn connect(&mut self, trace: &mut Trace) {
        let mut methods: VecDeque<Method> = self.client.methods().into();
        while let Some(method) = methods.pop_front() {
            self.server = Server::of(self.script, trace.connections.len(), self.axes);
            let mut events = Vec::new();
            let end = match method {
                Method::Plain => self.login(Channel::Plain, &mut events),
                Method::Ssl if self.client.direct => self.direct(&mut events),
                Method::Ssl => self.ssl_request(&mut methods, &mut events),
            };
            trace.connections.push(events);
            match end {
                End::Connected(outcome) => {
                    trace.outcome = outcome;
                    return;
                }
                End::NextMethod => {}
                End::Fail => return,
            }
        }
    }

    fn ssl_request(&self, methods: &mut VecDeque<Method>, events: &mut Vec<Event>) -> End {
        let answer = self.server.answer_to_ssl_request();
        events.extend(answer.event());
        match answer {
            Answer::Accepted { injected } => match self.handshake(false) {
                // Without a root file to verify with, libpq goes no further than the `S`.
                ClientHandshake::NotEvenBegun | ClientHandshake::TimedOut => End::Fail,
                ClientHandshake::Failed => End::NextMethod,
                // CVE-2021-23222: what lies in the buffer from before the handshake is an attack.
                ClientHandshake::Done | ClientHandshake::DoneButRejectedByServer if injected => {
                    End::Fail
                }
                // The server's side of the handshake failed: a StartupMessage behind it is never read.
                ClientHandshake::DoneButRejectedByServer => End::Fail,
                ClientHandshake::Done if !self.client.accepts_name(self.axes) => End::Fail,
                ClientHandshake::Done => self.login(Channel::Tls, events),
            },
            Answer::Refused { injected } => {
                let next_is_plain = methods.front() == Some(&Method::Plain);
                if next_is_plain || self.client.takes_no_for_plaintext() {
                    methods.clear();
                    self.login(
                        if injected { Channel::InjectedPlain } else { Channel::Plain },
                        events,
                    )
                } else {
                    End::Fail
                }
            }
            _ => End::Fail,
        }
    }

    fn direct(&self, events: &mut Vec<Event>) -> End {
        let step = self.handshake(true);
        if matches!(step, ClientHandshake::NotEvenBegun) {
            return End::Fail;
        }
        let accepted = matches!(step, ClientHandshake::Done)
            && self.server.handshake(true) == Handshake::Honest;
        if !accepted {
            events.extend(self.server.events_of_rejected_direct_tls());
            return End::Fail;
        }
        events.push(Event::DirectSslAccept);
        if self.client.accepts_name(self.axes) {
            self.login(Channel::Tls, events)
        } else {
            End::Fail
        }
    }

    fn handshake(&self, direct: bool) -> ClientHandshake {
        if self.client.lacks_root_file() {
            return ClientHandshake::NotEvenBegun;
        }
        match self.server.handshake(direct) {
            Handshake::Silent => ClientHandshake::TimedOut,
            Handshake::Honest if !self.client.accepts_chain(self.axes) => ClientHandshake::Failed,
            Handshake::Honest => match self.server.rejects_client_certificate() {
                Some(Rejection::DuringHandshake) => ClientHandshake::Failed,
                Some(Rejection::AfterHandshake) => ClientHandshake::DoneButRejectedByServer,
                None => ClientHandshake::Done,
            },
            _ => ClientHandshake::Failed,
        }
    }

    fn login(&self, channel: Channel, events: &mut Vec<Event>) -> End {
        let encrypted = channel == Channel::Tls;
        let verdict = self.server.login(encrypted);
        if channel == Channel::InjectedPlain {
            // The login looks done, unless it had to be bound; the query comes where the server
            // waits for a password.
            let asked = matches!(verdict, LoginAnswer::Asks(_));
            events.push(if self.client.requires_binding() && asked {
                Event::AuthQuit
            } else {
                Event::AuthFail
            });
            return End::Fail;
        }
        match verdict {
            LoginAnswer::Rejected => {
                events.push(Event::AuthFail);
                End::NextMethod
            }
            LoginAnswer::Granted => {
                events.push(Event::AuthOk);
                if self.client.requires_binding() { End::Fail } else { connected(encrypted) }
            }
            LoginAnswer::Asks(proof) => {
                if self.client.can_prove(proof, self.axes.server.key, encrypted) {
                    events.push(Event::AuthOk);
                    connected(encrypted)
                } else {
                    events.push(Event::AuthQuit);
                    End::Fail
                }
            }
        }
    }

    /// `PQcancelBlocking` (libpq 17 and later) goes the way of the connection; `PQcancel` before it
    /// was always in plaintext.
    fn cancel(&mut self, trace: &mut Trace) {
        if !self.client.cancels_over_tls() {
            trace.connections.push(vec![Event::Cancel]);
            return;
        }
        // The server decides by nothing but the negotiation, so no later step can fail.
        let mut methods: VecDeque<Method> = self.client.methods().into();
        while let Some(method) = methods.pop_front() {
            self.server = Server::of(self.script, trace.connections.len(), self.axes);
            let mut events = Vec::new();
            let mut done = true;
            match method {
                Method::Plain => events.push(Event::Cancel),
                Method::Ssl if self.client.direct => {
                    events.extend([Event::DirectSslAccept, Event::Cancel]);
                }
                Method::Ssl => {
                    let answer = self.server.answer_to_ssl_request();
                    events.extend(answer.event());
                    match answer {
                        Answer::Accepted { injected: false } => match self.handshake(false) {
                            ClientHandshake::Done => events.push(Event::Cancel),
                            ClientHandshake::Failed => done = false,
                            _ => {}
                        },
                        Answer::Refused { .. } if methods.front() == Some(&Method::Plain) => {
                            events.push(Event::Cancel);
                        }
                        _ => {}
                    }
                }
            }
            trace.connections.push(events);
            if done {
                return;
            }
        }
    }
}
