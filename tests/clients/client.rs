//! A client of the tests' own behind the shim contract: honest, or with the one vice that its
//! command line names.
//!
//! It shares no code with what it tests: the contract, libpq's rules and the wire are read anew
//! here. | module | holds |: [`contract`] questions and answers, [`shim`] the loop and the vices of
//! a process, [`settings`] the options, [`attempts`] the order of methods, [`wire`] the channel,
//! [`trust`] the handshake, [`names`] whose certificate it is, [`login`] and [`scram`] who we are,
//! [`session`] the query, [`vice`] what may go wrong on purpose.

#![forbid(unsafe_code)]

mod attempts;
mod contract;
mod login;
mod names;
mod scram;
mod session;
mod settings;
mod shim;
mod trust;
mod vice;
mod wire;

use std::process::ExitCode;

use vice::Vice;

fn main() -> ExitCode {
    let vice = match std::env::args().nth(1).as_deref() {
        None | Some("honest") => None,
        Some(word) => match Vice::named(word) {
            Some(vice) => Some(vice),
            None => {
                eprintln!("test-client: wanted a vice, got `{word}`");
                return ExitCode::from(2);
            }
        },
    };
    match shim::serve(vice) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-client: {error}");
            ExitCode::FAILURE
        }
    }
}
