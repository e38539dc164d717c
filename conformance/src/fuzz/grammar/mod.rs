//! The grammar of the backend protocol, plausible and wrong: what a hostile server may say.
//!
//! - [`number`]: the boundaries of lengths, counts and codes; [`bytes`]: texts that break readers.
//! - [`value`]: values of columns, in text and binary.
//! - [`message`]: every message of the server, by a table.
//! - [`scram`]: what stands in the messages of SCRAM.
//! - [`settings`]: what a client is told and asked.

pub(super) mod bytes;
pub(super) mod message;
pub(super) mod number;
pub(super) mod scram;
pub(super) mod settings;
pub(super) mod value;
