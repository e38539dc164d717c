//! The hunt: one scenario after another against one stack, and what breaks it made small.

use std::{
    collections::{BTreeMap, HashMap},
    future::pending,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{FuturesOrdered, FuturesUnordered},
};
use pgtls_mock_server::Seed;
use tokio::{
    sync::{Mutex, oneshot},
    time::{Instant, sleep},
};

use super::{
    corpus::Corpus,
    features::{features, plain},
    finding::Finding,
    scenario::Scenario,
    shrink::shrink,
};
use crate::{
    judge::Invariant,
    runner::{CellRun, Subject},
};

/// So many scenarios are under way at once, beside those that are [slow](SLOW). Each is drawn from the
/// corpus as it was so many scenarios before: who is done first makes no difference, nor how many run
/// side by side.
const WINDOW: u64 = 1024;
/// What takes a process longer is not waited for by those behind it, and so never part of the corpus: less
/// than a client waits in vain, and far more than one takes that does not.
const SLOW: Duration = Duration::from_millis(1500);
/// After so many scenarios the corpus is the next one.
const EPOCH: u64 = 64;
/// So many scenarios are remembered whose processes may yet be found to have misbehaved behind their
/// answers: far more than a process is watched for.
const REMEMBERED: usize = 64 * 1024;
/// So many scenarios with the same symptom are made small: the first may break by chance.
const TRIED_OF_A_SYMPTOM: usize = 4;
/// So many symptoms are looked into.
const MOST_SYMPTOMS: usize = 128;

/// How far a hunt goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// So many scenarios.
    pub cases: Option<u64>,
    /// So long; what is under way then is brought to its end.
    pub time: Option<Duration>,
    /// Up to the first finding.
    pub first: bool,
}

/// A hunt on one stack.
#[derive(Debug)]
pub struct Hunt<'a> {
    subject: &'a Subject<'a>,
    seed: Seed,
    limits: Limits,
    given: Vec<Arc<Scenario>>,
}

/// What came of a hunt.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Hunted {
    /// How many scenarios were tried, those for making findings small apart.
    pub scenarios: u64,
    /// In how many of them a TLS handshake was completed.
    pub handshakes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// How long it took up to the end of the last scenario: what was still made small then apart.
    pub trying: Duration,
    /// What broke the client, in the order in which it was met.
    pub findings: Vec<Finding>,
    /// What broke it and is not made small yet, by the numbers of the scenarios.
    pub suspected: BTreeMap<u64, (Scenario, Vec<Invariant>)>,
    /// How many symptoms were seen that did not come again three times of three.
    pub unstable: u64,
    /// The scenarios that showed something new of the client, those that were [given](Hunt::with_corpus)
    /// included.
    pub corpus: Vec<Arc<Scenario>>,
}

impl Hunted {
    /// How many scenarios were tried in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.scenarios as f64 / self.trying.as_secs_f64().max(1e-3)
    }
}

