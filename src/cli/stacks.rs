//! Which stacks a command means: built in, installed by their manifest, or a command.

use std::path::PathBuf;

use clap::Args;
use pgtls_conformance::{
    runner::StackSpec,
    shim::{Launch, Manifest, ManifestStack},
};

use super::error::CliError;
use crate::stacks::Stack;

/// Where shims are looked for.
#[derive(Debug, Clone, Args)]
pub(super) struct ShimsArgs {
    /// The folder of shims and their manifests
    #[arg(long, value_name = "DIR", env = "PGTLS_SHIMS", default_value = "shims", global = true)]
    shims: PathBuf,
}

/// Which stacks to take.
#[derive(Debug, Clone, Args)]
pub(super) struct StacksArgs {
    /// A stack by name, `NAME@VERSION` for another release of an installed one, or `all` for
    /// everything installed; several add up [default: the built-in stacks]
    #[arg(long = "stack", value_name = "S")]
    stacks: Vec<String>,
    /// A shim by its command line
    #[arg(long = "shim", value_name = "CMD")]
    commands: Vec<String>,
    #[command(flatten)]
    pub(super) folder: ShimsArgs,
}

impl StacksArgs {
    /// The stacks, in the order in which they were named.
    pub(super) fn specs(&self) -> Result<Vec<StackSpec>, CliError> {
        if !self.is_given() {
            return Ok(Stack::ALL.map(Stack::spec).into());
        }
        let mut specs: Vec<StackSpec> = Vec::new();
        for name in &self.stacks {
            if name == "all" {
                specs.extend(Stack::ALL.map(Stack::spec));
                specs.extend(self.folder.manifests()?.iter().map(spec_of));
            } else {
                specs.push(self.folder.named(name)?);
            }
        }
        for command in &self.commands {
            specs.push(spec_of_command(command)?);
        }
        let mut seen = Vec::new();
        specs.retain(|spec| {
            let new = !seen.contains(&spec.name);
            seen.push(spec.name.clone());
            new
        });
        Ok(specs)
    }

    /// Whether any stack was named.
    pub(super) fn is_given(&self) -> bool {
        !self.stacks.is_empty() || !self.commands.is_empty()
    }

    /// Whether everything installed was asked for.
    pub(super) fn takes_all(&self) -> bool {
        self.stacks.iter().any(|name| name == "all")
    }

    /// The command line of the one shim that was given by it.
    pub(super) fn command(&self) -> Option<&str> {
        self.commands.first().map(String::as_str)
    }

    /// Exactly one stack.
    pub(super) fn only(&self) -> Result<StackSpec, CliError> {
        if !self.is_given() {
            return Err(CliError::Usage(
                "which stack? name one with --stack or --shim, or give a cell's id".to_owned(),
            ));
        }
        let mut specs = self.specs()?;
        match (specs.pop(), specs.is_empty()) {
            (Some(spec), true) => Ok(spec),
            _ => Err(CliError::Usage("wanted one stack, got several".to_owned())),
        }
    }
}

impl ShimsArgs {
    /// Every stack that the folder's manifests name.
    pub(super) fn manifests(&self) -> Result<Vec<ManifestStack>, CliError> {
        Manifest::read_all(&self.shims)
            .map_err(|error| CliError::input("the shims' manifests cannot be used", error))
    }

    /// The stack of that name, built in or installed.
    pub(super) fn named(&self, name: &str) -> Result<StackSpec, CliError> {
        if let Some(stack) = Stack::named(name) {
            return Ok(stack.spec());
        }
        let manifest = self.manifest(name)?;
        if manifest.is_installed() {
            Ok(spec_of(&manifest))
        } else {
            Err(CliError::Usage(format!(
                "{name} is not installed; install it with: pgtls install {name}"
            )))
        }
    }

    /// The manifest of `NAME` or `NAME@VERSION`.
    pub(super) fn manifest(&self, name: &str) -> Result<ManifestStack, CliError> {
        let (base, version) = match name.split_once('@') {
            Some((base, version)) => (base, Some(version)),
            None => (name, None),
        };
        let manifests = self.manifests()?;
        let Some(manifest) = manifests.iter().find(|manifest| manifest.name == base) else {
            let built_in = Stack::ALL.iter().map(|stack| stack.name());
            let known: Vec<&str> =
                built_in.chain(manifests.iter().map(|manifest| manifest.name.as_str())).collect();
            return Err(CliError::Usage(format!(
                "no stack is called {base}; there are: {}",
                known.join(", ")
            )));
        };
        let fits = |version: &str| {
            !version.is_empty()
                && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_".contains(c))
        };
        match version {
            Some(version) if fits(version) => Ok(manifest.at_version(version)),
            Some(version) => Err(CliError::Usage(format!("`{version}` is no version"))),
            None => Ok(manifest.clone()),
        }
    }
}

/// How a manifest's stack is started, or why it cannot be.
pub(super) fn spec_of(manifest: &ManifestStack) -> StackSpec {
    let missing = manifest.missing_programs();
    let launch = if !manifest.is_installed() {
        let hint = if missing.is_empty() {
            format!("pgtls install {}", manifest.id())
        } else {
            format!("it needs {}", missing.join(", "))
        };
        Err(format!("not installed ({hint})"))
    } else if missing.is_empty() {
        Ok(manifest.launch())
    } else {
        Err(format!("it needs {}", missing.join(", ")))
    };
    StackSpec { name: manifest.id(), launch }
}

/// A shim by its command line, named after its program.
pub(super) fn spec_of_command(command: &str) -> Result<StackSpec, CliError> {
    let launch = Launch::from_command_line(command)
        .map_err(|error| CliError::Usage(format!("--shim: {error}")))?;
    Ok(StackSpec { name: name_of_command(command), launch: Ok(launch) })
}

/// The last word of the command that looks like a file, without its folder and ending.
fn name_of_command(command: &str) -> String {
    let word = command.split_whitespace().rfind(|word| !word.starts_with('-')).unwrap_or(command);
    let file = word.rsplit('/').next().unwrap_or(word);
    let stem =
        file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem });
    let name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '-' })
        .collect();
    if name.is_empty() { "shim".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_after_its_file() {
        for (command, name) in [
            ("python3 shims/mine/shim.py", "shim"),
            ("./my-driver", "my-driver"),
            ("java -cp x.jar Shim", "Shim"),
            ("node --no-warnings /a/b/driver.js", "driver"),
        ] {
            assert_eq!(name_of_command(command), name);
        }
    }
}
