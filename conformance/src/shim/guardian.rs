//! The guardian: a process that outlives its run by a moment and clears up behind it, also where the
//! run was killed and could do nothing more itself.
//!
//! A parent-death signal would reach the shims alone, and not what they have started; the guardian
//! finds their whole family by the run's folder.

use std::{
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{orphans, run_folder};

/// Waits for the end of stdin, which the run holds open as long as it lives, and then ends whatever
/// belongs to the run of that folder.
///
/// For a process that does nothing else, started by [`Guardian::start`].
pub fn stand_guard(folder: &Path) {
    let mut stdin = io::stdin().lock();
    while matches!(stdin.read(&mut [0; 64]), Ok(1..)) {}
    if folder.exists() {
        run_folder::clear(folder);
    }
}

/// A running guardian. Dropped, it does its work and ends.
#[derive(Debug)]
#[must_use = "the guardian ends when this is dropped"]
pub struct Guardian(Child);

impl Guardian {
    /// Starts a command that calls [`stand_guard`].
    ///
    /// # Errors
    ///
    /// If there is no process to be had.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends the run by its process group, as a terminal does, is not to end its guardian.
            .process_group(0);
        orphans::not_one(|| command.spawn()).map(Self)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A zombie until this program ends, if that fails.
        let _ = self.0.wait();
    }
}
