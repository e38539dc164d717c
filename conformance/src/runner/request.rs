//! What a cell's client and its server are told: secrets, settings, files.

use std::time::Duration;

use pgtls_mock_server::{
    Builder, MockServer,
    pki::{self, CLIENT_USER},
    script::Script,
};
use rand::Rng as _;

use super::{
    environment::{TestEnvironment, TestEnvironmentError},
    question::ServerBehaviour,
    scrub::Scrubber,
};
use crate::{
    axes::{
        Auth, Axes, Certificate, ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert,
        Then,
    },
    judge::Secrets,
    shim::{ClientEnvironment, Connect, FollowUp},
};

impl TestEnvironment {
    /// What only this cell's client and server know.
    #[must_use]
    pub fn secrets(&self, cell: &str, axes: &Axes) -> Secrets {
        let draw = |purpose: &str| self.seed().child(cell).child(purpose).rng().next_u64();
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

    /// Starts a server that behaves so, on a port of its own.
    ///
    /// # Errors
    ///
    /// If there is no port to be had, or no certificate.
    pub async fn serve(
        &self,
        behaviour: &ServerBehaviour,
        secrets: &Secrets,
    ) -> Result<MockServer, TestEnvironmentError> {
        Ok(self.server(behaviour, secrets).start().await?)
    }

    /// Starts a server that behaves so, for clients in this process.
    ///
    /// # Errors
    ///
    /// If there is no certificate to be had.
    pub async fn serve_in_memory(
        &self,
        behaviour: &ServerBehaviour,
        secrets: &Secrets,
    ) -> Result<MockServer, TestEnvironmentError> {
        Ok(self.server(behaviour, secrets).start_in_memory().await?)
    }

    fn server(&self, behaviour: &ServerBehaviour, secrets: &Secrets) -> Builder {
        let server = MockServer::builder();
        let server = match &behaviour.script {
            Some(script) => server.script(Script::clone(script)),
            None => server.axes(behaviour.axes),
        };
        server
            .authority(self.authority.clone())
            .password(&secrets.password)
            .canary(&secrets.clear_text)
            .query_number(secrets.number)
            .rules(behaviour.rules.iter().cloned())
            .record(behaviour.recorded)
            .seed(self.seed())
            // Well past what makes a storm.
            .most_connections(64)
            // The client's deadline decides; this one only keeps a server from outliving its cell.
            .deadline(self.deadline() + Duration::from_secs(5))
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
            fetch: Vec::new(),
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
