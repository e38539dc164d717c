//! What people and programs are told of a hunt.

use pgtls_conformance::fuzz::{Counterexample, Difference, Finding};
use pgtls_mock_server::Seed;
use serde::Serialize;

use super::{elsewhere::Elsewhere, hunted::HuntedStack};
use crate::{
    cli::error::CliError,
    foreign::{self, Foreign, Visible},
    report::transcript,
};

/// The version of the JSON.
const SCHEMA: u32 = 1;

/// What a program is told.
#[derive(Debug, Serialize)]
struct Report<'a> {
    schema: u32,
    seed: Seed,
    stacks: Vec<StackReport<'a>>,
    /// What one stack does where all others agree on something else.
    differences: Vec<DifferenceReport<'a>>,
}

#[derive(Debug, Serialize)]
struct DifferenceReport<'a> {
    stack: &'a str,
    outcome: &'a str,
    others: &'a str,
    times: usize,
    example: &'a str,
}

#[derive(Debug, Serialize)]
struct StackReport<'a> {
    stack: &'a str,
    version: Option<&'a str>,
    scenarios: u64,
    handshakes: u64,
    seconds: f64,
    findings: Vec<FindingReport<'a>>,
    /// Symptoms that did not come again.
    unstable: u64,
}

#[derive(Debug, Serialize)]
struct FindingReport<'a> {
    file: &'a str,
    broken: Vec<&'static str>,
    summary: String,
    /// The number of the scenario in which it was met first.
    case: u64,
    /// Other stacks that break on it.
    also: &'a [String],
}

pub(super) fn json(
    stacks: &[HuntedStack],
    others: &Elsewhere,
    seed: Seed,
) -> Result<String, CliError> {
    let reports = stacks.iter().map(|stack| StackReport {
        stack: stack.spec.name(),
        version: stack.version.as_deref(),
        scenarios: stack.hunted.scenarios,
        handshakes: stack.hunted.handshakes,
        seconds: stack.hunted.elapsed.as_secs_f64(),
        findings: stack
            .findings()
            .map(|(finding, file)| FindingReport {
                file,
                broken: finding.broken.iter().map(|invariant| invariant.id()).collect(),
                summary: finding.summary(),
                case: finding.case,
                also: others.of(file),
            })
            .collect(),
        unstable: stack.hunted.unstable,
    });
    let differences = others.differences.iter().map(|it| DifferenceReport {
        stack: stacks[it.stack].spec.name(),
        outcome: &it.outcome,
        others: &it.others,
        times: it.times,
        example: &it.example,
    });
    let differences = differences.collect();
    let report = Report { schema: SCHEMA, seed, stacks: reports.collect(), differences };
    foreign::json(&report).map_err(|error| CliError::tool("the report is no JSON", error))
}

pub(super) fn table(stacks: &[HuntedStack], others: &Elsewhere, seed: Seed) -> String {
    let mut lines = Vec::new();
    for stack in stacks {
        for (finding, file) in stack.findings() {
            lines.extend(one(stack, finding, file, others));
            lines.push(String::new());
        }
        let unsure = &stack.files[stack.hunted.findings.len()..];
        for (file, (case, (_, broken))) in unsure.iter().zip(&stack.hunted.suspected) {
            let ids: Vec<&str> = broken.iter().map(|invariant| invariant.id()).collect();
            lines.push(format!(
                "{}: scenario {case} breaks {}; it was not made small\n  file:  {file}\n  again: {}\n",
                Foreign(stack.spec.name()),
                ids.join(", "),
                stack.again(file)
            ));
        }
    }
    for Difference { stack, outcome, others, times, example, .. } in &others.differences {
        lines.push(format!(
            "{} stands alone in {times} scenarios: {outcome}, where all others come to {others}; such as {}",
            Foreign(stacks[*stack].spec.name()),
            Foreign(example)
        ));
    }
    lines.extend(stacks.iter().map(|stack| summary(stack, seed)));
    lines.join("\n")
}

