//! The folder of findings: a file each, named by what it is, so that the same finding is the same file.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use pgtls_conformance::judge::Invariant;

use crate::cli::{
    error::CliError,
    file::{self, Pending},
    output,
};

/// Where findings are written. It is made when there is one.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder at this place, which is none yet, or a folder.
    pub(super) fn at(path: &Path) -> Result<Self, CliError> {
        may_be_folder("--findings", path)?;
        Ok(Self(path.to_owned()))
    }

    /// Writes a finding's file, and tells its path, and whether it could be written.
    pub(super) fn write(
        &self,
        stack: &str,
        broken: &[Invariant],
        text: &str,
    ) -> (String, Result<(), CliError>) {
        let what = broken.first().map_or("nothing", |invariant| invariant.id());
        let name = format!("{}-{what}-{:08x}.json", in_a_name(stack), hash(text) as u32);
        let path = self.0.join(name);
        let written = fs::create_dir_all(&self.0)
            .map_err(|error| CliError::tool(format!("could not make {}", self.0.display()), error))
            .and_then(|()| Pending::new(&path)?.finish(text));
        (path.to_string_lossy().into_owned(), or_kept(written, text))
    }
}

/// Refuses a place where no folder is, and none can be made.
pub(super) fn may_be_folder(option: &str, path: &Path) -> Result<(), CliError> {
    let is_there = path.ancestors().find(|folder| folder.exists());
    match is_there.filter(|folder| !folder.is_dir()) {
        Some(wrong) => Err(CliError::Usage(format!("{option}: {} is no folder", wrong.display()))),
        None => Ok(()),
    }
}

/// The files of findings in a folder, by their names.
pub(super) fn json_files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable =
        |error| CliError::input(format!("could not read the folder {}", folder.display()), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A stack's name as a part of a file's name.
pub(super) fn in_a_name(stack: &str) -> String {
    stack.chars().map(|c| if matches!(c, '/' | '@' | '\\') { '-' } else { c }).collect()
}

/// What tells one text from another in a file's name.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What took minutes to find is not lost for a disk that is full.
pub(super) fn or_kept(written: Result<(), CliError>, text: &str) -> Result<(), CliError> {
    written.or_else(|error| {
        output::notice(&error.one_line());
        if !file::keep(&[("counterexample.json", text)]) {
            output::data(text)?;
        }
        Err(CliError::Unwritten)
    })
}
