//! The rim: asks a stack for every case, several side by side.

use std::{collections::BTreeMap, future};

use futures_util::{StreamExt as _, stream};
use pgtls_mock_server::{
    Direction, Layer,
    transcript::{Connection, Observation},
};

use super::{
    case::{Case, Ending, Fault, cases, count, fault},
    disturbance::Disturbance,
    finding::Faults,
    logins::logins,
    swept::{Swept, SweptLogin, Unswept},
};
use crate::{
    axes::Axes,
    judge::Conformance,
    results::CellResult,
    runner::{CellRun, Interrupt, ServerBehaviour, Subject},
};

/// As many bytes of a connection are recorded, to learn how many there are: many times an honest login.
const RECORDED: usize = 1 << 20;
/// A login is measured so many times, for its length varies: a DER-encoded ECDSA signature is shorter by a byte
/// for each leading zero of its two numbers.
const MEASUREMENTS: usize = 3;
/// As many bytes are disturbed beyond the longest that was measured: an ECDSA signature by P-256 is
/// hardly ever shorter by more.
const MARGIN: u64 = 8;

/// As many cases are before the subject at once: more than it asks at once by far, so that it never
/// waits for one.
const IN_FLIGHT: usize = 256;

/// A sweep over one stack.
#[derive(Debug)]
pub struct Sweep<'a> {
    subject: &'a Subject<'a>,
    logins: Vec<Axes>,
    disturbances: Vec<Disturbance>,
}

/// How far a sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many cases are done.
    pub done: u64,
    /// Of how many.
    pub of: u64,
    /// How many different faults were found.
    pub faults: usize,
}

impl<'a> Sweep<'a> {
    /// Everything: each login that the stack can be asked for, each disturbance. How many cases run side
    /// by side is the [subject's](Subject::with_jobs) to say.
    #[must_use]
    pub fn new(subject: &'a Subject<'a>) -> Self {
        Self {
            subject,
            logins: logins(|axes| subject.supports(axes)),
            disturbances: Disturbance::ALL.into(),
        }
    }

    /// These disturbances alone.
    #[must_use]
    pub fn with(mut self, disturbances: &[Disturbance]) -> Self {
        self.disturbances = disturbances.into();
        self
    }

    /// These logins in place of all honest ones; those that the stack cannot be asked for are left out.
    #[must_use]
    pub fn of(mut self, logins: impl IntoIterator<Item = Axes>) -> Self {
        self.logins = logins.into_iter().filter(|axes| self.subject.supports(axes)).collect();
        self
    }

    /// Runs every case, and tells how far it is; after an interrupt none is waited for.
    pub async fn run(&self, interrupt: &Interrupt, mut progress: impl FnMut(Progress)) -> Swept {
        let mut swept = Swept::default();
        let mut faults = Faults::default();
        let measured = self.measure(&mut swept, &mut faults).await;
        let lengths: Vec<u64> = measured.iter().map(|(login, _)| login.bytes).collect();
        let undisturbed = swept.cases;
        let of = undisturbed + count(&lengths, &self.disturbances);
        let mut runs = stream::iter(cases(&lengths, &self.disturbances))
            .map(|case| {
                let axes = &measured[case.login].0.login;
                async move { (case, self.ask(axes, case).await) }
            })
            .buffer_unordered(IN_FLIGHT)
            .take_while(|_| future::ready(!interrupt.is_triggered()));
        // Which case a process is to be blamed for that misbehaved behind its answer.
        let mut numbers = BTreeMap::new();
        while let Some((case, run)) = runs.next().await {
            swept.count(&run);
            numbers.insert(run.number, case);
            if let Some(fault) = fault(case.disturbance, &measured[case.login].1, &run.result) {
                faults.enter(case, fault, run.result.reason);
            }
            progress(Progress { done: swept.cases, of, faults: faults.len() });
        }
        drop(runs);
        swept.complete = swept.cases == of;
        for (number, how) in self.subject.settle().await {
            if let Some(case) = numbers.get(&number) {
                faults.enter(*case, Fault::behind_its_answer(), Some(how));
            }
        }
        let logins: Vec<Axes> = measured.iter().map(|(login, _)| login.login.clone()).collect();
        swept.findings = faults.into_findings(&logins);
        swept.logins = measured.into_iter().map(|(login, _)| login).collect();
        swept
    }

    /// How long each login's stream is, and how it ends undisturbed.
    async fn measure(&self, swept: &mut Swept, faults: &mut Faults) -> Vec<(SweptLogin, Ending)> {
        let mut measured = Vec::new();
        for login in &self.logins {
            let mut bytes = 0;
            let mut ending = Err(String::new());
            for _ in 0..MEASUREMENTS {
                let server = ServerBehaviour::of(login).recording(RECORDED);
                let run = self.subject.try_server(login, &server, &[]).await;
                swept.count(&run);
                bytes = bytes.max(longest(&run.observation));
                let ended = succeeded(&run.result);
                if let Ok(ending) = &ended
                    && let Some(fault) = fault(Disturbance::None, ending, &run.result)
                {
                    let case =
                        Case { login: measured.len(), disturbance: Disturbance::None, at: 0 };
                    faults.enter(case, fault, run.result.reason);
                }
                ending = ended;
                if ending.is_err() {
                    break;
                }
            }
            match ending {
                Ok(ending) => {
                    let bytes = bytes + MARGIN;
                    measured.push((SweptLogin { login: login.clone(), bytes }, ending));
                }
                Err(reason) => swept.unswept.push(Unswept { login: login.clone(), reason }),
            }
        }
        measured
    }

    async fn ask(&self, axes: &Axes, case: Case) -> CellRun {
        let server = ServerBehaviour::of(axes).with_rules(case.disturbance.rule(case.at));
        let run = self.subject.try_server(axes, &server, &[]).await;
        // What the tool was short of may be there again.
        if run.result.conformance == Conformance::Inconclusive {
            return self.subject.try_server_to_the_end(axes, &server, &[]).await;
        }
        run
    }
}

/// How a login ended that succeeded, or what came of it.
fn succeeded(result: &CellResult) -> Result<Ending, String> {
    let Some(observed) = &result.observed else {
        return Err(result.reason.clone().unwrap_or_default());
    };
    let ending = Ending::of(observed);
    let connected = observed.outcome().known().is_some_and(|outcome| outcome.is_connected());
    match (&ending.error, connected) {
        (None, true) => Ok(ending),
        (error, _) => {
            let said = error.as_ref().map(|error| format!(": {}", error.message));
            Err(format!("{}{}", ending.trace, said.unwrap_or_default()))
        }
    }
}

/// How many bytes the server sent on that connection on which it sent most.
fn longest(observation: &Observation) -> u64 {
    let sent = |connection: &Connection| {
        connection.recording.concat(Direction::Outbound, Layer::Wire).len() as u64
    };
    observation.connections.iter().map(sent).max().unwrap_or_default()
}

impl Swept {
    fn count(&mut self, run: &CellRun) {
        let handshake = |connection: &Connection| {
            connection.tls.as_ref().is_some_and(|session| session.complete)
        };
        self.cases += 1;
        self.handshakes += u64::from(run.observation.connections.iter().any(handshake));
        let inconclusive = run.result.conformance == Conformance::Inconclusive;
        self.inconclusive += u64::from(inconclusive);
    }
}
