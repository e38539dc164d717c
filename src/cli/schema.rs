//! `pgtls schema`: JSON Schemas, generated from the types.

use std::path::PathBuf;

use clap::Args;
use pgtls_conformance::{
    baseline::Baseline,
    results::Results,
    shim::{Request, Response},
};
use pgtls_mock_server::script::Script;
use schemars::schema_for;

use super::{error::CliError, exit, file::Pending, output};
use crate::foreign;

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which: shim-request, shim-response, results, baseline, script; all, if a folder is given
    #[arg(value_name = "NAME", required_unless_present = "out")]
    name: Option<String>,
    /// Writes every schema into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    out: Option<PathBuf>,
}

/// Every schema with its name.
fn all() -> [(&'static str, schemars::Schema); 5] {
    [
        ("shim-request", schema_for!(Request)),
        ("shim-response", schema_for!(Response)),
        ("results", schema_for!(Results)),
        ("baseline", schema_for!(Baseline)),
        ("script", schema_for!(Script)),
    ]
}

impl Schema {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        let pretty = |schema: &schemars::Schema| {
            foreign::json(schema).map_err(|error| CliError::tool("a schema is no JSON", error))
        };
        if let Some(folder) = &self.out {
            let pending = |(name, schema): &(&str, schemars::Schema)| {
                let pending = Pending::new(&folder.join(format!("{name}.json")))?;
                Ok::<_, CliError>((pending, pretty(schema)? + "\n"))
            };
            let pending: Vec<_> = all().iter().map(pending).collect::<Result<_, _>>()?;
            let mut all_written = true;
            for (pending, text) in pending {
                if let Err(error) = pending.finish(&text) {
                    output::notice(&error.one_line());
                    all_written = false;
                }
            }
            return if all_written { Ok(exit::CLEAN) } else { Err(CliError::Unwritten) };
        }
        let wanted = self.name.as_deref().unwrap_or_default();
        match all().into_iter().find(|(name, _)| *name == wanted) {
            Some((_, schema)) => output::data(&pretty(&schema)?)?,
            None => {
                let known = all().map(|(name, _)| name).join(", ");
                return Err(CliError::Usage(format!(
                    "no schema is called {wanted}; there are: {known}"
                )));
            }
        }
        Ok(exit::CLEAN)
    }
}
