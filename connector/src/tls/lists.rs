//! The files of revocation lists.

use std::fs;
use std::path::Path;

use rustls_pki_types::CertificateRevocationListDer;

use super::files::{bad, is_missing, read, read_regular, unreadable};
use super::pem::revocation_lists;
use super::terms::Lists;
use crate::config::{ListFile, Revocation};
use crate::error::Fault;

/// Reads the lists that the settings name.
///
/// # Errors
/// A file that was named and holds no list, or cannot be read.
pub(super) fn lists(revocation: &Revocation) -> Result<Lists, Fault> {
    let mut lists = Vec::new();
    let mut checked = false;
    if let Some(file) = &revocation.file {
        let path = file.path();
        let text = list_file(file)?;
        if !text.is_empty() {
            let found = revocation_lists(&text, &path.display().to_string())?;
            if found.is_empty() {
                return Err(bad("revocation list", path, "there is none in it"));
            }
            lists.extend(found);
            checked = true;
        }
    }
    if let Some(folder) = &revocation.folder {
        checked = true;
        lists.extend(lists_in(folder)?);
    }
    Ok(checked.then_some(lists))
}

/// What the file holds; nothing if there is no such file. libpq passes over one that cannot be read, too; here that is
/// an error where it was named.
fn list_file(file: &ListFile) -> Result<Vec<u8>, Fault> {
    match (read_regular(file.path()), file) {
        (Ok(text), ListFile::Named(path)) if text.is_empty() => {
            tracing::warn!(path = %path.display(), "sslcrl names an empty file, so revocation is not checked");
        }
        (Ok(text), _) => return Ok(text),
        (Err(error), ListFile::AtHome(_)) if is_missing(&error) => {}
        (Err(error), ListFile::Named(path)) if !is_missing(&error) => {
            return Err(unreadable("cannot read the revocation list", path)(error));
        }
        (Err(error), ListFile::Named(path) | ListFile::AtHome(path)) => {
            tracing::warn!(path = %path.display(), %error, "no revocation list can be read here, so revocation is not checked");
        }
    }
    Ok(Vec::new())
}

/// Every list in a folder; none if there is no such folder, so that nothing passes.
fn lists_in(folder: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Fault> {
    let mut lists = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(lists) };
    for entry in entries {
        let path =
            entry.map_err(unreadable("cannot list the folder of revocation lists", folder))?.path();
        if path.is_file() {
            let text = read("cannot read the revocation list", &path)?;
            lists.extend(revocation_lists(&text, &path.display().to_string())?);
        }
    }
    Ok(lists)
}
