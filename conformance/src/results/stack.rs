//! A stack of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Texts, shim::Supports};

/// One stack of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Stack {
    /// Its name in ids.
    pub name: String,
    /// The driver's version, as it says itself.
    pub version: Option<String>,
    /// The TLS library, as it says itself.
    pub tls: Option<String>,
    /// The major version of the libpq inside, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libpq: Option<u16>,
    /// What can be asked of it.
    pub supports: Option<Supports>,
    /// Why it could not run.
    pub could_not_run: Option<String>,
}

impl Texts for Stack {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { name, version, tls, libpq: _, supports, could_not_run } = self;
        each(name);
        [version, tls, could_not_run].into_iter().for_each(|text| text.texts(each));
        supports.texts(each);
    }
}
