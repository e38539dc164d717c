//! sqlx on rustls, over the shim contract.
#![forbid(unsafe_code)]

#[path = "../../rust/sqlx.rs"]
mod driver;

use pgtls_shim::locked;

const LOCK: &str = include_str!("../Cargo.lock");

fn main() {
    let name = format!("rustls {}", locked(LOCK, "rustls"));
    // This build's authorities are webpki-roots'.
    driver::serve(locked(LOCK, "sqlx"), driver::Tls { name, system_store: false });
}
