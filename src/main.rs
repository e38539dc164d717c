//! The program `pgtls`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    pgtls::cli::main()
}
