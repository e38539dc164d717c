//! Sweeps: an honest login, disturbed at every single byte of the server's stream.
//!
//! Where chance is not needed: every mode's honest logins ([`logins`]), and for each byte that the
//! server sends one case for each [`Disturbance`]. Whatever happens to the wire, the client succeeds or
//! fails, within its timeout, and breaks no invariant; and where no byte is lost, it ends as it does
//! undisturbed.
//!
//! ```
//! use pgtls_conformance::{axes::Axes, sweep::{Disturbance, Sweep}, runner::*, shim::*};
//! # struct MyDriver;
//! # impl Driver for MyDriver {
//! #     fn hello(&self) -> Hello { Hello::new("my-driver", "1.0") }
//! #     async fn connect(&self, _: &Connect, _: &Network) -> Outcome {
//! #         Outcome::unsupported("an example")
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = TestEnvironment::new("7".parse()?)?;
//! let stack = StackSpec::in_process("my-driver", MyDriver);
//! let subject = Subject::probe(&stack, &environment).await;
//! let sweep = Sweep::new(&subject).with(&[Disturbance::Cut, Disturbance::Split]);
//! let swept = sweep.run(&Interrupt::default(), |_| {}).await;
//! assert!(swept.findings.is_empty(), "{}", swept.findings[0]);
//! # Ok(())
//! # }
//! ```

mod case;
mod disturbance;
mod finding;
mod logins;
mod run;
mod swept;

pub use self::{
    disturbance::Disturbance,
    finding::{Finding, Place},
    logins::logins,
    run::{Progress, Sweep},
    swept::{Swept, SweptLogin, Unswept},
};
