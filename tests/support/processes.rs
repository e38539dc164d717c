//! Looking at processes from outside, and waiting for them.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    fs,
    io::Read as _,
    thread,
    time::{Duration, Instant},
};

/// The children of a process that it does something with: its guardian only waits for its end.
pub(crate) fn children(of: u32) -> Vec<u32> {
    let mut children = all_children(of);
    children.retain(|pid| !is_guardian(*pid));
    children
}

/// Whether a process waits for the end of a run, to clear up behind it.
pub(crate) fn is_guardian(pid: u32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.split(|byte| *byte == 0).nth(1) == Some(b"guard")
}

/// The children of a process.
pub(crate) fn all_children(of: u32) -> Vec<u32> {
    let status = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = format!("PPid:\t{of}\n");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| status(*pid).contains(&parent))
        .collect()
}

/// Whether a process is there, and no zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    let mut stat = String::new();
    let read = fs::File::open(format!("/proc/{pid}/stat"))
        .and_then(|mut file| file.read_to_string(&mut stat));
    read.is_ok() && !stat.contains(") Z ")
}

/// Waits for something that comes to pass in time, or the test fails.
#[track_caller]
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to pass within 30 s");
        thread::sleep(Duration::from_millis(20));
    }
}
