//! Which stacks a command means: built in, installed by their manifest, or a command.

use std::path::{Path, PathBuf};

use clap::Args;
use pgtls_conformance::{
    runner::StackSpec,
    shim::{Launch, Manifest, ManifestStack},
};

use super::error::CliError;
use crate::stacks::BuiltIn;

/// Where shims are looked for where nobody says where.
const SHIMS: &str = "shims";

/// Where shims are looked for.
#[derive(Debug, Clone, Args)]
pub(super) struct ShimsArgs {
    /// The folder of shims and their manifests [default: shims]
    #[arg(long, value_name = "DIR", env = "PGTLS_SHIMS", hide_env_values = true, global = true)]
    shims: Option<PathBuf>,
}

/// Which stacks to take.
#[derive(Debug, Clone, Args)]
pub(super) struct StacksArgs {
    /// A stack by name, `NAME@VERSION` for another release of an installed one, or `all` for
    /// everything installed; several add up. `matrix` takes the built-in ones without it
    #[arg(long = "stack", value_name = "S")]
    stacks: Vec<String>,
    /// A shim by its command line
    #[arg(long = "shim", value_name = "CMD")]
    commands: Vec<String>,
    #[command(flatten)]
    pub(super) folder: ShimsArgs,
}

/// A stack, and how it came to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its name, and how it is started.
    pub(super) spec: StackSpec,
    /// Where it comes from.
    pub(super) origin: Origin,
}

/// Where a stack comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The program itself.
    BuiltIn,
    /// A manifest, at this version.
    Manifest(String),
    /// This command line.
    Command(String),
}

impl StacksArgs {
    /// The stacks, in the order in which they were named; the same one twice is one.
    pub(super) fn candidates(&self) -> Result<Vec<Candidate>, CliError> {
        self.folder.check()?;
        if !self.is_given() {
            return Ok(BuiltIn::ALL.map(built_in).into());
        }
        let mut all: Vec<Candidate> = Vec::new();
        for name in &self.stacks {
            if name == "all" {
                all.extend(self.folder.everything()?);
            } else {
                all.push(self.folder.candidate(name)?);
            }
        }
        for command in &self.commands {
            all.push(by_command(command)?);
        }
        let mut stacks: Vec<Candidate> = Vec::new();
        for candidate in all {
            if !stacks.contains(&candidate) {
                stacks.push(candidate);
            }
        }
        number_namesakes(&mut stacks);
        Ok(stacks)
    }

    /// The same, ready to run.
    pub(super) fn specs(&self) -> Result<Vec<StackSpec>, CliError> {
        Ok(self.candidates()?.into_iter().map(|candidate| candidate.spec).collect())
    }

    /// Whether any stack was named.
    pub(super) fn is_given(&self) -> bool {
        !self.stacks.is_empty() || !self.commands.is_empty()
    }

    /// Whether everything installed was asked for.
    pub(super) fn takes_all(&self) -> bool {
        self.stacks.iter().any(|name| name == "all")
    }

    /// The stacks as drivers in this process; without a name all that can be.
    pub(super) fn candidates_in_process(&self) -> Result<Vec<Candidate>, CliError> {
        let candidates = self.candidates()?;
        let candidates = candidates.into_iter().filter(|candidate| {
            self.is_given() || BuiltIn::named(candidate.spec.name()).is_none_or(BuiltIn::is_whole)
        });
        candidates
            .map(|candidate| Ok(Candidate { spec: in_process(&candidate.spec)?, ..candidate }))
            .collect()
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

/// A name goes into ids, where a colon and a comma end it, into commands and into paths.
fn is_name(text: &str) -> bool {
    text.split('/').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_".contains(c))
    })
}

/// The same without folders.
fn is_version(text: &str) -> bool {
    is_name(text) && !text.contains('/')
}

