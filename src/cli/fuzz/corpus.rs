//! What one hunt leaves to the next: the scenarios that showed something new, a folder for each stack.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use pgtls_conformance::fuzz::{Counterexample, Scenario};
use pgtls_mock_server::Seed;

use super::findings::{hash, in_a_name, json_files, may_be_folder};
use crate::{
    cli::{error::CliError, file::Pending, output},
    foreign,
};

/// The corpora of all stacks. Nothing is ever taken out of them.
#[derive(Debug)]
pub(super) struct Corpora(PathBuf);

/// One stack's corpus.
#[derive(Debug)]
pub(super) struct Corpus {
    stack: String,
    folder: PathBuf,
    /// What was there.
    known: Vec<Arc<Scenario>>,
}

impl Corpora {
    /// In the folder at this place, which is none yet, or a folder.
    pub(super) fn at(path: &Path) -> Result<Self, CliError> {
        may_be_folder("--corpus", path)?;
        Ok(Self(path.to_owned()))
    }

    /// A stack's corpus, in the order of the files' names. A file that is of no use, perhaps of another
    /// version, is told of and left alone.
    pub(super) fn of(&self, stack: &str) -> Result<Corpus, CliError> {
        let folder = self.0.join(in_a_name(stack));
        let known = if folder.exists() { read(&folder)? } else { Vec::new() };
        Ok(Corpus { stack: stack.to_owned(), folder, known })
    }
}

impl Corpus {
    /// What was there.
    pub(super) fn scenarios(&self) -> Vec<Arc<Scenario>> {
        self.known.clone()
    }

    /// Writes those of these scenarios that were not there.
    pub(super) fn add(&self, scenarios: &[Arc<Scenario>]) -> Result<(), CliError> {
        fs::create_dir_all(&self.folder).map_err(|error| {
            CliError::tool(format!("could not make {}", self.folder.display()), error)
        })?;
        let was_there = |scenario| self.known.iter().any(|known| Arc::ptr_eq(known, scenario));
        for scenario in scenarios.iter().filter(|scenario| !was_there(scenario)) {
            // Which chance it came by does not matter.
            let file = Counterexample::new(&self.stack, scenario, &[], Seed::new(0));
            let text = foreign::json(&file)
                .map_err(|error| CliError::tool("the scenario is no JSON", error))?;
            Pending::new(&self.folder.join(format!("{:016x}.json", hash(&text))))?.finish(&text)?;
        }
        Ok(())
    }
}

fn read(folder: &Path) -> Result<Vec<Arc<Scenario>>, CliError> {
    let mut known = Vec::new();
    for path in json_files(folder)? {
        match scenario(&path) {
            Ok(scenario) => known.push(Arc::new(scenario)),
            Err(why) => {
                output::notice(&format!("--corpus: {} is left out: {why}", path.display()));
            }
        }
    }
    Ok(known)
}

fn scenario(path: &Path) -> Result<Scenario, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file = Counterexample::from_json(&text).map_err(|error| error.to_string())?;
    let scenario = file.scenario().map_err(|error| error.to_string())?;
    scenario.ok_or_else(|| "it holds no script".to_owned())
}
