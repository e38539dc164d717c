//! What goes wrong with a shim.

use std::{io, path::PathBuf, time::Duration};

/// What goes wrong with a shim.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShimError {
    /// A command line that cannot be split.
    #[error("wanted a command line, got `{0}`")]
    CommandLine(String),
    /// The program could not be started.
    #[error("could not start {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No answer by the deadline.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The process ended, or closed its stdout.
    #[error("the shim died ({status}){}", tail(.stderr))]
    Died {
        /// How it ended.
        status: String,
        /// What it said on stderr.
        stderr: String,
    },
    /// It said something, and not the contract's.
    #[error("not the shim contract: {wanted}, got `{line}`")]
    NotTheContract {
        /// What was wanted.
        wanted: String,
        /// The line that came, shortened.
        line: String,
    },
    /// It closed its stdin, or stopped reading.
    #[error("the shim takes no more questions")]
    Deaf(#[source] io::Error),
}

/// The line that says why, in the words of the client's language; the last one where none is known.
fn tail(stderr: &str) -> String {
    let lines = || stderr.trim().lines();
    match lines().find(|line| says_why(line)).or_else(|| lines().last()) {
        Some(line) => format!(": {}", line.trim()),
        None => String::new(),
    }
}

/// Whether it is the line of a death: Go's `panic: …` and `fatal error: …`, Rust's `thread '…' panicked
/// at …`, Java's `Exception in thread …`, and what JavaScript and Python call an error, by its class.
fn says_why(line: &str) -> bool {
    let begins = ["panic: ", "fatal error: ", "Exception in thread ", "memory allocation of "];
    let is_rusts = line.starts_with("thread '") && line.contains(" panicked at");
    let class = line.split_once(": ").map_or(line, |(class, _)| class);
    let is_class = class.ends_with("Error")
        && class.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    is_rusts || is_class || begins.iter().any(|begin| line.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_process_said_the_line_is_told_that_says_why() {
        for (stderr, wanted) in [
            ("", ""),
            ("one\ntwo\n", ": two"),
            (
                "panic: runtime error: index out of range [0]\n\ngoroutine 1:\nmain.main()\n\t/main.go:7\n",
                ": panic: runtime error: index out of range [0]",
            ),
            (
                "a.js:3\n  x.y\n    ^\n\nTypeError: no y\n    at a.js:3\n\nNode.js v20.20.2\n",
                ": TypeError: no y",
            ),
            ("Traceback:\n  File x\nValueError: no\n", ": ValueError: no"),
        ] {
            assert_eq!(tail(stderr), wanted, "{stderr}");
        }
    }
}
