//! The pipeline: the rules of one direction, each behind the one before it.
//!
//! It takes bytes and gives what comes of them, and knows neither a stream nor a clock. What has
//! come furthest goes on first, so that bytes keep their order.

use std::time::Duration;

use crate::{
    Direction,
    rules::{Chunk, Rule, Verdict},
};

/// How far each rule has come in one direction.
#[derive(Debug)]
pub(crate) struct Pipeline {
    direction: Direction,
    stages: Vec<Stage>,
    /// How many bytes passed all rules.
    passed: u64,
    /// How many rules the end of the direction has passed, once it has come.
    end: Option<usize>,
    /// It came from a rule.
    ended_by_rule: bool,
    stalled: bool,
}

/// One rule's part of a direction.
#[derive(Debug, Default)]
struct Stage {
    /// How many bytes the rule has judged.
    offset: u64,
    /// What it is to judge, or the rest of that.
    pending: Vec<u8>,
    /// What waits for the next bytes that it lets pass.
    held: Vec<u8>,
    /// A delay is over: what is pending passes without a further question.
    delayed: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Now(Flow),
    /// Nothing before so much time is over.
    Wait(Duration),
    /// Nothing any more.
    Stall,
}

/// What comes out behind the last rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// These bytes, as one segment.
    Pass(Vec<u8>),
    /// The end of the direction, and nothing after it.
    Close,
    Reset,
    /// Nothing, before more is pushed.
    Idle,
}

impl Pipeline {
    pub(crate) const fn new(direction: Direction) -> Self {
        Self {
            direction,
            stages: Vec::new(),
            passed: 0,
            end: None,
            ended_by_rule: false,
            stalled: false,
        }
    }

    /// One more rule, behind the others: it counts from the direction's first byte.
    pub(crate) fn add_stage(&mut self) {
        self.stages.push(Stage { offset: self.passed, ..Stage::default() });
    }

    /// Bytes that no rule was there to see.
    pub(crate) fn bypassed(&mut self, count: usize) {
        self.passed += count as u64;
    }

    pub(crate) const fn direction(&self) -> Direction {
        self.direction
    }

    /// Takes bytes in; only where it is idle, and there are rules.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let (Some(first), None) = (self.stages.first_mut(), self.end) {
            first.pending.extend_from_slice(bytes);
        }
    }

    /// No more bytes are pushed: what is held goes on, and the end behind it.
    pub(crate) fn end(&mut self) {
        self.end.get_or_insert(0);
    }

    pub(crate) const fn was_ended_by_rule(&self) -> bool {
        self.ended_by_rule
    }

    /// Moves on what has come furthest, by the rules that its stages stand for.
    pub(crate) fn advance(&mut self, rules: &mut [Box<dyn Rule>]) -> Passage {
        while !self.stalled {
            let furthest = self.stages.iter().rposition(|stage| !stage.pending.is_empty());
            let (at, out) = match (furthest, self.end) {
                (Some(at), _) => match self.judge(at, rules) {
                    Ok(out) => (at, out),
                    Err(step) => return step,
                },
                (None, None) => return Passage::Now(Flow::Idle),
                (None, Some(at)) => {
                    let Some(stage) = self.stages.get_mut(at) else {
                        return Passage::Now(Flow::Close);
                    };
                    self.end = Some(at + 1);
                    (at, std::mem::take(&mut stage.held))
                }
            };
            if out.is_empty() {
                continue;
            }
            match self.stages.get_mut(at + 1) {
                Some(next) => next.pending = out,
                None => {
                    self.passed += out.len() as u64;
                    return Passage::Now(Flow::Pass(out));
                }
            }
        }
        Passage::Stall
    }

    /// Asks the rule at a stage about what is pending there: what goes on to the next one, or what is
    /// to be done first.
    fn judge(&mut self, at: usize, rules: &mut [Box<dyn Rule>]) -> Result<Vec<u8>, Passage> {
        let stage = &mut self.stages[at];
        let verdict = match rules.get_mut(at) {
            Some(rule) if !std::mem::take(&mut stage.delayed) => {
                rule.judge(&Chunk::new(self.direction, stage.offset, &stage.pending))
            }
            _ => Verdict::Pass,
        };
        match verdict {
            Verdict::Pass => Ok(stage.pass(usize::MAX)),
            Verdict::Split(first) => Ok(stage.pass(first.max(1))),
            Verdict::Replace(bytes) => {
                stage.take(usize::MAX);
                stage.held.extend(bytes);
                Ok(std::mem::take(&mut stage.held))
            }
            Verdict::Hold => {
                let bytes = stage.take(usize::MAX);
                stage.held.extend(bytes);
                Ok(Vec::new())
            }
            Verdict::Swallow => {
                stage.take(usize::MAX);
                Ok(Vec::new())
            }
            Verdict::Delay(wait) => {
                stage.delayed = true;
                Err(Passage::Wait(wait))
            }
            Verdict::AskAgain(wait) => Err(Passage::Wait(wait)),
            Verdict::Stall => {
                self.stalled = true;
                Err(Passage::Stall)
            }
            Verdict::Close => {
                // What has not come as far as this vanishes.
                stage.pending.clear();
                self.stages[..at].fill_with(Stage::default);
                self.end = Some(at);
                self.ended_by_rule = true;
                Ok(Vec::new())
            }
            Verdict::Reset => Err(Passage::Now(Flow::Reset)),
        }
    }
}

