//! The reference: libpq's documented and measured behaviour, a pure and total function from axes
//! to a trace.
//!
//! It plays a model of the client against a model of the server, one connection after the
//! other. It knows nothing of what a stack supports, and shares no code with the connector.

mod client;
mod server;
mod version;

use std::collections::VecDeque;

use pgtls_mock_server::trace::{Event, Outcome, Trace};

pub use self::version::{ParseVersionError, Version};
use self::{
    client::{Client, Method},
    server::{Handshake, Login, Negotiated},
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
    let Some(client) = Client::configure(axes, version) else {
        return Trace::default();
    };
    let mut trace = Trace::default();
    connect(&client, axes, &mut trace);
    if axes.then == Then::Cancel && trace.outcome.is_connected() {
        cancel(&client, axes, &mut trace);
    }
    trace
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

fn connect(client: &Client, axes: &Axes, trace: &mut Trace) {
    let mut methods: VecDeque<Method> = client.methods().into();
    while let Some(method) = methods.pop_front() {
        let mut events = Vec::new();
        let end = match method {
            Method::Plain => login(client, axes, Channel::Plain, &mut events),
            Method::Ssl if client.direct => direct(client, axes, &mut events),
            Method::Ssl => ssl_request(client, axes, &mut methods, &mut events),
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

/// What the StartupMessage travels on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Plain,
    /// Plaintext, and behind the server's `N` came a login that looks complete.
    StuffedPlain,
    Tls,
}

fn ssl_request(
    client: &Client,
    axes: &Axes,
    methods: &mut VecDeque<Method>,
    events: &mut Vec<Event>,
) -> End {
    let (event, negotiated) = server::answer_to_ssl_request(axes.server.reply);
    events.extend(event);
    match negotiated {
        Negotiated::Tls { stuffed } => match handshake(client, axes) {
            // Without a root file to verify with, libpq goes no further than the `S`.
            Step::NotEvenBegun | Step::TimedOut => End::Fail,
            Step::Failed => End::NextMethod,
            // CVE-2021-23222: what lies in the buffer from before the handshake is an attack.
            Step::Done | Step::DoneButRejectedByServer if stuffed => End::Fail,
            // The server's side of the handshake failed: a StartupMessage behind it is never read.
            Step::DoneButRejectedByServer => End::Fail,
            Step::Done if !client.accepts_name(axes) => End::Fail,
            Step::Done => login(client, axes, Channel::Tls, events),
        },
        Negotiated::Plain { stuffed } => {
            let next_is_plain = methods.front() == Some(&Method::Plain);
            if next_is_plain || client.takes_no_for_plaintext() {
                methods.clear();
                login(
                    client,
                    axes,
                    if stuffed { Channel::StuffedPlain } else { Channel::Plain },
                    events,
                )
            } else {
                End::Fail
            }
        }
        Negotiated::Nothing => End::Fail,
    }
}

fn direct(client: &Client, axes: &Axes, events: &mut Vec<Event>) -> End {
    let step = handshake(client, axes);
    if matches!(step, Step::NotEvenBegun) {
        return End::Fail;
    }
    let accepted = matches!(step, Step::Done) && server::accepts_direct_tls(axes.server.reply);
    if !accepted {
        events.extend(server::events_of_rejected_direct_tls(axes.server.reply));
        return End::Fail;
    }
    events.push(Event::DirectSslAccept);
    if client.accepts_name(axes) { login(client, axes, Channel::Tls, events) } else { End::Fail }
}

/// How far a handshake gets.
enum Step {
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

fn handshake(client: &Client, axes: &Axes) -> Step {
    if client.lacks_root_file() {
        return Step::NotEvenBegun;
    }
    match server::handshake(&axes.server) {
        Handshake::Broken => Step::Failed,
        Handshake::Silent => Step::TimedOut,
        Handshake::Honest if !client.accepts_chain(axes) => Step::Failed,
        Handshake::Honest => match server::client_certificate_rejected(axes) {
            Some(server::Rejection::DuringHandshake) => Step::Failed,
            Some(server::Rejection::AfterHandshake) => Step::DoneButRejectedByServer,
            None => Step::Done,
        },
    }
}

fn login(client: &Client, axes: &Axes, channel: Channel, events: &mut Vec<Event>) -> End {
    let encrypted = channel == Channel::Tls;
    let verdict = server::login(&axes.server, encrypted, axes.client_cert);
    if channel == Channel::StuffedPlain {
        // The login looks done, unless it had to be bound; the query comes where the server
        // waits for a password.
        let asked = matches!(verdict, Login::Asks(_));
        events.push(if client.requires_binding() && asked {
            Event::AuthQuit
        } else {
            Event::AuthFail
        });
        return End::Fail;
    }
    match verdict {
        Login::Rejected => {
            events.push(Event::AuthFail);
            End::NextMethod
        }
        Login::Granted => {
            events.push(Event::AuthOk);
            if client.requires_binding() { End::Fail } else { connected(encrypted) }
        }
        Login::Asks(proof) => {
            if client.can_prove(proof, axes.server.key, encrypted) {
                events.push(Event::AuthOk);
                connected(encrypted)
            } else {
                events.push(Event::AuthQuit);
                End::Fail
            }
        }
    }
}

fn connected(encrypted: bool) -> End {
    End::Connected(if encrypted { Outcome::Ssl } else { Outcome::Plain })
}

/// `PQcancelBlocking` (libpq 17 and later) goes the way of the connection; `PQcancel` before it
/// was always in plaintext.
fn cancel(client: &Client, axes: &Axes, trace: &mut Trace) {
    if !client.cancels_over_tls() {
        trace.connections.push(vec![Event::Cancel]);
        return;
    }
    // The server decides by nothing but the negotiation, so no later step can fail.
    let mut methods: VecDeque<Method> = client.methods().into();
    while let Some(method) = methods.pop_front() {
        let mut events = Vec::new();
        let mut done = true;
        match method {
            Method::Plain => events.push(Event::Cancel),
            Method::Ssl if client.direct => events.extend([Event::DirectSslAccept, Event::Cancel]),
            Method::Ssl => {
                let (event, negotiated) = server::answer_to_ssl_request(axes.server.reply);
                events.extend(event);
                match negotiated {
                    Negotiated::Tls { stuffed: false } => match handshake(client, axes) {
                        Step::Done => events.push(Event::Cancel),
                        Step::Failed => done = false,
                        _ => {}
                    },
                    Negotiated::Plain { .. } if methods.front() == Some(&Method::Plain) => {
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