/// What a hunt tells as it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Some more scenarios were tried.
    Tried,
    /// A scenario broke something, and is made small now.
    Suspected(u64, &'a [Invariant]),
    /// A finding, or one that was there already.
    Found(&'a Finding),
}

/// What is kept of a run until its turn comes.
struct Seen {
    case: u64,
    scenario: Arc<Scenario>,
    features: Vec<u64>,
    /// What broke, and how: the symptom.
    broken: Vec<Invariant>,
    how: String,
    handshake: bool,
    number: usize,
    is_slow: bool,
}

/// A scenario that was looked at.
enum Looked<'a> {
    Seen(Seen),
    /// One that is still under way.
    Slow(BoxFuture<'a, Seen>),
}

/// What tells one symptom from another: what broke, how a client died or hung, and whether it was
/// [slow](SLOW) to do so.
type Symptom = (Vec<Invariant>, String, bool);

impl<'a> Hunt<'a> {
    /// A hunt on this stack: the same seed and the same number of cases try the same.
    #[must_use]
    pub const fn new(subject: &'a Subject<'a>, seed: Seed, limits: Limits) -> Self {
        Self { subject, seed, limits, given: Vec::new() }
    }

    /// Tries these scenarios first: what an earlier hunt left as its [corpus](Hunted::corpus). They do
    /// not count among the [cases](Limits::cases); what the stack cannot be asked is left out.
    #[must_use]
    pub fn with_corpus(mut self, mut scenarios: Vec<Arc<Scenario>>) -> Self {
        scenarios.retain(|scenario| self.subject.supports(&scenario.axes()));
        self.given = scenarios;
        self
    }

    /// Hunts up to the limits. What was found so far is in `hunted` whenever this is dropped; `tell`
    /// hears how it goes on.
    pub async fn run(&self, hunted: &mut Hunted, tell: &mut dyn FnMut(&Hunted, Progress<'_>)) {
        let mut state = State::new(self);
        let started = Instant::now();
        let mut next = 0;
        let mut running = FuturesOrdered::new();
        let mut slow = FuturesOrdered::new();
        loop {
            while running.len() < WINDOW as usize && self.goes_on(next, started, &state) {
                let scenario = state.scenario(next);
                running.push_back(self.look(next, scenario));
                next += 1;
            }
            if running.is_empty() && slow.is_empty() && state.shrinking.is_empty() {
                let late = self.subject.settle().await;
                state.suspect_late(late, hunted, tell);
                if state.shrinking.is_empty() {
                    break;
                }
            }
            tokio::select! {
                Some(looked) = running.next(), if !running.is_empty() => {
                    (hunted.elapsed, hunted.trying) = (started.elapsed(), started.elapsed());
                    match looked {
                        Looked::Seen(seen) => state.fold(seen, hunted, tell),
                        Looked::Slow(seen) => slow.push_back(seen),
                    }
                    if state.ends_an_epoch() {
                        state.suspect_late(self.subject.suspicions(), hunted, tell);
                        tell(hunted, Progress::Tried);
                    }
                }
                Some(seen) = slow.next(), if !slow.is_empty() => {
                    (hunted.elapsed, hunted.trying) = (started.elapsed(), started.elapsed());
                    state.take(seen, hunted, tell);
                }
                Some((case, found)) = state.shrinking.next(), if !state.shrinking.is_empty() => {
                    hunted.suspected.remove(&case);
                    hunted.elapsed = started.elapsed();
                    match found {
                        Some(finding) => {
                            tell(hunted, Progress::Found(&finding));
                            keep(&mut hunted.findings, finding);
                        }
                        None => hunted.unstable += 1,
                    }
                    if self.limits.first && !hunted.findings.is_empty() {
                        break;
                    }
                }
            }
        }
        hunted.elapsed = started.elapsed();
    }

    fn goes_on(&self, next: u64, started: Instant, state: &State<'_>) -> bool {
        let given = self.given.len() as u64;
        let is_over = self.limits.cases.is_some_and(|cases| next >= given.saturating_add(cases))
            || self.limits.time.is_some_and(|time| started.elapsed() >= time)
            // What was met is made small before more is looked for.
            || (self.limits.first && !state.symptoms.is_empty() && !state.shrinking.is_empty());
        !is_over
    }

    /// Tries a scenario, and waits for it unless it is slow.
    async fn look<'s>(&'s self, case: u64, scenario: Arc<Scenario>) -> Looked<'s> {
        let (begun, has_begun) = oneshot::channel();
        let mut trying = Box::pin(self.try_one(case, scenario, begun));
        if self.subject.is_in_process() {
            return Looked::Seen(trying.await);
        }
        let is_slow = async {
            if has_begun.await.is_ok() {
                sleep(SLOW).await;
            } else {
                pending::<()>().await;
            }
        };
        tokio::select! {
            // What is both is slow, whoever looks how late.
            biased;
            () = is_slow => Looked::Slow(Box::pin(async { Seen { is_slow: true, ..trying.await } })),
            seen = &mut trying => Looked::Seen(seen),
        }
    }

    async fn try_one(
        &self,
        case: u64,
        scenario: Arc<Scenario>,
        begun: oneshot::Sender<()>,
    ) -> Seen {
        let (axes, server) = (scenario.axes(), scenario.server());
        // Nobody may be waiting for it.
        let begun = || begun.send(()).unwrap_or_default();
        let run = self.subject.try_server_and_tell(&axes, &server, &scenario.fetch, begun).await;
        Seen {
            case,
            features: features(&scenario, &run),
            broken: run.result.safety.clone(),
            how: run.result.reason.as_deref().map(plain).unwrap_or_default(),
            handshake: has_shaken_hands(&run),
            number: run.number,
            is_slow: false,
            scenario,
        }
    }
}

fn has_shaken_hands(run: &CellRun) -> bool {
    let facts = run.observation.connections.iter().filter_map(|connection| connection.tls.as_ref());
    facts.into_iter().any(|facts| facts.complete)
}

/// Keeps a finding in its place, unless it is one that is there already; of the same ones, the earliest.
fn keep(findings: &mut Vec<Finding>, finding: Finding) {
    match findings.iter_mut().find(|other| other.identity() == finding.identity()) {
        Some(other) if finding.case < other.case => *other = finding,
        Some(_) => return,
        None => findings.push(finding),
    }
    findings.sort_by_key(|finding| finding.case);
}

