//! What a shim leaves behind when it ends: a process in a session and an environment of its own,
//! whose parent is gone, belongs to nobody, unless somebody takes it in.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};

use super::family::{kill_all, processes};

static TAKEN_IN: AtomicBool = AtomicBool::new(false);
/// Whom this program has started and not yet seen dead.
static CHILDREN: Mutex<Children> =
    Mutex::new(Children { shims: BTreeSet::new(), others: BTreeSet::new() });

struct Children {
    /// The shims that live.
    shims: BTreeSet<Pid>,
    /// Children that are no orphans either: the guardian, and shims that were killed and whose exit
    /// is the runtime's to take.
    others: BTreeSet<Pid>,
}

/// Has the orphans of shims become children of this program (where the system can), and kills them
/// when the last shim is gone.
///
/// For programs that start no other processes than shims while any of them lives: those would be
/// taken for orphans. So it is the program's to say, and not the runner's.
pub fn take_in_orphans() {
    #[cfg(target_os = "linux")]
    if nix::sys::prctl::set_child_subreaper(true).is_ok() {
        TAKEN_IN.store(true, Ordering::Relaxed);
    }
}

/// Starts a shim and counts it among the living, in one step: nobody takes it for an orphan.
pub(super) fn born(
    start: impl FnOnce() -> io::Result<tokio::process::Child>,
) -> io::Result<(tokio::process::Child, Option<Pid>)> {
    let mut children = lock();
    let child = start()?;
    let pid = child.id().and_then(pid);
    children.shims.extend(pid);
    Ok((child, pid))
}

/// Starts a process that is no shim and no orphan, and that may live as long as this program.
pub(super) fn not_one(
    start: impl FnOnce() -> io::Result<std::process::Child>,
) -> io::Result<std::process::Child> {
    let mut children = lock();
    let child = start()?;
    children.others.extend(pid(child.id()));
    Ok(child)
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().map(Pid::from_raw)
}

/// A shim was killed. Behind the last one, whatever child is left is an orphan.
pub(super) fn died(shim: Pid) {
    let mut children = lock();
    let was_alive = children.shims.remove(&shim);
    children.others.insert(shim);
    if !was_alive || !children.shims.is_empty() || !TAKEN_IN.load(Ordering::Relaxed) {
        return;
    }
    let own = Pid::this();
    let orphans = || -> Vec<Pid> {
        processes()
            .into_iter()
            .filter(|(_, parent)| *parent == Some(own))
            .map(|(pid, _)| pid)
            .filter(|pid| !children.others.contains(pid))
            .collect()
    };
    kill_all(orphans);
    for orphan in orphans() {
        // Those that take a moment to die stay as zombies, until this program ends.
        let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
    }
}

/// A shim's exit was taken: its number may become anybody's.
pub(super) fn reaped(shim: Pid) {
    lock().others.remove(&shim);
}

fn lock() -> MutexGuard<'static, Children> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}
