//! One process that takes several questions before it has answered, and answers them in any order.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    pool::Pool,
    scrub::Scrubber,
    suspicion::{Answered, WATCHED, suspicion},
};
use crate::{
    judge::Usage,
    shim::{
        Answer, Connect, Gauge, Mark, Misbehaviour, Outcome, Request, Response, ShimError,
        ShimProcess,
    },
    words::with_causes,
};

/// How often it is looked whether anybody still waits for an answer.
const LOOKS: Duration = Duration::from_millis(500);
/// How long a process may take to read a question.
const READING: Duration = Duration::from_secs(5);

/// A question, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) request: Box<Connect>,
    pub(super) number: usize,
    pub(super) scrubber: Scrubber,
    /// Hears when the process is asked.
    pub(super) begun: oneshot::Sender<()>,
    pub(super) answer: oneshot::Sender<Told>,
    /// Until it is answered.
    pub(super) load: Load,
}

/// Counts a question among those of a process.
#[derive(Debug)]
pub(super) struct Load(Arc<AtomicUsize>);

impl Load {
    pub(super) fn counted_by(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer, and what else is known of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) outcome: Outcome,
    /// What hides in its words, the process's own HOME included.
    pub(super) scrubber: Scrubber,
    /// What it may have cost, if that is too much.
    pub(super) usage: Option<Usage>,
}

/// A question that was put and not answered.
struct InFlight {
    number: usize,
    scrubber: Scrubber,
    answer: oneshot::Sender<Told>,
    put: Option<Mark>,
    /// Something that took too much while this was in flight.
    usage: Option<Usage>,
    _load: Load,
}

/// How it ends with a process.
enum End {
    /// Everything was answered, and nothing more is asked.
    InOrder,
    /// It did what nobody had asked for.
    Broken(Misbehaviour),
}

/// What is known of a process while it is asked.
pub(super) struct Multiplexed {
    pool: Arc<Pool>,
    /// As many questions as it takes at once.
    capacity: usize,
    in_flight: HashMap<u64, InFlight>,
    /// What it has answered and is still watched for.
    answered: Vec<Answered>,
    gauge: Option<Gauge>,
}

impl Multiplexed {
    pub(super) fn new(pool: Arc<Pool>, capacity: usize) -> Self {
        Self { pool, capacity, in_flight: HashMap::new(), answered: Vec::new(), gauge: None }
    }

    /// Asks a process whatever is to be asked, until nothing more is, or it is of no use. Whoever has no
    /// answer then is told so by that.
    pub(super) async fn serve(
        mut self,
        mut process: ShimProcess,
        mut questions: mpsc::UnboundedReceiver<Asking>,
    ) {
        let home = process.home().display().to_string();
        self.gauge = process.gauge();
        let mut looks = interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut goes_on = true;
        let end = loop {
            if !goes_on && self.in_flight.is_empty() {
                break End::InOrder;
            }
            let has_room = goes_on && self.in_flight.len() < self.capacity;
            let went_wrong = tokio::select! {
                biased;
                answer = process.next_answer() => self.take(answer, &home),
                question = questions.recv(), if has_room => match question {
                    Some(asking) => self.put(asking, &mut process).await,
                    None => {
                        goes_on = false;
                        None
                    }
                },
                _ = looks.tick() => None,
            };
            if let Some(how) = went_wrong.or_else(|| process.has_panicked()) {
                break End::Broken(how);
            }
            // What nobody waits for any more may never be answered: a process that is full of it is
            // asked nothing more, and what is left is not waited for.
            let given_up = self.in_flight.values().filter(|asked| asked.answer.is_closed()).count();
            if given_up * 2 > self.capacity {
                questions.close();
                while questions.try_recv().is_ok() {}
                goes_on = false;
            }
            self.in_flight.retain(|_, asked| goes_on || !asked.answer.is_closed());
        };
        match end {
            End::InOrder => {
                let rest = self.answered.last().map_or_else(Instant::now, |last| last.at + WATCHED);
                let misbehaved = ShimProcess::retire(vec![(process, rest)]).await;
                misbehaved.into_iter().flatten().for_each(|how| self.note(&how));
            }
            End::Broken(how) => {
                self.note(&how);
                process.kill().await;
            }
        }
    }

    async fn put(&mut self, asking: Asking, process: &mut ShimProcess) -> Option<Misbehaviour> {
        let Asking { request, number, scrubber, begun, answer, load } = asking;
        let id = request.id;
        let request = Request::Connect(request);
        let put = timeout(READING, process.put(&request)).await;
        if let Err(error) = put.unwrap_or(Err(ShimError::Deadline(READING))) {
            return Some(plain(&error));
        }
        // Whoever asks may have given up.
        let _ = begun.send(());
        let put = self.gauge.as_ref().map(Gauge::mark);
        let asked = InFlight { number, scrubber, answer, put, usage: None, _load: load };
        self.in_flight.insert(id, asked);
        None
    }

    fn take(&mut self, answer: Result<Response, ShimError>, home: &str) -> Option<Misbehaviour> {
        let Answer { id, outcome } = match answer {
            Ok(Response::Result(answer)) => answer,
            Ok(Response::Hello(_)) => {
                return Some(words("wanted a result, got a hello".to_owned()));
            }
            Err(error) => return Some(plain(&error)),
        };
        let Some(asking) = self.in_flight.remove(&id) else {
            let how = format!("spoke unasked: an answer to question {id}");
            return Some(Misbehaviour { how, answered: Some(id) });
        };
        let scrubber = asking.scrubber.hide(home, "{home}");
        let put = asking.put.zip(self.gauge.as_mut());
        let usage = put.and_then(|(put, gauge)| gauge.answered(put));
        if usage.is_some_and(|usage| usage.memory > Usage::MUCH_MEMORY) {
            self.in_flight.values_mut().for_each(|other| other.usage = usage);
        }
        let usage = usage.or(asking.usage);
        let at = Instant::now();
        self.answered.retain(|answered| answered.at + WATCHED >= at);
        self.answered.push(Answered { cell: asking.number, scrubber: scrubber.clone(), at });
        // Whoever asked may have given up.
        let _ = asking.answer.send(Told { outcome, scrubber, usage });
        None
    }

    /// Who still waits for an answer asks another process; whoever has one may be the reason as well.
    fn note(&self, how: &Misbehaviour) {
        self.pool.note(suspicion(&self.answered, how));
    }
}

fn plain(error: &ShimError) -> Misbehaviour {
    words(with_causes(error))
}

fn words(how: String) -> Misbehaviour {
    Misbehaviour { how, answered: None }
}
