//! Files, by libpq's rules for them and without waiting for what never ends.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::error::Fault;

/// What a key's file holds. Its permissions are asked of the file that is open, so that it cannot be another one.
pub(super) fn read_key(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut file = open_regular(path).map_err(unreadable("cannot open the private key", path))?;
    let metadata = file.metadata().map_err(unreadable("cannot open the private key", path))?;
    if others_may_read(&metadata) {
        return Err(bad(
            "private key",
            path,
            "others may read it: its permissions must be 0600 or less, or 0640 or less if it belongs to root",
        ));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(unreadable("cannot read the private key", path))?;
    Ok(text)
}

/// libpq's rule: nobody but the owner may read the key, or, where it belongs to root, its group.
#[cfg(unix)]
pub(super) fn others_may_read(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

#[cfg(not(unix))]
pub(super) fn others_may_read(_: &Metadata) -> bool {
    false
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub(super) fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Fault> {
    read_regular(path).map_err(unreadable(what, path))
}

/// Opens a regular file, and nothing else: to open a FIFO is to wait, past every timeout, for somebody who writes to it;
/// and a device may never end.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

pub(super) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path)?.read_to_end(&mut content)?;
    Ok(content)
}

pub(super) fn unreadable(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.to_owned();
    move |source| Fault::File { what, path, source }
}

pub(super) fn bad(what: &'static str, path: &Path, reason: &str) -> Fault {
    Fault::BadFile { what, from: path.display().to_string(), reason: reason.to_owned() }
}
