//! Whom a shim has started: what is left of its process group is not all of it.

use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// As often as a family is looked for before it is killed: whoever is stopped starts nobody, so each
/// look but the first finds only those that were started during the one before.
const LOOKS: usize = 10;

/// The HOMEs by which processes are recognised: each shim has one that no other process has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Homes<'a> {
    /// Those of these shims.
    Of(&'a [&'a Path]),
    /// Those of a whole run, in its folder.
    Under(&'a Path),
}

impl Homes<'_> {
    /// The shims themselves, processes that may have left their group but still have that HOME, and
    /// all that descend from any of them.
    pub(super) fn family(self, shims: &[Pid]) -> Vec<Pid> {
        let processes = processes();
        // A shim may give itself another HOME, or write its title over its environment.
        let mut family: Vec<Pid> = processes
            .iter()
            .map(|(pid, _)| *pid)
            .filter(|pid| shims.contains(pid) || self.is_home_of(*pid))
            .collect();
        loop {
            let before = family.len();
            for (pid, parent) in &processes {
                let descends = parent.is_some_and(|parent| family.contains(&parent));
                if descends && !family.contains(pid) {
                    family.push(*pid);
                }
            }
            if family.len() == before {
                return family;
            }
        }
    }

    fn is_home_of(self, pid: Pid) -> bool {
        let Ok(variables) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
        let mut homes = variables
            .split(|byte| *byte == 0)
            .filter_map(|variable| variable.strip_prefix(b"HOME="))
            .map(|home| Path::new(OsStr::from_bytes(home)));
        homes.any(|home| match self {
            Self::Of(homes) => homes.contains(&home),
            Self::Under(folder) => home.starts_with(folder),
        })
    }
}

/// Stops whomever `find` finds until it finds nobody new, and then kills them all: the children of
/// the dead could be found no more, those of the stopped can.
pub(super) fn kill_all(find: impl Fn() -> Vec<Pid>) {
    let signal = |pid: &Pid, signal| {
        // Gone already is as good.
        let _ = kill(*pid, signal);
    };
    let mut found: Vec<Pid> = Vec::new();
    for _ in 0..LOOKS {
        let new: Vec<Pid> = find().into_iter().filter(|pid| !found.contains(pid)).collect();
        if new.is_empty() {
            break;
        }
        new.iter().for_each(|pid| signal(pid, Signal::SIGSTOP));
        found.extend(new);
    }
    found.iter().for_each(|pid| signal(pid, Signal::SIGKILL));
}

/// Whether one of these processes holds that pipe, or may: where this program itself cannot look, it
/// knows nothing against them.
pub(super) fn holds(family: &[Pid], pipe: &Path) -> bool {
    family.iter().any(|pid| match std::fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => open.flatten().any(|file| link(&file.path()).is_some_and(|file| file == pipe)),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    })
}

/// What a link in `/proc` names.
pub(super) fn link(path: &Path) -> Option<PathBuf> {
    std::fs::read_link(path).ok()
}

/// Every process, with its parent.
pub(super) fn processes() -> Vec<(Pid, Option<Pid>)> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(|pid| (Pid::from_raw(pid), parent(pid)))
        .collect()
}

/// The parent, by `/proc/PID/stat`: the second field behind the name, which stands in brackets and
/// may hold anything.
fn parent(pid: i32) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}
