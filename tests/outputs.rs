//! Where results go: each path is tried before the work, each output that can be written is
//! written, and none is lost.

mod support;

use std::{
    fs::{self, Permissions},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::Value;
use tempfile::TempDir;

use support::text;

/// Two cells without a finding.
const TWO: [&str; 5] =
    ["matrix", "--stack", "pgtls/rustls", "--filter", "certificate=expired,sslmode=disable"];

fn pgtls(arguments: &[&str]) -> Output {
    support::output(Command::new(support::PROGRAM).args(arguments))
}

fn matrix(outputs: &[&str]) -> Output {
    pgtls(&[&TWO[..], outputs].concat())
}

/// A folder, and paths in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path").to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn holds_results(path: &Path) {
    let text = fs::read_to_string(path).expect("a file");
    let results: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(results["schema"], 1);
}

#[test]
fn what_cannot_be_written_is_told_before_the_work() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder")).expect("a folder");
    fs::write(folder.path("file"), "old").expect("a file");
    symlink("loop", folder.path("loop")).expect("a link");
    symlink("no/such/file", folder.path("nowhere")).expect("a link");
    let before = folder.names();
    let shim = folder.text("mute.sh");
    for place in ["no/such/file", "folder", "new/", "file/x", "loop", "nowhere"] {
        let place = folder.text(place);
        // Each would take its minutes.
        for command in [
            &["matrix", "--suite", "full", "--out", &place][..],
            &[
                "matrix", "--suite", "full", "--format", "table", "--format", "json", "--out",
                &place,
            ],
            &["fuzz", "--stack", "pgtls/rustls", "--cases", "100000", "--out", &place],
            &["fuzz", "--shim", &shim, "--out", &place],
        ] {
            let output = pgtls(command);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {told}");
            let lines: Vec<&str> =
                told.lines().filter(|line| !line.starts_with("pgtls: seed")).collect();
            assert_eq!(lines.len(), 1, "{command:?}: {told}");
            assert!(lines[0].contains("could not write"), "{command:?}: {told}");
        }
        assert_eq!(
            pgtls(&["schema", "--out", &place]).status.code(),
            Some(if place.ends_with("/folder") { 0 } else { 2 }),
            "{place}"
        );
    }
    assert_eq!(folder.names(), before, "nothing was made, and nothing is left");
    assert_eq!(fs::read_to_string(folder.path("file")).expect("a file"), "old");
}

