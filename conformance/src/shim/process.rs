//! One shim's process: started in an environment of its own, asked one thing at a time, and
//! killed with everything it started.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    task::JoinHandle,
    time::{timeout, timeout_at},
};

use super::{
    error::ShimError,
    family::{Homes, kill_all},
    gauge::Gauge,
    launch::{ClientEnvironment, Launch},
    message::{Request, Response},
    meter::Meter,
    orphans,
    output::{Stderr, keep_tail, parse, read_lines},
};

/// How long a process that closed its stdout may take to be found dead, and what a dead one has
/// said may take to be read.
pub(super) const EXIT_TIMEOUT: Duration = Duration::from_millis(500);

/// A running shim. Dropping it kills it with everything it started.
#[must_use = "dropping a shim kills it"]
#[derive(Debug)]
pub struct ShimProcess {
    pub(super) child: Child,
    /// The number it was started with.
    shim: Option<Pid>,
    /// Its process group, until that is killed.
    group: Option<Pid>,
    /// Closed when nothing more is to be asked.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) lines: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// A line was begun and not ended.
    pub(super) begun: Arc<AtomicBool>,
    pub(super) stderr: Arc<Mutex<Stderr>>,
    /// Done when all of stderr is read.
    pub(super) stderr_reader: JoinHandle<()>,
    /// Removed with the process; also how its family is recognised.
    home: tempfile::TempDir,
}

impl ShimProcess {
    /// Starts a shim with an empty HOME of its own.
    ///
    /// # Errors
    ///
    /// If there is no such program, or no folder, descriptor or process to be had.
    pub fn start(
        launch: &Launch,
        client_environment: &ClientEnvironment,
    ) -> Result<Self, ShimError> {
        let failed = |source| ShimError::Start { program: PathBuf::from(&launch.program), source };
        let home = tempfile::Builder::new()
            .prefix("home-")
            .tempdir_in(&client_environment.homes)
            .map_err(failed)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .envs(launch.variables.iter().map(|(name, value)| (name, value)))
            // Last: these are the cell's, and no manifest's to change.
            .env("HOME", home.path())
            .env("SSL_CERT_FILE", &client_environment.ssl_cert_file)
            .env("SSL_CERT_DIR", &client_environment.ssl_cert_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let (mut child, shim) = orphans::born(|| command.spawn()).map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("no pipes")));
        };
        // Two answers ahead are enough to see that a shim speaks unasked; a flood then waits in
        // the pipe.
        let (sender, lines) = mpsc::channel(2);
        let begun = Arc::default();
        tokio::spawn(read_lines(stdout, sender, Arc::clone(&begun)));
        let stderr = Arc::default();
        let stderr_reader = tokio::spawn(keep_tail(errors, Arc::clone(&stderr)));
        Ok(Self {
            child,
            shim,
            group: shim,
            stdin: Some(stdin),
            lines,
            begun,
            stderr,
            stderr_reader,
            home,
        })
    }

    /// Asks one question and waits for its answer.
    ///
    /// # Errors
    ///
    /// If no answer comes by the deadline, or what comes is not the contract's. The process is
    /// then of no more use.
    pub async fn ask(
        &mut self,
        request: &Request,
        deadline: Duration,
    ) -> Result<Response, ShimError> {
        let until = tokio::time::Instant::now() + deadline;
        let late = |_| ShimError::Deadline(deadline);
        timeout_at(until, self.put(request)).await.map_err(late)??;
        timeout_at(until, self.next_answer()).await.map_err(late)?
    }

    /// Asks a question, whose answer is another matter.
    ///
    /// # Errors
    ///
    /// If it takes no more questions. It is then of no more use.
    pub(crate) async fn put(&mut self, request: &Request) -> Result<(), ShimError> {
        let mut line =
            serde_json::to_vec(request).map_err(|error| ShimError::Deaf(error.into()))?;
        line.push(b'\n');
        let Err(error) = self.write(&line).await else { return Ok(()) };
        // Whatever it said before it stopped reading tells more than that it did.
        if let Ok(Some(Err(error))) = timeout(EXIT_TIMEOUT, self.lines.recv()).await {
            return Err(no_line(&error));
        }
        Err(self.last_words().await.unwrap_or(ShimError::Deaf(error)))
    }

    async fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(line).await?;
        stdin.flush().await
    }

    /// The next thing that it says. What is waited for in vain is not lost.
    ///
    /// # Errors
    ///
    /// If what comes is not the contract's. It is then of no more use.
    pub(crate) async fn next_answer(&mut self) -> Result<Response, ShimError> {
        match self.next_line().await {
            Some(Ok(line)) => parse(&line),
            Some(Err(error)) => Err(no_line(&error)),
            None => Err(self.last_words().await.unwrap_or_else(|| ShimError::Died {
                status: "it closed its stdout".to_owned(),
                stderr: self.stderr(),
            })),
        }
    }

    /// The next line of its stdout; `None` at the end, or where it died and left its stdout to a
    /// child that says nothing.
    async fn next_line(&mut self) -> Option<io::Result<Vec<u8>>> {
        tokio::select! {
            biased;
            line = self.lines.recv() => line,
            _ = self.child.wait() => timeout(EXIT_TIMEOUT, self.lines.recv()).await.ok().flatten(),
        }
    }

    /// Whether it has left its last question in the pipe.
    #[must_use]
    pub fn has_not_listened(&self) -> bool {
        let unread = |stdin| rustix::io::ioctl_fionread(stdin).is_ok_and(|unread| unread > 0);
        self.stdin.as_ref().is_some_and(unread)
    }

    /// Its number; one that was waited for has none any more.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
    }

    /// Watches what it takes from now on, while it is asked several things.
    pub(crate) fn gauge(&self) -> Option<Gauge> {
        self.pid().map(Gauge::start)
    }

    /// Watches what it takes from now on.
    pub(crate) fn meter(&self) -> Option<Meter> {
        self.pid().map(Meter::start)
    }

    /// The HOME that no other process has.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The end of what it said on stderr.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).text()
    }

    /// Kills it with everything it started, and waits until it is gone.
    pub async fn kill(mut self) {
        self.kill_all();
        self.reap().await;
    }

    pub(super) async fn reap(&mut self) {
        if let (Ok(Ok(_)), Some(shim)) = (timeout(EXIT_TIMEOUT, self.child.wait()).await, self.shim)
        {
            orphans::reaped(shim);
        }
    }

    async fn last_words(&mut self) -> Option<ShimError> {
        let status: ExitStatus = timeout(EXIT_TIMEOUT, self.child.wait()).await.ok()?.ok()?;
        // A child of its own may keep stderr open.
        let _ = timeout(EXIT_TIMEOUT, &mut self.stderr_reader).await;
        Some(ShimError::Died { status: status.to_string(), stderr: self.stderr() })
    }

    fn kill_all(&mut self) {
        if self.group.is_none() {
            return;
        }
        // While the shim lives, or was not waited for: the children of the dead are nobody's.
        let shim: Vec<Pid> = self.pid().into_iter().collect();
        kill_all(|| Homes::Of(&[self.home()]).family(&shim));
        self.kill_group();
    }

    pub(super) fn kill_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        // Gone already is as good.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.start_kill();
        orphans::died(group);
    }
}

fn no_line(error: &io::Error) -> ShimError {
    ShimError::NotTheContract { wanted: error.to_string(), line: String::new() }
}

impl Drop for ShimProcess {
    fn drop(&mut self) {
        self.kill_all();
    }
}
