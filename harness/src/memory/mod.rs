//! Connections without sockets: both ends are in this process, and a connection costs no system
//! call, no port and no wait for a kernel.
//!
//! A [`MemoryStream`] behaves as a TCP stream over a loopback does: it has a buffer of bounded size
//! each way, each direction can be closed alone (FIN), and the whole can be reset (RST). It knows
//! no clock, so that a test in tokio's paused time never waits for it.
//!
//! ```
//! use pgtls_harness::memory;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (mut here, mut there) = memory::pair();
//! here.write_all(b"hello").await?;
//! here.shutdown().await?;
//! let mut got = String::new();
//! there.read_to_string(&mut got).await?;
//! assert_eq!(got, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! [`Listener::in_memory`](crate::Listener::in_memory) accepts what a [`Dialer`] dials.

mod dialer;
mod stream;

pub use dialer::Dialer;
pub(crate) use dialer::{Dialled, dialling};
pub use stream::{CAPACITY, MemoryStream, pair, pair_with_capacity};
