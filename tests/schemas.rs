//! The committed JSON Schemas are those of the types, and what the program prints fits them.

#[path = "support/installed.rs"]
mod installed;
mod support;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use pgtls::stacks::BuiltIn;
use pgtls_conformance::shim::{Launch, Manifest};
use pgtls_mock_server::MockServer;
use serde_json::{Value, json};

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
    let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let schema: Value = serde_json::from_str(&committed("results")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> =
        validator.iter_errors(&results).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
    assert!(results["cells"].as_array().is_some_and(|cells| !cells.is_empty()));
}

/// A shim's answers to these questions.
fn answers(launch: &Launch, questions: &[Value]) -> Vec<Value> {
    let mut child = Command::new(&launch.program)
        .args(&launch.arguments)
        .envs(launch.variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{launch:?}: {error}"));
    let mut stdin = child.stdin.take().expect("stdin");
    for question in questions {
        writeln!(stdin, "{question}").expect("a question");
    }
    drop(stdin);
    let output = support::ended(child);
    let lines = support::text(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Every kind of message, of every shim: those in Rust, which are in this program and in the folder of
/// shims, and those in other languages.
#[tokio::test(flavor = "multi_thread")]
async fn what_shims_are_asked_and_answer_fits_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shims");
    let manifests = Manifest::read_all(&folder).expect("the manifests");
    // The current releases of some are in this program.
    let shims = manifests.iter().filter(|stack| BuiltIn::named(&stack.name).is_none());
    let installed = shims.filter_map(|stack| installed::stack(&stack.name));
    let built_in = BuiltIn::ALL.map(support::spec);
    let [request, response] = ["shim-request", "shim-response"].map(|name| {
        let schema: Value = serde_json::from_str(&committed(name)).expect("JSON");
        jsonschema::validator_for(&schema).expect("a schema")
    });
    let server = MockServer::builder().start().await.expect("a server");
    let connect = |id: u64, port: u16, more: Value| {
        let mut question = json!({
            "type": "connect", "id": id, "host": "localhost", "port": port, "user": "any",
            "password": server.password(), "dbname": "postgres", "timeout_ms": 10_000,
            "query": "SELECT 4711", "sslmode": "disable",
        });
        let settings = question.as_object_mut().expect("an object");
        settings.extend(more.as_object().expect("an object").clone());
        question
    };
    let questions = [
        json!({"type": "hello", "contract": 1}),
        connect(1, server.address().port(), json!({})),
        // Nobody listens on port 1.
        connect(2, 1, json!({})),
        connect(3, server.address().port(), json!({"sslmode": "nonsense"})),
        connect(4, server.address().port(), json!({"then": "cancel"})),
    ];
    for question in &questions {
        assert!(request.is_valid(question), "{question}");
    }
    assert!(!response.is_valid(&json!({"type": "result", "id": 1, "outcome": "perhaps"})));
    let mut wrong = Vec::new();
    for spec in built_in.into_iter().chain(installed) {
        let launch = spec.launch().expect("a launch");
        let mut answers = tokio::task::block_in_place(|| answers(launch, &questions));
        // Who takes several questions at a time answers in any order; hello has no id.
        answers.sort_by_key(|answer| answer["id"].as_u64());
        let kinds = answers.iter().map(|answer| {
            let kind = answer.get("outcome").or_else(|| answer.get("type"));
            kind.and_then(Value::as_str).unwrap_or("none")
        });
        let kinds: Vec<_> = kinds.collect();
        let cancels = answers.first().is_some_and(|hello| hello["supports"]["cancel"] == true);
        let last = if cancels { "connected" } else { "unsupported" };
        // A mode that there is not is no mode of the driver's, or an error of its own.
        let says_no = kinds.get(3).is_some_and(|kind| ["failed", "unsupported"].contains(kind));
        if kinds.len() != 5
            || kinds[..3] != ["hello", "connected", "failed"]
            || !says_no
            || kinds[4] != last
        {
            wrong.push(format!("{}: {answers:?}", spec.name()));
        }
        for answer in &answers {
            let errors = response.iter_errors(answer).map(|error| error.to_string());
            wrong.extend(errors.map(|error| format!("{}: {error} in {answer}", spec.name())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
