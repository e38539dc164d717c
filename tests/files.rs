//! Files that others wrote: read for what they are, refused in one line where they are not, and
//! never obeyed.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use support::text;

fn pgtls(arguments: &[&str]) -> Output {
    support::output(Command::new(support::PROGRAM).args(arguments))
}

fn file(folder: &Path, name: &str, value: &Value) -> String {
    let path = folder.join(name);
    fs::write(&path, value.to_string()).expect("a file");
    path.to_str().expect("a path").to_owned()
}

/// One clear line, and exit code 2.
#[track_caller]
fn refuses(arguments: &[&str], because: &str) {
    let output = pgtls(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(stderr.contains(because), "{arguments:?}: wanted `{because}`, got {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
}

fn cell(id: &str) -> Value {
    json!({
        "id": id, "stack": "a", "axes": {}, "expected": {"trace": ""}, "observed": null,
        "conformance": "agrees", "safety": [], "warnings": [], "reason": null,
    })
}

fn results(cells: &[Value]) -> Value {
    json!({
        "schema": 1, "tool": "", "reference": "", "suite": "", "seed": "", "stacks": [],
        "cells": cells,
    })
}

#[test]
fn results_are_of_this_schema_and_hold_each_cell_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |value: &Value| file(folder.path(), "results.json", value);
    // Of a later schema nothing else is known, not even which fields it has.
    for (schema, told) in [
        (json!({"schema": 2, "cells": "elsewhere"}), "wanted results of schema 1, got schema 2"),
        (json!({"schema": "new"}), "wanted results of schema 1, got schema \"new\""),
        (json!({"cells": []}), "wanted results of schema 1, got no schema"),
    ] {
        let results = place(&schema);
        refuses(&["diff", &results, &results], told);
    }
    let twice = place(&results(&[cell("a:default"), cell("a:host=b"), cell("a:host=b")]));
    refuses(&["diff", &twice, &twice], "a:host=b stands twice");
    let stack = json!({
        "name": "a", "version": null, "tls": null, "supports": null, "could_not_run": null,
    });
    let mut namesakes = results(&[]);
    namesakes["stacks"] = json!([stack, stack]);
    let namesakes = place(&namesakes);
    refuses(&["diff", &namesakes, &namesakes], "a stands twice");
    let once = place(&results(&[cell("a:default"), cell("a:host=b")]));
    assert_eq!(text(&pgtls(&["diff", &once, &once]).stdout), "nothing changed\n");
}

fn counterexample(stack: &str, is_command: bool) -> Value {
    json!({
        "schema": 1, "stack": stack, "is_command": is_command, "axes": "default", "rules": [],
        "broken": [], "seed": "1",
    })
}

#[test]
fn a_counterexample_of_another_schema_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut newer = counterexample("libpq/psql", false);
    newer["schema"] = json!(2);
    newer.as_object_mut().expect("an object").remove("axes");
    let newer = file(folder.path(), "a.json", &newer);
    refuses(&["replay", &newer], "wanted a counterexample of schema 1, got schema 2");
}

#[test]
fn nothing_that_a_file_names_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let trap = folder.path().join("sprung");
    let command = format!("touch {}", trap.display());
    let place =
        |stack: &str, is_command| file(folder.path(), "a.json", &counterexample(stack, is_command));
    let passed_on = place(&command, true);
    refuses(&["replay", &passed_on], &format!("with --shim. The file says: {command}"));
    // A name is a known stack's and no path to a program, whatever the file says it is.
    for name in [
        command.as_str(),
        "../one",
        "/bin/true",
        "one/../../bin/true",
        "all",
        "",
        "one@",
        "one@..",
        "one@../../bin",
        "one@1/../..",
        "libpq/psql@15",
    ] {
        let shims = folder.path().join("shims");
        fs::create_dir_all(shims.join("one")).expect("a folder");
        let manifest = "[[stack]]\nname = \"one\"\nversion = \"1\"\ninstall = \"exit 1\"\n\
            command = [\"true\"]\n";
        fs::write(shims.join("one/shim.toml"), manifest).expect("a manifest");
        let passed_on = place(name, false);
        let shims = shims.to_str().expect("a path");
        refuses(&["replay", &passed_on, "--shims", shims], "");
    }
    assert!(!trap.exists(), "the command of the file was run");
    // The one who runs it says what is run, and the file's own command stays a text.
    let passed_on = place(&command, true);
    let shim = format!("'{}' shim pgtls/rustls", support::PROGRAM);
    let run = pgtls(&["replay", &passed_on, "--shim", &shim]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(!trap.exists());
}

#[test]
fn a_baselines_unknown_stack_is_told_and_one_baseline_serves_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let entry = |stack: &str| json!({"id": format!("{stack}:sslmode=require"), "conformance": "weaker", "reason": "x"});
    let matrix = |stacks: &[&str]| {
        let entries: Vec<Value> = stacks.iter().map(|stack| entry(stack)).collect();
        let baseline = file(folder.path(), "known.json", &json!(entries));
        let filter = "certificate=expired,sslmode=disable";
        let run = ["matrix", "--stack", "pgtls/rustls", "--filter", filter, "--shard", "1/2"];
        pgtls(&[&run[..], &["--baseline", &baseline]].concat())
    };
    let known = ["pgtls/rustls", "libpq/psql", "tokio-postgres/native-tls", "psycopg", "pgx@5.0.0"];
    let known = matrix(&known);
    assert_eq!((known.status.code(), text(&known.stderr).as_str()), (Some(0), ""));
    let unknown = matrix(&["pgtls/rustls", "pgtls/rustsl", "my-shim", "pgtls/rustsl"]);
    assert_eq!(unknown.status.code(), Some(2), "twice the same");
    let unknown = matrix(&["pgtls/rustls", "pgtls/rustsl", "my-shim"]);
    assert_eq!(unknown.status.code(), Some(0), "a shim of another run is no mistake");
    let told = "pgtls: the baseline names what is neither in this run nor a known stack: \
        my-shim, pgtls/rustsl\n";
    assert_eq!(text(&unknown.stderr), told);
}
