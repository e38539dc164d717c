//! The wire without PostgreSQL in it: streams that pass every byte through rules and record it.
//!
//! - [`Listener`] accepts [`Wire`]s; a [`Wire`] is a stream with rules and a recorder.
//! - [`memory`] has connections without sockets; whatever else can be reset is a [`Transport`].
//! - [`rules`] says what a rule is, and holds one file for each.
//! - [`Recorder`] keeps what passed, below TLS, above it, or both.
//! - [`Deadline`] bounds a wait, and [`Seed`] is where all chance comes from.
//!
//! ```
//! use pgtls_harness::{Listener, rules::RuleSpec};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = Listener::bind("127.0.0.1:0".parse()?)?;
//! let mut client = tokio::net::TcpStream::connect(listener.address()).await?;
//! let (mut wire, _peer) = listener.accept().await?;
//! wire.install([RuleSpec::TruncateOutbound { at: 2 }]);
//! wire.write_all(b"hello").await?;
//! wire.shutdown().await?;
//!
//! let mut got = Vec::new();
//! client.read_to_end(&mut got).await?;
//! assert_eq!(got, b"he");
//! # Ok(())
//! # }
//! ```

mod deadline;
mod error;
mod listener;
pub mod memory;
mod recorder;
pub mod rules;
mod seed;
mod transport;
mod wire;

pub use deadline::{Deadline, Elapsed};
pub use error::Error;
pub use listener::Listener;
pub use recorder::{Layer, Mark, Recorder, Recording};
pub use rules::Direction;
pub use seed::Seed;
pub use transport::Transport;
pub use wire::Wire;
