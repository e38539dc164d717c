//! The tool's own trouble is never a finding: what it cannot measure is inconclusive, what it cannot
//! even begin is said, and either ends in exit code 3.

#[path = "support/installed.rs"]
mod installed;
mod support;

use std::{
    fs,
    process::{Command, Output},
};

use pgtls_conformance::{judge::Conformance, results::Results};
use support::text;

/// Runs the program behind words of a shell that take its means away.
fn limited(words: &str, arguments: &[&str]) -> Output {
    let script = format!("{words} exec \"$0\" \"$@\"");
    support::output(Command::new("sh").args(["-c", &script, support::PROGRAM]).args(arguments))
}

#[test]
fn with_few_descriptors_no_client_is_accused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results.json");
    let out = out.to_str().expect("a path");
    // It departs from libpq in some of these, which a client short of descriptors might as well.
    let filter = "reply=accept,certificate=expired";
    let run = limited(
        "ulimit -n 48;",
        &[
            "matrix",
            "--stack",
            "tokio-postgres/rustls",
            "--filter",
            filter,
            "--format",
            "json",
            "--out",
            out,
        ],
    );
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("could not measure"), "{}", text(&run.stderr));
    let results = fs::read_to_string(out).expect("what was measured is written");
    let results = Results::from_json(&results).expect("results");
    let count = |verdict| results.cells.iter().filter(|cell| cell.conformance == verdict).count();
    assert!(count(Conformance::Agrees) > 0, "{:?}", results.cells);
    assert!(count(Conformance::Inconclusive) > 0, "{:?}", results.cells);
    for cell in &results.cells {
        assert!(!cell.is_finding(), "{cell:?}");
        if cell.conformance == Conformance::Inconclusive {
            assert_eq!(cell.observed, None);
            let reason = cell.reason.as_deref().unwrap_or_default();
            assert!(reason.contains("ulimit -n"), "{reason}");
        }
    }
}

#[test]
fn what_cannot_begin_says_what_is_missing() {
    for (words, missing) in
        [("ulimit -n 16;", "ulimit -n"), ("trap '' XFSZ; ulimit -f 0;", "wanted to write a file")]
    {
        let run = limited(words, &["run", "pgtls/rustls:default"]);
        let told = text(&run.stderr);
        assert_eq!(run.status.code(), Some(3), "{words} {told}");
        assert!(told.contains("the tool is short of means: ") && told.contains(missing), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn without_a_loopback_nothing_begins() {
    let unshare = |program: &str, arguments: &[&str]| {
        support::output(Command::new("unshare").args(["--net", program]).args(arguments))
    };
    if !Command::new("unshare")
        .args(["--net", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        return installed::skip("no network namespace of its own is to be had here");
    }
    let run = unshare(support::PROGRAM, &["run", "pgtls/rustls:default"]);
    let told = text(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{told}");
    assert!(told.contains("wanted to connect to 127.0.0.1"), "{told}");
}
