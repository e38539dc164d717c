//! The settings of a server before it starts; how it starts stands in `server.rs`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use pgtls_harness::{Seed, rules::RuleSpec};

use crate::{
    axes::{Access, Auth, Certificate, Key, Reply, ServerAxes, TlsVersions},
    pki::Authority,
    script::Script,
};

/// The password that a server expects unless told otherwise: long enough to be found wherever it leaks.
pub const DEFAULT_PASSWORD: &str = "canary-password-7d41c0e9b2";
/// The text that ErrorResponses in clear carry unless told otherwise.
pub const DEFAULT_CANARY: &str = "canary-error-5f0a93d86e";

/// Builds a [`MockServer`](crate::MockServer); made by
/// [`MockServer::builder`](crate::MockServer::builder).
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    pub(crate) authority: Option<Authority>,
    pub(crate) axes: ServerAxes,
    pub(crate) script: Option<Script>,
    pub(crate) password: String,
    pub(crate) canary: String,
    pub(crate) query_number: Option<i64>,
    pub(crate) bind: SocketAddr,
    pub(crate) deadline: Duration,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) seed: Option<Seed>,
    pub(crate) resumption: bool,
    pub(crate) most_connections: Option<u64>,
    pub(crate) send_root: bool,
    pub(crate) recorded: usize,
    pub(crate) history: usize,
    pub(crate) memory: Option<usize>,
    pub(crate) connection_memory: usize,
    pub(crate) simultaneous: usize,
    pub(crate) idle: Option<Duration>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            authority: None,
            axes: ServerAxes::default(),
            script: None,
            password: DEFAULT_PASSWORD.to_owned(),
            canary: DEFAULT_CANARY.to_owned(),
            query_number: None,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            deadline: Duration::from_secs(60),
            rules: Vec::new(),
            seed: None,
            resumption: false,
            most_connections: None,
            send_root: false,
            recorded: 0,
            history: 256,
            memory: None,
            connection_memory: 4 << 20,
            simultaneous: 16 * 1024,
            idle: None,
        }
    }
}

impl Builder {
    /// Whose certificates to show. Servers of one authority share what is costly to make; without
    /// this setting the server makes an authority of its own.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// All server axes at once.
    pub const fn axes(mut self, axes: ServerAxes) -> Self {
        self.axes = axes;
        self
    }

    /// What the server does, in place of its axes.
    ///
    /// ```
    /// use pgtls_mock_server::{MockServer, script::Script};
    ///
    /// let script = Script::from_json(r#"{"connections": [{"accept": ["close"]}]}"#)?;
    /// let builder = MockServer::builder().script(script);
    /// # Ok::<(), pgtls_mock_server::script::ScriptError>(())
    /// ```
    pub fn script(mut self, script: Script) -> Self {
        self.script = Some(script);
        self
    }

    /// The answer to an SSLRequest.
    pub const fn reply(mut self, reply: Reply) -> Self {
        self.axes.reply = reply;
        self
    }

    /// The certificate shown.
    pub const fn certificate(mut self, certificate: Certificate) -> Self {
        self.axes.certificate = certificate;
        self
    }

    /// The keys of the certificate's chain.
    pub const fn key(mut self, key: Key) -> Self {
        self.axes.key = key;
        self
    }

    /// The pg_hba rule for every user.
    pub const fn access(mut self, access: Access) -> Self {
        self.axes.access = access;
        self
    }

    /// The proof asked for.
    pub const fn auth(mut self, auth: Auth) -> Self {
        self.axes.auth = auth;
        self
    }

    /// The TLS versions spoken.
    pub const fn tls(mut self, tls: TlsVersions) -> Self {
        self.axes.tls = tls;
        self
    }

    /// The password expected of every user: [`DEFAULT_PASSWORD`] without this setting.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// A text at the head of each ErrorResponse that turns a client away in clear:
    /// [`DEFAULT_CANARY`] without this setting.
    pub fn canary(mut self, canary: impl Into<String>) -> Self {
        self.canary = canary.into();
        self
    }

    /// Only `SELECT <number>` decides the outcome; without this setting every `SELECT <integer>` does.
    pub fn query_number(mut self, number: i32) -> Self {
        self.query_number = Some(number.into());
        self
    }

    /// The address to listen on: a free port of 127.0.0.1 without this setting.
    pub const fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = address;
        self
    }

    /// How long a connection may last from its acceptance: 60 s without this setting.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a client may neither send nor read what it is sent: as long as its connection may
    /// last, without this setting. A session ends with 57P05, any other connection without a word.
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// How much clients can make the server hold, in bytes, beyond what each connection has for
    /// itself (some 17 KiB in which it waits, up to 60 KiB more in use): buffers, statements, portals, parameters, answers,
    /// transcripts. Whoever asks for more gets 53200, or is left.
    ///
    /// Without this setting, the servers of one authority share 12 MiB.
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// How much of it one connection can make the server hold, in bytes: 4 MiB for its session, and
    /// as much for its transcript, without this setting.
    pub const fn connection_memory(mut self, bytes: usize) -> Self {
        self.connection_memory = bytes;
        self
    }

    /// How many connections may be open at a time: 16,384 without this setting. The login of a
    /// further one is refused (53300); a few wait for that, the others at the door.
    pub const fn simultaneous(mut self, connections: usize) -> Self {
        self.simultaneous = connections;
        self
    }

    /// What happens to the bytes of every connection, below TLS.
    pub fn rules(mut self, rules: impl IntoIterator<Item = RuleSpec>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }

    /// Where all chance comes from: drawn by the operating system without this setting.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether TLS sessions may be resumed: not without this setting, and never in TLS 1.0 and 1.1.
    pub const fn resumption(mut self, resumption: bool) -> Self {
        self.resumption = resumption;
        self
    }

    /// Whether the chain sent ends with its root, as that of some providers: not without this
    /// setting. A certificate that signed itself is sent once.
    pub const fn send_root(mut self, send_root: bool) -> Self {
        self.send_root = send_root;
        self
    }

    /// How many bytes of each connection to keep as they passed, below TLS and inside of it: none
    /// without this setting.
    pub const fn record(mut self, bytes: usize) -> Self {
        self.recorded = bytes;
        self
    }

    /// How many connections are remembered, the newest ones: 256 without this setting. Those before
    /// them are counted in [`Observation::forgotten`](crate::Observation::forgotten).
    pub const fn history(mut self, connections: usize) -> Self {
        self.history = connections;
        self
    }

    /// How many connections are accepted in all; further ones are left waiting, so that a client
    /// that storms does not take the machine with it. Without end without this setting.
    pub const fn most_connections(mut self, connections: u64) -> Self {
        self.most_connections = Some(connections);
        self
    }
}
