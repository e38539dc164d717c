//! Whom a shim has started: what is left of its process group is not all of it.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

use nix::unistd::Pid;

/// Processes that may have left the group but still have this HOME, which no other process has,
/// and all that descend from them or from the shim itself.
pub(super) fn offspring(home: &Path, shim: Option<Pid>) -> Vec<Pid> {
    let marker = [b"HOME=", home.as_os_str().as_bytes(), b"\0"].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes: Vec<(Pid, Option<Pid>)> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(|pid| (Pid::from_raw(pid), parent(pid)))
        .collect();
    let has_home = |pid: Pid| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|variables| variables.windows(marker.len()).any(|window| window == marker))
    };
    let mut family: Vec<Pid> =
        processes.iter().map(|(pid, _)| *pid).filter(|pid| has_home(*pid)).collect();
    loop {
        let before = family.len();
        for (pid, parent) in &processes {
            let descends =
                parent.is_some_and(|parent| Some(parent) == shim || family.contains(&parent));
            if descends && !family.contains(pid) {
                family.push(*pid);
            }
        }
        if family.len() == before {
            return family;
        }
    }
}

/// The parent, by `/proc/PID/stat`: the second field behind the name, which stands in brackets and
/// may hold anything.
fn parent(pid: i32) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}
