//! What a driver's own tests call: the suite of cells, and hostile servers, each in a line.
//!
//! [`check`] and [`fuzz`] take a [`Driver`](crate::runner::Driver), drive it in the test's own process,
//! over streams in memory, and fail the test with what a person wants to read of each finding: what
//! was expected, what happened, the lines of the transcript, and how to run it again.
//!
//! ```
//! use pgtls_conformance::{runner::{Driver, Network}, shim::{Connect, Hello, Outcome}};
//!
//! struct MyDriver;
//!
//! impl Driver for MyDriver {
//!     fn hello(&self) -> Hello {
//!         // What it names in `supports` is what it is asked.
//!         Hello::new("my-driver", "1.0")
//!     }
//!
//!     async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
//!         // Connects by network.dial(), runs request.query, and tells its rows.
//!         # let _ = network;
//!         Outcome::unsupported(format!("sslmode={:?}", request.sslmode))
//!     }
//! }
//!
//! // In a test of its own each:
//! # fn tests() {
//! pgtls_conformance::check(MyDriver).assert();
//! pgtls_conformance::fuzz(MyDriver).assert();
//! # }
//! # // A driver that can be asked nothing is not called clean.
//! # assert!(pgtls_conformance::check(MyDriver).run().is_err());
//! ```
//!
//! A complete driver with its tests stands in the repository, in `examples/downstream`.

mod check;
mod failure;
mod fuzz;
mod here;
mod told;

pub use self::{
    check::{Check, check},
    failure::Failure,
    fuzz::{Fuzz, fuzz},
};
