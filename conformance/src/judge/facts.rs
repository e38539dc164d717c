//! What a verdict rests on: the transcript of one cell, what its client said, and what was asked of it.

use pgtls_mock_server::{
    RuleSpec,
    trace::{Event, Outcome, Trace},
    transcript::{Connection, Entry, EntryKind, Observation, Sender},
};

use super::{
    claim::Claim,
    leak::{Leak, Secrets},
};
use crate::{
    axes::{Axes, Sslmode},
    transcript::Position,
};

/// One cell as the judge is given it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Case<'a> {
    /// What was asked of server and client.
    pub axes: &'a Axes,
    /// What the server saw.
    pub observation: &'a Observation,
    /// What the client said.
    pub claim: &'a Claim,
    /// What only this cell's client and server know.
    pub secrets: &'a Secrets,
    /// What happened to the bytes on the wire.
    pub wire: &'a [RuleSpec],
}

impl<'a> Case<'a> {
    /// A cell on a wire that passes every byte at once.
    #[must_use]
    pub const fn new(
        axes: &'a Axes,
        observation: &'a Observation,
        claim: &'a Claim,
        secrets: &'a Secrets,
    ) -> Self {
        Self { axes, observation, claim, secrets, wire: &[] }
    }

    /// The same on a wire with these rules.
    #[must_use]
    pub const fn on_wire(mut self, wire: &'a [RuleSpec]) -> Self {
        self.wire = wire;
        self
    }
}

/// A case, and what several verdicts ask of it.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) case: Case<'a>,
    /// The trace, its outcome being `hang` or `crash` where the client's was.
    pub(super) trace: Trace,
    /// Where the password, or something computed from it, came unencrypted.
    pub(super) plaintext_password: Vec<Position>,
}

/// What a message travelled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Clear,
    Tls,
    Either,
}

impl<'a> Facts<'a> {
    pub(super) fn of(case: Case<'a>) -> Self {
        let mut trace = case.observation.trace.clone();
        match case.claim {
            Claim::Hang => trace.outcome = Outcome::Hang,
            Claim::Crash => trace.outcome = Outcome::Crash,
            _ => {}
        }
        let mut facts = Self { case, trace, plaintext_password: Vec::new() };
        facts.plaintext_password = facts.find_plaintext_password();
        facts
    }

    /// Whether the mode demands encryption.
    pub(super) fn demands_tls(&self) -> bool {
        self.verifies() || self.case.axes.effective_sslmode() == Sslmode::Require
    }

    /// Whether the mode demands that the certificate's chain be verified.
    pub(super) fn verifies(&self) -> bool {
        matches!(self.case.axes.effective_sslmode(), Sslmode::VerifyCa | Sslmode::VerifyFull)
    }

    /// Every entry with its position.
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = (Position, &'a Entry)> {
        self.connections().flat_map(|(connection, it)| {
            let entries = it.entries.iter().enumerate();
            entries.map(move |(entry, it)| (Position::entry(connection, entry), it))
        })
    }

    /// Every connection with its number.
    pub(super) fn connections(
        &self,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Connection)> + use<'a> {
        self.case.observation.connections.iter().enumerate()
    }

    /// Where the client sent such a message on such a channel.
    pub(super) fn sent(
        &self,
        channel: Channel,
        wanted: impl Fn(&EntryKind) -> bool,
    ) -> Vec<Position> {
        let fits = |entry: &Entry| match channel {
            Channel::Clear => !entry.encrypted,
            Channel::Tls => entry.encrypted,
            Channel::Either => true,
        };
        self.entries()
            .filter(|(_, entry)| {
                entry.sender == Sender::Client && fits(entry) && wanted(&entry.what)
            })
            .map(|(position, _)| position)
            .collect()
    }

    /// Where a StartupMessage came on such a channel.
    pub(super) fn startup(&self, channel: Channel) -> Vec<Position> {
        self.sent(channel, |what| matches!(what, EntryKind::Startup { .. }))
    }

    /// Where the query came.
    pub(super) fn query(&self) -> Vec<Position> {
        self.sent(Channel::Either, |what| matches!(what, EntryKind::Query(_)))
    }

    /// A login inside TLS succeeded, so that its cancel key was kept secret.
    pub(super) fn has_encrypted_session(&self) -> bool {
        self.entries()
            .any(|(_, entry)| entry.encrypted && entry.what == EntryKind::Event(Event::AuthOk))
    }

    /// The last message of the client. A farewell is none: whether it still arrives is chance.
    pub(super) fn last_message(&self) -> Option<Position> {
        let is_message = |entry: &Entry| {
            entry.sender == Sender::Client
                && !matches!(
                    entry.what,
                    EntryKind::Event(_)
                        | EntryKind::Alert(_)
                        | EntryKind::SessionBroken(_)
                        | EntryKind::Frontend { tag: b'X', .. }
                        | EntryKind::Closed
                        | EntryKind::Reset
                        | EntryKind::TimedOut
                )
        };
        self.entries().rfind(|(_, entry)| is_message(entry)).map(|(position, _)| position)
    }

    /// Whether the wire was told to lose bytes or to end, so that an answer may not have arrived.
    pub(super) fn wire_is_cut(&self) -> bool {
        self.case.wire.iter().any(cuts)
    }

    /// Whether the client did more than a server keeps of it, so that something may be missing.
    pub(super) fn transcript_is_incomplete(&self) -> bool {
        self.case.observation.forgotten > 0
            || self.connections().any(|(_, it)| it.forgotten > 0 || it.clear_forgotten > 0)
    }

    /// A challenge of one connection may be answered on another one.
    fn find_plaintext_password(&self) -> Vec<Position> {
        let challenges: Vec<_> =
            self.connections().flat_map(|(_, it)| it.challenges.iter().cloned()).collect();
        let leak = Leak::new(self.case.secrets, &challenges);
        self.connections().flat_map(|(number, it)| plaintext_password(number, it, &leak)).collect()
    }
}

