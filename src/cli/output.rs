//! Writing: stdout, and files that are there whole or not at all.

use std::{
    fs::Permissions,
    io::{self, ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::error::CliError;

/// One line on stdout; colours only where they are seen.
///
/// Somebody who stops reading, as `head` does, has seen enough: the command goes on to its own
/// exit code and its other files.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    match live(text) {
        Err(CliError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// One line on stdout of a command that goes on for as long as somebody reads.
pub(super) fn live(text: &str) -> Result<(), CliError> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()?;
    Ok(())
}

/// A file to come. Where it cannot be made shows at once, not when the work is done.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    file: NamedTempFile,
}

impl Pending {
    /// Sees that the file can be made.
    pub(super) fn new(path: &Path) -> Result<Self, CliError> {
        let create = || {
            if path.is_dir() {
                return Err(io::Error::from(ErrorKind::IsADirectory));
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        };
        let file = create().map_err(|error| {
            CliError::input(format!("could not write {}", path.display()), error)
        })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes it in one step.
    pub(super) fn finish(self, text: &str) -> Result<(), CliError> {
        let Self { path, mut file } = self;
        let what = format!("could not write {}", path.display());
        let write = || -> io::Result<()> {
            file.write_all(text.as_bytes())?;
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| CliError::tool(what, error))
    }
}

/// Writes a file in one step.
pub(super) fn file(path: &Path, text: &str) -> Result<(), CliError> {
    Pending::new(path)?.finish(text)
}
