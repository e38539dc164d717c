//! libpq's sslmodes for tokio-postgres, on rustls and on native-tls.
//!
//! What a `psql` connection string says about TLS means the same here: all six modes (`disable`, `allow`, `prefer`,
//! `require`, `verify-ca`, `verify-full`), `sslrootcert` as a file or `system`, client certificates, revocation lists,
//! direct TLS, channel binding, several hosts, and libpq's retries, each exactly as libpq 18 does it, or safer. What
//! `psql` reads *besides* the string (the environment, `~/.postgresql`) is read [only when asked](#as-psql-does-it).
//!
//! ```toml
//! [dependencies]
//! pgtls-connector = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! use pgtls_connector::Connector;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let connector = Connector::from_url(
//!         "postgres://app:secret@db.example/shop?sslmode=verify-full&sslrootcert=/etc/ssl/db-ca.pem",
//!     )?;
//!     let (client, connection) = connector.connect().await?;
//!     tokio::spawn(connection);
//!
//!     let row = client.query_one("SELECT 1 + 1", &[]).await?;
//!     assert_eq!(row.get::<_, i32>(0), 2);
//!     Ok(())
//! }
//! ```
//!
//! The client is [`tokio_postgres::Client`]; only how it comes to its connection is new. Use the crate's own
//! [`tokio_postgres`], so that there are no two versions of it.
//!
//! # Which mode?
//!
//! | you want | say |
//! | --- | --- |
//! | a server whose certificate comes from a public authority | `sslrootcert=system` (it implies `verify-full`) |
//! | a server whose authority is your own, or your provider's | `sslmode=verify-full sslrootcert=/path/to/root.pem` |
//! | the same where the server is not reached by the name in its certificate | `sslmode=verify-ca` with its root file |
//! | to connect somehow | `sslmode=prefer`, which is the default, and protects against nobody who can change what is on the wire |
//!
//! # As psql does it
//!
//! By itself a connector goes by its connection string alone. That can be *weaker* than `psql` with the same string:
//! under `require`, `psql` verifies the chain if there is a `~/.postgresql/root.crt`. Ask for all of it:
//!
//! ```no_run
//! use pgtls_connector::{Config, Connector};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config: Config = std::env::var("DATABASE_URL")?.parse()?;
//! let config = config.with_environment()?.with_home(std::env::home_dir().ok_or("no home")?);
//! let connector = Connector::from_config(&config)?;
//! # let _ = connector;
//! # Ok(())
//! # }
//! ```
//!
//! # Backends and features
//!
//! | feature | gives |
//! | --- | --- |
//! | `rustls` with `aws-lc-rs` (the default) or `ring` | `Backend::rustls`; no process-wide provider is used or set |
//! | `rustls` alone | `Backend::rustls_with` a provider of your own |
//! | `native-tls` | `Backend::native_tls`: OpenSSL on Linux; no revocation lists, and on Apple's systems and Windows no root file |
//!
//! Both may be on; [`Connector::with_backend`] chooses.
//!
//! # When it fails
//!
//! An [`Error`] tells every attempt with its host, its address, its [`Phase`] and its reason:
//!
//! ```
//! use pgtls_connector::{Connector, Phase};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let error = Connector::from_url("host=localhost sslmode=verify-ful").expect_err("no such mode");
//! assert_eq!(error.phase(), Phase::Configuration);
//!
//! // Nobody listens on port 1.
//! let connector = Connector::from_url("host=127.0.0.1 port=1 user=app").expect("a good string");
//! let error = connector.connect().await.expect_err("no server");
//! assert_eq!(error.phase(), Phase::Connect);
//!
//! // 127.0.0.1 (127.0.0.1:1) with TLS: opening the socket
//! eprint!("{error}");
//! // : Connection refused (os error 111)
//! let mut source = std::error::Error::source(&error);
//! while let Some(cause) = source {
//!     eprint!(": {cause}");
//!     source = cause.source();
//! }
//! # }
//! ```
//!
//! Its predicates say what a program may want to act upon: [`is_timeout`](Error::is_timeout),
//! [`is_unreachable`](Error::is_unreachable), [`is_rejected`](Error::is_rejected),
//! [`is_tls_refused`](Error::is_tls_refused), [`is_handshake`](Error::is_handshake),
//! [`is_name_mismatch`](Error::is_name_mismatch), [`is_injection`](Error::is_injection),
//! [`is_credentials`](Error::is_credentials), [`is_configuration`](Error::is_configuration).
//!
//! What a library said (the operating system, the TLS library, tokio-postgres with the server's own words) stands in the
//! sources, so print it by a reporter that walks them, as above or by anyhow's `{:#}`. Text that a server sent before TLS
//! is never part of it under `require` and stronger: such text is not even read.
//!
//! # Cancelling
//!
//! [`Connection::cancel_token`] gives a [`CancelToken`] that goes the same way as the connection did.
//! tokio-postgres's own has neither the address nor the host name here, and does not work.
//!
//! # Other transports
//!
//! Every connection is opened by a [dialer](dial::Dial), TCP by default: [`Connector::with_dialer`] takes one of your own,
//! for a proxy or for connections in memory. All waits go by tokio's clock, so that a test which pauses it waits for no
//! timeout.
//!
//! # Platforms
//!
//! Unix sockets, and the check that nobody else may read a client key, are there on Unix alone: elsewhere a host that
//! begins with `/` cannot be connected to, which is an error of [`Phase::Connect`]. `tcp_user_timeout` has an effect on
//! Linux alone.
//!
//! # More
//!
//! - [`guide::parameters`]: every parameter, and what becomes of it.
//! - [`guide::differences`]: where this is not libpq, and why.
//! - [`guide::migration`]: from tokio-postgres-rustls, postgres-native-tls or postgres-openssl.
//!
//! # How it is made
//!
//! Pure: [`config`](Config) (parsing), `policy` (which attempt follows which event), `names` (whom a certificate stands
//! for), `tls::verify` (which chain holds, with rustls), `binding` (the hash for channel binding), `login` (what the
//! server's messages say about the login). At the rim: [`dial`] and `tcp`, `negotiation`, `tls`, `stream`, tied together
//! by `route` (one connection), `address` (the attempts at one address) and `hosts` (all of them). No file uses one that
//! uses it.

#![forbid(unsafe_code)]

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
compile_error!(
    "choose a TLS backend by the features `rustls` (with `aws-lc-rs` or `ring`) or `native-tls`"
);

mod address;
mod binding;
mod cancel;
mod closing;
mod config;
mod connection;
mod connector;
mod endpoint;
mod error;
mod hosts;
mod login;
mod names;
mod negotiation;
mod policy;
mod route;
mod session;
mod stream;
mod tcp;
mod tls;
mod wait;

#[cfg(test)]
mod testing;

pub mod dial;
#[doc(hidden)]
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod guide;

/// The library, as this crate has it: for the provider of `Backend::rustls_with`.
#[cfg(feature = "rustls")]
pub use ::rustls;
pub use cancel::CancelToken;
pub use config::{Config, SslMode};
pub use connection::Connection;
pub use connector::Connector;
pub use error::{Attempt, Error, Phase};
pub use tls::Backend;
/// The driver, as this crate has it: its `Client` and its errors are part of this crate's interface.
pub use tokio_postgres;
