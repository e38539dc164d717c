//! The folder of one run: the HOME of each shim's process stands in it, and the certificates. Whoever
//! finds it knows by it which processes and files belong to that run, also when the run is dead.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::family::{Homes, kill_all};

/// How the name of such a folder begins.
const PREFIX: &str = "pgtls-run-";
/// The file that a run holds locked as long as it lives.
const LOCK: &str = "lock";
/// A folder without a lock may be one that is being made; one of that age is none.
const BEING_MADE: Duration = Duration::from_secs(60);

/// A run's folder in the system's temporary one. Dropped, it is removed.
#[derive(Debug)]
#[must_use = "the folder is removed when this is dropped"]
pub struct RunFolder {
    folder: TempDir,
    /// Locked until the run is over, however it ends.
    _lock: File,
}

impl RunFolder {
    /// Makes a folder, once what dead runs of this user left behind is swept away: their processes,
    /// and their folders.
    ///
    /// # Errors
    ///
    /// If no folder or file can be made.
    pub fn create() -> io::Result<Self> {
        sweep(&std::env::temp_dir());
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
            let lock = File::create_new(folder.path().join(LOCK))?;
            // Another run's sweep may be faster; then that folder is its prey.
            if lock.try_lock().is_ok() {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    /// Where it is: an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Ends whatever belongs to a run, and removes its folder.
pub(super) fn clear(folder: &Path) {
    kill_all(|| Homes::Under(folder).family(&[]));
    // What cannot be removed now is swept away later.
    let _ = fs::remove_dir_all(folder);
}

/// Clears the folders whose runs are dead.
fn sweep(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in folders.map(|entry| entry.path()) {
        if let Some(_lock) = lock_of_the_dead(&folder) {
            tracing::info!(folder = %folder.display(), "sweeping away what a dead run left behind");
            clear(&folder);
        }
    }
}

/// The lock of a folder whose run is dead; held while the folder is cleared, so that two sweeps do
/// not meet in it.
fn lock_of_the_dead(folder: &PathBuf) -> Option<Option<File>> {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => Some(Some(lock)),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = fs::symlink_metadata(folder).and_then(|folder| folder.modified()).ok()?;
            let age = SystemTime::now().duration_since(made).ok()?;
            (age > BEING_MADE).then_some(None)
        }
        // Another user's.
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_swept_away_and_the_living_are_not() {
        let temporary = tempfile::tempdir().expect("a folder");
        let make = |name: &str| {
            let folder = temporary.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&folder).expect("a folder");
            let lock = File::create_new(folder.join(LOCK)).expect("a lock");
            (folder, lock)
        };
        let (alive, lock) = make("alive");
        lock.try_lock().expect("nobody else's");
        let (dead, _) = make("dead");
        let young = temporary.path().join(format!("{PREFIX}young"));
        fs::create_dir(&young).expect("a folder");
        let other = temporary.path().join("somebody-else's");
        fs::create_dir(&other).expect("a folder");
        sweep(temporary.path());
        assert_eq!(
            [&alive, &dead, &young, &other].map(|folder| folder.exists()),
            [true, false, true, true]
        );
    }
}
