//! The negotiation as a function: what comes before the login, and what the reply axis makes of it.

use crate::{
    axes::Reply,
    protocol::startup::{Packet, StartupMessage},
    trace::Event,
};

/// The byte of `garbage`: none of S, N, E, and the start of no TLS record.
pub(crate) const GARBAGE: u8 = b'?';

/// What the client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A first packet.
    Packet(Packet),
    /// The first byte of a TLS record.
    Tls,
    /// Bytes that cannot become either.
    Neither,
}

/// What to do about it, in this order: log, send in one segment, go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) event: Option<Event>,
    pub(crate) send: Vec<Piece>,
    pub(crate) next: Next,
}

/// Bytes to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// One byte of negotiation.
    Byte(u8),
    /// Plaintext AuthenticationOk, ParameterStatus and ReadyForQuery.
    Stuffing,
    /// An ErrorResponse, as an honest server would send on a bad day.
    Error,
    /// A fatal handshake_failure alert.
    Alert,
    /// Bytes that are not TLS.
    NotTls,
}

/// How it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another first packet may come.
    Listen,
    /// The login begins.
    Login(StartupMessage),
    /// TLS, without an SSLRequest if `direct`.
    Tls { direct: bool, play: Play },
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Nothing more is sent, whatever comes.
    Silence,
    /// The bytes are logged, and the connection ends.
    Junk,
    /// The same, but first the client is told.
    Unsupported,
}

/// What the server makes of the ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Play {
    /// An honest handshake.
    Honest,
    /// Plaintext as soon as the ClientHello begins to arrive, then an honest handshake.
    StuffLate,
    /// Once the ClientHello is complete: these events, these bytes, this end.
    Spoil { events: Vec<Event>, send: Vec<Piece>, end: End },
}

/// How the server leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// It does not, but says nothing.
    Silence,
}

/// Where the negotiation stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Negotiation {
    reply: Reply,
    fresh: bool,
    ssl_done: bool,
    gss_done: bool,
}

impl Negotiation {
    /// The start of a connection.
    pub(crate) const fn new(reply: Reply) -> Self {
        Self { reply, fresh: true, ssl_done: false, gss_done: false }
    }

    /// The start inside TLS, where no encryption can be asked for any more.
    pub(crate) const fn inside_tls(reply: Reply) -> Self {
        Self { reply, fresh: false, ssl_done: true, gss_done: true }
    }

    /// Takes what came, and says what to do.
    ///
    /// As PostgreSQL's `ProcessStartupPacket`: each kind of encryption may be asked for once, and
    /// TLS without being asked for only by the connection's very first byte.
    pub(crate) fn take(&mut self, arrival: Arrival) -> Step {
        let fresh = std::mem::replace(&mut self.fresh, false);
        match arrival {
            Arrival::Packet(Packet::SslRequest) if !self.ssl_done => {
                self.ssl_done = true;
                answer_ssl_request(self.reply)
            }
            Arrival::Packet(Packet::GssEncRequest) if !self.gss_done => {
                self.gss_done = true;
                step(Some(Event::GssReject), [Piece::Byte(b'N')], Next::Listen)
            }
            Arrival::Packet(Packet::SslRequest | Packet::GssEncRequest) => {
                step(Some(Event::Junk), [], Next::Unsupported)
            }
            Arrival::Packet(Packet::Startup(startup)) => step(None, [], Next::Login(startup)),
            // Whether there is such a session, and the key is its own, is told to nobody.
            Arrival::Packet(Packet::Cancel(_)) => step(Some(Event::Cancel), [], Next::Close),
            Arrival::Tls if fresh => {
                let play = answer_client_hello(self.reply);
                step(None, [], Next::Tls { direct: true, play })
            }
            Arrival::Tls | Arrival::Neither => step(Some(Event::Junk), [], Next::Junk),
        }
    }
}

fn step<const N: usize>(event: Option<Event>, send: [Piece; N], next: Next) -> Step {
    Step { event, send: send.to_vec(), next }
}

