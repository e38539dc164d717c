//! Files that say of themselves which schema they are of.

use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, Kind};

/// Reads what says of itself which schema it is of, and says that first where it is another: what
/// a newer one lacks or has is no mistake.
pub(crate) fn of_schema<T: DeserializeOwned>(
    text: &str,
    what: &'static str,
    wanted: u32,
) -> Result<T, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: Option<serde_json::Value>,
    }
    let Versioned { schema } = serde_json::from_str(text)?;
    match schema {
        Some(schema) if schema == wanted => Ok(serde_json::from_str(text)?),
        Some(schema) => Err(Kind::Schema { what, wanted, got: format!("schema {schema}") }.into()),
        None => Err(Kind::Schema { what, wanted, got: "no schema".to_owned() }.into()),
    }
}