/// Two shims may have one file's name, and each has its own cells all the same.
fn number_namesakes(stacks: &mut [Candidate]) {
    for at in 1..stacks.len() {
        let (before, rest) = stacks.split_at_mut(at);
        let name = rest[0].spec.name();
        let is_taken = |name: &str| before.iter().any(|other| other.spec.name() == name);
        if is_taken(name) {
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let free = numbered.into_iter().find(|name| !is_taken(name)).unwrap_or_default();
            rest[0].spec = rest[0].spec.clone().named(free);
        }
    }
}

impl ShimsArgs {
    /// A folder that was named has to be there, whether or not a shim in it is asked for.
    fn check(&self) -> Result<(), CliError> {
        match &self.shims {
            Some(folder) if !folder.is_dir() => {
                Err(CliError::Usage(format!("--shims: no folder {}", folder.display())))
            }
            _ => Ok(()),
        }
    }

    /// Every stack that the folder's manifests name.
    pub(super) fn manifests(&self) -> Result<Vec<ManifestStack>, CliError> {
        self.check()?;
        let folder = self.shims.as_deref().unwrap_or(Path::new(SHIMS));
        let manifests = Manifest::read_all(folder)
            .map_err(|error| CliError::input("the shims' manifests cannot be used", error))?;
        if let Some(odd) = manifests.iter().find(|stack| !is_name(&stack.name)) {
            return Err(CliError::Usage(format!(
                "{} is no manifest of a shim: `{}` is no name of a stack",
                odd.here.join("shim.toml").display(),
                odd.name
            )));
        }
        if let Some(odd) = manifests.iter().find(|stack| !is_version(&stack.version)) {
            return Err(CliError::Usage(format!(
                "{} is no manifest of a shim: `{}` is no version",
                odd.here.join("shim.toml").display(),
                odd.version
            )));
        }
        // They are sorted by name.
        let twice = manifests.windows(2).find(|pair| pair[0].name == pair[1].name);
        match twice {
            Some([one, other]) => Err(CliError::Usage(format!(
                "two manifests name a stack {}: in {} and in {}",
                one.name,
                one.here.display(),
                other.here.display()
            ))),
            _ => Ok(manifests),
        }
    }

    /// The folder, if it is not where everybody looks.
    pub(super) fn elsewhere(&self) -> Option<&Path> {
        self.shims.as_deref().filter(|folder| *folder != Path::new(SHIMS))
    }

    /// Those of the names that no stack has, at whatever version. Manifests that cannot be read
    /// name none.
    pub(super) fn unknown<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let manifests = self.manifests().unwrap_or_default();
        let is_known = |name: &str| {
            let base = name.split_once('@').map_or(name, |(base, _)| base);
            BuiltIn::named(base).is_some() || manifests.iter().any(|stack| stack.name == base)
        };
        names.filter(|name| !is_known(name)).collect()
    }

    /// Every stack there is, built in or by manifest.
    pub(super) fn everything(&self) -> Result<Vec<Candidate>, CliError> {
        let manifests = self.manifests()?;
        let manifests = manifests.iter().filter(|stack| !stack.built_in);
        Ok(BuiltIn::ALL.into_iter().map(built_in).chain(manifests.map(by_manifest)).collect())
    }

    /// The stack of that name, built in or by manifest, installed or not.
    pub(super) fn named(&self, name: &str) -> Result<StackSpec, CliError> {
        Ok(self.candidate(name)?.spec)
    }

    fn candidate(&self, name: &str) -> Result<Candidate, CliError> {
        match BuiltIn::named(name) {
            Some(stack) => Ok(built_in(stack)),
            None => Ok(by_manifest(&self.manifest(name)?)),
        }
    }

    /// The manifest of `NAME`, `NAME@VERSION` or `NAME@VERSION+CRATE@VERSION`.
    pub(super) fn manifest(&self, name: &str) -> Result<ManifestStack, CliError> {
        let (base, version) = match name.split_once('@') {
            Some((base, version)) => (base, Some(version)),
            None => (name, None),
        };
        let manifests = self.manifests()?;
        let Some(manifest) = manifests.iter().find(|manifest| manifest.name == base) else {
            let built_in = BuiltIn::ALL.iter().map(|stack| stack.name());
            let manifests = manifests.iter().filter(|stack| !stack.built_in);
            let known: Vec<&str> =
                built_in.chain(manifests.map(|manifest| manifest.name.as_str())).collect();
            return Err(CliError::Usage(format!(
                "no stack is called {base}; there are: {}",
                known.join(", ")
            )));
        };
        match version {
            Some(version) => other_release(&manifest.at_version(version)),
            None if manifest.built_in => Err(CliError::Usage(format!(
                "{base} is built in; another release of it is {base}@VERSION"
            ))),
            None => Ok(manifest.clone()),
        }
    }
}

