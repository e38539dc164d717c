//! The core: what all connections of a server share, and what each of them is accepted with.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pgtls_harness::{Seed, rules::RuleSpec};
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    time::Instant,
};

use crate::{
    Builder, Error,
    axes::ServerAxes,
    budget::Budget,
    machine::segment::salt,
    pki::Authority,
    plan::Plan,
    scram::{DEFAULT_ITERATIONS, Verifier},
    script::Script,
    tls::TlsSettings,
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
    /// What is done on the first connection, the second, …; on the last one and all behind it.
    plans: Arc<[Plan]>,
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
        let script = builder.script.unwrap_or_else(|| Script::of(&axes));
        let axes = script.tls_over(axes);
        let settings = if authority.is_quick(axes.key) {
            Settings::new(&authority, axes, &script, tls)?
        } else {
            // An RSA key takes as long as a hundred logins: the runtime has others to serve.
            let authority = authority.clone();
            let made =
                tokio::task::spawn_blocking(move || Settings::new(&authority, axes, &script, tls));
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
        let axes = change(self.settings().axes);
        let settings = Settings::new(&self.authority, axes, &Script::of(&axes), self.tls)?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// What the server keeps of the password for SCRAM: with the usual iterations made at the first
    /// login that needs it, and elsewhere, since it is made to take long. `None` if that failed.
    pub(crate) async fn verifier(&self, iterations: u32) -> Option<Arc<Verifier>> {
        let make = || async {
            let password = self.password.clone();
            let make = move || Arc::new(Verifier::new(&password, &salt(&password), iterations));
            tokio::task::spawn_blocking(make).await.ok()
        };
        if iterations == DEFAULT_ITERATIONS {
            return self.verifier.get_or_init(make).await.clone();
        }
        make().await
    }
}

impl Settings {
    fn new(
        authority: &Authority,
        axes: ServerAxes,
        script: &Script,
        tls: TlsSettings,
    ) -> Result<Self, Error> {
        let plans = Plan::all(script, authority, tls)?;
        let ca_path = authority.root_path(axes.key)?;
        Ok(Self { axes, plans, ca_path })
    }

    /// What is done on a connection before which so many were accepted.
    pub(crate) fn plan(&self, number: u64) -> Plan {
        let last = self.plans.len() - 1;
        self.plans[usize::try_from(number).unwrap_or(last).min(last)].clone()
    }
}
