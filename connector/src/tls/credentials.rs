//! Reads the root file, the client certificate with its key, and the revocation lists, by libpq's rules
//! (`initialize_SSL`): at every TLS attempt, between the server's `S` and our ClientHello.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Credentials, Lists, Trust};
use crate::config::{Identity, ListFile, Revocation, RootSource, Settings, SystemStore};
use crate::error::Fault;

/// Reads what `settings` name. Blocks on files.
///
/// # Errors
/// No root certificate though the mode verifies; a file that is there and not what it should be; a private key
/// that others may read.
pub(crate) fn load(settings: &Settings) -> Result<Credentials, Fault> {
    Ok(Credentials { trust: trust(settings)?, identity: identity(&settings.identity)? })
}

fn trust(settings: &Settings) -> Result<Trust, Fault> {
    let (text, from) = match &settings.root {
        RootSource::System(store) => {
            let given = match store {
                SystemStore::Platform => None,
                SystemStore::Files(files) => Some(store_of(files)),
            };
            return Ok(Trust::System { given, revocation: lists(&settings.revocation)? });
        }
        RootSource::Pem(pem) => (pem.clone(), "the root certificates given as PEM".to_owned()),
        RootSource::File(path) if roots_given(&settings.root) => {
            (read("cannot read the root file", path)?, path.display().to_string())
        }
        RootSource::File(_) | RootSource::None if !settings.mode.verifies() => {
            return Ok(Trust::Anything);
        }
        missing => {
            let path = match missing {
                RootSource::File(path) => Some(path.clone()),
                _ => None,
            };
            return Err(Fault::RootMissing { mode: settings.mode.as_str(), path });
        }
    };
    let certificates = certificates(&text, &from)?;
    let mut revocation = lists(&settings.revocation)?;
    // OpenSSL reads whatever a file holds: where revocation is checked, lists among the roots count as well.
    if let Some(lists) = &mut revocation {
        lists.extend(revocation_lists(&text, &from)?);
    }
    Ok(Trust::Roots { certificates, revocation })
}

/// Whether there are roots, so that the chain is verified. As for libpq, a file that cannot be found does not exist,
/// whatever the reason.
pub(super) fn roots_given(root: &RootSource) -> bool {
    match root {
        RootSource::None => false,
        RootSource::File(path) => fs::metadata(path).is_ok(),
        RootSource::Pem(_) | RootSource::System(_) => true,
    }
}

/// The certificates of files that stand in for the system's store; what cannot be read is left out, as it is there.
fn store_of(files: &[PathBuf]) -> Vec<CertificateDer<'static>> {
    let mut store = Vec::new();
    for path in files {
        let found = read("cannot read the system store's file", path).and_then(|text| {
            CertificateDer::pem_slice_iter(&text)
                .collect::<Result<Vec<_>, _>>()
                .map_err(malformed("system store's file", &path.display().to_string()))
        });
        match found {
            Ok(certificates) => store.extend(certificates),
            Err(error) => {
                tracing::warn!(%error, "a part of the system's certificate store cannot be read");
            }
        }
    }
    store
}

/// The certificates of a PEM text, at least one.
fn certificates(pem: &[u8], from: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(malformed("certificate file", from))?;
    // OpenSSL takes no file of which it cannot read a part.
    if let Some(error) = certificates.iter().find_map(|der| X509Certificate::from_der(der).err()) {
        return Err(Fault::BadFile {
            what: "certificate file",
            from: from.to_owned(),
            reason: error.to_string(),
        });
    }
    match certificates.is_empty() {
        true => Err(Fault::NoCertificate(from.to_owned())),
        false => Ok(certificates),
    }
}

fn lists(revocation: &Revocation) -> Result<Lists, Fault> {
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

fn revocation_lists(
    text: &[u8],
    from: &str,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Fault> {
    CertificateRevocationListDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(malformed("revocation list", from))
}

type ClientIdentity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(identity: &Identity) -> Result<Option<ClientIdentity>, Fault> {
    match identity {
        Identity::None => Ok(None),
        Identity::Pem { chain, key } => Ok(Some((
            certificates(chain, "the client certificate given as PEM")?,
            private_key(key, "the private key given as PEM")?,
        ))),
        Identity::Files { certificate, key } => {
            match fs::metadata(certificate) {
                Ok(_) => {}
                // As libpq: a certificate that does not exist is not shown.
                Err(error) if is_missing(&error) => return Ok(None),
                Err(error) => {
                    return Err(unreadable("cannot open the client certificate", certificate)(
                        error,
                    ));
                }
            }
            let from = certificate.display().to_string();
            let chain =
                certificates(&read("cannot read the client certificate", certificate)?, &from)?;
            let Some(key) = key else {
                return Err(bad(
                    "client certificate",
                    certificate,
                    "there is no sslkey to go with it",
                ));
            };
            let key = private_key(&read_key(key)?, &key.display().to_string())?;
            Ok(Some((chain, key)))
        }
    }
}

/// A private key as PEM, or (as libpq takes it too) as DER.
fn private_key(text: &[u8], from: &str) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(text).or_else(|error| {
        PrivateKeyDer::try_from(text)
            .map(|key| key.clone_key())
            .map_err(|_| malformed("private key", from)(error))
    })
}

/// What a key's file holds. Its permissions are asked of the file that is open, so that it cannot be another one.
fn read_key(path: &Path) -> Result<Vec<u8>, Fault> {
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
fn others_may_read(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &Metadata) -> bool {
    false
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Fault> {
    read_regular(path).map_err(unreadable(what, path))
}

/// Opens a regular file, and nothing else: to open a FIFO is to wait, past every timeout, for somebody who writes to it;
/// and a device may never end.
fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open_regular(path)?.read_to_end(&mut content)?;
    Ok(content)
}

fn unreadable(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.to_owned();
    move |source| Fault::File { what, path, source }
}

/// In our own words: the library's text quotes the line at fault, and with blanks or a literal `\n` in place of line
/// breaks that line is the whole private key.
fn malformed(what: &'static str, from: &str) -> impl FnOnce(pem::Error) -> Fault {
    let from = from.to_owned();
    move |error| {
        let reason = match error {
            pem::Error::MissingSectionEnd { .. } => {
                "a PEM section has no end line (are its line breaks real ones?)"
            }
            pem::Error::IllegalSectionStart { .. } => {
                "the first line of a PEM section is malformed (are its line breaks real ones?)"
            }
            pem::Error::Base64Decode(_) => "a PEM section is not base64",
            pem::Error::NoItemsFound => "there is none in it",
            _ => "it cannot be read as PEM",
        };
        Fault::BadFile { what, from, reason: reason.to_owned() }
    }
}

fn bad(what: &'static str, path: &Path, reason: &str) -> Fault {
    Fault::BadFile { what, from: path.display().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
