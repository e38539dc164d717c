//! One shim's process: started in an environment of its own, asked one thing at a time, and
//! killed with everything it started.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
    time::timeout,
};

use super::message::{Request, Response};

/// As long as a line of output may be; no answer of the contract comes near it.
const LONGEST_LINE: u64 = 1 << 20;
/// As much of stderr as is kept for reports.
const STDERR_KEPT: usize = 8 << 10;
/// How long a process that closed its stdout may take to be found dead.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// How a shim is started: a command, and what its manifest adds to the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Further variables.
    pub variables: Vec<(OsString, OsString)>,
}

impl Launch {
    /// A command line, split at white space; quotes and backslashes keep it together as in a
    /// shell.
    ///
    /// # Errors
    ///
    /// If a quote is left open or no program is named; the text says so.
    pub fn from_command_line(text: &str) -> Result<Self, ShimError> {
        let mut words = split_words(text).ok_or_else(|| ShimError::CommandLine(text.to_owned()))?.into_iter();
        let program = words.next().ok_or_else(|| ShimError::CommandLine(text.to_owned()))?;
        Ok(Self { program: program.into(), arguments: words.map(OsString::from).collect(), variables: Vec::new() })
    }
}

fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// What a shim's process finds around it, beside PATH, LANG and its manifest's variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Environment {
    /// SSL_CERT_FILE: the right authority in `system` cells, an empty file elsewhere.
    pub ssl_cert_file: PathBuf,
    /// SSL_CERT_DIR: an empty folder.
    pub ssl_cert_dir: PathBuf,
}

/// What goes wrong with a shim.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShimError {
    /// A command line that cannot be split.
    #[error("wanted a command line, got `{0}`")]
    CommandLine(String),
    /// The program could not be started.
    #[error("could not start {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No answer by the deadline.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The process ended, or closed its stdout.
    #[error("the shim died ({status}){}", tail(.stderr))]
    Died {
        /// How it ended.
        status: String,
        /// What it said on stderr.
        stderr: String,
    },
    /// It said something, and not the contract's.
    #[error("not the shim contract: {wanted}, got `{line}`")]
    NotTheContract {
        /// What was wanted.
        wanted: String,
        /// The line that came, shortened.
        line: String,
    },
    /// It closed its stdin, or stopped reading.
    #[error("the shim takes no more questions")]
    Deaf(#[source] io::Error),
}

fn tail(stderr: &str) -> String {
    match stderr.trim().lines().last() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}

/// A running shim. Dropping it kills it with everything it started.
#[must_use = "dropping a shim kills it"]
#[derive(Debug)]
pub struct ShimProcess {
    child: Child,
    group: Option<Pid>,
    stdin: ChildStdin,
    lines: mpsc::Receiver<io::Result<Vec<u8>>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    /// Removed with the process; also how its offspring is recognised.
    home: tempfile::TempDir,
}

