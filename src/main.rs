//! The program `pgtls`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // This program starts nothing else while a shim lives.
    pgtls_conformance::shim::take_in_orphans();
    pgtls::cli::main()
}
