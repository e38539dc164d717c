//! Files that say of themselves which schema they are of.

use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};

/// Reads what says of itself which schema it is of, and says that first where it is another: what
/// a newer one lacks or has is no mistake.
pub(crate) fn of_schema<T: DeserializeOwned>(
    text: &str,
    what: &str,
    wanted: u32,
) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: Option<serde_json::Value>,
    }
    let Versioned { schema } = serde_json::from_str(text)?;
    match schema {
        Some(schema) if schema == wanted => serde_json::from_str(text),
        Some(schema) => Err(serde_json::Error::custom(format!(
            "wanted {what} of schema {wanted}, got schema {schema}"
        ))),
        None => Err(serde_json::Error::custom(format!(
            "wanted {what} of schema {wanted}, got no schema"
        ))),
    }
}
