//! A mock PostgreSQL server with TLS that can be honest, wrong or hostile, and says what it saw.
//!
//! A test of a driver starts one server for itself, lets the driver connect, and asks the server
//! what really happened:
//!
//! ```
//! use std::time::Duration;
//!
//! use pgtls_mock_server::{MockServer, axes::{Access, Reply}};
//!
//! # async fn connect_as_an_application_would(url: &str) {
//! #     let (client, connection) =
//! #         tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
//! #     tokio::spawn(connection);
//! #     client.simple_query("SELECT 1").await.expect("an answer");
//! # }
//! // In a test: #[tokio::test]
//! # #[tokio::main(flavor = "current_thread")]
//! async fn prefer_goes_on_in_plaintext() -> Result<(), pgtls_mock_server::Error> {
//!     let server = MockServer::builder().reply(Reply::Refuse).start().await?;
//!     connect_as_an_application_would(&server.url("disable")).await;
//!     let seen = server.finish(Duration::from_secs(1)).await;
//!     assert_eq!(seen.trace.to_string(), "connect, authok -> plain");
//!     Ok(())
//! }
//! # prefer_goes_on_in_plaintext()?;
//! # Ok::<(), pgtls_mock_server::Error>(())
//! ```
//!
//! Every test has its own server, port and certificates, and nothing of them outlives the guard.
//!
//! - [`axes`]: what can be set; [`Builder`] and [`MockServer`]: setting and running it.
//! - [`Builder::start_in_memory`]: a server without a socket, for clients in the same process, on
//!   tokio's clock.
//! - [`script`]: everything a server does on the wire, as data, where no axis says it.
//! - [`trace`] and [`transcript`]: what the server saw, in short and in full.
//! - [`pki`]: the authority, its certificates, and their files for clients that want paths.

pub mod axes;
mod budget;
mod builder;
mod connection;
mod core;
mod describe;
mod door;
mod ended;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod machine;
mod observe;
pub mod pki;
mod plan;
mod protocol;
mod scram;
pub mod script;
mod server;
mod session;
mod shared;
mod tls;
pub mod trace;
pub mod transcript;
mod url;

pub use builder::{Builder, DEFAULT_CANARY, DEFAULT_PASSWORD};
pub use ended::{Connections, Ended};
pub use error::Error;
pub use pgtls_harness::{
    Direction, Layer, Seed,
    memory::{Dialer, MemoryStream},
    rules::RuleSpec,
};
pub use server::MockServer;
pub use tls::gather_entropy;
pub use transcript::Observation;
