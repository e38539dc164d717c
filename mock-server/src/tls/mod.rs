//! TLS behind one small interface, by rustls and, for the old versions, by OpenSSL.

mod alert;
mod client_hello;
mod context;
mod engine;
mod openssl;
mod records;
mod rustls;
mod tickets;

pub use self::rustls::gather_entropy;
pub(crate) use self::{
    alert::{describe as alert_name, record as alert_record},
    client_hello::{Hello, HelloReader},
    context::{Context, ContextKey, TlsSettings},
    engine::{ALPN, Agreed, Engine, Failure},
    records::{Records, Seen},
};
