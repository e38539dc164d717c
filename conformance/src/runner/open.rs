//! A cell that was answered and is still open: what its client does late belongs to it.

use std::time::Duration;

use pgtls_mock_server::{
    MockServer,
    transcript::{Connection, EntryKind, Observation, Sender},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    blank::Blank, cell_run::CellRun, checkout::AskedAgain, claim::Claimed, means::Shortage,
    question::Question, scrub::Scrubber, suspicion::WATCHED,
};
use crate::{
    judge::{Case, Claim, Judgement, Secrets, Usage, judge},
    results::{CellResult, Evidence, Observed, Tls},
    shim::ClientError,
};

/// How long behind the answer the server waits for connections that the client left open.
const GRACE: Duration = Duration::from_millis(1500);

/// A cell whose client has answered, or will not any more.
#[derive(Debug)]
pub(super) struct OpenCell<'a> {
    pub(super) blank: Blank<'a>,
    pub(super) question: Question<'a>,
    pub(super) secrets: Secrets,
    pub(super) scrubber: Scrubber,
    pub(super) server: MockServer,
    pub(super) claimed: Claimed,
    /// From the question to the answer.
    pub(super) elapsed: Duration,
    pub(super) answered: Instant,
    /// What it cost the client, as far as that is known.
    pub(super) usage: Option<Usage>,
}

impl OpenCell<'_> {
    /// Closes the cell once its process was asked again, though not before it was watched for a while,
    /// or has ended; and judges it.
    ///
    /// # Errors
    ///
    /// If the server itself failed: nothing follows from what it saw.
    pub(super) async fn close_behind(
        self,
        process: oneshot::Receiver<AskedAgain>,
    ) -> Result<CellRun, Shortage> {
        if process.await.is_ok() {
            sleep_until(self.answered + WATCHED).await;
        }
        self.close().await
    }

    /// Closes the cell, once connections that the client left open have ended or had their time; and
    /// judges it.
    ///
    /// # Errors
    ///
    /// If the server itself failed: nothing follows from what it saw.
    pub(super) async fn close(self) -> Result<CellRun, Shortage> {
        let (blank, question, usage) = (self.blank.clone(), self.question, self.usage);
        Ok(self.finish().await?.judged(&blank, question, usage))
    }

    /// Closes the cell, and leaves it to others to judge it.
    ///
    /// # Errors
    ///
    /// If the server itself failed: nothing follows from what it saw.
    pub(super) async fn finish(self) -> Result<ClosedCell, Shortage> {
        let Self { secrets, scrubber, server, claimed, elapsed, answered, .. } = self;
        let observation = server.finish(GRACE.saturating_sub(answered.elapsed())).await;
        let mut entries = observation.connections.iter().flat_map(|connection| &connection.entries);
        if entries.any(|entry| entry.what == EntryKind::ServerFailed) {
            return Err(Shortage::Other("the mock server failed".to_owned()));
        }
        Ok(ClosedCell { observation, secrets, scrubber, claimed, elapsed })
    }
}

/// A cell to which nothing more can come.
#[derive(Debug)]
pub(super) struct ClosedCell {
    observation: Observation,
    secrets: Secrets,
    pub(super) scrubber: Scrubber,
    claimed: Claimed,
    elapsed: Duration,
}

impl ClosedCell {
    /// What is to be said of it, beside what it cost.
    pub(super) fn judged(
        self,
        blank: &Blank<'_>,
        question: Question<'_>,
        usage: Option<Usage>,
    ) -> CellRun {
        let Self { observation, secrets, scrubber, claimed, elapsed } = self;
        let Claimed { claim, error, reason } = claimed;
        if let Claim::Unsupported(reason) = &claim
            && observation.connections.is_empty()
        {
            return blank.unsupported(scrubber.scrub(reason));
        }
        let axes = blank.axes;
        let case = Case::new(axes, &observation, &claim, &secrets)
            .fetching(question.fetch)
            .on_wire(&question.server.rules)
            .scripted(question.server.script.as_deref())
            .taking(elapsed)
            .costing(usage);
        let Judgement { trace, conformance, broken, warnings } = judge(case, &blank.expected);
        let error = error.map(|error| ClientError {
            class: scrubber.scrub(&error.class),
            message: scrubber.scrub(&error.message),
        });
        let mut observed = Observed::of(trace);
        observed.error = error;
        observed.tls = tls(&observation);
        observed.round_trips = round_trips(&observation);
        observed.elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let result = CellResult {
            observed: Some(observed),
            conformance,
            safety: broken.iter().map(|broken| broken.invariant).collect(),
            evidence: broken
                .iter()
                .map(|broken| Evidence::of(broken, |line| scrubber.scrub(line)))
                .collect(),
            warnings: warnings.into_iter().map(Into::into).collect(),
            reason: reason.map(|reason| scrubber.scrub(&reason)),
            ..blank.result()
        };
        CellRun { number: blank.number, result, observation }
    }
}

/// The session that carried the query, or else the last that there was.
fn tls(observation: &Observation) -> Option<Tls> {
    let carried = |connection: &&Connection| {
        connection.entries.iter().any(|entry| matches!(entry.what, EntryKind::Query(_)))
    };
    let connections = &observation.connections;
    let connection = connections
        .iter()
        .find(carried)
        .or_else(|| connections.iter().rev().find(|connection| connection.tls.is_some()))?;
    let facts = connection.tls.as_ref()?;
    Some(Tls {
        version: facts.version.clone(),
        cipher: facts.cipher.clone(),
        alpn: facts.alpn.clone(),
        sni: facts.sni.clone(),
    })
}

/// How often the client spoke after the server had, or first, up to the query. Terminate waits for
/// no answer, and whether it still arrives is chance.
fn round_trips(observation: &Observation) -> u32 {
    let mut flights = 0;
    for connection in &observation.connections {
        let mut last = Sender::Server;
        for entry in &connection.entries {
            if matches!(
                entry.what,
                EntryKind::Event(_)
                    | EntryKind::Alert(_)
                    | EntryKind::SessionBroken(_)
                    | EntryKind::Closed
                    | EntryKind::Reset
                    | EntryKind::TimedOut
            ) {
                continue;
            }
            if entry.sender == Sender::Client && last == Sender::Server {
                flights += 1;
            }
            last = entry.sender;
            if matches!(entry.what, EntryKind::Query(_)) {
                return flights;
            }
        }
    }
    flights
}
