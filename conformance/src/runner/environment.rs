//! What all cells of a run share: the certificates, the seed, the timeout given to clients.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use pgtls_mock_server::{
    Seed,
    pki::{self, Authority},
};

use super::{
    means::{Means, Room, Shortage},
    workers::Workers,
};
use crate::{
    shim::{Guardian, RunFolder},
    words::with_causes,
};

/// The surroundings of a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct TestEnvironment {
    pub(super) authority: Authority,
    seed: Seed,
    timeout: Duration,
    deadline: Duration,
    pub(super) empty_store: Arc<(PathBuf, PathBuf)>,
    own: Arc<Own>,
}

/// What the tool itself needs. The folder goes before its guardian, which then has nothing to do.
#[derive(Debug)]
struct Own {
    means: Means,
    room: Room,
    folder: RunFolder,
    guardian: Mutex<Option<Guardian>>,
    workers: Workers,
}

/// A failure of the tool itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestEnvironmentError {
    /// The certificates could not be made or written.
    #[error("the certificate authority could not be set up")]
    Authority(#[from] pki::Error),
    /// A mock server could not be started.
    #[error("a mock server could not be started")]
    Server(#[from] pgtls_mock_server::Error),
    /// There is no folder for the run, or no thread to watch it.
    #[error("could not set up a folder for the run")]
    Folder(#[source] std::io::Error),
    /// The tool has not even the means for one client.
    #[error("the tool is short of means")]
    Short(#[source] Shortage),
}

impl TestEnvironment {
    /// The connect timeout given to clients.
    pub const TIMEOUT: Duration = Duration::from_secs(2);
    /// How much longer than its timeout a client may take.
    pub const MARGIN: Duration = Duration::from_secs(3);

    /// Makes the certificates, and has the TLS library ready.
    ///
    /// # Errors
    ///
    /// If they cannot be made or written.
    pub fn new(seed: Seed) -> Result<Self, TestEnvironmentError> {
        let means = Means::watch().map_err(TestEnvironmentError::Folder)?;
        let folder = RunFolder::create().map_err(TestEnvironmentError::Folder)?;
        let room = Room::now(folder.path()).map_err(TestEnvironmentError::Short)?;
        let authority = Authority::generate_in(&folder.path().join("pki"))?;
        // Before the first client's time runs.
        pgtls_mock_server::gather_entropy();
        let empty_store = Arc::new((authority.empty_store_path()?, authority.empty_directory()?));
        Ok(Self {
            authority,
            seed,
            timeout: Self::TIMEOUT,
            deadline: Self::TIMEOUT + Self::MARGIN,
            empty_store,
            own: Arc::new(Own {
                means,
                room,
                folder,
                guardian: Mutex::default(),
                workers: Workers::default(),
            }),
        })
    }

    /// Has a process of this command look after the run: if the run is killed, it ends what the run
    /// has started, and removes the run's folder. The command, which is told the folder as its last
    /// argument, calls [`stand_guard`](crate::shim::stand_guard).
    ///
    /// # Errors
    ///
    /// If the process cannot be started.
    pub fn guard_by(&self, command: &mut Command) -> std::io::Result<()> {
        let guardian = Guardian::start(command.arg(self.own.folder.path()))?;
        *self.own.guardian.lock().unwrap_or_else(PoisonError::into_inner) = Some(guardian);
        Ok(())
    }

    /// Threads for drivers in this process.
    pub(super) fn workers(&self) -> &Workers {
        &self.own.workers
    }

    /// How many processes may be alive at once.
    pub(super) fn processes(&self) -> usize {
        self.own.room.processes
    }

    /// What the tool was short of while something ran that began then, if it was.
    pub(super) fn shortage_since(&self, since: Instant) -> Option<Shortage> {
        self.own.means.shortage_since(since, self.own.folder.path())
    }

    /// What the tool is short of now, if it is.
    pub(super) fn shortage(&self) -> Option<Shortage> {
        self.own.means.shortage(self.own.folder.path())
    }

    /// The certificates' authority.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What all chance comes from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// How long a client may take for one cell.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(super) fn timeout_ms(&self) -> u64 {
        u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn homes(&self) -> PathBuf {
        self.own.folder.path().to_owned()
    }
}

impl From<TestEnvironmentError> for Shortage {
    fn from(error: TestEnvironmentError) -> Self {
        Self::Other(with_causes(&error))
    }
}
