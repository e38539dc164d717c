//! Ctrl-C, SIGTERM and SIGHUP, alike in every command: what is known is printed, exit code 130, and
//! nothing is left; the second one ends it at once. Behind SIGKILL nothing is left either.

#[path = "support/processes.rs"]
mod processes;
#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::FileTypeExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::{
    sys::{
        signal::Signal::{self, SIGHUP, SIGINT, SIGKILL, SIGTERM},
        stat::Mode,
    },
    unistd::mkfifo,
};

use processes::{all_children, children, is_guardian, is_running, wait_until};
use served::{Served, lines};
use support::text;

const ALL: [Signal; 3] = [SIGINT, SIGTERM, SIGHUP];

/// What a command said after a signal that was sent once it had children, and who these were.
fn interrupted(command: &mut Command, signal: Signal) -> (Output, Vec<u32>) {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    wait_until(|| !children(child.id()).is_empty());
    let running = children(child.id());
    support::signal(child.id(), signal);
    (support::ended(child), running)
}

#[test]
fn half_way_what_is_known_is_written() {
    for signal in ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("results.json");
        let arguments =
            ["matrix", "--suite", "full", "--stack", "pgtls/rustls", "--format", "json", "--out"];
        let mut command = support::program();
        let (output, running) = interrupted(command.args(arguments).arg(&out), signal);
        assert_eq!(output.status.code(), Some(130), "{signal}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("interrupted"), "{signal}");
        let results = fs::read_to_string(&out).expect("what is known so far");
        let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
        assert_eq!(results["schema"], 1);
        wait_until(|| running.iter().all(|pid| !is_running(*pid)));
    }
}

/// A shim that says nothing at all, in a file of its own.
fn mute(folder: &Path) -> String {
    let path = folder.join("mute.sh");
    fs::write(&path, "exec sleep 600\n").expect("a file");
    format!("sh {}", path.display())
}

/// A counterexample of some shim.
fn counterexample(folder: &Path) -> String {
    let path = folder.join("counterexample.json");
    let text = r#"{"schema":1,"stack":"x","is_command":true,"axes":"default","rules":[],"broken":[],"seed":"1"}"#;
    fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn before_the_first_cell_nothing_is_left() {
    for signal in ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let temporary = folder.path().join("tmp");
        let shim = mute(folder.path());
        let file = counterexample(folder.path());
        let out = folder.path().join("found.json");
        let out = out.to_str().expect("a path");
        for command in
            [&["run"][..], &["matrix"], &["fuzz", "--out", out], &["replay", file.as_str()]]
        {
            fs::create_dir(&temporary).expect("a folder");
            let mut program = support::program();
            program.args(command).args(["--shim", &shim]).env("TMPDIR", &temporary);
            let (output, running) = interrupted(&mut program, signal);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(130), "{signal} {command:?}: {told}");
            wait_until(|| running.iter().all(|pid| !is_running(*pid)));
            // An empty folder, or this fails: certificates and HOMEs are gone.
            fs::remove_dir(&temporary).expect(command[0]);
        }
    }
}

#[test]
fn the_second_one_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    // Nobody reads the pipe that the results go to, so the first signal does not end it soon.
    let child = support::program()
        .args(["matrix", "--shim", &mute(folder.path()), "--format", "json", "--out"])
        .arg(&pipe)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    wait_until(|| !children(child.id()).is_empty());
    support::signal(child.id(), SIGINT);
    wait_until(|| children(child.id()).is_empty());
    support::signal(child.id(), SIGINT);
    let output = support::ended(child);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "it did not wait for the pipe and print its results");
    assert!(fs::metadata(&pipe).expect("the pipe").file_type().is_fifo());
}

