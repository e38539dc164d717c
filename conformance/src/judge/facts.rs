//! What a verdict rests on: the transcript of one cell, what its client said, and what was asked of it.

use std::{borrow::Cow, time::Duration};

use pgtls_mock_server::{
    RuleSpec,
    trace::{Event, Outcome, Trace},
    transcript::{Connection, Entry, EntryKind, Sender},
};

use super::{case::Case, claim::Claim, exposure::plaintext_password};
use crate::{
    axes::{Axes, ServerAxes, Sslmode},
    transcript::Position,
};

/// A case, and what several verdicts ask of it.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) case: Case<'a>,
    /// The trace, its outcome being `hang` or `crash` where the client's was.
    pub(super) trace: Trace,
    /// Where the password, or something computed from it, came unencrypted.
    pub(super) plaintext_password: Vec<Position>,
}

/// How long a client may take to notice that the server has ended the connection: far longer than any
/// does on a busy machine.
const TIME_TO_NOTICE: Duration = Duration::from_secs(2);

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
        let plaintext_password = plaintext_password(case.observation, case.secrets);
        Self { case, trace, plaintext_password }
    }

    /// Whether the mode demands encryption.
    pub(super) fn demands_tls(&self) -> bool {
        self.verifies() || self.case.axes.effective_sslmode() == Sslmode::Require
    }

    /// Whether the mode demands that the certificate's chain be verified.
    pub(super) fn verifies(&self) -> bool {
        matches!(self.case.axes.effective_sslmode(), Sslmode::VerifyCa | Sslmode::VerifyFull)
    }

    /// The axes, with the certificate that the server shows on the connection of that number.
    pub(super) fn axes_of(&self, connection: usize) -> Cow<'a, Axes> {
        let axes = self.case.axes;
        let shown = self.case.script.and_then(|script| script.on_connection(connection as u64));
        match shown {
            Some(shown) if shown.tls.certificate != axes.server.certificate => {
                let server = ServerAxes { certificate: shown.tls.certificate, ..axes.server };
                Cow::Owned(Axes { server, ..axes.clone() })
            }
            _ => Cow::Borrowed(axes),
        }
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

    /// The last message of the client. Terminate is none: whether it still arrives is chance.
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

    /// Whether the client may fail behind its query, or wait for an answer, through no fault of its
    /// own: the wire was told to lose bytes or to end, or a script decides what is answered.
    pub(super) fn answer_may_be_missing(&self) -> bool {
        self.case.script.is_some() || self.case.wire.iter().any(cuts)
    }

    /// Whether the client may still wait for the server: for an answer behind its login, on a connection
    /// that the server has left open, or whose end the wire may have swallowed.
    pub(super) fn may_wait(&self) -> bool {
        let is_left_open = |connection: &Connection| {
            let end = connection.entries.iter().rfind(|entry| {
                entry.sender == Sender::Server
                    && matches!(entry.what, EntryKind::Closed | EntryKind::Reset)
            });
            let was_long_ago = |end: &Entry| {
                self.case.elapsed.is_none_or(|elapsed| end.at + TIME_TO_NOTICE < elapsed)
            };
            !end.is_some_and(was_long_ago)
        };
        let connections = &self.case.observation.connections;
        let is_served = self.case.script.is_some() && connections.iter().any(is_left_open);
        let asks =
            |what: &EntryKind| matches!(what, EntryKind::Query(_) | EntryKind::Frontend { .. });
        let has_asked = || !self.sent(Channel::Either, asks).is_empty();
        (is_served && self.has_been_served()) || (self.case.wire.iter().any(cuts) && has_asked())
    }

    /// Whether the client may have been given another answer than the server sent: the wire was told to
    /// change bytes, and no TLS shows that it did.
    pub(super) fn answer_may_be_changed(&self) -> bool {
        self.trace.outcome == Outcome::Plain && self.case.wire.iter().any(changes)
    }

    /// Whether a login came to its end, or the client believes so: it has asked for something, or was told
    /// that it may.
    fn has_been_served(&self) -> bool {
        self.connections().any(|(_, connection)| {
            let mut entries = connection.entries.iter();
            let let_in = entries.any(|entry| entry.what == EntryKind::Event(Event::AuthOk));
            let_in
                && entries.any(|entry| {
                    matches!(
                        entry.what,
                        EntryKind::Query(_)
                            | EntryKind::Frontend { .. }
                            | EntryKind::Backend { tag: b'Z', .. }
                    )
                })
        })
    }

    /// How many bytes the server has sent, TLS's own aside; none where not all of it was kept.
    pub(super) fn sent_by_server(&self) -> Option<usize> {
        let sent = self.entries().filter(|(_, entry)| entry.sender == Sender::Server);
        let sent = sent.map(|(_, entry)| entry.size).sum();
        (!self.transcript_is_incomplete()).then_some(sent)
    }

    /// Whether the client did more than a server keeps of it, so that something may be missing.
    pub(super) fn transcript_is_incomplete(&self) -> bool {
        self.case.observation.forgotten > 0
            || self.connections().any(|(_, it)| it.forgotten > 0 || it.clear_forgotten > 0)
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
            | RuleSpec::CoalesceInbound { .. }
            | RuleSpec::CoalesceOutbound { .. }
            | RuleSpec::JitterInbound { .. }
            | RuleSpec::JitterOutbound { .. }
    )
}

/// What the client receives is not what was sent, and goes on.
fn changes(rule: &RuleSpec) -> bool {
    matches!(rule, RuleSpec::CorruptOutbound { .. } | RuleSpec::DuplicateOutbound { .. })
}
