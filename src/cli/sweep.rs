//! `pgtls fuzz --sweep`: every honest login, disturbed at every byte of the server's stream.

use std::{
    fmt::Write as _,
    fs,
    io::{IsTerminal as _, stderr},
    path::{Path, PathBuf},
    time::Instant,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgtls_conformance::{
    fuzz::{self, Counterexample},
    judge::Invariant,
    runner::{Interrupt, StackSpec, Subject, TestEnvironment},
    sweep::{Finding, Place, Progress, Sweep, Swept},
};
use pgtls_mock_server::Seed;
use serde::Serialize;

use super::{error::CliError, exit, file::Pending, guard::environment, interrupt, output};
use crate::foreign::{self, Foreign};

/// What is swept, and where what is found goes.
#[derive(Debug)]
pub(super) struct Sweeps<'a> {
    pub(super) stacks: &'a [StackSpec],
    /// How many cases run side by side; without it, as many as the stack's driver makes use of.
    pub(super) jobs: Option<usize>,
    pub(super) seed: Seed,
    /// On stdout as JSON, or as a person reads it.
    pub(super) json: bool,
    /// The folder for counterexamples.
    pub(super) findings: &'a Path,
}

/// The whole report; the keys are those of `pgtls fuzz`, and more.
#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    seed: Seed,
    stacks: Vec<StackReport>,
}

#[derive(Debug, Serialize)]
struct StackReport {
    stack: String,
    version: Option<String>,
    scenarios: u64,
    handshakes: u64,
    seconds: f64,
    /// Whether no interrupt came before the last case.
    complete: bool,
    inconclusive: u64,
    logins: Vec<LoginReport>,
    /// Logins that do not succeed undisturbed, each with what came of it.
    unswept: Vec<UnsweptReport>,
    findings: Vec<FindingReport>,
}

#[derive(Debug, Serialize)]
struct LoginReport {
    axes: String,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct UnsweptReport {
    axes: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct FindingReport {
    /// Its first case, for `pgtls replay`; null where it could not be written.
    file: Option<PathBuf>,
    broken: Vec<Invariant>,
    summary: String,
    places: Vec<String>,
}

impl Sweeps<'_> {
    /// Sweeps over one stack after the other.
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let interrupt = interrupt::on_signal()?;
        let environment = environment(self.seed)?;
        let mut report = Report { schema: fuzz::SCHEMA, seed: self.seed, stacks: Vec::new() };
        for spec in self.stacks {
            if interrupt.is_triggered() {
                break;
            }
            report.stacks.push(self.sweep(spec, &environment, &interrupt).await?);
        }
        if self.json {
            let json = foreign::json(&report)
                .map_err(|error| CliError::tool("the report is no JSON", error))?;
            output::data(&json)?;
        } else {
            output::line(&told(&report))?;
        }
        Ok(exit_code(&report, interrupt.is_triggered()))
    }

    async fn sweep(
        &self,
        spec: &StackSpec,
        environment: &TestEnvironment,
        interrupt: &Interrupt,
    ) -> Result<StackReport, CliError> {
        let mut subject = Subject::probe(spec, environment).await;
        if let Some(reason) = subject.could_not_run() {
            return Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name())));
        }
        if let Some(jobs) = self.jobs {
            subject = subject.with_jobs(jobs);
        }
        let started = Instant::now();
        let bar = Bar::of(spec.name());
        let swept = Sweep::new(&subject).run(interrupt, |progress| bar.tell(progress)).await;
        drop(bar);
        let seconds = started.elapsed().as_secs_f64();
        let version = subject.version().map(ToOwned::to_owned);
        Ok(self.report(spec.name(), version, seconds, swept))
    }

    fn report(
        &self,
        stack: &str,
        version: Option<String>,
        seconds: f64,
        swept: Swept,
    ) -> StackReport {
        let findings = swept.findings.iter().map(|finding| FindingReport {
            file: self.keep(stack, finding),
            broken: finding.broken.clone(),
            summary: finding.summary(),
            places: finding.places.iter().map(ToString::to_string).collect(),
        });
        StackReport {
            stack: stack.to_owned(),
            version,
            scenarios: swept.cases,
            handshakes: swept.handshakes,
            seconds,
            complete: swept.complete,
            inconclusive: swept.inconclusive,
            findings: findings.collect(),
            logins: swept
                .logins
                .iter()
                .map(|login| LoginReport { axes: login.login.to_string(), bytes: login.bytes })
                .collect(),
            unswept: swept
                .unswept
                .into_iter()
                .map(|login| UnsweptReport { axes: login.login.to_string(), reason: login.reason })
                .collect(),
        }
    }

    /// Writes the first case of a finding into a file of its own.
    fn keep(&self, stack: &str, finding: &Finding) -> Option<PathBuf> {
        let place = finding.places.first()?;
        let counterexample = Counterexample {
            schema: fuzz::SCHEMA,
            stack: stack.to_owned(),
            is_command: false,
            axes: place.login.to_string(),
            fetch: Vec::new(),
            script: None,
            rules: place.rule().into_iter().collect(),
            broken: finding.broken.clone(),
            seed: self.seed,
        };
        let file = self.findings.join(file_name(stack, place));
        let written = fs::create_dir_all(self.findings).map_err(Into::into).and_then(|()| {
            let json = foreign::json(&counterexample)
                .map_err(|error| CliError::tool("the counterexample is no JSON", error))?;
            Pending::new(&file)?.finish(&format!("{json}\n"))
        });
        match written {
            Ok(()) => Some(file),
            Err(error) => {
                output::notice(&error.one_line());
                None
            }
        }
    }
}

