//! What a shim leaves behind when it ends: a process in a session and an environment of its own,
//! whose parent is gone, belongs to nobody, unless somebody takes it in.

use std::{
    collections::HashSet,
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
use tokio::process::Child;

use super::family::{kill_all, processes};

static TAKEN_IN: AtomicBool = AtomicBool::new(false);
/// The shims that live.
static SHIMS: Mutex<Option<HashSet<Pid>>> = Mutex::new(None);

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
pub(super) fn born(start: impl FnOnce() -> io::Result<Child>) -> io::Result<(Child, Option<Pid>)> {
    let mut shims = lock();
    let child = start()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    shims.get_or_insert_default().extend(pid);
    Ok((child, pid))
}

/// A shim was killed. Behind the last one, whatever child is left is an orphan.
pub(super) fn died(shim: Pid) {
    let mut shims = lock();
    let living = shims.get_or_insert_default();
    let was_alive = living.remove(&shim);
    if !was_alive || !living.is_empty() || !TAKEN_IN.load(Ordering::Relaxed) {
        return;
    }
    let own = Pid::this();
    let orphans = || -> Vec<Pid> {
        let children = processes().into_iter().filter(|(_, parent)| *parent == Some(own));
        children.map(|(pid, _)| pid).filter(|pid| *pid != shim).collect()
    };
    kill_all(orphans);
    for orphan in orphans() {
        // Those that take a moment to die stay as zombies, until this program ends.
        let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
    }
}

fn lock() -> MutexGuard<'static, Option<HashSet<Pid>>> {
    SHIMS.lock().unwrap_or_else(PoisonError::into_inner)
}
