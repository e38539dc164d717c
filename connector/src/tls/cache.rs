//! The last configuration that a backend made: it serves again for as long as it would be made of the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Cause, Terms, Trust};

/// How long the system's store, once read, is gone by. It is the one thing that is not read anew at every connection.
const STORE_AGE: Duration = Duration::from_secs(60);

/// One configuration with what it was made of; clones share it.
#[derive(Clone)]
pub(super) struct Cache<T>(Arc<Mutex<Option<Made<T>>>>);

struct Made<T> {
    terms: Terms,
    at: Instant,
    ready: T,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new() -> Cache<T> {
        Cache(Arc::default())
    }

    /// The configuration for these terms, made only if the last one was made for others.
    ///
    /// # Errors
    /// Those of `make`, after which the last one stays.
    pub(super) fn get_or_make(
        &self,
        terms: Terms,
        make: impl FnOnce(&Terms) -> Result<T, Cause>,
    ) -> Result<T, Cause> {
        self.at(Instant::now(), terms, make)
    }

    fn at(
        &self,
        now: Instant,
        terms: Terms,
        make: impl FnOnce(&Terms) -> Result<T, Cause>,
    ) -> Result<T, Cause> {
        if let Some(made) = self.last().as_ref().filter(|made| made.serves(&terms, now)) {
            return Ok(made.ready.clone());
        }
        // Not under the lock: a store on a disk that hangs holds up nobody else.
        let ready = make(&terms)?;
        *self.last() = Some(Made { terms, at: now, ready: ready.clone() });
        Ok(ready)
    }

    fn last(&self) -> MutexGuard<'_, Option<Made<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Made<T> {
    fn serves(&self, terms: &Terms, now: Instant) -> bool {
        let fresh = match &terms.credentials.trust {
            Trust::System { given: None, .. } => now.duration_since(self.at) < STORE_AGE,
            Trust::Anything | Trust::Roots { .. } | Trust::System { given: Some(_), .. } => true,
        };
        fresh && self.terms == *terms
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

    use super::*;
    use crate::config::TlsVersion;
    use crate::tls::Credentials;

    fn terms(trust: Trust) -> Terms {
        Terms {
            sni: true,
            min_version: None,
            max_version: None,
            credentials: Credentials { trust, identity: None },
        }
    }

    fn root(content: u8) -> Trust {
        Trust::Roots { certificates: vec![vec![content].into()], revocation: None }
    }

    fn key(content: u8) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (Vec::new(), PrivatePkcs8KeyDer::from(vec![content]).into())
    }

    #[test]
    fn what_is_made_of_the_same_is_made_once_and_whatever_else_anew() {
        let (cache, count, now) = (Cache::new(), Cell::new(0), Instant::now());
        let made = |terms| {
            let make = |_: &Terms| {
                count.set(count.get() + 1);
                Ok(count.get())
            };
            cache.clone().at(now, terms, make).expect("made")
        };
        assert_eq!((made(terms(root(1))), made(terms(root(1)))), (1, 1));
        let with_key = |content| {
            let mut terms = terms(root(1));
            terms.credentials.identity = Some(key(content));
            terms
        };
        let others: [fn() -> Terms; 6] = [
            || terms(root(2)),
            || terms(Trust::Anything),
            || terms(Trust::Roots { certificates: vec![vec![1].into()], revocation: Some(vec![]) }),
            || Terms { sni: false, ..terms(root(1)) },
            || Terms { min_version: Some(TlsVersion::V1_2), ..terms(root(1)) },
            || Terms { max_version: Some(TlsVersion::V1_2), ..terms(root(1)) },
        ];
        for (other, expected) in others.into_iter().zip(2..) {
            assert_eq!((made(other()), made(other())), (expected, expected));
        }
        assert_eq!((made(with_key(1)), made(with_key(1)), made(with_key(2))), (8, 8, 9));
    }

    #[test]
    fn the_systems_store_is_read_again_after_a_while() {
        let (cache, start) = (Cache::new(), Instant::now());
        let system = || terms(Trust::System { given: None, revocation: None });
        let made = |after, value| cache.at(start + after, system(), |_| Ok(value)).expect("made");
        assert_eq!(made(Duration::ZERO, 1), 1);
        assert_eq!(made(STORE_AGE - Duration::from_millis(1), 2), 1);
        assert_eq!(made(STORE_AGE, 3), 3);
    }

    #[test]
    fn a_failure_is_told_and_not_kept() {
        let cache = Cache::new();
        assert!(cache.get_or_make(terms(root(1)), |_| Err("no".into())).is_err());
        assert_eq!(cache.get_or_make(terms(root(1)), |_| Ok(1)).expect("made"), 1);
    }
}
