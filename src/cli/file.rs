//! Files to come: tried before the work, and written whole.
//!
//! A regular file, or one that is not there yet, is replaced as a whole: whoever reads it sees the
//! old one or the new one. Anything else that can be written (a device, a pipe) is written where it
//! is, and a symbolic link is followed.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::{
        fd::AsFd,
        unix::{
            ffi::OsStrExt as _,
            fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd::{AccessFlags, access},
};
use tempfile::{NamedTempFile, TempDir};

use super::{error::CliError, output};

/// What those who are not told otherwise may do with a new file; the umask takes from it.
const MODE: u32 = 0o666;

/// As many links as Linux follows (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// How long somebody may take to open a named pipe for reading: long enough for a person to type
/// the other command.
const READER: Duration = Duration::from_secs(10);
/// Between two looks whether somebody has.
const LOOK: Duration = Duration::from_millis(50);

/// A file to come. Where it cannot be made shows at once, not when the work is done.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    place: Place,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// To a regular file, or to none yet: the path behind all links.
    Whole(PathBuf),
    /// To what stays where it is.
    AsItIs,
    /// To a stream of this process, such as `/dev/stdout`.
    Stdout,
    /// The same.
    Stderr,
}

impl Pending {
    /// Sees that the file can be made.
    pub(super) fn new(path: &Path) -> Result<Self, CliError> {
        let tried = place(path).and_then(|place| {
            match &place {
                Place::Whole(target) => try_whole(target)?,
                Place::AsItIs => access(path, AccessFlags::W_OK)?,
                Place::Stdout | Place::Stderr => {}
            }
            Ok(place)
        });
        match tried {
            Ok(place) => Ok(Self { path: path.to_owned(), place }),
            Err(error) => {
                Err(CliError::input(format!("could not write {}", path.display()), error))
            }
        }
    }

    /// The file's path as it was given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both would replace the same file.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        matches!(&self.place, Place::Whole(_)) && self.place == other.place
    }

    /// Writes the file.
    pub(super) fn finish(&self, text: &str) -> Result<(), CliError> {
        let written = match &self.place {
            Place::Whole(target) => replace(target, text),
            Place::AsItIs => {
                open_in_place(&self.path).and_then(|mut file| write_all(&mut file, text))
            }
            Place::Stdout => write_shared(io::stdout(), text),
            Place::Stderr => write_shared(io::stderr(), text),
        };
        written.map_err(|error| {
            CliError::tool(format!("could not write {}", self.path.display()), error)
        })
    }
}

/// Where a path leads, if that can be written at all.
fn place(path: &Path) -> io::Result<Place> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(there) if there.file_type().is_socket() => {
            return Err(io::Error::other("a socket is no file"));
        }
        Ok(there) => {
            // A link in /proc leads to an open file and not by a name that could be replaced.
            let (target, opened) = behind_links(path)?;
            if opened {
                let is = |stream: &dyn AsFd| {
                    let stream = stream.as_fd().try_clone_to_owned().map(File::from);
                    let stream = stream.and_then(|stream| stream.metadata());
                    stream.is_ok_and(|it| (it.dev(), it.ino()) == (there.dev(), there.ino()))
                };
                return Ok(if is(&io::stdout()) {
                    Place::Stdout
                } else if is(&io::stderr()) {
                    Place::Stderr
                } else {
                    Place::AsItIs
                });
            }
            return if there.is_file() {
                Ok(Place::Whole(resolved(&target)?))
            } else {
                Ok(Place::AsItIs)
            };
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    // A name that ends in a slash can only become a folder's.
    if path.as_os_str().as_bytes().ends_with(b"/") || path.file_name().is_none() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(Place::Whole(resolved(&behind_links(path)?.0)?))
}

/// The same path without detours, so that two that lead to one file are equal.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    Ok(folder_of(path).canonicalize()?.join(name))
}

/// The path behind all links, which need not lead to anything; and whether one of them was of
/// /proc, where links lead to open files.
fn behind_links(path: &Path) -> io::Result<(PathBuf, bool)> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok((path, false)) };
        let folder = folder_of(&path);
        if folder.canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) {
            return Ok((path, true));
        }
        path = folder.join(next);
    }
    Err(Errno::ELOOP.into())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether the file can be replaced, or at least written where it is. Nothing of it is changed.
fn try_whole(target: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).open(target) {
        // Its folder may be closed to new files; then it is written where it is.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => new_beside(target).map(drop),
        Err(error) => Err(error),
    }
}

/// A new file in the folder of another, with a name that nobody has.
fn new_beside(target: &Path) -> io::Result<NamedTempFile> {
    let permissions = Permissions::from_mode(MODE);
    let new = tempfile::Builder::new().permissions(permissions).tempfile_in(folder_of(target));
    // The name, which nobody knows, stands in the error too.
    new.map_err(|error| match error.kind() {
        kind @ (ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::StorageFull) => kind.into(),
        _ => error,
    })
}

