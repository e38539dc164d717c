//! The benchmarks at a glance: what criterion estimated, beside floors and limits, and the bars that must hold.
//!
//! Run after `cargo bench`; an argument names criterion's folder, if it is elsewhere. Exits with 1 if a bar
//! is missed or was not measured.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use comfy_table::{CellAlignment, Table, presets};
use serde::Deserialize;

/// At least so many sessions for each in-memory handshake: what a fast server reaches, and a bit more.
const SESSIONS_PER_HANDSHAKE: f64 = 0.55;
/// A server with an authority of its own is ready within this time, in nanoseconds.
const READY_WITHIN: f64 = 50e6;
/// A listener of an authority that is there, likewise.
const LISTENS_WITHIN: f64 = 1e6;
/// A fuzzer tries at least so many scenarios a second that end before TLS, over both backends.
const SCENARIOS_A_SECOND: f64 = 10_000.0;
/// At least so many with a whole login for each in-memory handshake of rustls, likewise.
const LOGINS_PER_HANDSHAKE: f64 = 0.4;

/// The groups whose functions take turns.
const BY_TURNS: [&str; 2] = ["connections", "fuzz"];

/// Estimates that are older than the newest by more than this belong to another run.
const LONGEST_RUN: Duration = Duration::from_secs(20 * 60);

/// By benchmark, `group/function/value`: the median in nanoseconds.
type Medians = BTreeMap<String, f64>;

