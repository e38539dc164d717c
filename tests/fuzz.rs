//! `pgtls fuzz` finds what breaks and nothing else, and `pgtls replay` shows it again.
//!
//! The client is `tests/clients`, given by its command.

mod support;

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pgtls_conformance::{fuzz::Counterexample, judge::Invariant};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// The command line of the tests' own client with that fault.
fn client(fault: &str) -> String {
    let own = std::env::current_exe().expect("the test's own path");
    let profile = own.parent().and_then(Path::parent).expect("a profile's directory");
    let program = profile.join("examples/test-client");
    assert!(program.exists(), "no {}", program.display());
    format!("'{}' {fault}", program.display())
}

async fn pgtls(arguments: &[&str]) -> Output {
    let run =
        tokio::process::Command::new(support::PROGRAM).args(arguments).kill_on_drop(true).output();
    tokio::time::timeout(Duration::from_secs(300), run).await.expect("in time").expect("pgtls")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Hunts for one finding in so many scenarios, and replays it; what it is, after it was written down.
async fn finds(fault: &str, seed: &str, cases: &str) -> Counterexample {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("counterexample.json");
    let file = file.to_str().expect("a path");
    let findings = folder.path().join("findings");
    let findings = findings.to_str().expect("a path");
    let shim = client(fault);
    let hunt = ["fuzz", "--shim", &shim, "--seed", seed, "--out", file, "--findings", findings];
    let found = pgtls(&[&hunt[..], &["--first", "--cases", cases]].concat()).await;
    assert_eq!(found.status.code(), Some(1), "{fault}: {}", told(&found));
    assert!(
        told(&found).contains(&format!("again:  pgtls replay {findings}/")),
        "{}",
        told(&found)
    );
    // The file names a command, and is not the one to say what runs here.
    let unasked = pgtls(&["replay", file]).await;
    assert_eq!(unasked.status.code(), Some(2), "{fault}: {}", told(&unasked));
    assert!(told(&unasked).contains(&shim), "{}", told(&unasked));
    let counterexample: Counterexample =
        serde_json::from_str(&fs::read_to_string(file).expect("a file")).expect("JSON");
    assert!(!counterexample.broken.is_empty(), "{fault}: {counterexample:?}");
    // The folder holds the same.
    for named in [file, findings] {
        let again = pgtls(&["replay", named, "--shim", &shim]).await;
        assert_eq!(again.status.code(), Some(1), "{fault}: {}", told(&again));
        for invariant in &counterexample.broken {
            assert!(told(&again).contains(invariant.id()), "{}", told(&again));
        }
    }
    counterexample
}

/// The script as it stands in the file.
fn script(counterexample: &Counterexample) -> String {
    let json = serde_json::to_value(counterexample).expect("JSON");
    json["script"].to_string()
}

#[tokio::test]
async fn what_a_client_does_in_clear_is_found_and_made_small() {
    let found = finds("starts-in-clear", "1", "300").await;
    assert_eq!(found.broken, [Invariant::PlaintextStartup]);
    // No reply, certificate or wire is needed for it: the mode alone.
    assert!(
        ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"].contains(&&*found.axes),
        "{found:?}"
    );
    assert_eq!((&*script(&found), &*found.rules), (r#"{"connections":[]}"#, &[][..]));
}

#[tokio::test]
async fn a_client_that_never_connects_is_not_called_clean() {
    let run = pgtls(&["fuzz", "--shim", &client("never-connects"), "--seed", "1"]).await;
    assert_eq!(run.status.code(), Some(2), "{}", told(&run));
    assert!(told(&run).contains("no honest connection works"), "{}", told(&run));
}

#[tokio::test]
async fn what_a_client_does_behind_its_answer_is_found_too() {
    for fault in ["dies-afterwards", "answers-twice"] {
        let found = finds(fault, "2", "300").await;
        assert_eq!(found.broken, [Invariant::Crash], "{fault}");
        assert_eq!(script(&found), r#"{"connections":[]}"#, "{fault}");
    }
}

#[tokio::test]
async fn what_keeps_a_processor_busy_is_made_small_by_what_it_costs() {
    let found = finds("works-hard", "4", "8").await;
    assert_eq!(found.broken, [Invariant::Busy]);
    assert_eq!(script(&found), r#"{"connections":[]}"#);
}

#[tokio::test]
async fn an_interrupt_keeps_what_was_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut fuzz = tokio::process::Command::new(support::PROGRAM)
        // Each step of making it small takes a deadline.
        .args(["fuzz", "--shim", &client("hangs"), "--seed", "3", "--findings"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("pgtls");
    let pid = fuzz.id().and_then(|id| i32::try_from(id).ok()).expect("a pid");
    let mut lines = BufReader::new(fuzz.stderr.take().expect("its stderr")).lines();
    let ended = async {
        loop {
            let line = lines.next_line().await.expect("a line").expect("a line before its end");
            if line.contains("making it small") {
                break;
            }
        }
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("a signal");
        fuzz.wait().await.expect("an end")
    };
    let ended = tokio::time::timeout(Duration::from_secs(120), ended).await.expect("in time");
    assert_eq!(ended.code(), Some(130));
    let files: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(file.expect("a file").path()).expect("what was found");
        let found: Counterexample = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found.broken, [Invariant::Hang]);
    }
}

#[tokio::test]
async fn an_honest_client_breaks_nothing_before_any_server() {
    let shim = client("honest");
    let hunt = ["fuzz", "--shim", &shim, "--cases", "100", "--format", "json"];
    let output = pgtls(&hunt).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["schema"], 1);
    assert!(report["seed"].is_string());
    let stack = &report["stacks"][0];
    assert_eq!((&stack["stack"], &stack["scenarios"]), (&"honest".into(), &100.into()));
    assert_eq!(stack["findings"], serde_json::json!([]));
    assert!(stack["handshakes"].as_u64().is_some_and(|count| count > 10), "{report}");
}

#[tokio::test]
async fn a_hunt_begins_with_what_the_last_one_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = folder.path().join("corpus");
    let corpus = corpus.to_str().expect("a path");
    let shim = client("honest");
    let hunt = ["fuzz", "--shim", &shim, "--corpus", corpus, "--format", "json", "--seed", "5"];
    let scenarios = async |cases: &str| {
        let output = pgtls(&[&hunt[..], &["--cases", cases]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (report["stacks"][0]["scenarios"].as_u64().expect("a number"), told(&output))
    };
    let kept = || {
        let files = fs::read_dir(Path::new(corpus).join("honest")).expect("the stack's folder");
        files.map(|file| file.expect("a file").path()).collect::<Vec<_>>()
    };
    assert_eq!(scenarios("100").await.0, 100);
    let left = kept().len();
    assert!((5..100).contains(&left), "{left} of 100");
    // They alone, and none of them is new, whatever their files are called.
    let one = kept().remove(0);
    fs::rename(&one, one.with_file_name("renamed.json")).expect("a file");
    assert_eq!(scenarios("0").await.0, left as u64);
    assert_eq!(kept().len(), left);
    let one = kept().remove(0);
    let replayed = pgtls(&["replay", one.to_str().expect("a path"), "--shim", &shim]).await;
    assert_eq!(replayed.status.code(), Some(0), "{}", told(&replayed));
    // What is of no use stays, and is told of.
    fs::write(&one, "of no use").expect("a file");
    let (tried, told) = scenarios("0").await;
    assert_eq!(tried, left as u64 - 1);
    assert!(told.contains("is left out: "), "{told}");
}
