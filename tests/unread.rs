//! `pgtls serve` before a reader who does not read, or is gone: it serves on, and ends when it is
//! told to.

#[path = "support/processes.rs"]
mod processes;
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::fd::AsFd,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, fcntl},
    sys::signal::Signal,
};

use support::text;

/// A pipe takes a page at least (pipe(7)).
const PAGE: i32 = 4096;

/// A server of whose greeting the address was read, and nothing behind it.
fn serve(log: &str) -> (Child, String, impl std::io::Read + Send + 'static) {
    let mut child = support::program()
        .args(["serve", "--reply", "refuse"])
        .env("PGTLS_LOG", log)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    for pipe in [
        child.stdout.as_ref().expect("stdout").as_fd(),
        child.stderr.as_ref().expect("stderr").as_fd(),
    ] {
        fcntl(pipe, FcntlArg::F_SETPIPE_SZ(PAGE)).expect("a small pipe");
    }
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let address = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(": "));
    let address = address.unwrap_or_else(|| panic!("{line}")).0.to_owned();
    (child, address, stdout)
}

/// Asks for TLS, is refused, and leaves.
fn ask(address: &str) {
    let mut wire = TcpStream::connect(address).expect("a connection");
    wire.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    wire.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).expect("a request");
    let mut answer = [0];
    wire.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"N");
}

/// More than fits into both pipes and the buffers before them.
const MANY: usize = 1_000;

#[test]
fn nobody_who_reads_keeps_it_from_serving_and_ending() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // At trace it logs more than it prints.
        for log in ["warn", "trace"] {
            let (mut child, address, stdout) = serve(log);
            (0..MANY).for_each(|_| ask(&address));
            let stderr = child.stderr.take();
            support::signal(child.id(), signal);
            assert_eq!(support::ended(child).status.code(), Some(130), "{signal}, {log}");
            drop((stdout, stderr));
        }
    }
}

#[test]
fn a_reader_who_comes_late_finds_every_line() {
    let (child, address, stdout) = serve("warn");
    (0..MANY).for_each(|_| ask(&address));
    let (sender, all_read) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let traces = lines.filter(|line| line.contains("sslreject")).take(MANY);
        sender.send(traces.count())
    });
    assert_eq!(all_read.recv_timeout(Duration::from_secs(60)), Ok(MANY));
    support::signal(child.id(), Signal::SIGINT);
    assert_eq!(support::ended(child).status.code(), Some(130));
}

#[test]
fn a_reader_who_is_gone_ends_it_quietly() {
    let (mut child, address, stdout) = serve("warn");
    drop(stdout);
    processes::wait_until(|| {
        if let Ok(mut wire) = TcpStream::connect(&address) {
            let _ = wire.write_all(b"x");
        }
        child.try_wait().expect("its state").is_some()
    });
    let output = support::ended(child);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
