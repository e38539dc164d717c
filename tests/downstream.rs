//! `examples/downstream`: a driver outside of the workspace, whose own tests are pgtls's checks.

#[path = "support/installed.rs"]
mod installed;

use std::{
    path::Path,
    process::{Command, Output},
};

/// Cargo in the example's folder; what is compiled stays beside this workspace's own.
fn cargo(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("downstream");
    Command::new(program)
        .args(arguments)
        .current_dir(root.join("examples/downstream"))
        .env("CARGO_TARGET_DIR", own)
        // As the workspace and the gate have it, so that the disk suffices.
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .env("CARGO_INCREMENTAL", "0")
        // What Cargo tells its own tests is of this workspace.
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("cargo")
}

#[test]
fn a_drivers_own_tests_pass() {
    let fetched = cargo(&["fetch", "--locked"]);
    if !fetched.status.success() {
        let why = String::from_utf8_lossy(&fetched.stderr);
        let last = why.lines().last().unwrap_or_default();
        return installed::skip(&format!(
            "examples/downstream: its crates are not to be had: {last}"
        ));
    }
    let tested = cargo(&["test", "--locked", "--offline"]);
    let told = String::from_utf8_lossy(&[tested.stdout, tested.stderr].concat()).into_owned();
    assert!(tested.status.success(), "{told}");
    for test in ["it_does_as_libpq_does_but_for_what_is_known", "hostile_servers_do_not_break_it"] {
        assert!(told.contains(&format!("test {test} ... ok")), "{told}");
    }
}