/// The same stack, if what it was asked for at can be versions.
fn other_release(stack: &ManifestStack) -> Result<ManifestStack, CliError> {
    if !is_version(stack.release()) {
        return Err(CliError::Usage(format!("`{}` is no version", stack.release())));
    }
    if let Some(of_crate) = stack.crates().find(|of_crate| {
        let parts = of_crate.split_once('@');
        !parts.is_some_and(|(name, version)| is_version(name) && is_version(version))
    }) {
        return Err(CliError::Usage(format!("`{of_crate}` is no CRATE@VERSION")));
    }
    if let (Some(of_crate), false) = (stack.crates().next(), stack.takes_crates) {
        return Err(CliError::Usage(format!(
            "{} is built from no crates: there is no +{of_crate}",
            stack.name
        )));
    }
    Ok(stack.clone())
}

/// The same stack as a driver in this process.
pub(super) fn in_process(spec: &StackSpec) -> Result<StackSpec, CliError> {
    let driver = BuiltIn::named(spec.name()).and_then(BuiltIn::in_process);
    driver.ok_or_else(|| {
        let can = BuiltIn::ALL.into_iter().filter(|stack| stack.is_whole()).map(BuiltIn::name);
        CliError::Usage(format!(
            "--in-process: {} is a program of its own; drivers in this one are: {}",
            spec.name(),
            can.collect::<Vec<_>>().join(", ")
        ))
    })
}

/// A stack that was asked for and cannot run is a wrong command; one that needs nothing but this
/// program is the program's own failure.
pub(super) fn cannot_run(name: &str, reason: &str) -> CliError {
    if BuiltIn::named(name).is_some_and(BuiltIn::is_whole) {
        CliError::tool(format!("the built-in stack {name} could not run"), reason)
    } else {
        CliError::Usage(format!("{name} cannot run: {reason}"))
    }
}

fn built_in(stack: BuiltIn) -> Candidate {
    Candidate { spec: stack.spec(), origin: Origin::BuiltIn }
}

/// How a manifest's stack is started, or why it cannot be.
fn by_manifest(manifest: &ManifestStack) -> Candidate {
    let missing = manifest.missing_programs();
    let spec = if !manifest.is_installed() {
        let hint = if missing.is_empty() {
            format!("pgtls install {}", manifest.id())
        } else {
            format!("it needs {}", missing.join(", "))
        };
        StackSpec::missing(manifest.id(), format!("not installed ({hint})"))
    } else if missing.is_empty() {
        StackSpec::process(manifest.id(), manifest.launch())
    } else {
        StackSpec::missing(manifest.id(), format!("it needs {}", missing.join(", ")))
    };
    Candidate { spec, origin: Origin::Manifest(manifest.version.clone()) }
}

fn by_command(command: &str) -> Result<Candidate, CliError> {
    let spec = spec_of_command(command)?;
    Ok(Candidate { spec, origin: Origin::Command(command.to_owned()) })
}

