//! The core: what all connections of a server share, and what each of them is accepted with.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pgtls_harness::{Seed, rules::RuleSpec};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time::Instant,
};

use crate::{
    Builder, Error,
    axes::ServerAxes,
    budget::Budget,
    negotiation::shakes_hands,
    pki::Authority,
    scram::{DEFAULT_ITERATIONS, Verifier},
    tls::{Context, ContextKey, TlsSettings},
};

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) authority: Authority,
    pub(crate) password: String,
    pub(crate) canary: String,
    pub(crate) query_number: Option<i64>,
    pub(crate) seed: Seed,
    pub(crate) started: Instant,
    pub(crate) deadline: Duration,
    pub(crate) idle: Duration,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) recorded: usize,
    tls: TlsSettings,
    pub(crate) most_connections: Option<u64>,
    pub(crate) simultaneous: usize,
    pub(crate) budget: Budget,
    pub(crate) connection_memory: usize,
    /// Sessions with much to do have their turns one after the other.
    pub(crate) turns: Semaphore,
    verifier: OnceCell<Option<Arc<Verifier>>>,
    settings: Mutex<Settings>,
    /// Held while settings are changed: certificates may have to be made first.
    changing: Mutex<()>,
    /// How often all connections were reset.
    pub(crate) resets: watch::Sender<u64>,
}

/// What may change while the server runs; each connection keeps what it was accepted with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) axes: ServerAxes,
    /// Absent where the reply never comes to an honest handshake.
    pub(crate) context: Option<Arc<Context>>,
    pub(crate) ca_path: PathBuf,
}

impl Core {
    /// What the builder asks for; certificates are made here, if nobody has made them yet.
    pub(crate) async fn new(builder: Builder) -> Result<Self, Error> {
        let authority = match builder.authority {
            Some(authority) => authority,
            None => Authority::generate()?,
        };
        let tls = TlsSettings { resumption: builder.resumption, send_root: builder.send_root };
        let axes = builder.axes;
        let settings = if authority.is_quick(axes.key) {
            Settings::new(&authority, axes, tls)?
        } else {
            // An RSA key takes as long as a hundred logins: the runtime has others to serve.
            let authority = authority.clone();
            let made = tokio::task::spawn_blocking(move || Settings::new(&authority, axes, tls));
            made.await.map_err(Error::tls("certificate and key"))??
        };
        let budget = match builder.memory {
            Some(bytes) => Budget::new(bytes),
            None => authority.shared().budget.clone(),
        };
        Ok(Self {
            authority,
            password: builder.password,
            canary: builder.canary,
            query_number: builder.query_number,
            seed: builder.seed.unwrap_or_else(Seed::random),
            started: Instant::now(),
            deadline: builder.deadline,
            // Where nothing is said, the deadline comes first.
            idle: builder.idle.unwrap_or(Duration::MAX),
            rules: builder.rules,
            recorded: builder.recorded,
            tls,
            most_connections: builder.most_connections,
            simultaneous: builder.simultaneous,
            budget,
            connection_memory: builder.connection_memory,
            turns: Semaphore::new(1),
            verifier: OnceCell::new(),
            settings: Mutex::new(settings),
            changing: Mutex::new(()),
            resets: watch::Sender::new(0),
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One change at a time; connections are accepted meanwhile, with what was.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(ServerAxes) -> ServerAxes,
    ) -> Result<(), Error> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = Settings::new(&self.authority, change(self.settings().axes), self.tls)?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// What the server keeps of the password for SCRAM: made at the first login that needs it, and
    /// elsewhere, since it is made to take long. `None` if that failed.
    pub(crate) async fn verifier(&self) -> Option<Arc<Verifier>> {
        let make = || async {
            let password = self.password.clone();
            tokio::task::spawn_blocking(move || {
                // A salt need not be secret, nor change: derived, it is the same in every run.
                let digest = Sha256::digest(["pgtls salt ", &password].concat());
                Arc::new(Verifier::new(&password, &digest[..16], DEFAULT_ITERATIONS))
            })
            .await
            .ok()
        };
        self.verifier.get_or_init(make).await.clone()
    }
}

impl Settings {
    fn new(authority: &Authority, axes: ServerAxes, tls: TlsSettings) -> Result<Self, Error> {
        let context = shakes_hands(axes.reply)
            .then(|| authority.shared().context(authority, ContextKey::new(&axes, tls)))
            .transpose()?;
        let ca_path = authority.root_path(axes.key)?;
        Ok(Self { axes, context, ca_path })
    }
}