/// What a hunt has learnt so far.
struct State<'a> {
    hunt: &'a Hunt<'a>,
    corpus: Corpus,
    /// How large the corpus was after each epoch.
    sizes: Vec<usize>,
    looked_at: u64,
    symptoms: HashMap<Symptom, LookedInto>,
    /// The cases whose processes may still be found to have misbehaved, by the questions' numbers.
    recent: BTreeMap<usize, u64>,
    shrinking: FuturesUnordered<BoxFuture<'a, (u64, Option<Finding>)>>,
}

/// How far a symptom is looked into.
#[derive(Debug, Default)]
struct LookedInto {
    /// So many scenarios that showed it.
    tried: usize,
    /// Whose turn it is to be made small: the first that asks.
    turn: Arc<Mutex<()>>,
}

impl<'a> State<'a> {
    fn new(hunt: &'a Hunt<'a>) -> Self {
        Self {
            hunt,
            corpus: Corpus::default(),
            sizes: vec![0],
            looked_at: 0,
            symptoms: HashMap::new(),
            recent: BTreeMap::new(),
            shrinking: FuturesUnordered::new(),
        }
    }

    /// The scenario of a case.
    fn scenario(&self, case: u64) -> Arc<Scenario> {
        let given = usize::try_from(case).ok().and_then(|case| self.hunt.given.get(case));
        if let Some(given) = given {
            return Arc::clone(given);
        }
        let epoch = usize::try_from(case.saturating_sub(WINDOW) / EPOCH).unwrap_or(usize::MAX);
        let size = self.sizes.get(epoch).copied().unwrap_or_default();
        let subject = self.hunt.subject;
        let corpus = self.corpus.first(size);
        let drawn =
            Scenario::drawn(self.hunt.seed.nth(case), corpus, &|axes| subject.supports(axes));
        Arc::new(drawn)
    }

    /// Takes in what a run showed, and learns from it; in the order of the cases.
    fn fold(&mut self, seen: Seen, hunted: &mut Hunted, tell: Tell<'_>) {
        if self.corpus.add(&seen.scenario, &seen.features) {
            hunted.corpus.push(Arc::clone(&seen.scenario));
        }
        self.take(seen, hunted, tell);
    }

    /// Counts a case as one that was looked at, in their order: whether an epoch ends with it.
    fn ends_an_epoch(&mut self) -> bool {
        self.looked_at += 1;
        let ends = self.looked_at.is_multiple_of(EPOCH);
        if ends {
            self.sizes.push(self.corpus.len());
        }
        ends
    }

    /// Takes in what a run showed.
    fn take(&mut self, seen: Seen, hunted: &mut Hunted, tell: Tell<'_>) {
        hunted.scenarios += 1;
        hunted.handshakes += u64::from(seen.handshake);
        self.recent.insert(seen.number, seen.case);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
        if !seen.broken.is_empty() {
            self.suspect(Suspect { seen, hunted, tell });
        }
    }

    /// Looks into a symptom, unless it was looked into.
    fn suspect(&mut self, suspect: Suspect<'_>) {
        let Suspect { seen, hunted, tell } = suspect;
        let Seen { case, scenario, broken, how, is_slow, .. } = seen;
        let Some(&invariant) = broken.first() else { return };
        let symptom = (broken.clone(), how, is_slow);
        if self.symptoms.len() >= MOST_SYMPTOMS && !self.symptoms.contains_key(&symptom) {
            return;
        }
        let of = self.symptoms.entry(symptom).or_default();
        if of.tried >= TRIED_OF_A_SYMPTOM {
            return;
        }
        of.tried += 1;
        tell(hunted, Progress::Suspected(case, &broken));
        hunted.suspected.insert(case, ((*scenario).clone(), broken));
        let subject = self.hunt.subject;
        // One of a symptom at a time: another symptom's is not to wait for the fourth of this one's.
        let turn = Arc::clone(&of.turn);
        self.shrinking.push(Box::pin(async move {
            let _turn = turn.lock().await;
            (case, shrink(subject, &scenario, invariant, case).await)
        }));
    }

    /// The same for what processes did behind their answers.
    fn suspect_late(&mut self, late: Vec<(usize, String)>, hunted: &mut Hunted, tell: Tell<'_>) {
        for (number, how) in late {
            let Some(&case) = self.recent.get(&number) else { continue };
            let seen = Seen {
                case,
                scenario: self.scenario(case),
                features: Vec::new(),
                broken: vec![Invariant::Crash],
                how: plain(&how),
                handshake: false,
                number,
                is_slow: false,
            };
            self.suspect(Suspect { seen, hunted, tell });
        }
    }
}

/// Who hears how a hunt goes on.
type Tell<'a> = &'a mut dyn FnMut(&Hunted, Progress<'_>);

/// A run that broke something, and who is to know.
struct Suspect<'a> {
    seen: Seen,
    hunted: &'a mut Hunted,
    tell: Tell<'a>,
}