/// A shim by its command line, named after its program.
pub(super) fn spec_of_command(command: &str) -> Result<StackSpec, CliError> {
    let launch = Launch::from_command_line(command)
        .map_err(|error| CliError::Usage(format!("--shim: {error}")))?;
    Ok(StackSpec::process(name_of(&launch), launch))
}

/// Endings of programs that another program runs.
const SCRIPTS: [&str; 9] = [".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".sh", ".php"];

/// The command's script or, where it has none, its last word that is no option; without folder
/// and ending.
fn name_of(launch: &Launch) -> String {
    let words = std::iter::once(&launch.program).chain(&launch.arguments);
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let is_script = |word: &&String| SCRIPTS.iter().any(|ending| word.ends_with(ending));
    let script = words.iter().find(is_script);
    let word = script.or_else(|| words.iter().rfind(|word| !word.starts_with('-')));
    let word = word.map_or("", String::as_str);
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
    use crate::cli::exit;

    #[test]
    fn a_command_is_named_after_its_file() {
        for (command, name) in [
            ("python3 shims/mine/shim.py", "shim"),
            ("python3 shims/mine/shim.py --mode fast", "shim"),
            ("python3 'my folder/my shim.py'", "my-shim"),
            ("./my-driver", "my-driver"),
            ("java -cp x.jar Shim", "Shim"),
            ("node --no-warnings /a/b/driver.js", "driver"),
        ] {
            assert_eq!(by_command(command).expect("a command").spec.name(), name);
        }
    }

    #[test]
    fn a_stack_of_the_programs_own_that_cannot_run_is_its_own_failure() {
        for stack in BuiltIn::ALL {
            let code = cannot_run(stack.name(), "for a reason").exit_code();
            let wanted = if stack == BuiltIn::LibpqPsql { exit::USAGE } else { exit::FAILED };
            assert_eq!(code, wanted, "{}", stack.name());
        }
        assert_eq!(cannot_run("psycopg", "for a reason").exit_code(), exit::USAGE);
    }

    #[test]
    fn only_drivers_in_rust_run_in_process() {
        let args = |stacks: &[&str]| StacksArgs {
            stacks: stacks.iter().map(|&stack| stack.to_owned()).collect(),
            commands: Vec::new(),
            folder: ShimsArgs { shims: None },
        };
        let all = args(&[]).candidates_in_process().expect("drivers");
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|candidate| candidate.spec.is_in_process()));
        let refused = args(&["libpq/psql"]).candidates_in_process().expect_err("a program");
        assert!(
            refused.to_string().starts_with("--in-process: libpq/psql is a program of its own")
        );
    }

    fn names(stacks: &[&str], commands: &[&str]) -> Vec<String> {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let folder = ShimsArgs { shims: None };
        let stacks = StacksArgs { stacks: owned(stacks), commands: owned(commands), folder };
        stacks.specs().expect("stacks").into_iter().map(|spec| spec.name().to_owned()).collect()
    }

    #[test]
    fn names_and_versions_are_no_paths() {
        for name in ["psycopg", "tokio-postgres/rustls", "lib_pq", "pg8000", "a.b+c"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "..", "../a", "a/../b", "/a", "a/", "a b", "a:b", "a@b", "a\u{202e}", "ä"]
        {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_version("42.7.7") && !is_version("1/2") && !is_version(".."));
    }

    #[test]
    fn namesakes_are_numbered_and_the_same_twice_is_one() {
        assert_eq!(
            names(&[], &["python3 a/shim.py", "python3 b/shim.py", "python3 a/shim.py"]),
            ["shim", "shim-2"]
        );
        assert_eq!(
            names(&[], &["client --fault=x", "client --fault=y", "./client-2", "./client"]),
            ["client", "client-2", "client-2-2", "client-3"]
        );
        assert_eq!(names(&["libpq/psql", "libpq/psql"], &[]), ["libpq/psql"]);
        assert_eq!(names(&[], &[]).len(), BuiltIn::ALL.len());
    }
}
