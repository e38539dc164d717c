//! The targets of fuzz/, without a fuzzer: each has what it needs, and holds over its corpus and over all that was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

type Target = (&'static str, fn(&[u8]));

/// The targets, by the crate that they are of.
const CRATES: [(&str, &[Target]); 3] = [
    ("pgtls_conformance", pgtls_conformance::fuzzing::TARGETS),
    ("pgtls_connector", pgtls_connector::fuzzing::TARGETS),
    ("pgtls_mock_server", pgtls_mock_server::fuzzing::TARGETS),
];

/// What a corpus may come to: it is replayed by every `cargo test`, and stays in the repository's history.
const MOST_FILES: usize = 100;
const MOST_BYTES: u64 = 200_000;

fn fuzz(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(path)
}

/// The files of a folder, which need not exist, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// The names in a folder, without what follows the dot.
fn names(folder: &str) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    files(&fuzz(folder)).iter().map(stem).collect()
}

#[test]
fn every_target_is_compiled_and_has_a_corpus() {
    let of_crates: BTreeMap<&str, &str> = CRATES
        .iter()
        .flat_map(|(of, targets)| targets.iter().map(move |(name, _)| (*name, *of)))
        .collect();
    let count: usize = CRATES.iter().map(|(_, targets)| targets.len()).sum();
    assert_eq!(of_crates.len(), count, "a name stands twice");
    assert!(count > 20, "{count}");
    let known: BTreeSet<String> = of_crates.keys().map(|&name| name.to_owned()).collect();

    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
    for (folder, names) in ["regressions", "dictionaries"].map(|of| (of, names(of))) {
        assert!(names.is_subset(&known), "{folder}: {names:?}");
    }
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let programs = manifest["bin"].as_array().expect("programs").iter();
    let programs = programs.map(|program| program["name"].as_str().expect("a name").to_owned());
    assert_eq!(programs.collect::<BTreeSet<_>>(), known);

    for (name, of) in of_crates {
        let path = fuzz("fuzz_targets").join(name).with_extension("rs");
        let program = fs::read_to_string(path).expect("a program");
        let call = format!("fuzz_target!(|data: &[u8]| {of}::fuzzing::{name}(data));");
        assert!(program.contains(&call), "{name}: wanted {call}");
        let corpus = files(&fuzz("corpus").join(name));
        let bytes: u64 = corpus.iter().map(|file| file.metadata().expect("a file").len()).sum();
        assert!((1..=MOST_FILES).contains(&corpus.len()), "{name}: {} files", corpus.len());
        assert!(bytes <= MOST_BYTES, "{name}: {bytes} bytes");
    }
}

/// Runs the targets of a crate over their corpora, and over what was found before.
fn replay(of: &str) {
    let (_, targets) = CRATES.iter().find(|(name, _)| *name == of).expect("a crate");
    let mut failed = Vec::new();
    for (name, target) in *targets {
        for folder in ["corpus", "regressions"] {
            for path in files(&fuzz(folder).join(name)) {
                let data = fs::read(&path).expect("a file");
                if catch_unwind(|| target(&data)).is_err() {
                    failed.push(path);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_connectors_targets_hold() {
    replay("pgtls_connector");
}

#[test]
fn the_mock_servers_targets_hold() {
    replay("pgtls_mock_server");
}

#[test]
fn the_conformance_librarys_targets_hold() {
    replay("pgtls_conformance");
}
