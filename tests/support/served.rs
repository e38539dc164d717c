//! A running `pgtls serve`, and what it prints.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support;

/// How long any line may take on a machine that has other things to do.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A running server, ended at the end.
pub(crate) struct Served {
    child: Child,
    lines: Receiver<String>,
    /// What it printed before any client came.
    pub(crate) greeting: Vec<String>,
}

impl Served {
    /// Starts it with these arguments, and reads its greeting.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = support::program()
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("pgtls");
        let lines = lines(child.stdout.take().expect("stdout"));
        let mut served = Self { child, lines, greeting: Vec::new() };
        while !served.greeting.last().is_some_and(|line| line.contains("Ctrl-C")) {
            let line = served.line();
            served.greeting.push(line);
        }
        served
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).expect("a line in time")
    }

    /// The rest of the greeting's line that begins so.
    #[track_caller]
    pub(crate) fn told(&self, beginning: &str) -> &str {
        self.whole(beginning)[beginning.len()..].trim()
    }

    /// The greeting's line that begins so.
    #[track_caller]
    pub(crate) fn whole(&self, beginning: &str) -> &str {
        let found = self.greeting.iter().find(|line| line.starts_with(beginning));
        found.unwrap_or_else(|| panic!("no `{beginning}` in {:#?}", self.greeting))
    }

    /// The authority's file.
    pub(crate) fn ca(&self) -> PathBuf {
        self.told("CA certificate").into()
    }

    /// Name and port.
    pub(crate) fn address(&self) -> String {
        let (address, _) = self.told("listening on ").split_once(": ").expect("address and axes");
        address.replace("127.0.0.1", "localhost")
    }

    /// The URL with that mode.
    #[track_caller]
    pub(crate) fn url(&self, mode: &str) -> String {
        let end = format!("sslmode={mode}");
        let fits = |line: &&String| line.starts_with("postgresql://") && line.contains(&end);
        self.greeting.iter().find(fits).expect("a URL").clone()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        support::signal(self.child.id(), signal);
    }

    /// Waits for its end, which closes its stdout.
    pub(crate) fn ended(mut self) -> ExitStatus {
        while self.lines.recv_timeout(TIMEOUT).is_ok() {}
        self.child.wait().expect("an end")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Asked first, so that it takes its certificates with it; and no panic within a panic.
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            while self.lines.recv_timeout(TIMEOUT).is_ok() {}
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that a child prints, as they come.
pub(crate) fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
