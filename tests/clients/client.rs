//! A client of the tests' own behind the shim contract: honest, or with the one fault that its
//! command line names.
//!
//! It shares no code with what it tests: the contract, libpq's rules and the wire are read anew
//! here. | module | holds |: [`contract`] questions and answers, [`shim`] the loop and the faults of
//! a process, [`settings`] the options, [`attempts`] the order of methods, [`wire`] the channel,
//! [`trust`] the handshake, [`names`] whose certificate it is, [`login`] and [`scram`] who we are,
//! [`session`] the query, [`fault`] what may go wrong on purpose.

#![forbid(unsafe_code)]

mod attempts;
mod contract;
mod fault;
mod login;
mod names;
mod scram;
mod session;
mod settings;
mod shim;
mod trust;
mod wire;

use std::process::ExitCode;

use fault::Fault;

fn main() -> ExitCode {
    let fault = match std::env::args().nth(1).as_deref() {
        None | Some("honest") => None,
        // The child of one that has it do its work.
        Some("work-hard") => {
            shim::work_hard();
            return ExitCode::SUCCESS;
        }
        Some(word) => match Fault::named(word) {
            Some(fault) => Some(fault),
            None => {
                eprintln!("test-client: wanted a fault, got `{word}`");
                return ExitCode::from(2);
            }
        },
    };
    match shim::serve(fault) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-client: {error}");
            ExitCode::FAILURE
        }
    }
}
