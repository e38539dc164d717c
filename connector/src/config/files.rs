//! Which files hold the roots, the client certificate and the revocation lists.

use std::path::PathBuf;

use super::reader::Reader;
use super::values::{Identity, ListFile, Revocation, RootSource, SystemStore};
use crate::error::Error;

fn at_home(read: &Reader<'_>, file: &str) -> Option<PathBuf> {
    read.config.home.as_ref().map(|home| home.join(file))
}

/// PEM text goes before the environment; beside a setting of the same rank nobody can tell which one is meant.
pub(super) fn given_once(read: &Reader<'_>) -> Result<(), Error> {
    let set = |key| read.config.values.get(key).is_some_and(|value| !value.is_empty());
    if read.config.root_pem.is_some() && set("sslrootcert") {
        return Err(Error::configuration(
            "the root certificates are given twice: as PEM text and by sslrootcert",
        ));
    }
    if read.config.identity_pem.is_some() && (set("sslcert") || set("sslkey")) {
        return Err(Error::configuration(
            "the client certificate is given twice: as PEM text and by sslcert or sslkey",
        ));
    }
    Ok(())
}

pub(super) fn root_source(read: &Reader<'_>) -> RootSource {
    match (&read.config.root_pem, read.named("sslrootcert")) {
        (Some(pem), _) => RootSource::Pem(pem.clone()),
        (None, Some("system")) => RootSource::System(match &read.config.system_store {
            Some(files) => SystemStore::Files(files.clone()),
            None => SystemStore::Platform,
        }),
        (None, Some(path)) => RootSource::File(path.into()),
        (None, None) => at_home(read, "root.crt").map_or(RootSource::None, RootSource::File),
    }
}

pub(super) fn identity(read: &Reader<'_>) -> Identity {
    if read.config.value("sslcertmode") == Some("disable") {
        return Identity::None;
    }
    if let Some((chain, key)) = &read.config.identity_pem {
        return Identity::Pem { chain: chain.clone(), key: key.clone() };
    }
    let certificate =
        read.named("sslcert").map(PathBuf::from).or_else(|| at_home(read, "postgresql.crt"));
    match certificate {
        Some(certificate) => {
            let key =
                read.named("sslkey").map(PathBuf::from).or_else(|| at_home(read, "postgresql.key"));
            Identity::Files { certificate, key }
        }
        None => Identity::None,
    }
}

pub(super) fn revocation(read: &Reader<'_>) -> Revocation {
    let file = read.named("sslcrl").map(|path| ListFile::Named(path.into()));
    let folder = read.named("sslcrldir").map(PathBuf::from);
    match (&file, &folder) {
        (None, None) => {
            Revocation { file: at_home(read, "root.crl").map(ListFile::AtHome), folder: None }
        }
        _ => Revocation { file, folder },
    }
}
