//! Manifests: `shims/*/shim.toml` says how a stack is installed and started.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::launch::Launch;

/// One `shim.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The stacks that the folder holds.
    #[serde(rename = "stack")]
    pub stacks: Vec<ManifestStack>,
}

/// One stack of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestStack {
    /// The stack's name in ids.
    pub name: String,
    /// The version that is installed unless another is asked for.
    pub version: String,
    /// The programs that must be on PATH to install or run it.
    #[serde(default)]
    pub needs: Vec<String>,
    /// One shell line, run in the manifest's folder with DEST, VERSION, and PINNED=1 where the
    /// version is the pinned one.
    pub install: String,
    /// The command; `{dest}` and `{here}` are replaced.
    command: Vec<String>,
    /// Further variables: `NAME` passes one through, `NAME=value` sets one.
    #[serde(default)]
    env: Vec<String>,
    /// Whether the install line takes CRATES, versions of crates that the stack is built from.
    #[serde(default, rename = "crates")]
    pub takes_crates: bool,
    /// Whether the program itself holds the stack at its pinned version, so that only others are
    /// ever installed, each under its full name.
    #[serde(default)]
    pub built_in: bool,
    /// The manifest's folder.
    #[serde(skip)]
    pub here: PathBuf,
    /// Whether the version was asked for apart from the pinned one.
    #[serde(skip)]
    other_version: bool,
}

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A folder or file cannot be read.
    #[error("could not read {}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not the manifest's TOML.
    #[error("{} is no manifest of a shim", .path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

impl Manifest {
    /// Every stack of every manifest in the folder's subfolders, sorted by name.
    ///
    /// # Errors
    ///
    /// If the folder cannot be listed, or a manifest in it cannot be read. A folder that is not
    /// there holds no stacks.
    pub fn read_all(folder: &Path) -> Result<Vec<ManifestStack>, ManifestError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| ManifestError::Unreadable { path, source }
        };
        let folder = match folder.canonicalize() {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(folder)(error)),
        };
        let mut stacks = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let here = entry.map_err(unreadable(&folder))?.path();
            let path = here.join("shim.toml");
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(unreadable(&path)(error)),
            };
            let manifest: Self = toml::from_str(&text)
                .map_err(|source| ManifestError::Malformed { path, source: Box::new(source) })?;
            stacks.extend(
                manifest
                    .stacks
                    .into_iter()
                    .map(|stack| ManifestStack { here: here.clone(), ..stack }),
            );
        }
        stacks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stacks)
    }
}

impl ManifestStack {
    /// The same stack at another version, named `STACK@VERSION`. Behind it may stand versions of
    /// crates that it is built from: `0.7.18+postgres-protocol@0.6.11`.
    #[must_use]
    pub fn at_version(&self, version: &str) -> Self {
        let other_version = self.built_in || version != self.version;
        Self { version: version.to_owned(), other_version, ..self.clone() }
    }

    /// The stack's own version, without those of crates.
    #[must_use]
    pub fn release(&self) -> &str {
        self.version_parts().next().unwrap_or_default()
    }

    /// `CRATE@VERSION` for each crate that has a version of its own.
    pub fn crates(&self) -> impl Iterator<Item = &str> {
        self.version_parts().skip(1)
    }

    /// A `+` may belong to a version. What has an `@` before the next one is a crate's.
    fn version_parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = Some(self.version.as_str());
        std::iter::from_fn(move || {
            let text = rest.take()?;
            let begins_crate = |at: &usize| {
                let behind = &text[at + 1..];
                behind.find('@').is_some_and(|name| !behind[..name].contains('+'))
            };
            let Some(end) = text.match_indices('+').map(|(at, _)| at).find(begins_crate) else {
                return Some(text);
            };
            rest = Some(&text[end + 1..]);
            Some(&text[..end])
        })
    }

    /// The name in ids: the stack's, with `@VERSION` where that is not the pinned one.
    #[must_use]
    pub fn id(&self) -> String {
        if self.other_version {
            format!("{}@{}", self.name, self.version)
        } else {
            self.name.clone()
        }
    }

    /// Whether this is the pinned version.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        !self.other_version
    }

    /// Where it is installed, or would be: beside the manifests, one folder a version.
    #[must_use]
    pub fn dest(&self) -> PathBuf {
        let folder = format!("{}@{}", self.name.replace('/', "+"), self.version);
        self.here.parent().unwrap_or(&self.here).join(".installed").join(folder)
    }

    /// A file that marks a finished installation.
    #[must_use]
    pub fn installed_mark(&self) -> PathBuf {
        self.dest().join(".pgtls-installed")
    }

    /// Whether it is installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.installed_mark().exists()
    }

    /// The programs it needs that are not on PATH.
    #[must_use]
    pub fn missing_programs(&self) -> Vec<&str> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = |program: &str| {
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        };
        self.needs.iter().map(String::as_str).filter(|program| !is_there(program)).collect()
    }

    /// How it is started.
    #[must_use]
    pub fn launch(&self) -> Launch {
        let fill = |text: &str| -> OsString {
            text.replace("{dest}", &self.dest().to_string_lossy())
                .replace("{here}", &self.here.to_string_lossy())
                .into()
        };
        let mut command = self.command.iter().map(|word| fill(word));
        let program = command.next().unwrap_or_default();
        let variables = self.env.iter().filter_map(|variable| match variable.split_once('=') {
            Some((name, value)) => Some((name.into(), fill(value))),
            None => Some((variable.into(), std::env::var_os(variable)?)),
        });
        Launch { program, variables: variables.collect(), arguments: command.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(more: &str) -> ManifestStack {
        let text = format!(
            "[[stack]]\nname = \"mine\"\nversion = \"1.0\"\ninstall = \"\"\ncommand = []\n{more}"
        );
        toml::from_str::<Manifest>(&text).expect("a manifest").stacks.remove(0)
    }

    #[test]
    fn crates_stand_behind_the_version() {
        for (version, release, crates) in [
            ("0.7.18", "0.7.18", vec![]),
            ("0.7.18+build.5", "0.7.18+build.5", vec![]),
            ("0.7.18+a-b@0.6.11", "0.7.18", vec!["a-b@0.6.11"]),
            ("1+build+a@2+build+b@3", "1+build", vec!["a@2+build", "b@3"]),
            ("+a@1", "", vec!["a@1"]),
        ] {
            let stack = stack("").at_version(version);
            assert_eq!((stack.release(), stack.crates().collect()), (release, crates), "{version}");
            assert_eq!(stack.id(), format!("mine@{version}"));
        }
    }

    #[test]
    fn a_built_in_stack_is_installed_under_its_full_name_alone() {
        assert_eq!(stack("").at_version("1.0").id(), "mine");
        assert_eq!(stack("built_in = true").at_version("1.0").id(), "mine@1.0");
    }
}
