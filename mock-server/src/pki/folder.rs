//! The folder that an authority writes to: whole files or none, with modes that clients accept.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use pem::{EncodeConfig, LineEnding, Pem};
use tempfile::TempDir;

use super::error::Error;

/// Who may read a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Secrecy {
    /// Everybody: 0644.
    Public,
    /// The owner: 0600, or libpq refuses the key.
    Private,
}

/// A folder, by its absolute path; a temporary one goes with this value.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl Folder {
    pub(super) fn temporary() -> Result<Self, Error> {
        let path = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("pgtls-").tempdir_in(&path);
        let temporary = made.map_err(wrote(&path))?;
        Ok(Self { path: absolute(temporary.path())?, temporary: Some(temporary) })
    }

    pub(super) fn given(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(wrote(path))?;
        let folder = Self { path: absolute(path)?, temporary: None };
        // A folder that cannot be written to is to be told at the start, not in mid-run.
        tempfile::tempfile_in(&folder.path).map_err(wrote(path))?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it outlives this value.
    pub(super) const fn stays(&self) -> bool {
        self.temporary.is_none()
    }

    /// A file's path and content; `None` if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(content) => Ok(Some((path, content))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    pub(super) fn directory(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(wrote(&path))?;
        Ok(path)
    }

    /// Writes a file in one step: a reader sees the old one or the new one, never half of it.
    pub(super) fn write(
        &self,
        name: impl AsRef<Path>,
        content: &[u8],
        secrecy: Secrecy,
    ) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        self.replace(&path, content, secrecy).map_err(wrote(&path))?;
        Ok(path)
    }

    fn replace(&self, path: &Path, content: &[u8], secrecy: Secrecy) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent)?;
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(content)?;
        let mode = match secrecy {
            Secrecy::Public => 0o644,
            Secrecy::Private => 0o600,
        };
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.persist(path)?;
        Ok(())
    }
}

/// The PEM form (RFC 7468) of what is in `der`.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let format = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, der), format)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(wrote(path))
}

fn wrote(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}
