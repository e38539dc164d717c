//! The wire format of PostgreSQL's protocol 3, from the server's side.

pub(crate) mod backend;
pub mod body;
pub mod codes;
mod error;
pub(crate) mod frontend;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod pg_type;
mod proof;
mod reader;
pub(crate) mod report;
pub(crate) mod startup;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod texts;
pub mod value;

pub(crate) use self::{
    error::Error,
    text::{cut, excerpt},
};
