//! tokio-postgres with postgres-openssl, over the shim contract.
#![forbid(unsafe_code)]

use std::error::Error;

use openssl::{
    ssl::{SslConnector, SslFiletype, SslMethod},
    x509::{store::X509Lookup, verify::X509VerifyFlags},
};
use pgtls_shim::{Request, locked};
use postgres_openssl::MakeTlsConnector;

#[path = "../../rust/tokio_postgres.rs"]
mod driver;

const LOCK: &str = include_str!("../Cargo.lock");

fn main() {
    let openssl: Vec<_> = openssl::version::version().split_whitespace().take(2).collect();
    let name =
        format!("postgres-openssl {}, {}", locked(LOCK, "postgres-openssl"), openssl.join(" "));
    driver::serve(locked(LOCK, "tokio-postgres"), driver::Tls { name, sslcrl: true, connector });
}

/// The connector of the crate's documentation, with the files that the request names. It starts
/// from OpenSSL's default paths, the system store.
fn connector(request: &Request) -> Result<MakeTlsConnector, Box<dyn Error>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    if let Some(path) = &request.sslrootcert {
        builder.set_ca_file(path)?;
    }
    if let Some(path) = &request.sslcrl {
        builder
            .cert_store_mut()
            .add_lookup(X509Lookup::file())?
            .load_crl_file(path, SslFiletype::PEM)?;
        builder
            .verify_param_mut()
            .set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)?;
    }
    if let Some(path) = &request.sslcert {
        builder.set_certificate_chain_file(path)?;
    }
    if let Some(path) = &request.sslkey {
        builder.set_private_key_file(path, SslFiletype::PEM)?;
    }
    if request.sslnegotiation.as_deref() == Some("direct") {
        postgres_openssl::set_postgresql_alpn(&mut builder)?;
    }
    Ok(MakeTlsConnector::new(builder.build()))
}