fn answer_ssl_request(reply: Reply) -> Step {
    use Piece::{Byte, Stuffing};

    let tls = |play| Next::Tls { direct: false, play };
    let spoil = |send: &[Piece], end| {
        let play = Play::Spoil { events: vec![], send: send.to_vec(), end };
        step(Some(Event::SslAccept), [Byte(b'S')], tls(play))
    };
    match reply {
        Reply::Accept => step(Some(Event::SslAccept), [Byte(b'S')], tls(Play::Honest)),
        Reply::Refuse => step(Some(Event::SslReject), [Byte(b'N')], Next::Listen),
        Reply::Error => step(Some(Event::BackendError), [Piece::Error], Next::Close),
        Reply::Garbage => step(Some(Event::SslReject), [Byte(GARBAGE)], Next::Listen),
        Reply::Close => step(None, [], Next::Close),
        Reply::Reset => step(None, [], Next::Reset),
        Reply::Silent => step(None, [], Next::Silence),
        Reply::Stuffed => step(Some(Event::SslAccept), [Byte(b'S'), Stuffing], tls(Play::Honest)),
        Reply::StuffedLate => step(Some(Event::SslAccept), [Byte(b'S')], tls(Play::StuffLate)),
        Reply::RefuseStuffed => step(Some(Event::SslReject), [Byte(b'N'), Stuffing], Next::Listen),
        Reply::TlsAlert => spoil(&[Piece::Alert], End::Close),
        Reply::TlsGarbage => spoil(&[Piece::NotTls], End::Close),
        Reply::TlsSilent => spoil(&[], End::Silence),
        Reply::TlsClose => spoil(&[], End::Close),
    }
}

/// Whether the reply ever comes to a handshake, for which there must be a certificate.
pub(crate) fn shakes_hands(reply: Reply) -> bool {
    let asked = match answer_ssl_request(reply).next {
        Next::Tls { play, .. } => Some(play),
        _ => None,
    };
    let plays = [asked, Some(answer_client_hello(reply))];
    plays.into_iter().flatten().any(|play| matches!(play, Play::Honest | Play::StuffLate))
}

