//! The results: what one run found, as data. The JSON that scripts rely on is this, serialized.

mod axes;
mod cell;
mod evidence;
mod observed;
mod run;
mod schema;
mod stack;

pub(crate) use self::schema::of_schema;
pub use self::{
    axes::NamedAxes,
    cell::{CellResult, Expected},
    evidence::Evidence,
    observed::{Observed, Tls},
    run::{Libpq, Results, SCHEMA},
    stack::Stack,
};