fn main() -> ExitCode {
    let folder = env::args_os().nth(1).map_or_else(criterion_folder, PathBuf::from);
    match medians(&folder) {
        Ok(medians) if medians.is_empty() => {
            eprintln!("no estimates in {}: run `cargo bench` first", folder.display());
            ExitCode::FAILURE
        }
        Ok(medians) => {
            println!("{}\n", benchmarks(&medians));
            let bars = bars(&medians);
            println!("{}", bar_table(&bars));
            if let Some(ratio) = per_limit(&medians, "connections/tokio-postgres-shared") {
                println!(
                    "\nsessions for each in-memory handshake in one runtime of both threads: {ratio}"
                );
            }
            if bars.iter().all(Bar::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("cannot read the estimates in {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Where criterion writes when cargo runs it.
fn criterion_folder() -> PathBuf {
    if let Some(home) = env::var_os("CRITERION_HOME") {
        return home.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("criterion")
}

/// What one run measured: criterion forgets nothing, so older estimates of other code lie about.
fn medians(folder: &Path) -> Result<Medians, Box<dyn Error>> {
    let mut estimates = Vec::new();
    if folder.is_dir() {
        collect(folder, &mut estimates)?;
    }
    let newest = estimates.iter().map(|(made, ..)| *made).max();
    let of_this_run = |made| newest.is_some_and(|newest| made + LONGEST_RUN >= newest);
    Ok(estimates
        .into_iter()
        .filter_map(|(made, id, time)| of_this_run(made).then_some((id, time)))
        .collect())
}

/// Reads the newest estimates of every benchmark below `folder`, and when they were made.
fn collect(
    folder: &Path,
    estimates: &mut Vec<(SystemTime, String, f64)>,
) -> Result<(), Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Benchmark {
        full_id: String,
    }
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
    }
    let newest = folder.join("new");
    if newest.join("benchmark.json").is_file() {
        let benchmark: Benchmark = read(&newest.join("benchmark.json"))?;
        let path = newest.join("estimates.json");
        let Estimates { median } = read(&path)?;
        let made = fs::metadata(&path)?.modified()?;
        estimates.push((made, benchmark.full_id, median.point_estimate));
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, estimates)?;
        }
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Box<dyn Error>> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Every benchmark, how many times its floor it takes, and how much of it its limit makes up.
fn benchmarks(medians: &Medians) -> Table {
    let mut table = table(["benchmark", "time", "per second", "× floor", "limit ÷ time"]);
    for (id, &time) in &over_turns(medians) {
        let floor = floor(id).and_then(|floor| medians.get(&floor));
        let limit = if takes_turns(id) {
            per_limit(medians, id).map(|ratio| ratio.median)
        } else {
            limit(id).and_then(|limit| medians.get(&limit)).map(|limit| limit / time)
        };
        table.add_row([
            id.clone(),
            duration(time),
            format!("{:.0}", 1e9 / time),
            floor.map(|floor| format!("{:.2}", time / floor)).unwrap_or_default(),
            limit.map(|limit| format!("{limit:.2}")).unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The same with one entry, the median, for all turns of a function.
fn over_turns(medians: &Medians) -> Medians {
    let mut turns = BTreeMap::<&str, Vec<f64>>::new();
    for (id, &time) in medians {
        let function = match id.rsplit_once('/') {
            Some((function, _)) if takes_turns(id) => function,
            _ => id,
        };
        turns.entry(function).or_default().push(time);
    }
    let median = |(function, mut times): (&str, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        (function.to_owned(), times[times.len() / 2])
    };
    turns.into_iter().map(median).collect()
}

/// Whether it is one of several that take turns.
fn takes_turns(id: &str) -> bool {
    id.split_once('/').is_some_and(|(group, _)| BY_TURNS.contains(&group))
}

/// The same without what is measured.
fn floor(id: &str) -> Option<String> {
    match id.split('/').collect::<Vec<_>>()[..] {
        ["handshake", function, _] if !function.starts_with("in-memory") => {
            Some("handshake/plaintext".to_owned())
        }
        ["fallback", backend, "prefer-refused" | "prefer-failed"] => {
            Some(format!("fallback/{backend}/straight-plain"))
        }
        ["fallback", backend, "allow-rejected" | "verify-full"] => {
            Some(format!("fallback/{backend}/straight-tls"))
        }
        _ => None,
    }
}

/// The part of it that no server could save.
fn limit(id: &str) -> Option<String> {
    match id.split('/').collect::<Vec<_>>()[..] {
        ["handshake", function, case] => {
            let provider = function.strip_prefix("rustls-")?;
            Some(format!("handshake/in-memory-{provider}/{case}"))
        }
        ["connections", "tokio-postgres" | "tokio-postgres-shared", turn] => {
            Some(format!("connections/in-memory/{turn}"))
        }
        ["fuzz", function, turn] => {
            // The bar for both backends together goes by the one of them that is quicker.
            let backend = match function.strip_prefix("login-")? {
                "both" => "rustls",
                backend => backend,
            };
            Some(format!("fuzz/in-memory-{backend}/{turn}"))
        }
        _ => None,
    }
}

/// Something that must hold.
struct Bar {
    what: &'static str,
    wanted: String,
    /// What was measured, in words, and whether it will do.
    measured: Option<(String, bool)>,
}

impl Bar {
    fn holds(&self) -> bool {
        self.measured.as_ref().is_some_and(|&(_, holds)| holds)
    }

    fn time(medians: &Medians, id: &str, what: &'static str, within: f64) -> Self {
        let measured = medians.get(id).map(|&time| (duration(time), time <= within));
        Self { what, wanted: format!("≤ {}", duration(within)), measured }
    }

    fn ratio(medians: &Medians, function: &str, what: &'static str, at_least: f64) -> Self {
        let measured =
            per_limit(medians, function).map(|ratio| (ratio.to_string(), ratio.median >= at_least));
        Self { what, wanted: format!("≥ {at_least:.2}"), measured }
    }

    fn rate(medians: &Medians, function: &str, what: &'static str, at_least: f64) -> Self {
        let measured = over_turns(medians).get(function).map(|time| {
            let rate = 1e9 / time;
            (format!("{rate:.0}"), rate >= at_least)
        });
        Self { what, wanted: format!("≥ {at_least:.0}"), measured }
    }
}

fn bars(medians: &Medians) -> [Bar; 6] {
    [
        Bar::ratio(
            medians,
            "connections/tokio-postgres",
            "sessions for each in-memory handshake: median (quarters) of the turns",
            SESSIONS_PER_HANDSHAKE,
        ),
        Bar::time(
            medians,
            "start/authority",
            "a server with an authority of its own",
            READY_WITHIN,
        ),
        Bar::time(
            medians,
            "start/new-process",
            "the same, first thing in a new process",
            READY_WITHIN,
        ),
        Bar::time(medians, "start/listener", "a listener for a further cell", LISTENS_WITHIN),
        Bar::rate(
            medians,
            "fuzz/before-tls-both",
            "scenarios a second that end before TLS: median of the turns",
            SCENARIOS_A_SECOND,
        ),
        Bar::ratio(
            medians,
            "fuzz/login-both",
            "scenarios with a login for each in-memory handshake, likewise",
            LOGINS_PER_HANDSHAKE,
        ),
    ]
}

/// The middle and the quarters of what the turns gave.
struct Ratio {
    first_quarter: f64,
    median: f64,
    last_quarter: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.median, self.first_quarter, self.last_quarter)
    }
}

/// How much of a function's time its limit makes up, turn by turn.
fn per_limit(medians: &Medians, function: &str) -> Option<Ratio> {
    let prefix = format!("{function}/");
    let mut ratios: Vec<f64> = medians
        .iter()
        .filter(|(id, _)| id.starts_with(&prefix))
        .filter_map(|(id, time)| Some(medians.get(&limit(id)?)? / time))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |quarter: usize| ratios.get(ratios.len() * quarter / 4).copied();
    Some(Ratio { first_quarter: at(1)?, median: at(2)?, last_quarter: at(3)? })
}

fn bar_table(bars: &[Bar]) -> Table {
    let mut table = table(["bar", "wanted", "measured", ""]);
    for bar in bars {
        let (measured, verdict) = match &bar.measured {
            Some((measured, true)) => (measured.as_str(), "holds"),
            Some((measured, false)) => (measured.as_str(), "missed"),
            None => ("", "not measured"),
        };
        table.add_row([bar.what, &bar.wanted, measured, verdict]);
    }
    table
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// Nanoseconds, for people.
fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        t if t < 1e3 => format!("{t:.0} ns"),
        t if t < 1e6 => format!("{:.1} µs", t / 1e3),
        t => format!("{:.2} ms", t / 1e6),
    }
}
