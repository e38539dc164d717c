//! The host list: host by host, address by address, until one session stands.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use tokio_postgres::Client;

use crate::SslMode;
use crate::address::try_address;
use crate::config::{SessionAttrs, Settings};
use crate::connection::Connection;
use crate::dial::Dial;
use crate::endpoint::Endpoint;
use crate::error::{Attempt, Cause, Error, Fault, Phase, Place};
use crate::policy::Next;
use crate::route::Route;
use crate::tls::Backend;
use crate::wait::within;

/// Everything that a call of `connect` goes by.
pub(crate) struct Hosts<'a> {
    pub(crate) settings: &'a Arc<Settings>,
    pub(crate) backend: Option<&'a Backend>,
    pub(crate) dialer: &'a Arc<dyn Dial>,
}

impl Hosts<'_> {
    /// Tries hosts, addresses and methods in libpq's order.
    ///
    /// # Errors
    /// Every attempt that was made, and why it failed.
    pub(crate) async fn connect(&self) -> Result<(Client, Connection), Error> {
        let mut targets = self.settings.targets.clone();
        if self.settings.shuffle {
            shuffle(&mut targets);
        }
        let mut attempts = Vec::new();
        for &session in rounds(self.settings.session) {
            for target in &targets {
                match self.try_host(target, session, &mut attempts).await {
                    Ok(connected) => return Ok(connected),
                    Err(Next::Fail) => return Err(Error::all(attempts, Fault::NoHost)),
                    Err(_) => {}
                }
            }
        }
        Err(Error::all(attempts, Fault::NoHost))
    }

    async fn try_host(
        &self,
        target: &Endpoint,
        session: SessionAttrs,
        attempts: &mut Vec<Attempt>,
    ) -> Result<(Client, Connection), Next> {
        let endpoints = match self.resolve(target).await {
            Ok(endpoints) => endpoints,
            Err(cause) => {
                let place = Place { host: target.host().to_owned(), address: None };
                let encrypted = self.settings.mode > SslMode::Allow;
                attempts.push(Attempt::new(Some(place), encrypted, Phase::Resolve, cause));
                return Err(Next::OtherHost);
            }
        };
        for endpoint in endpoints {
            let route = Route {
                settings: Arc::clone(self.settings),
                backend: self.backend.cloned(),
                dialer: Arc::clone(self.dialer),
                endpoint,
            };
            match try_address(&route, session, attempts).await {
                Ok(connected) => return Ok(connected),
                Err(Next::OtherAddress) => {}
                Err(next) => return Err(next),
            }
        }
        Err(Next::OtherHost)
    }

    /// The addresses of a host, at least one. The lookup has a timeout of its own, as long as an address has.
    async fn resolve(&self, target: &Endpoint) -> Result<Vec<Endpoint>, Cause> {
        if target.address().is_some() || target.socket_path().is_some() {
            return Ok(vec![target.clone()]);
        }
        let lookup = self.dialer.resolve(target);
        let mut endpoints = within(self.settings.timeout, lookup).await??;
        if self.settings.shuffle {
            shuffle(&mut endpoints);
        }
        match endpoints.is_empty() {
            true => Err(Fault::NoAddress.into()),
            false => Ok(endpoints),
        }
    }
}

/// One pass over the hosts, or two where a second choice is allowed.
fn rounds(session: SessionAttrs) -> &'static [SessionAttrs] {
    match session {
        SessionAttrs::Any => &[SessionAttrs::Any],
        SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
        SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
        SessionAttrs::Primary => &[SessionAttrs::Primary],
        SessionAttrs::Standby => &[SessionAttrs::Standby],
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
    }
}

/// Fisher and Yates's shuffle. The randomness is that of the standard library's hash maps: enough to spread load.
fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let random = std::hash::RandomState::new().build_hasher().finish();
        items.swap(last, (random % (last as u64 + 1)) as usize);
    }
}
