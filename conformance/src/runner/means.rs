//! The tool's own means: processes, descriptors, room for files, the loopback, processor time. A
//! cell that is measured while they are short tells nothing of the client.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::heartbeat::Heartbeat;

/// So many threads must be to be had beside those that run: what a JVM starts with. A client that
/// wants more than there are dies of it.
const THREADS: usize = 32;
/// What one client's process may want at once: its own threads, and a child of it.
const THREADS_A_PROCESS: usize = 6;
/// What the runner holds for one process, and for the cell it is asked: three pipes and a handle, a
/// listener, a few connections.
const DESCRIPTORS_A_PROCESS: usize = 9;
/// What the runner wants beside, files and pipes that are being set up included.
const DESCRIPTORS_BESIDE: usize = 12;
/// What a client may want for itself: files, libraries, sockets. Below that it may fail for want of it.
const DESCRIPTORS_OF_A_CLIENT: usize = 128;
/// What has to fit into the run's folder: the largest file of a chain.
const FILE: usize = 4 << 10;
/// How long the loopback may take.
const LOOPBACK: Duration = Duration::from_secs(1);
/// Where this thread had to wait so long for a processor, a client that wants more may have missed its
/// timeout of 2 s.
const STARVED: Duration = Duration::from_millis(300);
/// How long the answer to a look holds: looking costs a millisecond, and there may be a thousand
/// findings a second.
const HOLDS: Duration = Duration::from_millis(100);
/// As many processes as a run has alive at the most, however much there is.
const MOST_PROCESSES: usize = 256;

/// What the tool itself is short of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shortage {
    /// No process or thread is to be had.
    #[error("wanted room for {wanted} more processes or threads, got {got} (ulimit -u)")]
    Processes {
        /// How many.
        wanted: usize,
        /// How many there were.
        got: usize,
    },
    /// No descriptor is to be had.
    #[error("wanted room for {wanted} open files, got {got} (ulimit -n)")]
    Descriptors {
        /// How many.
        wanted: usize,
        /// How many there were.
        got: usize,
    },
    /// No file can be written.
    #[error("wanted to write a file in {folder}, got: {error}")]
    Files {
        /// Where.
        folder: String,
        /// Why not.
        error: String,
    },
    /// 127.0.0.1 does not answer.
    #[error("wanted to connect to 127.0.0.1, got: {0}")]
    Loopback(String),
    /// Other programs have the processors.
    #[error("wanted the processor, waited {0} ms for it")]
    Processor(u128),
    /// Something of the runner's own failed.
    #[error("{0}")]
    Other(String),
}

/// Looks at the means of one run.
#[derive(Debug)]
pub(super) struct Means {
    heartbeat: Heartbeat,
    /// Whether anything was short at the last look, and when that was.
    last: Mutex<Option<(Instant, Option<Shortage>)>>,
}

impl Means {
    /// Begins to watch, with as many descriptors as the system allows.
    pub(super) fn watch() -> io::Result<Self> {
        raise_descriptor_limit();
        Ok(Self { heartbeat: Heartbeat::start()?, last: Mutex::default() })
    }

    /// What was short while something ran that began then, if anything was.
    pub(super) fn shortage_since(&self, since: Instant, folder: &Path) -> Option<Shortage> {
        let waited = self.heartbeat.waited_since(since);
        if waited >= STARVED {
            return Some(Shortage::Processor(waited.as_millis()));
        }
        self.shortage(folder)
    }

    /// What is short now, if anything is.
    pub(super) fn shortage(&self, folder: &Path) -> Option<Shortage> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, shortage)) = &*last
            && at.elapsed() < HOLDS
        {
            return shortage.clone();
        }
        let shortage = look(folder).err();
        *last = Some((Instant::now(), shortage.clone()));
        shortage
    }
}

/// How much may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Processes of clients that are alive.
    pub(super) processes: usize,
}

impl Room {
    /// How much room there is now.
    ///
    /// # Errors
    ///
    /// If there is not even enough for one client.
    pub(super) fn now(folder: &Path) -> Result<Self, Shortage> {
        loopback()?;
        file(folder)?;
        let threads = threads(MOST_PROCESSES.min(THREADS * 2));
        // As many as were looked for are no limit.
        let by_threads =
            if threads >= THREADS * 2 { MOST_PROCESSES } else { threads / THREADS_A_PROCESS };
        if by_threads == 0 {
            return Err(Shortage::Processes { wanted: THREADS_A_PROCESS, got: threads });
        }
        let descriptors = descriptors_left();
        let by_descriptors = descriptors.saturating_sub(DESCRIPTORS_BESIDE) / DESCRIPTORS_A_PROCESS;
        if by_descriptors == 0 {
            let wanted = DESCRIPTORS_BESIDE + DESCRIPTORS_A_PROCESS;
            return Err(Shortage::Descriptors { wanted, got: descriptors });
        }
        Ok(Self { processes: by_threads.min(by_descriptors).min(MOST_PROCESSES) })
    }
}