/// Segments and short delays lose nothing.
fn cuts(rule: &RuleSpec) -> bool {
    !matches!(
        rule,
        RuleSpec::SplitInbound { .. }
            | RuleSpec::SplitOutbound { .. }
            | RuleSpec::DelayInbound { .. }
            | RuleSpec::DelayOutbound { .. }
    )
}

/// Where on a connection the password, or something computed from it, came unencrypted: in a proof, in
/// the names of a ClientHello, or anywhere in the bytes outside of TLS. What cannot be told to be in
/// one message may be in any of them.
fn plaintext_password(number: usize, connection: &Connection, leak: &Leak) -> Vec<Position> {
    let sent_in_clear = |wanted: &dyn Fn(&EntryKind) -> bool| -> Vec<Position> {
        let fits = |entry: &Entry| {
            entry.sender == Sender::Client && !entry.encrypted && wanted(&entry.what)
        };
        let entries = connection.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| fits(entry))
            .map(|(entry, _)| Position::entry(number, entry))
            .collect()
    };
    let is_proof = |what: &EntryKind| matches!(what, EntryKind::Proof(proof) if proof.reveals());
    let names: Vec<&String> =
        connection.tls.iter().flat_map(|tls| tls.sni.iter().chain(&tls.alpn_offered)).collect();
    let is_named = names.into_iter().any(|name| leak.is_in(name.as_bytes()));
    if !is_named && !leak.is_in(&connection.clear_from_client) {
        return sent_in_clear(&is_proof);
    }
    let shows = |what: &EntryKind| match what {
        EntryKind::ClientHello => is_named,
        EntryKind::Startup { parameters, .. } => {
            let mut texts = parameters.iter().flat_map(|(name, value)| [name, value]);
            texts.any(|text| leak.is_in(text.as_bytes()))
        }
        EntryKind::Junk(bytes) => leak.is_in(bytes),
        what => is_proof(what),
    };
    let is_message = |what: &EntryKind| !matches!(what, EntryKind::Event(_) | EntryKind::Closed);
    [sent_in_clear(&shows), sent_in_clear(&is_message)]
        .into_iter()
        .find(|positions| !positions.is_empty())
        .unwrap_or_else(|| vec![Position::connection(number)])
}

#[cfg(test)]
pub(super) mod tests {
    use pgtls_mock_server::transcript::{Challenge, Proof};

    use super::*;

    /// Secrets of a cell that nobody drew.
    pub(in crate::judge) fn secrets() -> Secrets {
        Secrets {
            user: "any".to_owned(),
            password: "canary0123456789abcdef".to_owned(),
            clear_text: "spoofed0123456789abcdef".to_owned(),
            number: 4711,
        }
    }

    /// An entry of no size, at no time.
    pub(in crate::judge) fn entry(sender: Sender, encrypted: bool, what: EntryKind) -> Entry {
        Entry { at: std::time::Duration::ZERO, sender, encrypted, size: 1, what }
    }

    /// What was seen on these connections.
    pub(in crate::judge) fn observation(connections: Vec<Connection>) -> Observation {
        Observation { connections, ..Observation::default() }
    }

    /// A connection with these entries.
    pub(in crate::judge) fn connection(entries: Vec<Entry>) -> Connection {
        Connection { entries, ..Connection::default() }
    }

    fn plaintext_password(connections: Vec<Connection>) -> Vec<Position> {
        let (axes, secrets, observation) = (Axes::default(), secrets(), observation(connections));
        let claim = Claim::Failed(String::new());
        Facts::of(Case::new(&axes, &observation, &claim, &secrets)).plaintext_password
    }

    fn md5_hex(bytes: &[u8]) -> Vec<u8> {
        use md5::Digest as _;
        crate::judge::spelling::hex(&md5::Md5::digest(bytes))
    }

    #[test]
    fn a_challenge_of_one_connection_is_answered_on_another() {
        let stored = md5_hex(b"canary0123456789abcdefany");
        let response = md5_hex(&[stored.as_slice(), &[1, 2, 3, 4]].concat());
        let asked = Connection {
            challenges: vec![Challenge::Md5Salt([1, 2, 3, 4])],
            ..Connection::default()
        };
        let answered = Connection { clear_from_client: response, ..Connection::default() };
        assert_eq!(plaintext_password(vec![asked, answered.clone()]), [Position::connection(1)]);
        assert_eq!(plaintext_password(vec![answered]), []);
    }

    #[test]
    fn a_leak_is_laid_to_the_message_that_shows_it() {
        let startup = |value: &str| {
            let parameters = vec![("options".to_owned(), value.to_owned())];
            entry(Sender::Client, false, EntryKind::Startup { protocol: (3, 0), parameters })
        };
        let request = || entry(Sender::Client, false, EntryKind::SslRequest);
        let clear_from_client = secrets().password.into_bytes();
        let of = |entries: Vec<Entry>| {
            let clear_from_client = clear_from_client.clone();
            plaintext_password(vec![Connection {
                entries,
                clear_from_client,
                ..Connection::default()
            }])
        };
        let shown = of(vec![request(), startup(&secrets().password)]);
        assert_eq!(shown, [Position::entry(0, 1)]);
        let unclear = of(vec![request(), startup("none")]);
        assert_eq!(unclear, [Position::entry(0, 0), Position::entry(0, 1)]);
        let proof = EntryKind::Proof(Proof::Password { right: true });
        let proven = of(vec![request(), entry(Sender::Client, false, proof)]);
        assert_eq!(proven, [Position::entry(0, 1)]);
    }
}