/// Without an SSLRequest the hostile bytes come without the `S`, and none of it counts as accepted.
fn answer_client_hello(reply: Reply) -> Play {
    use Piece::{Byte, Stuffing};

    let spoil = |send: &[Piece], end| Play::Spoil {
        events: vec![Event::DirectSslReject],
        send: send.to_vec(),
        end,
    };
    match reply {
        Reply::Accept => Play::Honest,
        Reply::Error => Play::Spoil {
            events: vec![Event::DirectSslReject, Event::BackendError],
            send: vec![Piece::Error],
            end: End::Close,
        },
        Reply::Refuse | Reply::Close | Reply::TlsClose => spoil(&[], End::Close),
        Reply::Garbage => spoil(&[Byte(GARBAGE)], End::Close),
        Reply::Reset => spoil(&[], End::Reset),
        Reply::Silent | Reply::TlsSilent => spoil(&[], End::Silence),
        Reply::Stuffed | Reply::StuffedLate => spoil(&[Stuffing], End::Close),
        Reply::RefuseStuffed => spoil(&[Byte(b'N'), Stuffing], End::Close),
        Reply::TlsAlert => spoil(&[Piece::Alert], End::Close),
        Reply::TlsGarbage => spoil(&[Piece::NotTls], End::Close),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::startup::CancelRequest;

    fn ssl_request(reply: Reply) -> (Negotiation, Step) {
        let mut negotiation = Negotiation::new(reply);
        let step = negotiation.take(Arrival::Packet(Packet::SslRequest));
        (negotiation, step)
    }

    fn startup() -> StartupMessage {
        StartupMessage::new((3, 0), &[])
    }

    /// The contract's table, row by row.
    #[test]
    fn the_answer_to_an_ssl_request() {
        use Event::{BackendError, SslAccept, SslReject};
        for &reply in Reply::ALL {
            let (first, event) = match reply {
                Reply::Accept
                | Reply::Stuffed
                | Reply::StuffedLate
                | Reply::TlsAlert
                | Reply::TlsGarbage
                | Reply::TlsSilent
                | Reply::TlsClose => (Some(Piece::Byte(b'S')), Some(SslAccept)),
                Reply::Refuse | Reply::RefuseStuffed => (Some(Piece::Byte(b'N')), Some(SslReject)),
                Reply::Garbage => (Some(Piece::Byte(GARBAGE)), Some(SslReject)),
                Reply::Error => (Some(Piece::Error), Some(BackendError)),
                Reply::Close | Reply::Reset | Reply::Silent => (None, None),
            };
            let (_, step) = ssl_request(reply);
            assert_eq!(step.send.first(), first.as_ref(), "{reply}");
            assert_eq!(step.event, event, "{reply}");
            assert_eq!(
                step.send.get(1).is_some(),
                matches!(reply, Reply::Stuffed | Reply::RefuseStuffed),
                "{reply}"
            );
            let goes_on = matches!(step.next, Next::Listen);
            assert_eq!(goes_on, event == Some(SslReject), "{reply}");
        }
    }

    #[test]
    fn whoever_says_s_and_does_not_spoil_it_shakes_hands() {
        let shaking = [Reply::Accept, Reply::Stuffed, Reply::StuffedLate];
        for &reply in Reply::ALL {
            assert_eq!(shakes_hands(reply), shaking.contains(&reply), "{reply}");
        }
    }

    #[test]
    fn only_accept_ever_accepts_a_direct_client_hello() {
        for &reply in Reply::ALL {
            let step = Negotiation::new(reply).take(Arrival::Tls);
            let Next::Tls { direct: true, play } = step.next else {
                panic!("{reply}: {:?}", step.next)
            };
            assert_eq!((step.event, step.send), (None, vec![]), "{reply}");
            match play {
                Play::Honest => assert_eq!(reply, Reply::Accept),
                Play::StuffLate => panic!("{reply}: no handshake follows"),
                Play::Spoil { events, send, .. } => {
                    assert_eq!(events[0], Event::DirectSslReject, "{reply}");
                    assert_ne!(send.first(), Some(&Piece::Byte(b'S')), "{reply}");
                }
            }
        }
    }

    #[test]
    fn each_request_may_come_once_and_tls_only_first() {
        let (mut negotiation, _) = ssl_request(Reply::Refuse);
        let again = negotiation.take(Arrival::Packet(Packet::SslRequest));
        assert_eq!((again.event, again.next), (Some(Event::Junk), Next::Unsupported));
        let hello = negotiation.take(Arrival::Tls);
        assert_eq!((hello.event, hello.next), (Some(Event::Junk), Next::Junk));
        let gss = negotiation.take(Arrival::Packet(Packet::GssEncRequest));
        assert_eq!((gss.event, gss.send), (Some(Event::GssReject), vec![Piece::Byte(b'N')]));
        let login = negotiation.take(Arrival::Packet(Packet::Startup(startup())));
        assert_eq!((login.event, login.next), (None, Next::Login(startup())));
    }

    #[test]
    fn inside_tls_there_is_only_login_and_cancel() {
        for &reply in Reply::ALL {
            for arrival in [
                Arrival::Packet(Packet::SslRequest),
                Arrival::Packet(Packet::GssEncRequest),
                Arrival::Tls,
                Arrival::Neither,
            ] {
                let step = Negotiation::inside_tls(reply).take(arrival.clone());
                assert_eq!(step.event, Some(Event::Junk), "{reply} {arrival:?}");
            }
            let request = CancelRequest { process_id: 1, key: vec![1; 4] };
            let step =
                Negotiation::inside_tls(reply).take(Arrival::Packet(Packet::Cancel(request)));
            assert_eq!((step.event, step.next), (Some(Event::Cancel), Next::Close));
        }
    }
}
