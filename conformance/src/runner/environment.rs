//! What all cells of a run share: the certificates, the seed, the timeout given to clients.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use pgtls_mock_server::{
    MockServer, RuleSpec, Seed,
    pki::{self, Authority, CLIENT_USER},
};
use rand::Rng as _;

use super::{
    means::{Means, Room, Shortage},
    scrub::Scrubber,
    stack::Unfit,
};
use crate::{
    axes::{
        Auth, Axes, Certificate, ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert,
        Then,
    },
    judge::Secrets,
    shim::{ClientEnvironment, Connect, FollowUp, Guardian, RunFolder},
};

/// The surroundings of a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct TestEnvironment {
    authority: Authority,
    seed: Seed,
    timeout: Duration,
    deadline: Duration,
    empty_store: Arc<(PathBuf, PathBuf)>,
    own: Arc<Own>,
}

/// What the tool itself needs. The folder goes before its guardian, which then has nothing to do.
#[derive(Debug)]
struct Own {
    means: Means,
    room: Room,
    folder: RunFolder,
    guardian: Mutex<Option<Guardian>>,
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
    pub const PATIENCE: Duration = Duration::from_secs(3);

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
            deadline: Self::TIMEOUT + Self::PATIENCE,
            empty_store,
            own: Arc::new(Own { means, room, folder, guardian: Mutex::default() }),
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

    /// A stack's own reason, unless the tool was short of something since then: that may be it.
    pub(super) fn believe<T>(&self, result: Result<T, Unfit>, since: Instant) -> Result<T, Unfit> {
        result.map_err(|unfit| self.shortage_since(since).map_or(unfit, Unfit::Short))
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

    /// What only this cell's client and server know.
    #[must_use]
    pub fn secrets(&self, cell: &str, axes: &Axes) -> Secrets {
        let draw = |purpose: &str| self.seed.child(cell).child(purpose).rng().next_u64();
        Secrets {
            // A certificate names its user; for real servers the others choose the pg_hba rule.
            user: match axes.server.auth {
                Auth::Cert => CLIENT_USER.to_owned(),
                _ => axes.server.access.name().to_owned(),
            },
            password: format!("canary{:016x}", draw("password")),
            clear_text: format!("spoofed{:016x}", draw("clear text")),
            // Positive, of five digits or more, and within int4.
            number: 10_000 + i32::try_from(draw("number") % 2_000_000_000).unwrap_or_default(),
        }
    }

    /// Starts the server of a cell, with rules for its wire.
    ///
    /// # Errors
    ///
    /// If there is no port to be had, or no certificate.
    pub async fn serve(
        &self,
        axes: &Axes,
        rules: &[RuleSpec],
        secrets: &Secrets,
    ) -> Result<MockServer, TestEnvironmentError> {
        Ok(MockServer::builder()
            .authority(self.authority.clone())
            .axes(axes.server)
            .password(&secrets.password)
            .canary(&secrets.clear_text)
            .query_number(secrets.number)
            .rules(rules.iter().cloned())
            .seed(self.seed)
            // Well past what makes a storm.
            .most_connections(64)
            // The client's deadline decides; this one only keeps a server from outliving its cell.
            .deadline(self.deadline + Duration::from_secs(5))
            .start()
            .await?)
    }

    /// The environment in which a cell's client runs.
    ///
    /// # Errors
    ///
    /// If a certificate file cannot be written.
    pub fn client_environment(
        &self,
        axes: &Axes,
    ) -> Result<ClientEnvironment, TestEnvironmentError> {
        match axes.sslrootcert {
            Sslrootcert::System => Ok(ClientEnvironment {
                ssl_cert_file: self.authority.system_store_path(axes.server.key)?,
                ssl_cert_dir: self.empty_store.1.clone(),
                homes: self.homes(),
            }),
            Sslrootcert::None
            | Sslrootcert::Right
            | Sslrootcert::Wrong
            | Sslrootcert::Missing
            | Sslrootcert::Server
            | Sslrootcert::SystemEmpty => Ok(self.bare_client_environment()),
        }
    }

    pub(super) fn bare_client_environment(&self) -> ClientEnvironment {
        let (ssl_cert_file, ssl_cert_dir) = (*self.empty_store).clone();
        ClientEnvironment { ssl_cert_file, ssl_cert_dir, homes: self.homes() }
    }

    fn homes(&self) -> PathBuf {
        self.own.folder.path().to_owned()
    }

    /// What the client of a cell is asked to do.
    ///
    /// # Errors
    ///
    /// If a certificate file cannot be written.
    pub fn connect(
        &self,
        axes: &Axes,
        secrets: &Secrets,
        server: &MockServer,
        id: u64,
    ) -> Result<Connect, TestEnvironmentError> {
        let key = axes.server.key;
        let authority = &self.authority;
        let certificate = axes.server.certificate;
        let root = match axes.sslrootcert {
            Sslrootcert::None => None,
            Sslrootcert::Right => Some(authority.root_path(key)?),
            Sslrootcert::Wrong => Some(authority.wrong_root_path(key)?),
            Sslrootcert::Server => Some(authority.server_certificate_path(certificate, key)?),
            Sslrootcert::System | Sslrootcert::SystemEmpty => Some("system".into()),
            Sslrootcert::Missing => Some(authority.missing_path()),
        };
        let client = match axes.client_cert {
            ClientCert::Right => Some(pki::ClientCertificate::Right),
            ClientCert::Wrong => Some(pki::ClientCertificate::Wrong),
            ClientCert::None => None,
        };
        let client = client.map(|which| authority.client_identity(which, key)).transpose()?;
        let (sslcert, sslkey) =
            client.map(|files| (files.certificate().to_owned(), files.key().to_owned())).unzip();
        let unless = |default: bool, value: &str| (!default).then(|| value.to_owned());
        Ok(Connect {
            id,
            host: axes.host.name().to_owned(),
            hostaddr: Some(server.address().ip().to_string()),
            port: server.address().port(),
            user: secrets.user.clone(),
            password: secrets.password.clone(),
            dbname: "postgres".to_owned(),
            timeout_ms: self.timeout_ms(),
            query: format!("SELECT {}", secrets.number),
            sslmode: unless(axes.sslmode == Sslmode::Unset, axes.sslmode.name()),
            sslrootcert: root.map(|path| path.to_string_lossy().into_owned()),
            sslnegotiation: unless(
                axes.sslnegotiation == Sslnegotiation::Postgres,
                axes.sslnegotiation.name(),
            ),
            channel_binding: unless(
                axes.channel_binding == ChannelBinding::Prefer,
                axes.channel_binding.name(),
            ),
            sslcert,
            sslkey,
            sslcrl: (certificate == Certificate::Revoked)
                .then(|| authority.crl_path(key))
                .transpose()?,
            then: (axes.then == Then::Cancel).then_some(FollowUp::Cancel),
        })
    }

    /// Hides in a client's words what no two runs share.
    pub(super) fn scrubber(&self, secrets: &Secrets, server: &MockServer) -> Scrubber {
        Scrubber::default()
            .hide(secrets.password.clone(), "{password}")
            .hide(secrets.clear_text.clone(), "{clear-text}")
            .hide(secrets.number.to_string(), "{number}")
            .hide(server.address().port().to_string(), "{port}")
            .hide(self.authority.directory().to_string_lossy(), "{pki}")
    }

    /// Hides what no two runs share in words that belong to no server.
    pub(super) fn scrub(&self, text: &str) -> String {
        Scrubber::default().hide(self.authority.directory().to_string_lossy(), "{pki}").scrub(text)
    }
}
