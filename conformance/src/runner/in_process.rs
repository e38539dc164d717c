//! One cell of a driver in this process: server and client on one thread, over streams in memory, by
//! a clock that goes on only while both wait.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant as RealInstant};

use futures_util::FutureExt as _;
use pgtls_mock_server::trace::Trace;
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    blank::{Blank, amend},
    busy_clock::BusyClock,
    cell_run::CellRun,
    claim::Claimed,
    driver::SharedDriver,
    environment::TestEnvironment,
    means::Shortage,
    network::Network,
    open::{ClosedCell, OpenCell},
    panics::Panics,
    question::{Question, ServerBehaviour},
    suspicion::WATCHED,
    virtual_time::{self, Lost},
};
use crate::{
    axes::Axes,
    judge::Usage,
    reference::Version,
    shim::{ColumnType, Connect, ShimError},
};

/// Asks a driver, and judges what came of it.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn ask(
    environment: &TestEnvironment,
    driver: &SharedDriver,
    blank: &Blank<'_>,
    question: Question<'_>,
) -> Result<CellRun, Shortage> {
    let cell = Cell {
        environment: environment.clone(),
        driver: driver.clone(),
        stack: blank.stack.to_owned(),
        axes: question.axes.clone(),
        server: question.server.clone(),
        fetch: question.fetch.to_vec(),
        version: question.version,
        number: question.number,
        expected: blank.expected.clone(),
    };
    let begun = RealInstant::now();
    let cell = Arc::new(cell);
    let asked = Arc::clone(&cell);
    let ask = async move |panics| asked.ask(&panics).await;
    let judge = move |answered: Result<Answered, Shortage>, usage| {
        answered.map(|answered| cell.judged(answered, usage))
    };
    match virtual_time::run(environment.workers(), ask, judge).await {
        Ok(run) => run,
        // That one deadline goes by real time, in which others may have had the processor.
        Err(Lost::Busy(limit)) => match environment.shortage_since(begun) {
            Some(shortage) => Err(shortage),
            None => Ok(blank.hung(format!("its thread was still busy after {limit:?}"))),
        },
        // Drivers' panics are caught before: what is left is the tool's own trouble.
        Err(lost) => Err(Shortage::Other(lost.to_string())),
    }
}

/// A question with all that its answer needs, for a thread of its own.
struct Cell {
    environment: TestEnvironment,
    driver: SharedDriver,
    stack: String,
    axes: Axes,
    server: ServerBehaviour,
    fetch: Vec<ColumnType>,
    version: Version,
    number: usize,
    /// What the reference says.
    expected: Trace,
}

/// A cell that is closed and not judged.
struct Answered {
    closed: ClosedCell,
    /// The driver's first panic, in words.
    panic: Option<String>,
}

impl Cell {
    fn question(&self) -> Question<'_> {
        let Self { axes, server, fetch, version, number, .. } = self;
        Question { axes, server, fetch, version: *version, number: *number }
    }

    fn blank(&self) -> Blank<'_> {
        let Self { stack, axes, expected, number, .. } = self;
        Blank { stack, axes, expected: expected.clone(), number: *number }
    }

    fn judged(&self, answered: Answered, usage: Usage) -> CellRun {
        let Answered { closed, panic } = answered;
        let question = self.question();
        let scrubber = closed.scrubber.clone();
        let mut run = closed.judged(&self.blank(), question, Some(usage));
        if let Some(how) = panic {
            amend(&mut run.result, Some(scrubber.scrub(&how)));
        }
        run
    }

    async fn ask(&self, panics: &Panics) -> Result<Answered, Shortage> {
        let Self { environment, driver, axes, server: behaviour, number, .. } = self;
        let number = *number;
        let question = self.question();
        let blank = self.blank();
        let secrets = environment.secrets(&blank.id(), axes);
        let server = environment.serve_in_memory(behaviour, &secrets).await?;
        let Some(dialer) = server.dialer() else {
            return Err(Shortage::Other("a server in memory without a dialer".to_owned()));
        };
        let clock = BusyClock::start();
        let network =
            Network::in_memory(dialer, clock.clone(), environment.client_environment(axes)?);
        let request = environment.connect(axes, &secrets, &server, number as u64)?;
        let request = question.put(request, &secrets);
        let scrubber = environment.scrubber(&secrets, &server);
        let (real, started) = (RealInstant::now(), Instant::now());
        let claimed = tokio::select! {
            claimed = self.claim(driver, &request, &network, panics) => claimed,
            () = clock.run() => return Err(Shortage::Other("a clock that stopped".to_owned())),
        };
        let answered = Instant::now();
        let open = OpenCell {
            blank,
            question,
            secrets,
            scrubber,
            server,
            claimed,
            // What it computed, and what it waited.
            elapsed: real.elapsed() + (answered - started),
            answered,
            // Known once its thread has nothing more to do for it.
            usage: None,
        };
        drop(network);
        // What the driver does behind its answer belongs to the cell, as with a process.
        sleep_until(answered + WATCHED).await;
        let closed = open.finish().await?;
        Ok(Answered { closed, panic: panics.first() })
    }

    /// What the driver claims: its answer, or that it panicked or gave none by the deadline.
    async fn claim(
        &self,
        driver: &SharedDriver,
        request: &Connect,
        network: &Network,
        panics: &Panics,
    ) -> Claimed {
        let deadline = self.environment.deadline();
        // A driver that panicked is asked again with nothing of it left.
        let connect = AssertUnwindSafe(driver.connect(request, network)).catch_unwind();
        match timeout(deadline, connect).await {
            Ok(Ok(outcome)) => Claimed::of(Ok(outcome)),
            Ok(Err(_)) => Claimed::crash(panics.first().unwrap_or_default()),
            Err(_) => Claimed::of(Err(ShimError::Deadline(deadline))),
        }
    }
}