/// A name that tells one first case from another.
fn file_name(stack: &str, place: &Place) -> String {
    let at = place.offsets.first().map_or(0, |(first, _)| *first);
    let name = format!("sweep-{stack}-{}-{}-{at}.json", place.login, place.disturbance);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

fn exit_code(report: &Report, interrupted: bool) -> u8 {
    let any = |what: fn(&StackReport) -> bool| report.stacks.iter().any(what);
    if interrupted {
        exit::INTERRUPTED
    } else if any(|stack| stack.inconclusive > 0) {
        exit::FAILED
    } else if any(|stack| !stack.findings.is_empty()) {
        exit::FINDINGS
    } else if any(|stack| stack.logins.is_empty()) {
        // What never logs in breaks nothing, and nothing is known of it.
        exit::USAGE
    } else {
        exit::CLEAN
    }
}

/// The report as a person reads it.
fn told(report: &Report) -> String {
    let mut text = String::new();
    for stack in &report.stacks {
        let found = match stack.findings.len() {
            0 => "nothing broken".to_owned(),
            1 => "1 finding".to_owned(),
            more => format!("{more} findings"),
        };
        let halt = if stack.complete { "" } else { ", interrupted" };
        let _ = writeln!(
            text,
            "{}: {} logins, {} cases in {:.1} s{halt}: {found}",
            Foreign(&stack.stack),
            stack.logins.len(),
            stack.scenarios,
            stack.seconds
        );
        if stack.inconclusive > 0 {
            let _ = writeln!(text, "  {} cases could not be measured", stack.inconclusive);
        }
        for UnsweptReport { axes, reason } in &stack.unswept {
            let _ = writeln!(text, "  not swept: {axes}: undisturbed {}", Foreign(reason));
        }
        for finding in &stack.findings {
            let _ = writeln!(text, "  {}", Foreign(&finding.summary));
            for place in &finding.places {
                let _ = writeln!(text, "    {}", Foreign(place));
            }
            if let Some(file) = &finding.file {
                let _ =
                    writeln!(text, "    again: pgtls replay {}", Foreign(&file.to_string_lossy()));
            }
        }
    }
    let _ = write!(text, "seed {}", report.seed);
    text
}

/// How far a sweep is: a bar on a terminal, and nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn of(stack: &str) -> Self {
        let target = if stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{bar:30} {pos}/{len} {per_sec} {eta} left  {wide_msg}";
        // The template stands above, and is right.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(Foreign(stack).to_string());
        Self(bar)
    }

    fn tell(&self, progress: Progress) {
        self.0.set_length(progress.of);
        self.0.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl Fn(&mut StackReport)) -> Report {
        let mut stack = StackReport {
            stack: "a".to_owned(),
            version: None,
            scenarios: 5,
            handshakes: 0,
            seconds: 1.0,
            complete: true,
            inconclusive: 0,
            logins: vec![LoginReport { axes: "default".to_owned(), bytes: 5 }],
            unswept: Vec::new(),
            findings: Vec::new(),
        };
        change(&mut stack);
        Report { schema: 1, seed: Seed::new(7), stacks: vec![stack] }
    }

    fn finding() -> FindingReport {
        FindingReport {
            file: Some("f.json".into()),
            broken: vec![Invariant::Hang],
            summary: "breaks hang, in 1 case".to_owned(),
            places: vec!["default: cut at 3".to_owned()],
        }
    }

    #[test]
    fn exit_codes_are_the_contracts() {
        let code = |change: &dyn Fn(&mut StackReport)| exit_code(&report(change), false);
        assert_eq!(code(&|_| {}), exit::CLEAN);
        assert_eq!(code(&|stack| stack.findings.push(finding())), exit::FINDINGS);
        assert_eq!(code(&|stack| stack.inconclusive = 1), exit::FAILED);
        assert_eq!(code(&|stack| stack.logins.clear()), exit::USAGE);
        assert_eq!(exit_code(&report(|_| {}), true), exit::INTERRUPTED);
    }

    #[test]
    fn a_finding_is_told_with_its_places_and_its_file() {
        let text = told(&report(|stack| stack.findings.push(finding())));
        assert_eq!(
            text,
            "a: 1 logins, 5 cases in 1.0 s: 1 finding\n  breaks hang, in 1 case\n    default: cut at 3\n    \
             again: pgtls replay f.json\nseed 0000000000000007"
        );
    }
}
