//! The configurations that a backend made last: each serves again for as long as it would be made of the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::terms::{Terms, Trust};
use crate::error::Cause;

/// How long the system's store, once read, is gone by. It is the one thing that is not read anew at every connection.
const STORE_AGE: Duration = Duration::from_secs(60);

/// How many configurations are kept. An application has one for each database that it trusts by other roots or shows
/// another certificate; beyond so many it is about as quick to make one as to look through them.
const MOST: usize = 32;

/// Configurations with what they were made of, the one that served last at the end; clones share them.
#[derive(Clone)]
pub(super) struct Cache<T>(Arc<Mutex<Vec<Made<T>>>>);

struct Made<T> {
    terms: Terms,
    at: Instant,
    ready: T,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new() -> Cache<T> {
        Cache(Arc::default())
    }

    /// The configuration for these terms, made only if none of the last ones was made for them.
    ///
    /// # Errors
    /// Those of `make`, after which all stays as it was.
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
        if let Some(ready) = serve(&mut self.lock(), &terms, now) {
            return Ok(ready);
        }
        // Not under the lock: a store on a disk that hangs holds up nobody else.
        let ready = make(&terms)?;
        let mut kept = self.lock();
        kept.retain(|made| made.terms != terms);
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(Made { terms, at: now, ready: ready.clone() });
        Ok(ready)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Made<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one for these terms, if it still serves: the last from now on.
fn serve<T: Clone>(kept: &mut Vec<Made<T>>, terms: &Terms, now: Instant) -> Option<T> {
    let place = kept.iter().rposition(|made| made.serves(terms, now))?;
    let made = kept.remove(place);
    let ready = made.ready.clone();
    kept.push(made);
    Some(ready)
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
    use crate::tls::terms::Credentials;

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
    fn several_serve_beside_each_other_and_the_one_unused_for_longest_goes() {
        let (cache, now) = (Cache::new(), Instant::now());
        let made =
            |content, value| cache.at(now, terms(root(content)), |_| Ok(value)).expect("made");
        let most = u8::try_from(MOST).expect("a few");
        for content in 0..most {
            assert_eq!(made(content, 1), 1);
        }
        assert_eq!(made(0, 2), 1, "the first one serves again");
        assert_eq!(made(most, 2), 2);
        assert_eq!(made(0, 2), 1);
        assert_eq!(made(1, 2), 2, "it went");
        assert_eq!(cache.lock().len(), MOST);
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
