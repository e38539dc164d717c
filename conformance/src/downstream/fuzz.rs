//! Hostile servers made up at random, for a driver's own tests.

use std::{fmt::Write as _, time::Duration};

use pgtls_mock_server::Seed;

use super::{failure::Failure, here, told::one_line};
use crate::{
    fuzz::{Counterexample, Finding, Hunt, Hunted, Limits},
    runner::{Driver, StackSpec, Subject, TestEnvironment},
    transcript::{direction, words},
};

/// As many servers are made up where nobody says how many: seconds of an unoptimised test.
const CASES: u64 = 1000;

/// Has hostile servers made up, and the driver meet each of them; what breaks a safety invariant is made
/// small.
///
/// ```no_run
/// # use pgtls_conformance::{runner::{Driver, Network}, shim::{Connect, Hello, Outcome}};
/// # struct MyDriver;
/// # impl Driver for MyDriver {
/// #     fn hello(&self) -> Hello { Hello::new("my-driver", "1.0") }
/// #     async fn connect(&self, _: &Connect, _: &Network) -> Outcome {
/// #         Outcome::unsupported("an example")
/// #     }
/// # }
/// use std::time::Duration;
///
/// pgtls_conformance::fuzz(MyDriver).within(Duration::from_secs(60)).assert();
/// ```
pub fn fuzz(driver: impl Driver) -> Fuzz {
    let name = driver.hello().name;
    let limits = Limits { cases: Some(CASES), ..Limits::default() };
    Fuzz { spec: StackSpec::in_process(name, driver), limits, seed: None }
}

/// A hunt for servers that break a driver; see [`fuzz`].
#[derive(Debug, Clone)]
#[must_use = "nothing is tried before `assert` or `run`"]
pub struct Fuzz {
    spec: StackSpec,
    limits: Limits,
    seed: Option<Seed>,
}

impl Fuzz {
    /// So many servers in place of a thousand: with the same seed, the same ones.
    pub const fn cases(mut self, cases: u64) -> Self {
        self.limits.cases = Some(cases);
        self
    }

    /// As many servers as fit into this time, in place of a number.
    pub const fn within(mut self, time: Duration) -> Self {
        (self.limits.cases, self.limits.time) = (None, Some(time));
        self
    }

    /// Where all chance comes from; without it the environment's `PGTLS_SEED`, or a seed that is drawn
    /// and told.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Fails the test with what was found.
    ///
    /// # Panics
    ///
    /// If there is a finding, or nothing could be found out; with the [`Failure`]'s words.
    #[track_caller]
    pub fn assert(self) {
        if let Err(failure) = self.run() {
            panic!("{failure:?}");
        }
    }

    /// Hunts up to its limits, and tells what came of it.
    ///
    /// # Errors
    ///
    /// If there is a finding, or nothing could be found out.
    pub fn run(self) -> Result<Hunted, Failure> {
        let seed = self.seed.map_or_else(here::seed, Ok)?;
        let environment = TestEnvironment::new(seed)?;
        let hunted = here::to_its_end(|| self.hunt(&environment, seed))??;
        if hunted.findings.is_empty() {
            return Ok(hunted);
        }
        Err(Failure::Findings(self.told(&hunted, seed)))
    }

    async fn hunt(&self, environment: &TestEnvironment, seed: Seed) -> Result<Hunted, Failure> {
        let subject = Subject::probe(&self.spec, environment).await;
        let never = |reason| Failure::CannotRun { name: self.spec.name().to_owned(), reason };
        if let Some(reason) = subject.could_not_run() {
            return Err(never(reason));
        }
        // What never connects breaks nothing, and nothing is known of it.
        if let Some(reason) = subject.could_not_connect().await {
            return Err(never(reason));
        }
        let mut hunted = Hunted::default();
        Hunt::new(&subject, seed, self.limits).run(&mut hunted, &mut |_, _| {}).await;
        Ok(hunted)
    }

    fn told(&self, hunted: &Hunted, seed: Seed) -> String {
        let name = self.spec.name();
        let mut text = format!(
            "{name}: {} findings in {} hostile servers\n",
            hunted.findings.len(),
            hunted.scenarios
        );
        for finding in &hunted.findings {
            self.tell(&mut text, finding, seed);
        }
        let _ = writeln!(text, "\nagain: {}", here::again(seed, None));
        text
    }

    /// What breaks, why it matters, what the server does, and what passed.
    fn tell(&self, text: &mut String, finding: &Finding, seed: Seed) {
        let _ = writeln!(text, "\nbreaks {}", one_line(&finding.summary()));
        for invariant in &finding.broken {
            let _ = writeln!(text, "  {invariant} matters: {}", invariant.why());
        }
        let name = self.spec.name();
        let example = Counterexample::new(name, &finding.scenario, &finding.broken, seed);
        if let Ok(example) = serde_json::to_string(&example) {
            let _ = writeln!(text, "  the server, for `pgtls replay`: {}", one_line(&example));
        }
        for (number, connection) in finding.run.observation.connections.iter().enumerate() {
            let _ = writeln!(text, "  connection {}", number + 1);
            for entry in connection.entries.iter().take(MOST_ENTRIES) {
                let words = one_line(&words(entry, connection.tls.as_ref()));
                let _ = writeln!(text, "    {}  {words}", direction(entry));
            }
        }
    }
}

/// As many lines of a connection's transcript are shown.
const MOST_ENTRIES: usize = 40;
