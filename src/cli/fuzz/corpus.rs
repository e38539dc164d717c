//! What one hunt leaves to the next: the scenarios that showed something new, a folder for each stack.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use pgtls_conformance::fuzz::{Counterexample, Scenario};
use pgtls_mock_server::Seed;

use super::findings::{hash, in_a_name, may_be_folder};
use crate::{
    cli::{error::CliError, file::Pending, output},
    foreign,
};

/// The corpora of all stacks. Nothing is ever taken out of them.
#[derive(Debug)]
pub(super) struct Corpora(PathBuf);

impl Corpora {
    /// In the folder at this place, which is none yet, or a folder.
    pub(super) fn at(path: &Path) -> Result<Self, CliError> {
        may_be_folder("--corpus", path)?;
        Ok(Self(path.to_owned()))
    }

    fn folder(&self, stack: &str) -> PathBuf {
        self.0.join(in_a_name(stack))
    }

    /// What is known of a stack, in the order of the files' names. A file that is of no use, perhaps of
    /// another version, is told of and left alone.
    pub(super) fn of(&self, stack: &str) -> Vec<Scenario> {
        let folder = self.folder(stack);
        let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
        paths.sort();
        let scenarios = paths.into_iter().filter_map(|path| {
            let scenario = scenario(&path);
            if let Err(why) = &scenario {
                output::notice(&format!("--corpus: {} is left out: {why}", path.display()));
            }
            scenario.ok()
        });
        scenarios.collect()
    }

    /// Adds scenarios to what is known of a stack.
    pub(super) fn add(&self, stack: &str, scenarios: &[Arc<Scenario>]) -> Result<(), CliError> {
        let folder = self.folder(stack);
        fs::create_dir_all(&folder).map_err(|error| {
            CliError::tool(format!("could not make {}", folder.display()), error)
        })?;
        for scenario in scenarios {
            // What `pgtls replay` reads; nothing in it says that it broke anything, or by which chance it came.
            let file = Counterexample::new(stack, scenario, &[], Seed::new(0));
            let text = foreign::json(&file)
                .map_err(|error| CliError::tool("the scenario is no JSON", error))?;
            let path = folder.join(format!("{:016x}.json", hash(&text)));
            if !path.exists() {
                Pending::new(&path)?.finish(&text)?;
            }
        }
        Ok(())
    }
}

fn scenario(path: &Path) -> Result<Scenario, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file = Counterexample::from_json(&text).map_err(|error| error.to_string())?;
    let scenario = file.scenario().map_err(|error| error.to_string())?;
    scenario.ok_or_else(|| "it holds no script".to_owned())
}
