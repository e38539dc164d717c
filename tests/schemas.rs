//! The committed JSON Schemas are those of the types, and what the program prints fits them.

mod support;

use std::{fs, path::Path, process::Command};

fn committed(name: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(format!("{name}.json"));
    fs::read_to_string(path).expect("a committed schema")
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for name in ["shim-request", "shim-response", "results", "baseline"] {
        let output = support::output(Command::new(support::PROGRAM).args(["schema", name]));
        let now = String::from_utf8(output.stdout).expect("text");
        assert_eq!(now, committed(name), "stale: run `just schemas`");
    }
}

#[test]
fn results_fit_their_schema() {
    let output = support::output(Command::new(support::PROGRAM).args([
        "matrix",
        "--format",
        "json",
        "--stack",
        "pgtls/rustls",
        "--filter",
        "certificate=expired",
    ]));
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let schema: serde_json::Value = serde_json::from_str(&committed("results")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> =
        validator.iter_errors(&results).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
    assert!(results["cells"].as_array().is_some_and(|cells| !cells.is_empty()));
}
