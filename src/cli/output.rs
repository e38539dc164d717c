//! Writing: stdout, and files that are there whole or not at all.

use std::{
    io::{self, Write as _},
    path::Path,
};

use super::error::CliError;

/// One line on stdout; colours only where they are seen.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()?;
    Ok(())
}

/// Writes a file in one step.
pub(super) fn file(path: &Path, text: &str) -> Result<(), CliError> {
    let write = || -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        let permissions: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(permissions)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| CliError::input(format!("could not write {}", path.display()), error))
}
