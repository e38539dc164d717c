//! What a process takes, as the kernel tells it in `/proc`; where there is none, nothing is known.

use std::{fs, time::Duration};

use nix::unistd::Pid;

/// In which `/proc` counts processor time (`USER_HZ`, 100 a second on every Linux).
const TICK: Duration = Duration::from_millis(10);
/// What `/proc/PID/stat` counts memory in.
const PAGE: u64 = 4096;

/// What a process takes: the memory it has, the processor time of itself and of the children that it has
/// waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    pub(super) memory: u64,
    pub(super) processor: Duration,
}

pub(super) fn taken(pid: Pid) -> Option<Taken> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name in brackets, which may hold anything: field 3 of proc(5) is the first.
    let (_, behind_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    // utime, stime, cutime, cstime; rss.
    let ticks = number(14)? + number(15)? + number(16)? + number(17)?;
    let processor = TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
    Some(Taken { memory: number(24)? * PAGE, processor })
}

/// The most resident memory that it had since that was reset, in bytes.
pub(super) fn peak(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Whom its threads have started.
pub(super) fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = |list: String| -> Vec<Pid> {
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
    };
    lists.flat_map(pids).collect()
}

/// Sets the peak of its resident memory to what it has now (proc(5): 5 in `clear_refs`).
pub(super) fn forget_peak(pid: Pid) {
    // Where that cannot be, the peak is that of its whole life, and nothing grows beyond it unseen.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
