//! Whether trying scenarios in this process leaves anything behind: memory, threads, open files, files.
//!
//! `cargo run --release --example fuzz-endurance -- 1000000` tries so many (200,000 without a number) over both
//! backends of the connector, honest servers and hostile ones, and prints what the process holds meanwhile. Exits
//! with 1 if at the end it holds more memory than by a tenth beyond what it held when a tenth was tried (20,000 of
//! 200,000, and no more than that), or more of anything else.

mod support {
    pub(crate) mod hostile;
    pub(crate) mod scenarios;
}

use std::{env, fmt, fs, io, path::Path, process::ExitCode, time::Instant};

use pgtls_conformance::runner::{Subject, TestEnvironment};
use pgtls_mock_server::Seed;
use support::{
    hostile,
    scenarios::{self, BACKENDS, Scenario},
};
use tokio::runtime::Handle;

/// How many scenarios are tried where nobody says so.
const SCENARIOS: u64 = 200_000;
/// By then every cache is full, and every thread there.
const WARM: u64 = 20_000;
/// How much more memory may be held at the end than then.
const GROWTH: f64 = 1.1;
/// How many threads may have come since: one that is given up for another that spins, or a helper that the
/// runtime has not ended yet.
const THREADS: usize = 8;
/// How often is told what is held.
const STEPS: u64 = 10;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let count = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(SCENARIOS);
    let environment = TestEnvironment::new(Seed::new(8)).expect("an environment");
    let mut subjects = Vec::new();
    for stack in BACKENDS {
        subjects.push(Subject::probe(&scenarios::in_process(stack), &environment).await);
    }
    let subjects: Vec<&Subject<'_>> = subjects.iter().collect();
    let scenarios: Vec<Scenario> =
        [scenarios::before_tls(), scenarios::logins(), hostile::scenarios()]
            .into_iter()
            .flatten()
            .collect();
    let folder = environment.authority().directory().to_owned();
    let begun = Instant::now();
    let mut tried = 0;
    let mut warm = None;
    for step in 1..=STEPS {
        let warm_now = WARM.min(count / STEPS);
        let until = if step == 1 { warm_now } else { count * step / STEPS };
        scenarios::run(&subjects, &scenarios, until - tried).await;
        tried = until;
        let held = Held::now(&folder).expect("/proc");
        println!("{tried:>9} scenarios, {:>6.0} s: {held}", begun.elapsed().as_secs_f64());
        warm.get_or_insert(held);
    }
    let (warm, held) = (warm.unwrap_or_default(), Held::now(&folder).expect("/proc"));
    match held.exceeds(&warm) {
        None => {
            println!("nothing is left behind");
            ExitCode::SUCCESS
        }
        Some(what) => {
            println!("{what} are left behind");
            ExitCode::FAILURE
        }
    }
}

/// What the process holds.
#[derive(Debug, Default)]
struct Held {
    /// In KiB.
    memory: usize,
    threads: usize,
    /// Sockets among them.
    open_files: usize,
    /// Below the authority's folder.
    files: usize,
    /// Of this runtime; each question's own are dropped with it.
    tasks: usize,
}

impl Held {
    fn now(folder: &Path) -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).unwrap_or_default()
        };
        Ok(Self {
            memory: field("VmRSS:"),
            threads: field("Threads:"),
            open_files: fs::read_dir("/proc/self/fd")?.count(),
            files: files(folder)?,
            tasks: Handle::current().metrics().num_alive_tasks(),
        })
    }

    /// What there is more of than there was.
    fn exceeds(&self, before: &Self) -> Option<&'static str> {
        if self.memory as f64 > before.memory as f64 * GROWTH {
            return Some("pages of memory");
        }
        if self.threads > before.threads + THREADS {
            return Some("threads");
        }
        [
            (self.open_files, before.open_files, "open files"),
            (self.files, before.files, "files"),
            (self.tasks, before.tasks, "tasks"),
        ]
        .into_iter()
        .find_map(|(now, before, what)| (now > before).then_some(what))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, threads, open_files, files, tasks } = self;
        write!(
            f,
            "{memory} KiB, {threads} threads, {open_files} open files, {files} files, {tasks} tasks"
        )
    }
}

fn files(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { files(&entry.path())? } else { 1 };
    }
    Ok(count)
}