impl Stage {
    /// Lets the first bytes pass, behind what was held.
    fn pass(&mut self, count: usize) -> Vec<u8> {
        let passing = self.take(count);
        if self.held.is_empty() {
            return passing;
        }
        self.held.extend(passing);
        std::mem::take(&mut self.held)
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.pending.split_off(count.min(self.pending.len()));
        let taken = std::mem::replace(&mut self.pending, rest);
        self.offset += taken.len() as u64;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSpec;

    fn pipeline(specs: &[RuleSpec]) -> (Pipeline, Vec<Box<dyn Rule>>) {
        let mut pipeline = Pipeline::new(Direction::Outbound);
        specs.iter().for_each(|_| pipeline.add_stage());
        (pipeline, specs.iter().map(RuleSpec::build).collect())
    }

    fn pass(bytes: &[u8]) -> Passage {
        Passage::Now(Flow::Pass(bytes.to_vec()))
    }

    #[test]
    fn what_is_held_goes_with_what_passes_next_or_with_the_end() {
        let held = RuleSpec::CoalesceOutbound { at: 1, length: 4 };
        let (mut pipeline, mut rules) =
            pipeline(&[held, RuleSpec::CorruptOutbound { at: 2, xor: 1 }]);
        pipeline.push(b"a0");
        assert_eq!(pipeline.advance(&mut rules), pass(b"a"));
        assert_eq!(pipeline.advance(&mut rules), Passage::Now(Flow::Idle));
        pipeline.push(b"00");
        assert_eq!(pipeline.advance(&mut rules), Passage::Now(Flow::Idle));
        pipeline.push(b"0z");
        assert_eq!(pipeline.advance(&mut rules), pass(b"0100"));
        assert_eq!(pipeline.advance(&mut rules), pass(b"z"));

        let held = RuleSpec::CoalesceOutbound { at: 0, length: 4 };
        let (mut pipeline, mut rules) =
            self::pipeline(&[held, RuleSpec::HalfCloseOutbound { at: 2 }]);
        pipeline.push(b"abc");
        assert_eq!(pipeline.advance(&mut rules), Passage::Now(Flow::Idle));
        pipeline.end();
        assert_eq!(pipeline.advance(&mut rules), pass(b"ab"));
        assert_eq!(pipeline.advance(&mut rules), Passage::Now(Flow::Close));
        assert_eq!(pipeline.advance(&mut rules), Passage::Now(Flow::Close));
    }

    #[test]
    fn a_delay_asks_once_and_a_stall_stays() {
        let delay = RuleSpec::DelayOutbound { at: 1, milliseconds: 7 };
        let (mut pipeline, mut rules) = pipeline(&[delay, RuleSpec::StallOutbound { at: 2 }]);
        pipeline.push(b"abc");
        assert_eq!(pipeline.advance(&mut rules), pass(b"a"));
        assert_eq!(pipeline.advance(&mut rules), Passage::Wait(Duration::from_millis(7)));
        assert_eq!(pipeline.advance(&mut rules), pass(b"b"));
        pipeline.end();
        assert_eq!(pipeline.advance(&mut rules), Passage::Stall);
        assert_eq!(pipeline.advance(&mut rules), Passage::Stall);
    }

    #[test]
    fn bandwidth_lets_a_part_pass_for_each_wait() {
        let bytes_per_second = 40.try_into().expect("it is not zero");
        let (mut pipeline, mut rules) =
            pipeline(&[RuleSpec::BandwidthOutbound { bytes_per_second }]);
        pipeline.push(b"abc");
        assert_eq!(pipeline.advance(&mut rules), Passage::Wait(Duration::from_millis(50)));
        assert_eq!(pipeline.advance(&mut rules), pass(b"ab"));
        assert_eq!(pipeline.advance(&mut rules), Passage::Wait(Duration::from_millis(25)));
        assert_eq!(pipeline.advance(&mut rules), pass(b"c"));
    }

    #[test]
    fn the_same_seed_draws_the_same_delays() {
        let waits = |seed| {
            let jitter =
                RuleSpec::JitterOutbound { seed: crate::Seed::new(seed), most_milliseconds: 9 };
            let (mut pipeline, mut rules) = pipeline(&[jitter]);
            let wait = |_| {
                pipeline.push(b"a");
                let wait = pipeline.advance(&mut rules);
                assert_eq!(pipeline.advance(&mut rules), pass(b"a"));
                wait
            };
            (0..50).map(wait).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
        let most = Duration::from_millis(9);
        assert!(waits(3).iter().all(|wait| matches!(wait, Passage::Wait(wait) if *wait <= most)));
    }
}
