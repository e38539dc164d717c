//! Writing to stdout: lines for people, and texts for programs.

use std::io::{self, ErrorKind, Write as _};

use super::error::CliError;
use crate::foreign::{Foreign, Lines};

/// Lines for people on stdout; colours only where they are seen.
///
/// Somebody who stops reading, as `head` does, has seen enough: the command goes on to its own
/// exit code and its other files.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    data(&Lines(text).to_string())
}

/// A text for programs on stdout, which brings its own escapes.
pub(super) fn data(text: &str) -> Result<(), CliError> {
    match written(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Lines for people on stdout, for as long as somebody reads.
pub(super) fn live(text: &str) -> io::Result<()> {
    written(&Lines(text).to_string())
}

fn written(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// One line on stderr. What others wrote in it cannot make it two.
pub(super) fn notice(text: &str) {
    // Where stderr is gone, there is nobody to tell.
    let _ = writeln!(anstream::stderr().lock(), "pgtls: {}", Foreign(text));
}