/// A stack in one line.
fn summary(stack: &HuntedStack, seed: Seed) -> String {
    let hunted = &stack.hunted;
    let seconds = hunted.trying.as_secs_f64();
    let version = stack.version.as_deref().map(|version| format!(" {}", Foreign(version)));
    let findings = match hunted.findings.len() {
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    };
    let found = match (hunted.findings.len(), hunted.suspected.len()) {
        (0, 0) => "no invariant broken".to_owned(),
        (_, 0) => findings,
        (_, unshrunk) => format!("{findings}, {unshrunk} not made small"),
    };
    let unstable = match hunted.unstable {
        0 => String::new(),
        times => format!(", {times} seen that did not come again"),
    };
    format!(
        "{}{}: {} scenarios in {seconds:.1} s ({:.0} a second), {} handshakes, {found}{unstable}; seed {seed}",
        Foreign(stack.spec.name()),
        version.unwrap_or_default(),
        hunted.scenarios,
        hunted.rate(),
        hunted.handshakes,
    )
}

/// A finding in full: the script, the evidence, the transcript, and how it is shown again.
fn one(stack: &HuntedStack, finding: &Finding, file: &str, others: &Elsewhere) -> Vec<String> {
    let result = Visible::of(&finding.run.result);
    let name = stack.spec.name();
    let mut lines = vec![format!("{}: {}", Foreign(name), Foreign(&finding.summary()))];
    lines.push(format!("  client: {}", settings(finding)));
    let script = Counterexample::new(name, &finding.scenario, &finding.broken, Seed::new(0));
    let script = serde_json::to_value(&script).unwrap_or_default();
    lines.push(format!("  script: {}", Foreign(&script["script"].to_string())));
    if !finding.scenario.rules.is_empty() {
        lines.push(format!("  wire:   {}", Foreign(&script["rules"].to_string())));
    }
    for evidence in &result.evidence {
        for line in &evidence.lines {
            lines.push(format!("  shown by {}: {line}", evidence.invariant));
        }
    }
    if let Some(reason) = &result.reason {
        lines.push(format!("  how:    {reason}"));
    }
    if let Some(error) = result.observed.as_ref().and_then(|observed| observed.error.as_ref()) {
        lines.push(format!("  client says: {}: {}", error.class, error.message));
    }
    if !others.of(file).is_empty() {
        lines.push(format!("  also:   {}", Foreign(&others.of(file).join(", "))));
    }
    let transcript = transcript::render(&finding.run.observation);
    lines.extend(in_short(transcript.trim_end()).iter().map(|line| format!("  {line}")));
    lines.push(format!("  file:   {}", Foreign(file)));
    lines.push(format!("  again:  {}", stack.again(file)));
    lines
}

/// A transcript without most of a flood: its beginning and its end. `pgtls replay` shows all of it.
fn in_short(transcript: &str) -> Vec<String> {
    const BEGINNING: usize = 60;
    const END: usize = 20;
    let lines: Vec<&str> = transcript.lines().collect();
    let left_out = lines.len().saturating_sub(BEGINNING + END);
    if left_out <= 1 {
        return lines.into_iter().map(str::to_owned).collect();
    }
    let (beginning, end) = (&lines[..BEGINNING], &lines[lines.len() - END..]);
    let gap = format!("  ... {left_out} lines more, which `pgtls replay` shows");
    let all = beginning.iter().copied().chain([gap.as_str()]).chain(end.iter().copied());
    all.map(str::to_owned).collect()
}

/// What the client is told and asked.
fn settings(finding: &Finding) -> String {
    let fetch: Vec<&str> = finding.scenario.fetch.iter().map(|column| column.name()).collect();
    let fetch =
        if fetch.is_empty() { String::new() } else { format!("; reads {}", fetch.join(", ")) };
    format!("{}{fetch}", finding.scenario.settings_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_shown_by_its_beginning_and_its_end() {
        let transcript = |lines: usize| {
            let lines: Vec<String> = (1..=lines).map(|line| line.to_string()).collect();
            in_short(&lines.join("\n"))
        };
        assert_eq!(transcript(81).len(), 81);
        let short = transcript(1_000);
        assert_eq!((short.len(), short[59].as_str(), short[61].as_str()), (81, "60", "981"));
        assert!(short[60].contains("920 lines more"), "{}", short[60]);
    }
}
