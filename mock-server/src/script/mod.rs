//! Scripts: everything a server does on the wire, as data.
//!
//! - [`Script`], [`Conversation`], [`Step`]: the language.
//! - [`named`]: what each value of the axes `reply`, `access` and `auth` is; [`all`] and [`find`] by
//!   their names, with those that `scram` will have.
//! - [`outline`]: what can be read off a script without running it.
//!
//! `docs/scripts.md` explains it with examples that run.

mod catalogue;
mod check;
mod edit;
mod error;
mod honest;
mod json;
mod language;
pub mod named;
pub mod outline;
mod path;
mod schema;
mod scram;
mod segment;

pub(crate) use self::edit::Editor;
pub use self::{
    catalogue::{Named, all, find},
    edit::{Edit, EditKind},
    error::ScriptError,
    language::{
        Branch, Case, ClientMessage, Condition, Conversation, Expected, Rejection, Repeat, Script,
        Step, Steps, Tls, Wait,
    },
    segment::{Alert, Content, Raw, Repeated},
};
pub use crate::protocol::{body, codes, message::BackendMessage, pg_type::PgType, value};
