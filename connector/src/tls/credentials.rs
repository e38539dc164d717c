//! Reads the root file, the client certificate with its key, and the revocation lists, by libpq's rules
//! (`initialize_SSL`): at every TLS attempt, between the server's `S` and our ClientHello.

use std::fs;
use std::path::PathBuf;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::files::{bad, is_missing, read, read_key, unreadable};
use super::lists::lists;
use super::pem::{certificates, every_certificate, private_key, revocation_lists};
use super::terms::{Credentials, Trust};
use crate::config::{Identity, RootSource, Settings, SystemStore};
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
        let found = read("cannot read the system store's file", path)
            .and_then(|text| every_certificate(&text, &path.display().to_string()));
        match found {
            Ok(certificates) => store.extend(certificates),
            Err(error) => {
                tracing::warn!(%error, "a part of the system's certificate store cannot be read");
            }
        }
    }
    store
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

#[cfg(test)]
mod tests;
