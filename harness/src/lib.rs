//! The wire without PostgreSQL in it: streams that pass every byte through rules and record it.
//!
//! For tests of network programs that have to hold when the network does what networks do: bytes
//! come in pieces or late, twice, changed or never; connections end in the middle. Such a test puts
//! a [`Wire`] between its server and the socket, says in [`rules`] what is to happen to the
//! bytes, and may look at what passed.
//!
//! ```
//! use pgtls_harness::{Direction, Layer, Recorder, Wire, memory, rules::RuleSpec};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (mut client, server) = memory::pair();
//! let mut wire = Wire::new(server);
//! wire.install([
//!     // The second byte that the client sends arrives with a bit flipped ...
//!     RuleSpec::CorruptInbound { at: 1, xor: 0x20 },
//!     // ... and the answer breaks off behind its second byte, with RST.
//!     RuleSpec::ResetOutbound { at: 2 },
//! ]);
//! let recorder = Recorder::new(1024);
//! wire.record(recorder.clone());
//!
//! client.write_all(b"hello").await?;
//! let mut heard = [0; 5];
//! wire.read_exact(&mut heard).await?;
//! assert_eq!(&heard, b"hEllo");
//!
//! assert!(wire.write_all(b"goodbye").await.is_err());
//! let mut got = Vec::new();
//! let error = client.read_to_end(&mut got).await.unwrap_err();
//! assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
//! assert_eq!(got, b"go");
//!
//! let recording = recorder.recording();
//! assert_eq!(recording.concat(Direction::Inbound, Layer::Wire), b"hEllo");
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Wire`] runs over any [`Transport`]: TCP, a [pair in memory](memory), or another stream
//!   [`WithoutReset`]. A [`Listener`] accepts wires from a port, or from a [`Dialer`] in this process.
//! - [`rules`] says what a rule is and does. A [`RuleSpec`](rules::RuleSpec) is one as a value, to be
//!   kept in a file; a closure is one, too.
//! - A [`Recorder`] keeps what passed, below TLS, above it, or both.
//! - A [`Deadline`] bounds a wait, and a [`Seed`] is where all chance comes from.
//!
//! All waits go by the clock of tokio's runtime: in a test that pauses it, a delay of an hour and a
//! peer that is silent cost nothing.
//!
//! It works wherever tokio has TCP. Nothing of it is for Unix alone; on Linux a listener asks for
//! the plainest congestion control, elsewhere it takes what there is.

mod deadline;
mod error;
mod listener;
pub mod memory;
mod pipeline;
mod recorder;
pub mod rules;
mod seed;
mod transport;
mod wire;

pub use deadline::Deadline;
pub use error::Error;
pub use listener::Listener;
pub use memory::{Dialer, MemoryStream};
pub use recorder::{Layer, Mark, Recorder, Recording};
pub use rules::Direction;
pub use seed::Seed;
pub use transport::{Transport, WithoutReset};
pub use wire::Wire;
