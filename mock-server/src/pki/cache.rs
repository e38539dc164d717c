//! Values that are made once, at first use, however many threads ask.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Makes each value under a lock of its own, so that a slow one (RSA) keeps nobody else waiting.
/// A value that could not be made is tried again at the next call.
pub(crate) struct Cache<K, V>(Mutex<HashMap<K, Slot<V>>>);

type Slot<V> = Arc<Mutex<Option<V>>>;

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Whether the value is made, and can be had without waiting.
    pub(crate) fn has(&self, key: &K) -> bool {
        let slot = lock(&self.0).get(key).cloned();
        slot.is_some_and(|slot| slot.try_lock().is_ok_and(|value| value.is_some()))
    }

    pub(crate) fn get_or_make<E>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let slot = lock(&self.0).entry(key).or_default().clone();
        let mut slot = lock(&slot);
        match &*slot {
            Some(value) => Ok(value.clone()),
            None => Ok(slot.insert(make()?).clone()),
        }
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

/// A panic while holding the lock leaves the value unmade, which is a sound state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
