//! Scripts: everything a server does on the wire, as data.
//!
//! - [`Script`], [`Conversation`], [`Step`]: the language.
//! - [`named`]: the script of each value of the axes `reply`, `access` and `auth`, and of each
//!   value that `scram` will have.
//! - [`outline`]: what can be read off a script without running it.
//!
//! `docs/scripts.md` explains it with examples that run.

mod check;
mod edit;
mod error;
mod honest;
mod json;
mod language;
pub mod named;
pub mod outline;
mod scram;
mod segment;

pub(crate) use self::edit::Editor;
pub use self::{
    edit::{Edit, EditKind},
    error::ScriptError,
    language::{
        Branch, Case, ClientMessage, Condition, Conversation, Expected, Rejection, Repeat, Script,
        Step, Steps, Tls, Wait,
    },
    segment::{Alert, Piece, Raw},
};
pub use crate::protocol::{body, message::BackendMessage, value};
