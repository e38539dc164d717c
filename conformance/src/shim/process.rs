//! One shim's process: started in an environment of its own, asked one thing at a time, and
//! killed with everything it started.

use std::{
    io,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use super::{
    error::ShimError,
    family::{Homes, holds, kill_all, link},
    launch::{ClientEnvironment, Launch},
    message::{Request, Response},
    orphans,
    output::{Stderr, keep_tail, read_lines, shorten},
};

/// How long a process that closed its stdout may take to be found dead, and what a dead one has
/// said may take to be read.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// What a shim did that nobody had asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misbehaviour {
    /// What it was.
    pub how: String,
    /// The question that it answered again or late, if it is one's answer.
    pub answered: Option<u64>,
}

impl Misbehaviour {
    fn plain(how: impl Into<String>) -> Self {
        Self { how: how.into(), answered: None }
    }

    /// Something on stdout that nobody had asked for.
    fn of(line: io::Result<Vec<u8>>) -> Self {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Self::plain(error.to_string()),
        };
        let answered = match parse(&line) {
            Ok(Response::Result(answer)) => Some(answer.id),
            _ => None,
        };
        Self { how: format!("spoke unasked: `{}`", shorten(&line)), answered }
    }
}

/// A running shim. Dropping it kills it with everything it started.
#[must_use = "dropping a shim kills it"]
#[derive(Debug)]
pub struct ShimProcess {
    child: Child,
    /// The number it was started with.
    shim: Option<Pid>,
    /// Its process group, until that is killed.
    group: Option<Pid>,
    /// Closed when nothing more is to be asked.
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// A line was begun and not ended.
    begun: Arc<AtomicBool>,
    stderr: Arc<Mutex<Stderr>>,
    /// Done when all of stderr is read.
    stderr_reader: JoinHandle<()>,
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
        let mut line =
            serde_json::to_vec(request).map_err(|error| ShimError::Deaf(error.into()))?;
        line.push(b'\n');
        let written = tokio::time::timeout_at(until, async {
            let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            stdin.write_all(&line).await?;
            stdin.flush().await
        })
        .await
        .map_err(|_| ShimError::Deadline(deadline))?;
        if let Err(error) = written {
            // Whatever it said before it stopped reading tells more than that it did.
            if let Ok(Some(Err(error))) = timeout(LAST_BREATH, self.lines.recv()).await {
                return Err(ShimError::NotTheContract {
                    wanted: error.to_string(),
                    line: String::new(),
                });
            }
            return Err(match self.last_words().await {
                Some(died) => died,
                None => ShimError::Deaf(error),
            });
        }
        let line = match tokio::time::timeout_at(until, self.next_line()).await {
            Err(_) => return Err(ShimError::Deadline(deadline)),
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(error))) => {
                return Err(ShimError::NotTheContract {
                    wanted: error.to_string(),
                    line: String::new(),
                });
            }
            Ok(None) => {
                return Err(self.last_words().await.unwrap_or_else(|| ShimError::Died {
                    status: "it closed its stdout".to_owned(),
                    stderr: self.stderr(),
                }));
            }
        };
        parse(&line)
    }

    /// The next line of its stdout; `None` at the end, or where it died and left its stdout to a
    /// child that says nothing.
    async fn next_line(&mut self) -> Option<io::Result<Vec<u8>>> {
        tokio::select! {
            biased;
            line = self.lines.recv() => line,
            _ = self.child.wait() => timeout(LAST_BREATH, self.lines.recv()).await.ok().flatten(),
        }
    }

    /// Whether it has said anything since the last answer, panicked, or ended.
    pub fn has_misbehaved(&mut self) -> Option<Misbehaviour> {
        let said = self.lines.try_recv();
        if let Ok(unasked) = said {
            return Some(Misbehaviour::of(unasked));
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(Misbehaviour::plain(format!("died after its answer ({status})")));
        }
        if matches!(said, Err(mpsc::error::TryRecvError::Disconnected)) {
            return Some(Misbehaviour::plain("closed its stdout before it was told to end"));
        }
        if self.begun.load(Ordering::Relaxed) {
            return Some(Misbehaviour::plain("began a line unasked"));
        }
        self.panic().map(Misbehaviour::plain)
    }

    /// The line on stderr that tells of a panic since the last look.
    fn panic(&self) -> Option<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).panic()
    }

    /// Whether it has left its last question in the pipe.
    #[must_use]
    pub fn has_not_listened(&self) -> bool {
        let unread = |stdin| rustix::io::ioctl_fionread(stdin).is_ok_and(|unread| unread > 0);
        self.stdin.as_ref().is_some_and(unread)
    }

    /// Tells each that no question follows, and whether it misbehaved up to its end; then kills them.
    ///
    /// Until the time beside it, each is left alone for what it may still do behind its last answer.
    pub async fn retire(processes: Vec<(Self, tokio::time::Instant)>) -> Vec<Option<Misbehaviour>> {
        let parted = join_all(processes.into_iter().map(async |(mut process, rest)| {
            let misbehaved = process.part(rest).await;
            (process, misbehaved)
        }));
        let (mut parted, misbehaved): (Vec<Self>, Vec<_>) = parted.await.into_iter().unzip();
        // One look for all of them.
        let shims: Vec<Pid> = parted.iter().filter_map(Self::pid).collect();
        let homes: Vec<&Path> = parted.iter().map(Self::home).collect();
        kill_all(|| Homes::Of(&homes).family(&shims));
        parted.iter_mut().for_each(Self::kill_group);
        join_all(parted.iter_mut().map(Self::reap)).await;
        misbehaved
    }

    async fn part(&mut self, rest: tokio::time::Instant) -> Option<Misbehaviour> {
        // Whatever it says or however it ends meanwhile is found at the next look.
        let _ = tokio::time::timeout_at(rest, self.child.wait()).await;
        match self.has_misbehaved() {
            Some(how) => Some(how),
            None if self.is_deaf() => {
                Some(Misbehaviour::plain("closed its stdin before it was told to end"))
            }
            None => self.farewell().await,
        }
    }

    /// Closes its stdin, upon which it has to end, and in good order. One that lingers has had its
    /// time.
    async fn farewell(&mut self) -> Option<Misbehaviour> {
        self.stdin = None;
        // At the end of its stdout everything is said.
        if let Ok(Some(unasked)) = timeout(LAST_BREATH, self.lines.recv()).await {
            return Some(Misbehaviour::of(unasked));
        }
        let ended = timeout(LAST_BREATH, self.child.wait()).await;
        if let Some(panic) = self.panic() {
            return Some(Misbehaviour::plain(panic));
        }
        match ended {
            Ok(Ok(status)) if !status.success() => {
                let _ = timeout(LAST_BREATH, &mut self.stderr_reader).await;
                let died = ShimError::Died { status: status.to_string(), stderr: self.stderr() };
                Some(Misbehaviour::plain(format!("at the end of its stdin, {died}")))
            }
            _ => None,
        }
    }

    /// Whether nobody is left who could read a question: no process of its family holds the pipe.
    fn is_deaf(&self) -> bool {
        let Some(stdin) = &self.stdin else { return true };
        let own = format!("/proc/self/fd/{}", stdin.as_raw_fd());
        let Some(pipe) = link(Path::new(&own)) else { return false };
        let shim: Vec<Pid> = self.pid().into_iter().collect();
        // Nearly always it is the shim itself, and nobody else needs to be looked for.
        !holds(&shim, &pipe) && !holds(&Homes::Of(&[self.home()]).family(&shim), &pipe)
    }

    /// Its number; one that was waited for has none any more.
    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
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

    async fn reap(&mut self) {
        if let (Ok(Ok(_)), Some(shim)) = (timeout(LAST_BREATH, self.child.wait()).await, self.shim)
        {
            orphans::reaped(shim);
        }
    }

    async fn last_words(&mut self) -> Option<ShimError> {
        let status: ExitStatus = timeout(LAST_BREATH, self.child.wait()).await.ok()?.ok()?;
        // A child of its own may keep stderr open.
        let _ = timeout(LAST_BREATH, &mut self.stderr_reader).await;
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

    fn kill_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        // Gone already is as good.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.start_kill();
        orphans::died(group);
    }
}

