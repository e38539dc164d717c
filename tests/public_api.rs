//! What the libraries promise, item by item, is written down in docs/api, and changes only with that page.
//!
//! `just api` writes the pages anew.

#[path = "support/installed.rs"]
mod installed;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The libraries. What the program promises is its command line, in docs/contract.md.
const LIBRARIES: [&str; 4] =
    ["pgtls-harness", "pgtls-mock-server", "pgtls-conformance", "pgtls-connector"];

/// The format of rustdoc's JSON that the release of `public-api` in Cargo.toml reads: Rust 1.95's.
const FORMAT_VERSION: u64 = 57;

/// rustdoc's JSON of a library with all its features.
fn described(library: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new(env!("CARGO"))
        .args(["rustdoc", "--locked", "--lib", "--all-features", "-p", library, "--"])
        .args(["-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTDOC", root.join(".ci/rustdoc-json"))
        .env_remove("RUSTDOCFLAGS")
        .current_dir(root)
        .output()
        .expect("cargo");
    assert!(made.status.success(), "{library}: {}", String::from_utf8_lossy(&made.stderr));
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("doc").join(library.replace('-', "_")).with_extension("json")
}

/// The public items, one a line; none where this Rust writes a format that is not read here: each
/// release of Rust may write another one.
fn items(library: &str) -> Option<String> {
    let json = described(library);
    let text = fs::read_to_string(&json).expect("rustdoc's JSON");
    let described: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let format = described["format_version"].as_u64();
    if format != Some(FORMAT_VERSION) {
        let asked =
            format!("the public API is read from format {FORMAT_VERSION} of rustdoc's JSON");
        installed::skip(&format!("{asked}, this Rust writes {format:?}"));
        return None;
    }
    let api = public_api::Builder::from_rustdoc_json(json)
        // What every type has, and what a derive says already.
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build();
    Some(api.expect("the public API").to_string())
}

#[test]
fn the_public_api_is_the_one_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api");
    let writes = env::var_os("PGTLS_WRITE_API").is_some_and(|write| write == "1");
    let mut changed = Vec::new();
    for library in LIBRARIES {
        let Some(now) = items(library) else { return };
        assert!(now.lines().count() > 10, "{library}: {now}");
        let page = folder.join(library).with_extension("txt");
        if writes {
            fs::write(&page, now).expect("a page");
            continue;
        }
        let before = fs::read_to_string(&page).unwrap_or_default();
        let gone = before.lines().filter(|line| !now.lines().any(|other| other == *line));
        let new = now.lines().filter(|line| !before.lines().any(|other| other == *line));
        changed.extend(gone.map(|line| format!("{library} - {line}")));
        changed.extend(new.map(|line| format!("{library} + {line}")));
    }
    assert!(changed.is_empty(), "not as in docs/api (`just api`):\n{}", changed.join("\n"));
}