/// A run of a shim that answers nothing, with a temporary folder of its own; who belongs to it, the
/// guardian aside, and the guardian.
fn running(folder: &Path) -> (std::process::Child, Vec<u32>, u32) {
    let child = support::program()
        .args(["run", "--shim", &mute(folder)])
        .env("TMPDIR", folder.join("tmp"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    wait_until(|| !children(child.id()).is_empty());
    let guardian = all_children(child.id()).into_iter().find(|pid| is_guardian(*pid));
    let shims = children(child.id());
    (child, shims, guardian.expect("a guardian"))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

#[test]
fn killed_it_leaves_nothing_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let (child, shims, guardian) = running(folder.path());
    support::signal(child.id(), SIGKILL);
    support::ended(child);
    wait_until(|| shims.iter().chain([&guardian]).all(|pid| !is_running(*pid)));
    assert!(is_empty(&temporary));
}

#[test]
fn what_nobody_was_left_to_clear_the_next_run_sweeps_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let (child, shims, guardian) = running(folder.path());
    let (living, its_shims, its_guardian) = running(folder.path());
    support::signal(guardian, SIGKILL);
    wait_until(|| !is_running(guardian));
    support::signal(child.id(), SIGKILL);
    support::ended(child);
    assert!(shims.iter().all(|pid| is_running(*pid)), "nobody was left to end it");
    let next = support::output(
        support::program().args(["run", "pgtls/rustls:sslmode=disable"]).env("TMPDIR", &temporary),
    );
    assert_eq!(next.status.code(), Some(0), "{}", text(&next.stderr));
    wait_until(|| shims.iter().all(|pid| !is_running(*pid)));
    assert!(its_shims.iter().chain([&its_guardian]).all(|pid| is_running(*pid)), "it lives");
    support::signal(living.id(), SIGTERM);
    support::ended(living);
    assert!(is_empty(&temporary));
}

#[test]
fn serve_ends_and_takes_its_certificates_with_it() {
    for signal in ALL {
        let server = Served::start(&[]);
        let certificate = server.ca();
        server.signal(signal);
        assert_eq!(server.ended().code(), Some(130), "{signal}");
        let own = certificate.ancestors().nth(2).expect("its temporary folder");
        assert!(!own.exists(), "{signal}: {} is left behind", own.display());
    }
}

#[test]
fn who_is_to_outlive_the_terminal_does() {
    // As nohup does.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" serve", support::PROGRAM])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh");
    let lines = lines(child.stdout.take().expect("stdout"));
    let line = || lines.recv_timeout(served::TIMEOUT).expect("a line in time");
    let first = line();
    while !line().contains("Ctrl-C") {}
    support::signal(child.id(), SIGHUP);
    let address = first.strip_prefix("listening on ").and_then(|rest| rest.split_once(": "));
    drop(TcpStream::connect(address.expect("an address").0).expect("a connection"));
    assert_eq!(line(), "connect -> fail");
    support::signal(child.id(), SIGINT);
    assert_eq!(support::ended(child).status.code(), Some(130));
}

#[test]
fn an_installation_that_is_broken_off_leaves_nothing() {
    for signal in ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path().join("one");
        fs::create_dir(&here).expect("a folder");
        let manifest = "[[stack]]\nname = \"slow\"\nversion = \"1\"\ncommand = [\"x\"]\n\
            install = \"sleep 600 & echo $! > pid.new && mv pid.new pid; touch $DEST/half; wait\"\n";
        fs::write(here.join("shim.toml"), manifest).expect("a manifest");
        let child = support::program()
            .args(["install", "--shims"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pgtls");
        let pid = here.join("pid");
        wait_until(|| pid.exists());
        let pid = fs::read_to_string(pid).expect("a file").trim().parse().expect("a pid");
        support::signal(child.id(), signal);
        let output = support::ended(child);
        assert_eq!(output.status.code(), Some(130), "{signal}: {}", text(&output.stderr));
        wait_until(|| !is_running(pid));
        assert!(!folder.path().join(".installed/slow@1").exists(), "{signal}");
    }
}

/// Whether a process has a handler for the signal (proc_pid_status(5)).
fn catches(pid: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).expect("a mask") >> (signal as i32 - 1) & 1 == 1
}

#[test]
fn a_shim_ends_too() {
    for signal in ALL {
        let child = support::program()
            .args(["shim", "pgtls/rustls"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pgtls");
        wait_until(|| catches(child.id(), signal));
        support::signal(child.id(), signal);
        // `ended` would close its stdin, which ends it as well.
        wait_until(|| !is_running(child.id()));
        assert_eq!(support::ended(child).status.code(), Some(130), "{signal}");
    }
}

#[test]
fn a_command_that_waits_for_a_file_ends_too() {
    for signal in ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
        let child = support::program()
            .arg("diff")
            .args([&pipe, &pipe])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pgtls");
        wait_until(|| catches(child.id(), signal));
        support::signal(child.id(), signal);
        assert_eq!(support::ended(child).status.code(), Some(130), "{signal}");
    }
}
