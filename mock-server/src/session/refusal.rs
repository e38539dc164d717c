//! Errors that more than one part of a session answers with, in PostgreSQL's words where it has
//! some.

use crate::{budget::Exhausted, protocol::report::Report};

/// 54000.
pub(super) fn too_much(what: &str) -> Report {
    Report::error("54000", format!("too much for this server: {what}"))
}

/// 53200.
pub(crate) fn out_of_memory(Exhausted: Exhausted) -> Report {
    Report::error("53200", "out of memory")
        .with_detail("The connection, or all of them, may hold no more; see the server's settings.")
}

/// 42601.
pub(super) fn syntax_error(message: impl Into<String>) -> Report {
    Report::error("42601", message)
}

/// 42601, where a statement goes on no further.
pub(super) fn syntax_error_at_end() -> Report {
    syntax_error("syntax error at end of input")
}

/// 0A000.
pub(super) fn unsupported(what: &str) -> Report {
    Report::error("0A000", format!("{what} is not supported by this mock server"))
}

/// 25P02.
pub(super) fn failed_transaction() -> Report {
    Report::error(
        "25P02",
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

/// 26000.
pub(super) fn no_statement(name: &str) -> Report {
    Report::error(
        "26000",
        match name {
            "" => "unnamed prepared statement does not exist".to_owned(),
            name => format!("prepared statement \"{name}\" does not exist"),
        },
    )
}

/// 34000.
pub(super) fn no_portal(name: &str) -> Report {
    Report::error("34000", format!("portal \"{name}\" does not exist"))
}

/// 08P01.
pub(super) fn protocol_violation(message: impl Into<String>) -> Report {
    Report::error("08P01", message)
}
