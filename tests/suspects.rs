//! A shim with a typing error is no careful driver: what never connects is said first, and nowhere
//! called safe.

mod support;

use std::{fs, path::Path, process::Command};

use support::text;

/// Our connector behind a shim that fails by its own mistake wherever this holds of `asked`.
fn shim(folder: &Path, mistake: &str) -> String {
    let script = format!(
        r#"
import json, subprocess, sys
driver = subprocess.Popen([{:?}, "shim", "pgtls/rustls"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["type"] == "connect" and asked.get("sslmode") != "nonsense" and ({mistake}):
        error = {{"class": "NameError", "message": "name 'sslmod' is not defined"}}
        print(json.dumps({{"type": "result", "id": asked["id"], "outcome": "failed", "error": error}}), flush=True)
    else:
        print(line, end="", file=driver.stdin, flush=True)
        print(driver.stdout.readline(), end="", flush=True)
"#,
        support::PROGRAM
    );
    let path = folder.join("shim.py");
    fs::write(&path, script).expect("a file");
    format!("python3 '{}'", path.display())
}

fn matrix(shim: &str, format: &str) -> String {
    let filter = ["--filter", "certificate=localhost-only", "--filter", "sslnegotiation=direct"];
    let mut command = Command::new(support::PROGRAM);
    command.args(["matrix", "--shim", shim, "--format", format]).args(filter);
    let run = support::output(&mut command);
    assert!([Some(0), Some(1)].contains(&run.status.code()), "{}", text(&run.stderr));
    text(&run.stdout)
}

const SAID: &str = "NameError: name 'sslmod' is not defined";

#[test]
fn a_mode_or_a_value_that_never_connects_is_said_first() {
    let folder = tempfile::tempdir().expect("a folder");
    for (mistake, cells) in [
        ("asked.get('sslmode') == 'require'", "cell with sslmode=require"),
        ("asked.get('sslmode') is None", "cell with sslmode=unset"),
        ("asked.get('sslnegotiation') == 'direct'", "cell with sslnegotiation=direct"),
    ] {
        let shim = shim(folder.path(), mistake);
        let told = format!("shim: no {cells} ever connects; libpq connects in ");
        let table = matrix(&shim, "table");
        let first = table.lines().next().unwrap_or_default();
        assert!(first.starts_with(&told), "{mistake}: {table}");
        assert!(first.contains("Suspect the shim") && first.contains(SAID), "{first}");
        assert!(!table.contains("safe, and a surprise"), "{mistake}: {table}");
        assert!(!table.contains("┆ none "), "{mistake}: {table}");

        let markdown = matrix(&shim, "markdown");
        let place = |text: &str| markdown.find(text).unwrap_or(usize::MAX);
        assert!(place(&told) < place("| stack |"), "{markdown}");
        assert!(!markdown.contains("safe, and a surprise"), "{markdown}");
        assert!(!markdown.contains("| none |"), "{markdown}");

        let junit = quick_junit::Report::deserialize_from_str(&matrix(&shim, "junit"));
        let junit = junit.expect("a report");
        let out = junit.test_suites[0].system_out.as_ref().expect("a word on the suite");
        assert!(out.as_str().contains(&told) && out.as_str().contains(SAID), "{out:?}");

        assert!(!matrix(&shim, "json").contains("ever connects"), "JSON holds what was seen");
    }
}

#[test]
fn of_a_client_that_connects_nothing_of_it_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let shim = shim(folder.path(), "False");
    let table = matrix(&shim, "table");
    assert!(!table.contains("ever connects") && table.contains("┆ none "), "{table}");
}