impl Drop for ShimProcess {
    fn drop(&mut self) {
        self.kill_all();
    }
}

fn parse(line: &[u8]) -> Result<Response, ShimError> {
    serde_json::from_slice(line).map_err(|error| ShimError::NotTheContract {
        wanted: error.to_string(),
        line: shorten(line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim::{CONTRACT, Hello};

    const SOON: Duration = Duration::from_secs(5);

    fn shim(script: &str) -> ShimProcess {
        let launch = Launch {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            variables: Vec::new(),
        };
        let nothing = ClientEnvironment {
            ssl_cert_file: "/dev/null".into(),
            ssl_cert_dir: "/dev/null".into(),
            homes: std::env::temp_dir(),
        };
        ShimProcess::start(&launch, &nothing).expect("sh")
    }

    async fn hello(script: &str) -> Result<Response, ShimError> {
        shim(script).ask(&Request::Hello { contract: CONTRACT }, SOON).await
    }

    #[tokio::test]
    async fn an_answer_is_read() {
        let script = r#"read question; echo '{"type":"hello","contract":1,"name":"x","version":"1","tls":""}'"#;
        assert!(matches!(hello(script).await, Ok(Response::Hello(Hello { contract: 1, .. }))));
    }

    #[tokio::test]
    async fn whatever_else_comes_is_told_apart() {
        assert!(matches!(
            hello("read question; echo rubbish").await,
            Err(ShimError::NotTheContract { .. })
        ));
        assert!(matches!(hello("printf '{\"type\"'").await, Err(ShimError::NotTheContract { .. })));
        assert!(matches!(hello("cat /dev/zero").await, Err(ShimError::NotTheContract { .. })));
        assert!(matches!(
            hello("echo why >&2; exit 3").await,
            Err(ShimError::Died { stderr, .. }) if stderr == "why\n"
        ));
        assert!(matches!(hello("exec >&-; exec sleep 100").await, Err(ShimError::Died { .. })));
    }

    #[tokio::test]
    async fn silence_ends_at_the_deadline() {
        let mut process = shim("exec sleep 100");
        let asked =
            process.ask(&Request::Hello { contract: CONTRACT }, Duration::from_millis(50)).await;
        assert!(matches!(asked, Err(ShimError::Deadline(_))));
    }

    #[tokio::test]
    async fn what_it_started_dies_with_it() {
        let script = "setsid sleep 1000 & read question; echo started; read more";
        let mut process = shim(script);
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
        assert!(matches!(asked, Err(ShimError::NotTheContract { .. })));
        let home = process.home.path().to_owned();
        assert!(!Homes::Of(&[&home]).family(&[]).is_empty());
        process.kill().await;
        // A killed process is a zombie, with no environment, until its parent reaps it.
        assert_eq!(Homes::Of(&[&home]).family(&[]), []);
    }

    #[tokio::test]
    async fn a_home_of_its_own_makes_nobody_deaf() {
        let script = r#"exec env HOME=/tmp sh -c 'while read question; do
            echo "{\"type\":\"hello\",\"contract\":1,\"name\":\"x\",\"version\":\"1\",\"tls\":\"\"}"
        done'"#;
        let mut process = shim(script);
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
        assert!(matches!(asked, Ok(Response::Hello(_))), "{asked:?}");
        let now = tokio::time::Instant::now();
        assert_eq!(ShimProcess::retire(vec![(process, now)]).await, [None]);
    }

    #[tokio::test]
    async fn the_environment_is_bare() {
        let mut process = shim("env | cut -d= -f1 | sort | tr '\\n' ' '; echo");
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
        let Err(ShimError::NotTheContract { line, .. }) = asked else { panic!("{asked:?}") };
        assert_eq!(
            line.replace("PWD ", "").replace("SHLVL ", "").replace("_ ", ""),
            "HOME LANG PATH SSL_CERT_DIR SSL_CERT_FILE"
        );
    }
}