impl ShimProcess {
    /// Starts a shim with an empty HOME of its own.
    ///
    /// # Errors
    ///
    /// If there is no such program, or no process to be had.
    pub fn start(launch: &Launch, environment: &Environment) -> Result<Self, ShimError> {
        let failed = |source| ShimError::Start { program: PathBuf::from(&launch.program), source };
        let home = tempfile::Builder::new().prefix("pgtls-home-").tempdir().map_err(failed)?;
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", home.path())
            .env("SSL_CERT_FILE", &environment.ssl_cert_file)
            .env("SSL_CERT_DIR", &environment.ssl_cert_dir)
            .envs(launch.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("no pipes")));
        };
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        // Two answers ahead are enough to see that a shim speaks unasked; a flood then waits in
        // the pipe.
        let (sender, lines) = mpsc::channel(2);
        tokio::spawn(read_lines(stdout, sender));
        let stderr = Arc::default();
        tokio::spawn(keep_tail(errors, Arc::clone(&stderr)));
        Ok(Self { child, group, stdin, lines, stderr, home })
    }

    /// Asks one question and waits for its answer.
    ///
    /// # Errors
    ///
    /// If no answer comes by the deadline, or what comes is not the contract's. The process is
    /// then of no more use.
    pub async fn ask(&mut self, request: &Request, deadline: Duration) -> Result<Response, ShimError> {
        let until = tokio::time::Instant::now() + deadline;
        let mut line = serde_json::to_vec(request).map_err(|error| ShimError::Deaf(error.into()))?;
        line.push(b'\n');
        let written = tokio::time::timeout_at(until, async {
            self.stdin.write_all(&line).await?;
            self.stdin.flush().await
        })
        .await
        .map_err(|_| ShimError::Deadline(deadline))?;
        if let Err(error) = written {
            return Err(match self.last_words().await {
                Some(died) => died,
                None => ShimError::Deaf(error),
            });
        }
        let line = match tokio::time::timeout_at(until, self.lines.recv()).await {
            Err(_) => return Err(ShimError::Deadline(deadline)),
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(error))) => {
                return Err(ShimError::NotTheContract { wanted: error.to_string(), line: String::new() });
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

    /// Whether it has said anything since the last answer, or ended.
    pub fn has_misbehaved(&mut self) -> Option<String> {
        match self.lines.try_recv() {
            Ok(Ok(line)) => return Some(format!("spoke unasked: `{}`", shorten(&line))),
            Ok(Err(error)) => return Some(error.to_string()),
            Err(mpsc::error::TryRecvError::Disconnected) => {
                return Some("closed its stdout before it was told to end".to_owned());
            }
            Err(mpsc::error::TryRecvError::Empty) => {}
        }
        match self.child.try_wait() {
            Ok(Some(status)) => Some(format!("died after its answer ({status})")),
            _ => None,
        }
    }

    /// The end of what it said on stderr.
    #[must_use]
    pub fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept.iter().copied().collect::<Vec<_>>()).into_owned()
    }

    /// Kills it with everything it started, and waits until it is gone.
    pub async fn kill(mut self) {
        self.kill_all();
        let _ = timeout(LAST_BREATH, self.child.wait()).await;
    }

    async fn last_words(&mut self) -> Option<ShimError> {
        let status: ExitStatus = timeout(LAST_BREATH, self.child.wait()).await.ok()?.ok()?;
        // Its stderr is read by another task.
        tokio::task::yield_now().await;
        Some(ShimError::Died { status: status.to_string(), stderr: self.stderr() })
    }

    fn kill_all(&mut self) {
        if let Some(group) = self.group.take() {
            // Gone already is as good.
            let _ = killpg(group, Signal::SIGKILL);
        }
        let _ = self.child.start_kill();
        for pid in offspring(self.home.path()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

impl Drop for ShimProcess {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Processes that left the group but still have this HOME, which no other process has.
fn offspring(home: &Path) -> Vec<Pid> {
    let marker = [b"HOME=", home.as_os_str().as_bytes(), b"\0"].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|variables| variables.windows(marker.len()).any(|window| window == marker))
        })
        .map(Pid::from_raw)
        .collect()
}

async fn read_lines(stdout: impl AsyncRead + Unpin, sender: mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.ends_with(b"\n") => Ok(line),
            Ok(read) if read as u64 == LONGEST_LINE => {
                Err(io::Error::other("wanted a line, got output without end"))
            }
            Ok(_) => Err(io::Error::other(format!(
                "wanted a whole line, got `{}` and the end of stdout",
                shorten(&line)
            ))),
            Err(error) => Err(error),
        };
        let last = line.is_err();
        if sender.send(line).await.is_err() || last {
            return;
        }
    }
}

async fn keep_tail(mut errors: impl AsyncRead + Unpin, kept: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..read]);
        let surplus = kept.len().saturating_sub(STDERR_KEPT);
        kept.drain(..surplus);
    }
}

fn parse(line: &[u8]) -> Result<Response, ShimError> {
    serde_json::from_slice(line).map_err(|error| ShimError::NotTheContract {
        wanted: error.to_string(),
        line: shorten(line),
    })
}

fn shorten(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
    text.trim_end().to_owned()
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
        let nothing = Environment { ssl_cert_file: "/dev/null".into(), ssl_cert_dir: "/dev/null".into() };
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
        assert!(matches!(hello("read question; echo rubbish").await, Err(ShimError::NotTheContract { .. })));
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
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, Duration::from_millis(50)).await;
        assert!(matches!(asked, Err(ShimError::Deadline(_))));
    }

    #[tokio::test]
    async fn what_it_started_dies_with_it() {
        let script = "setsid sleep 1000 & read question; echo started; read more";
        let mut process = shim(script);
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
        assert!(matches!(asked, Err(ShimError::NotTheContract { .. })));
        let home = process.home.path().to_owned();
        assert!(!offspring(&home).is_empty());
        process.kill().await;
        // A killed process is a zombie, with no environment, until its parent reaps it.
        assert_eq!(offspring(&home), []);
    }

    #[tokio::test]
    async fn the_environment_is_bare() {
        let mut process = shim("env | cut -d= -f1 | sort | tr '\\n' ' '; echo");
        let asked = process.ask(&Request::Hello { contract: CONTRACT }, SOON).await;
        let Err(ShimError::NotTheContract { line, .. }) = asked else { panic!("{asked:?}") };
        assert_eq!(line.replace("PWD ", "").replace("SHLVL ", "").replace("_ ", ""), "HOME LANG PATH SSL_CERT_DIR SSL_CERT_FILE");
    }

    #[test]
    fn command_lines_are_split_as_by_a_shell() {
        assert_eq!(split_words(r#"python3 'my shim.py' --x="a b" \ "#), Some(["python3", "my shim.py", "--x=a b", " "].map(str::to_owned).into()));
        assert_eq!(split_words("open 'quote"), None);
        assert_eq!(split_words("  "), Some(Vec::new()));
    }
}