fn look(folder: &Path) -> Result<(), Shortage> {
    let got = threads(THREADS);
    if got < THREADS {
        return Err(Shortage::Processes { wanted: THREADS, got });
    }
    let got = descriptor_limit();
    if got < DESCRIPTORS_OF_A_CLIENT {
        return Err(Shortage::Descriptors { wanted: DESCRIPTORS_OF_A_CLIENT, got });
    }
    let got = descriptors_left();
    if got < DESCRIPTORS_A_PROCESS {
        return Err(Shortage::Descriptors { wanted: DESCRIPTORS_A_PROCESS, got });
    }
    loopback()?;
    file(folder)
}

/// How many threads can be started side by side, up to so many. Tried, because what counts against
/// the limit, and whether there is one, only the kernel knows.
fn threads(most: usize) -> usize {
    // Each waits for it, and so lives until all are started.
    let all_started = Mutex::new(());
    let waiting = &all_started;
    thread::scope(|scope| {
        let held = waiting.lock();
        let mut started = 0;
        while started < most
            && thread::Builder::new()
                // Little, and yet enough for what an allocator that counts keeps of each thread.
                .stack_size(64 << 10)
                .spawn_scoped(scope, move || drop(waiting.lock()))
                .is_ok()
        {
            started += 1;
        }
        drop(held);
        started
    })
}

fn descriptor_limit() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE)
        .map_or(usize::MAX, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// How many more descriptors this process may open.
fn descriptors_left() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    descriptor_limit().saturating_sub(open)
}

fn raise_descriptor_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Then it stays as it is, and is looked at like any other.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// A byte over the loopback.
fn loopback() -> Result<(), Shortage> {
    let exchange = || -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mut client = TcpStream::connect_timeout(&address, LOOPBACK)?;
        let (mut server, _) = listener.accept()?;
        client.set_read_timeout(Some(LOOPBACK))?;
        server.write_all(b"!")?;
        client.read_exact(&mut [0])
    };
    match exchange() {
        Ok(()) => Ok(()),
        Err(error) if is_descriptors(&error) => {
            Err(Shortage::Descriptors { wanted: 3, got: descriptors_left() })
        }
        Err(error) => Err(Shortage::Loopback(error.to_string())),
    }
}

fn is_descriptors(error: &io::Error) -> bool {
    use nix::errno::Errno;
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EMFILE | Errno::ENFILE))
}

/// A file in the run's folder, gone at once.
fn file(folder: &Path) -> Result<(), Shortage> {
    let written = tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(&[0; FILE]));
    written.map_err(|error| Shortage::Files {
        folder: folder.display().to_string(),
        error: error.to_string(),
    })
}

/// Whether starting a process failed for want of the tool's own means.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    let is = |wanted| errno == Some(wanted);
    is(Errno::EAGAIN) || is(Errno::ENOMEM) || is(Errno::ENOSPC) || is_descriptors(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_short_on_a_quiet_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(loopback(), Ok(()));
        assert_eq!(file(folder.path()), Ok(()));
        assert_eq!(threads(THREADS), THREADS);
        assert!(Room::now(folder.path()).is_ok_and(|room| room.processes > 1));
    }

    #[test]
    fn a_folder_that_takes_no_file_is_a_shortage() {
        let nowhere = Path::new("/nonexistent/folder");
        let shortage = file(nowhere).expect_err("no folder").to_string();
        assert!(shortage.starts_with("wanted to write a file in /nonexistent/folder, got: "));
        assert!(matches!(Room::now(nowhere), Err(Shortage::Files { .. })));
    }

    #[test]
    fn a_start_that_failed_for_want_of_means_is_told_from_a_missing_program() {
        use nix::errno::Errno;
        for (errno, short) in [
            (Errno::EAGAIN, true),
            (Errno::EMFILE, true),
            (Errno::ENOSPC, true),
            (Errno::ENOENT, false),
        ] {
            assert_eq!(is_shortage(&io::Error::from_raw_os_error(errno as i32)), short, "{errno}");
        }
    }
}
