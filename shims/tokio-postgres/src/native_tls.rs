//! The `TlsConnector` that an application would build, as in the built-in stack.

use std::{error::Error, fs};

use native_tls::{Certificate, Identity, TlsConnector};
use pgtls_shim::{Request, locked};
use postgres_native_tls::MakeTlsConnector;

use crate::driver::Tls;

type Connector = fn(&Request) -> Result<MakeTlsConnector, Box<dyn Error>>;

pub(crate) fn library(lock: &str) -> Tls<Connector> {
    Tls {
        name: format!(
            "postgres-native-tls {}, {}",
            locked(lock, "postgres-native-tls"),
            openssl::version::version()
        ),
        // native-tls has no way to give one.
        sslcrl: false,
        connector,
    }
}

fn connector(request: &Request) -> Result<MakeTlsConnector, Box<dyn Error>> {
    let mut builder = TlsConnector::builder();
    if let Some(path) = &request.sslrootcert {
        builder.add_root_certificate(Certificate::from_pem(&fs::read(path)?)?);
    }
    if let (Some(certificate), Some(key)) = (&request.sslcert, &request.sslkey) {
        builder.identity(Identity::from_pkcs8(&fs::read(certificate)?, &fs::read(key)?)?);
    }
    if request.sslnegotiation.as_deref() == Some("direct") {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    Ok(MakeTlsConnector::new(builder.build()?))
}