#[test]
fn two_outputs_are_not_one_file() {
    let folder = Folder::new();
    symlink("a", folder.path("link")).expect("a link");
    let (one, other) = (folder.text("a"), folder.text("link"));
    let twice = matrix(&["--format", "json", "--out", &one, "--format", "junit", "--out", &other]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(text(&twice.stderr).contains("two outputs are one file"), "{}", text(&twice.stderr));
    let null =
        ["--format", "json", "--out", "/dev/null", "--format", "junit", "--out", "/dev/null"];
    assert_eq!(matrix(&null).status.code(), Some(0));
}

#[test]
fn files_are_replaced_and_everything_else_stays_what_it_is() {
    let folder = Folder::new();
    fs::write(folder.path("old"), "old").expect("a file");
    fs::set_permissions(folder.path("old"), Permissions::from_mode(0o604)).expect("a mode");
    symlink("old", folder.path("link")).expect("a link");
    symlink("new", folder.path("dangling")).expect("a link");
    for name in ["old", "link", "dangling"] {
        let run = matrix(&["--format", "json", "--out", &folder.text(name)]);
        assert_eq!(run.status.code(), Some(0), "{name}: {}", text(&run.stderr));
        holds_results(&folder.path(name));
    }
    let mode = fs::metadata(folder.path("old")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o604);
    assert!(folder.path("link").is_symlink() && folder.path("dangling").is_symlink());
    assert_eq!(folder.names(), ["dangling", "link", "new", "old"]);
    // A device of its own may need root; that of everybody must stay one in any case.
    let run = matrix(&["--format", "json", "--out", "/dev/null"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let null = fs::symlink_metadata("/dev/null").expect("a device").file_type();
    assert!(null.is_char_device());
}

#[test]
fn a_pipe_is_written_into() {
    let folder = Folder::new();
    mkfifo(&folder.path("pipe"), Mode::S_IRWXU).expect("a pipe");
    let reader = Command::new("cat")
        .arg(folder.path("pipe"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cat");
    let run = matrix(&["--format", "json", "--out", &folder.text("pipe")]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let read = support::ended(reader);
    let results: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    assert_eq!(results["schema"], 1);
    let pipe = fs::symlink_metadata(folder.path("pipe")).expect("a pipe").file_type();
    assert!(pipe.is_fifo());
}

/// In a shell that knows process substitution, as it is typed.
#[test]
fn a_substituted_process_and_the_streams_are_written_into() {
    let folder = Folder::new();
    let bash = |words: &str| {
        let mut bash = Command::new("bash");
        bash.current_dir(folder.0.path()).args(["-c", words, support::PROGRAM]).args(TWO);
        support::output(&mut bash)
    };
    let run =
        bash("\"$0\" \"$@\" --format json --out >(gzip > out.gz); status=$?; wait; exit $status");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let mut shown = Command::new("gzip");
    shown.current_dir(folder.0.path()).args(["-dc", "out.gz"]);
    let shown = support::output(&mut shown);
    assert!(text(&shown.stdout).contains("\"schema\": 1"), "{}", text(&shown.stderr));

    let run = bash("\"$0\" \"$@\" --format json --out /dev/stdout --format table > both");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let both = fs::read_to_string(folder.path("both")).expect("a file");
    assert!(both.starts_with('{') && both.contains("2 cells, 0 findings"), "{both}");
    assert_eq!(folder.names(), ["both", "out.gz"]);
}

#[test]
fn an_output_that_fails_takes_no_other_with_it() {
    let folder = Folder::new();
    let (junit, markdown) = (folder.text("a.xml"), folder.text("a.md"));
    let run = matrix(&[
        "--format",
        "json",
        "--out",
        "/dev/full",
        "--format",
        "junit",
        "--out",
        &junit,
        "--format",
        "markdown",
        "--out",
        &markdown,
    ]);
    let told = text(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{told}");
    assert!(told.contains("could not write /dev/full"), "{told}");
    assert!(fs::read_to_string(&junit).expect("a file").contains("<testsuite"));
    assert!(fs::read_to_string(&markdown).expect("a file").contains("| stack |"));
    // Nothing else goes to stdout, so the results do.
    let results: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(results["schema"], 1);
}

/// The one file that a line on stderr names.
#[track_caller]
fn kept(output: &Output) -> PathBuf {
    let told = text(&output.stderr);
    let line = told.lines().find_map(|line| line.strip_prefix("pgtls: it is in "));
    line.and_then(|line| line.strip_suffix(" instead")).unwrap_or_else(|| panic!("{told}")).into()
}

#[test]
fn what_found_no_place_is_put_into_a_folder_that_is_named() {
    let folder = Folder::new();
    let run = support::output(
        Command::new(support::PROGRAM)
            .args(TWO)
            .args(["--format", "table", "--format", "json", "--out", "/dev/full"])
            .env("TMPDIR", folder.0.path()),
    );
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("2 cells, 0 findings"), "{}", text(&run.stdout));
    let place = kept(&run);
    assert!(place.starts_with(folder.0.path()), "{place:?}");
    holds_results(&place);
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());
}

#[test]
fn a_full_stdout_takes_nothing_with_it() {
    let folder = Folder::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let child = Command::new(support::PROGRAM)
        .args(TWO)
        .args(["--format", "table", "--format", "json", "--out", &folder.text("a.json")])
        .env("TMPDIR", folder.0.path())
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    let run = support::ended(child);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    holds_results(&folder.path("a.json"));
    let table = fs::read_to_string(kept(&run)).expect("a file");
    assert!(table.contains("2 cells, 0 findings"), "{table}");
}

/// A limit on the size of files is a disk that is full for everything that is larger.
#[test]
fn a_full_disk_leaves_the_old_file_as_it_was() {
    let folder = Folder::new();
    fs::write(folder.path("results.json"), "old").expect("a file");
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let child = Command::new("sh")
        .args(["-c", limited, support::PROGRAM, "matrix", "--stack", "pgtls/rustls"])
        .args(["--filter", "certificate=expired", "--format", "json", "--out"])
        .arg(folder.path("results.json"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh");
    let run = support::ended(child);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert_eq!(fs::read_to_string(folder.path("results.json")).expect("a file"), "old");
    assert_eq!(folder.names(), ["results.json"], "no half of a file");
    let results: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(results["schema"], 1);
}

/// The command line of the tests' own client with that fault.
fn client(fault: &str) -> String {
    let own = std::env::current_exe().expect("the test's own path");
    let profile = own.parent().and_then(Path::parent).expect("a profile's directory");
    format!("'{}' {fault}", profile.join("examples/test-client").display())
}

#[test]
fn a_counterexample_is_not_lost() {
    let folder = Folder::new();
    let run = support::output(
        Command::new(support::PROGRAM)
            .args(["fuzz", "--shim", &client("starts-in-clear"), "--seed", "1", "--cases", "100"])
            .args(["--first", "--out", "/dev/full", "--findings"])
            .arg(folder.0.path().join("findings"))
            .env("TMPDIR", folder.0.path()),
    );
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(
        text(&run.stdout).contains("plaintext-startup: an honest server"),
        "{}",
        text(&run.stdout)
    );
    holds_results(&kept(&run));
}

#[test]
fn schemas_are_written_whole() {
    let folder = Folder::new();
    let run = pgtls(&["schema", "--out", folder.0.path().to_str().expect("a path")]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(
        folder.names(),
        ["baseline.json", "results.json", "script.json", "shim-request.json", "shim-response.json"]
    );
}
