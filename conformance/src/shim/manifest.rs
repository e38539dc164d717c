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
    /// The same stack at another version, named `STACK@VERSION`.
    #[must_use]
    pub fn at_version(&self, version: &str) -> Self {
        Self { version: version.to_owned(), other_version: version != self.version, ..self.clone() }
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
