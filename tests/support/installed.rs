//! Things that not every machine has: what to run, or a line that says what was left out.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::{io::Write as _, path::Path};

use pgtls_conformance::{runner::StackSpec, shim::Manifest};

/// The stack of that name, `NAME` or `NAME@VERSION`, if it is installed.
///
/// Otherwise it is skipped.
pub(crate) fn stack(name: &str) -> Option<StackSpec> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shims");
    let (base, version) =
        name.split_once('@').map_or((name, None), |(base, version)| (base, Some(version)));
    let manifests = Manifest::read_all(&folder).expect("the manifests");
    let stack =
        manifests.into_iter().find(|stack| stack.name == base).expect("a manifest of that name");
    let stack = version.map_or_else(|| stack.clone(), |version| stack.at_version(version));
    let missing = stack.missing_programs();
    if !stack.is_installed() {
        skip(&format!("{name} is not installed (pgtls install {name})"));
        None
    } else if !missing.is_empty() {
        skip(&format!("{name} needs {}", missing.join(", ")));
        None
    } else {
        Some(StackSpec::process(stack.id(), stack.launch()))
    }
}

/// Says on stderr what is left out; under `PGTLS_STRICT=1`, as in CI, that is a failure.
pub(crate) fn skip(what: &str) {
    assert!(std::env::var_os("PGTLS_STRICT").is_none_or(|strict| strict != "1"), "{what}");
    // Not by eprintln!, which the test harness keeps to itself where a test passes.
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}