/// Puts a new file in the place of the old one, with its mode and, where that is allowed, its
/// owner.
fn replace(target: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(target).ok();
    let mut new = match (new_beside(target), &old) {
        (Ok(new), _) => new,
        (Err(error), Some(_)) if is_closed(&error) => return overwrite(target, text),
        (Err(error), _) => return Err(error),
    };
    write_all(new.as_file_mut(), text)?;
    if let Some(old) = &old {
        // Only root may give a file away; everybody else's is their own already.
        let _ = std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()));
        new.as_file().set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
    }
    match new.persist(target) {
        Ok(_) => Ok(()),
        // What is mounted there by itself cannot be replaced.
        Err(error) if old.is_some() && error.error.kind() == ErrorKind::ResourceBusy => {
            overwrite(target, text)
        }
        Err(error) => Err(error.error),
    }
}

/// Whether a folder takes no new file for reasons that do not hold for one that is in it.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn overwrite(target: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(target)?;
    write_all(&mut file, text)
}

fn write_all(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.flush()
}

/// Writes to a stream where the process itself left off.
fn write_shared(stream: impl AsFd, text: &str) -> io::Result<()> {
    write_all(&mut File::from(stream.as_fd().try_clone_to_owned()?), text)
}

/// Opens a device or a pipe for writing; a pipe that nobody reads only as long as [`READER`].
fn open_in_place(path: &Path) -> io::Result<File> {
    let deadline = Instant::now() + READER;
    loop {
        let opened =
            OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
        match opened {
            Ok(file) => {
                let flags = OFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GETFL)?);
                fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
                return Ok(file);
            }
            // A pipe without a reader (open(2), ENXIO).
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                if Instant::now() >= deadline {
                    return Err(io::Error::new(ErrorKind::TimedOut, "nobody reads it"));
                }
                thread::sleep(LOOK);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What found no place, each with a name for its file. It goes into a folder that is named and
/// stays; where even that cannot be, `false`.
pub(super) fn keep(lost: &[(&str, &str)]) -> bool {
    let kept = tempfile::Builder::new().prefix("pgtls-kept-").tempdir().and_then(|folder| {
        for (name, text) in lost {
            fs::write(folder.path().join(name), text)?;
        }
        Ok(TempDir::keep(folder))
    });
    match kept {
        Ok(folder) => {
            for (name, _) in lost {
                output::notice(&format!("it is in {} instead", folder.join(name).display()));
            }
            true
        }
        Err(error) => {
            output::notice(&format!("nor into a temporary folder: {error}"));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        Pending::new(path).expect("a place").finish(text).expect("a file");
    }

    #[test]
    fn a_regular_file_is_replaced_with_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "old").expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a mode");
        let old = fs::metadata(&path).expect("a file");
        let mut reader = File::open(&path).expect("a reader");
        write(&path, "new");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "new");
        let new = fs::metadata(&path).expect("a file");
        assert_eq!(new.mode(), old.mode());
        assert_ne!(new.ino(), old.ino(), "whoever reads the old one goes on reading it");
        let mut text = String::new();
        io::Read::read_to_string(&mut reader, &mut text).expect("a text");
        assert_eq!(text, "old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn links_stay_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::create_dir(place("elsewhere")).expect("a folder");
        fs::write(place("elsewhere/there"), "old").expect("a file");
        for (link, to) in [("a", "elsewhere/there"), ("b", "a"), ("c", "elsewhere/absent")] {
            std::os::unix::fs::symlink(to, place(link)).expect("a link");
            write(&place(link), link);
            assert!(place(link).is_symlink(), "{link}");
            assert_eq!(fs::read_to_string(place(link)).expect("a file"), link);
        }
        assert_eq!(fs::read_to_string(place("elsewhere/there")).expect("a file"), "b");
        assert!(!place("elsewhere/absent").is_symlink());
        std::os::unix::fs::symlink("loop", place("loop")).expect("a link");
        Pending::new(&place("loop")).expect_err("no place");
    }

    #[test]
    fn one_file_by_two_names_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("a", folder.path().join("b")).expect("a link");
        let pending = |name: &str| Pending::new(&folder.path().join(name)).expect("a place");
        assert!(pending("a").is_same(&pending("b")));
        assert!(!pending("a").is_same(&pending("c")));
        let null = || Pending::new(Path::new("/dev/null")).expect("a place");
        assert!(!null().is_same(&null()));
    }

    #[test]
    fn devices_are_written_where_they_are() {
        write(Path::new("/dev/null"), "nothing");
        assert!(fs::metadata("/dev/null").expect("a device").file_type().is_char_device());
        let full = Pending::new(Path::new("/dev/full")).expect("a place").finish("a");
        assert!(full.is_err());
    }

    #[test]
    fn what_cannot_be_a_file_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["", ".", "no/such/a", "new/"] {
            Pending::new(&folder.path().join(path)).expect_err("no place");
        }
        Pending::new(Path::new("")).expect_err("no place");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
