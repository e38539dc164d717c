//! The corpus of regressions, `tests/corpus/`: the smallest script of each published fault, and of each
//! that fuzzing found in our own code. Every one is replayed on the built-in drivers, which break
//! nothing, and on the releases that have the fault and mend it, where these are installed.

#[path = "support/installed.rs"]
mod installed;
mod support;

use std::{fs, path::Path};

use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    fuzz::Counterexample,
    judge::Invariant,
    runner::{StackSpec, Subject, TestEnvironment},
};

/// A file of the corpus.
struct Entry {
    file: String,
    counterexample: Counterexample,
    /// The release that mends it, if there is one.
    fixed: Option<String>,
}

fn corpus() -> Vec<Entry> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files =
        fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file").path());
    let mut entries: Vec<Entry> = files
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a text");
            let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert!(json["name"].is_string(), "{} has no name", path.display());
            Entry {
                file: path.file_name().expect("a name").to_string_lossy().into_owned(),
                counterexample: Counterexample::from_json(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                fixed: json["fixed"].as_str().map(str::to_owned),
            }
        })
        .collect();
    entries.sort_by(|one, other| one.file.cmp(&other.file));
    assert!(entries.len() > 10);
    entries
}

/// What a replay breaks.
async fn replay(spec: &StackSpec, entry: &Entry) -> Vec<Invariant> {
    let Entry { file, counterexample, .. } = entry;
    let environment = TestEnvironment::new(counterexample.seed).expect("an environment");
    let subject = Subject::probe(spec, &environment).await;
    assert_eq!(subject.could_not_run(), None, "{file}: {}", spec.name());
    let (axes, server) = counterexample.question().expect("axes");
    let run = subject.try_server_to_the_end(&axes, &server, &counterexample.fetch).await;
    assert!(run.result.observed.is_some(), "{file}: {}: {:?}", spec.name(), run.result.reason);
    run.result.safety
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_connector_breaks_nothing() {
    for entry in corpus() {
        for stack in [BuiltIn::PgtlsRustls, BuiltIn::PgtlsNativeTls] {
            let spec = stack.in_process().expect("a driver");
            assert_eq!(replay(&spec, &entry).await, [], "{}: {}", entry.file, spec.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_fault_breaks_the_release_that_has_it_and_not_the_one_that_mends_it() {
    for entry in corpus().iter().filter(|entry| !entry.counterexample.broken.is_empty()) {
        let Counterexample { stack, broken, .. } = &entry.counterexample;
        if let Some(spec) = installed::stack(stack) {
            let breaks = replay(&spec, entry).await;
            assert!(
                broken.iter().all(|it| breaks.contains(it)),
                "{}: {stack}: {breaks:?}",
                entry.file
            );
        }
        let Some(fixed) = &entry.fixed else { continue };
        let spec = match BuiltIn::named(fixed) {
            Some(built_in) => Some(support::spec(built_in)),
            None => installed::stack(fixed),
        };
        if let Some(spec) = spec {
            let breaks = replay(&spec, entry).await;
            assert!(
                broken.iter().all(|it| !breaks.contains(it)),
                "{}: {fixed}: {breaks:?}",
                entry.file
            );
        }
    }
}
