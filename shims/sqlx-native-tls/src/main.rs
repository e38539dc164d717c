//! sqlx on native-tls, over the shim contract.
#![forbid(unsafe_code)]

#[path = "../../rust/sqlx.rs"]
mod driver;

use pgtls_shim::locked;

const LOCK: &str = include_str!("../Cargo.lock");

fn main() {
    let openssl: Vec<_> = openssl::version::version().split_whitespace().take(2).collect();
    let name = format!("native-tls {}, {}", locked(LOCK, "native-tls"), openssl.join(" "));
    driver::serve(locked(LOCK, "sqlx"), driver::Tls { name, system_store: true });
}
