//! What a shim's processes take over one question, as the kernel tells it in `/proc`; where there is none,
//! nothing is known.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use super::taken::{Taken, children, forget_peak, peak, taken};
use crate::judge::Usage;

/// The first look at a question that is not answered: none that is answered before has burned a second.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// Between two looks behind a deadline: whoever works has a fiftieth of it at least.
const LATE_LOOK: Duration = Duration::from_millis(500);
/// So many of them.
const LATE_LOOKS: usize = 20;

/// Watches one shim over one question. Its own memory is known at its peak, its children's as often as it
/// is looked at.
#[derive(Debug)]
pub(crate) struct Meter {
    shim: Pid,
    /// What each process of its family had taken before.
    before: BTreeMap<Pid, Taken>,
    peak: u64,
    processor: Duration,
}

impl Meter {
    /// Begins to watch, right before the question.
    pub(crate) fn start(shim: Pid) -> Self {
        let before = taken(shim).map(|taken| (shim, taken)).into_iter().collect();
        forget_peak(shim);
        Self { shim, before, peak: 0, processor: Duration::ZERO }
    }

    /// Waits for an answer, and looks at the processes as long as there is none.
    pub(crate) async fn watch<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        loop {
            if let Some(answer) = self.watch_up_to(&mut answer, |_| false).await {
                return answer;
            }
        }
    }

    /// The same, up to an answer or to what is too much for one.
    pub(crate) async fn watch_up_to<T>(
        &mut self,
        answer: impl Future<Output = T>,
        is_enough: impl Fn(Usage) -> bool,
    ) -> Option<T> {
        let mut answer = pin!(answer);
        let mut pause = FIRST_LOOK;
        loop {
            let answer = timeout(pause, &mut answer).await.ok();
            if answer.is_some() && pause == FIRST_LOOK {
                self.look_at_shim();
            } else {
                self.look();
            }
            if answer.is_some() || is_enough(self.usage()) {
                return answer;
            }
            pause *= 2;
        }
    }

    /// Goes on watching, behind a deadline, as long as the processes work and it is not yet too much: on
    /// a machine that is busy otherwise they need longer to show it.
    pub(crate) async fn watch_on(&mut self) {
        for _ in 0..LATE_LOOKS {
            let before = self.processor;
            if self.usage().is_excessive() {
                break;
            }
            sleep(LATE_LOOK).await;
            self.look();
            if self.processor.saturating_sub(before) < LATE_LOOK / 50 {
                break;
            }
        }
    }

    /// What was taken at the most.
    pub(crate) fn usage(&self) -> Usage {
        Usage::new(self.peak, self.processor)
    }

    /// The shim and whoever descends from it.
    fn look(&mut self) {
        let (mut memory, mut processor) = (0, Duration::ZERO);
        let mut family = vec![self.shim];
        while let Some(pid) = family.pop() {
            let Some(now) = taken(pid) else { continue };
            // Whoever is there at the first look and was started before is none of this question's.
            let before = *self.before.entry(pid).or_insert(Taken {
                memory: 0,
                processor: if pid == self.shim { now.processor } else { Duration::ZERO },
            });
            let most = if pid == self.shim { peak(pid).unwrap_or(now.memory) } else { now.memory };
            memory += most.saturating_sub(before.memory);
            processor += now.processor.saturating_sub(before.processor);
            family.extend(children(pid));
        }
        self.peak = self.peak.max(memory);
        self.processor = self.processor.max(processor);
    }

    /// The same for the shim alone, whose answer came at once.
    fn look_at_shim(&mut self) {
        let Some(before) = self.before.get(&self.shim) else { return };
        let memory = peak(self.shim).unwrap_or_default().saturating_sub(before.memory);
        self.peak = self.peak.max(memory);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What a shell takes from the question on, up to what is too much, or until it is killed.
    async fn usage_of(script: &str, watched: Duration) -> Usage {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("read question; {script}; sleep 60")]).stdin(Stdio::piped());
        let mut shell = shell.spawn().expect("sh");
        let mut meter = Meter::start(Pid::from_raw(shell.id().cast_signed()));
        drop(shell.stdin.take());
        meter.watch_up_to(tokio::time::sleep(watched), Usage::is_excessive).await;
        shell.kill().expect("its own child");
        shell.wait().expect("its own child");
        meter.usage()
    }

    /// What a shell has taken that was watched on behind a deadline that it had passed.
    async fn usage_behind_a_deadline(script: &str) -> Usage {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("read question; {script}")]).stdin(Stdio::piped());
        let mut shell = shell.spawn().expect("sh");
        let mut meter = Meter::start(Pid::from_raw(shell.id().cast_signed()));
        drop(shell.stdin.take());
        meter.watch(tokio::time::sleep(Duration::from_millis(100))).await;
        meter.watch_on().await;
        shell.kill().expect("its own child");
        shell.wait().expect("its own child");
        meter.usage()
    }

    #[tokio::test]
    async fn who_works_on_behind_a_deadline_is_watched_until_it_is_too_much() {
        let works = usage_behind_a_deadline("while :; do :; done").await;
        assert!(works.is_excessive(), "{works:?}");
        let waits = usage_behind_a_deadline("exec sleep 60").await;
        assert!(!waits.is_excessive(), "{waits:?}");
    }

    #[tokio::test]
    async fn what_a_child_takes_counts_and_rest_does_not() {
        let idle = usage_of("true", Duration::from_millis(300)).await;
        assert!(!idle.is_excessive(), "{idle:?}");
        let burns = "timeout 30 sh -c 'while :; do :; done'";
        // However busy the machine is otherwise.
        let busy = usage_of(burns, Duration::from_secs(60)).await;
        assert!(busy.processor > Usage::LONG, "{busy:?}");
    }
}
