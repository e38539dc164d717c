//! The end of a shim's process: what it did behind its last answer, and how it takes leave.

use std::{os::fd::AsRawFd as _, path::Path, sync::PoisonError, sync::atomic::Ordering};

use futures_util::future::join_all;
use nix::unistd::Pid;
use tokio::{sync::mpsc, time::timeout};

use super::{
    error::ShimError,
    family::{Homes, holds, kill_all, link},
    misbehaviour::Misbehaviour,
    process::{EXIT_TIMEOUT, ShimProcess},
};

impl ShimProcess {
    /// Whether it has said anything since the last answer, panicked, or ended.
    pub fn has_misbehaved(&mut self) -> Option<Misbehaviour> {
        let said = self.lines.try_recv();
        if let Ok(unasked) = said {
            return Some(Misbehaviour::of(unasked));
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(Misbehaviour::plain(format!("died after its answer ({status})")));
        }
        if matches!(said, Err(mpsc::error::TryRecvError::Disconnected)) {
            return Some(Misbehaviour::plain("closed its stdout before it was told to end"));
        }
        if self.begun.load(Ordering::Relaxed) {
            return Some(Misbehaviour::plain("began a line unasked"));
        }
        self.has_panicked()
    }

    /// The panic of which it has told on stderr since the last look.
    pub(crate) fn has_panicked(&self) -> Option<Misbehaviour> {
        self.panic().map(Misbehaviour::plain)
    }

    /// The line on stderr that tells of a panic since the last look.
    fn panic(&self) -> Option<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).panic()
    }

    /// Tells each that no question follows, and whether it misbehaved up to its end; then kills them.
    ///
    /// Until the time beside it, each is left alone for what it may still do behind its last answer.
    pub async fn retire(processes: Vec<(Self, tokio::time::Instant)>) -> Vec<Option<Misbehaviour>> {
        let parted = join_all(processes.into_iter().map(async |(mut process, rest)| {
            let misbehaved = process.part(rest).await;
            (process, misbehaved)
        }));
        let (mut parted, misbehaved): (Vec<Self>, Vec<_>) = parted.await.into_iter().unzip();
        // One look for all of them.
        let shims: Vec<Pid> = parted.iter().filter_map(Self::pid).collect();
        let homes: Vec<&Path> = parted.iter().map(Self::home).collect();
        kill_all(|| Homes::Of(&homes).family(&shims));
        parted.iter_mut().for_each(Self::kill_group);
        join_all(parted.iter_mut().map(Self::reap)).await;
        misbehaved
    }

    async fn part(&mut self, rest: tokio::time::Instant) -> Option<Misbehaviour> {
        // Whatever it says or however it ends meanwhile is found at the next look.
        let _ = tokio::time::timeout_at(rest, self.child.wait()).await;
        match self.has_misbehaved() {
            Some(how) => Some(how),
            None if self.is_deaf() => {
                Some(Misbehaviour::plain("closed its stdin before it was told to end"))
            }
            None => self.close_stdin().await,
        }
    }

    /// Closes its stdin, upon which it has to end, and in good order. One that lingers has had its
    /// time.
    async fn close_stdin(&mut self) -> Option<Misbehaviour> {
        self.stdin = None;
        // At the end of its stdout everything is said.
        if let Ok(Some(unasked)) = timeout(EXIT_TIMEOUT, self.lines.recv()).await {
            return Some(Misbehaviour::of(unasked));
        }
        let ended = timeout(EXIT_TIMEOUT, self.child.wait()).await;
        if let Some(panic) = self.panic() {
            return Some(Misbehaviour::plain(panic));
        }
        match ended {
            Ok(Ok(status)) if !status.success() => {
                let _ = timeout(EXIT_TIMEOUT, &mut self.stderr_reader).await;
                let died = ShimError::Died { status: status.to_string(), stderr: self.stderr() };
                Some(Misbehaviour::plain(format!("at the end of its stdin, {died}")))
            }
            _ => None,
        }
    }

    /// Whether nobody is left who could read a question: no process of its family holds the pipe.
    fn is_deaf(&self) -> bool {
        let Some(stdin) = &self.stdin else { return true };
        let own = format!("/proc/self/fd/{}", stdin.as_raw_fd());
        let Some(pipe) = link(Path::new(&own)) else { return false };
        let shim: Vec<Pid> = self.pid().into_iter().collect();
        // Nearly always it is the shim itself, and nobody else needs to be looked for.
        !holds(&shim, &pipe) && !holds(&Homes::Of(&[self.home()]).family(&shim), &pipe)
    }
}
