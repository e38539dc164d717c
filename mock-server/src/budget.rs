//! The budget: what peers make the server hold, counted in bytes, for each connection and in all.
//!
//! Every connection has two [`Account`]s, one for its session and one for its transcript, so that
//! neither takes the other's room. The first [`GUARANTEED`] bytes of each are its own, whatever the
//! others hold, and are enough for an honest session; what goes beyond is drawn from the one
//! [`Budget`] of the server. Whoever asks for more than there is gets nothing, and nobody else
//! pays for it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// What an account may hold when others hold all the rest, in bytes: twice what a login and a
/// handful of queries leave in transcript or parameters.
pub(crate) const GUARANTEED: usize = 8 * 1024;
/// How much is drawn from the budget at once, in bytes, so that few entries touch it.
const STEP: usize = 16 * 1024;

/// What all connections may hold beyond their guaranteed parts; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    most: usize,
    drawn: AtomicUsize,
}

/// What one connection's session or transcript holds; clones share it. What it drew goes back with
/// the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Account(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    budget: Budget,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    drawn: usize,
}

/// A part of an account that is given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    account: Account,
    bytes: usize,
}

/// There is no room for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    /// `most` bytes for all.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Pool { most, drawn: AtomicUsize::new(0) }))
    }

    /// All there is, in bytes.
    pub(crate) fn most(&self) -> usize {
        self.0.most
    }

    /// What is drawn now, in bytes.
    #[cfg(test)]
    pub(crate) fn drawn(&self) -> usize {
        self.0.drawn.load(Ordering::Relaxed)
    }

    fn draw(&self, bytes: usize) -> Result<(), Exhausted> {
        let room = |drawn: usize| drawn.checked_add(bytes).filter(|&drawn| drawn <= self.0.most);
        match self.0.drawn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(()),
            Err(_) => Err(Exhausted),
        }
    }

    fn give_back(&self, bytes: usize) {
        self.0.drawn.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Account {
    /// An account of at most `most` bytes, that draws on `budget`.
    pub(crate) fn new(budget: Budget, most: usize) -> Self {
        Self(Arc::new(Inner { budget, most, state: Mutex::default() }))
    }

    /// An account of a server that has no others.
    #[cfg(test)]
    pub(crate) fn alone(most: usize) -> Self {
        Self::new(Budget::new(most), most)
    }

    /// Takes `bytes`, to be given back by [`Account::give_back`].
    ///
    /// # Errors
    /// When the connection or the server may hold no more.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let mut state = self.lock();
        let used = state.used.checked_add(bytes).ok_or(Exhausted)?;
        if used > self.0.most {
            return Err(Exhausted);
        }
        let missing = used.saturating_sub(GUARANTEED).saturating_sub(state.drawn);
        if missing > 0 {
            let step = missing.next_multiple_of(STEP);
            self.0.budget.draw(step)?;
            state.drawn += step;
        }
        state.used = used;
        Ok(())
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, bytes: usize) {
        let mut state = self.lock();
        state.used = state.used.saturating_sub(bytes);
        let needed = state.used.saturating_sub(GUARANTEED).next_multiple_of(STEP);
        if needed < state.drawn {
            self.0.budget.give_back(state.drawn - needed);
            state.drawn = needed;
        }
    }

    /// Takes `bytes` until they are dropped.
    ///
    /// # Errors
    /// As [`Account::take`].
    pub(crate) fn hold(&self, bytes: usize) -> Result<Held, Exhausted> {
        self.take(bytes)?;
        Ok(Held { account: self.clone(), bytes })
    }

    /// Nothing yet, to be [resized](Held::resize).
    pub(crate) fn hold_nothing(&self) -> Held {
        Held { account: self.clone(), bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let drawn = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).drawn;
        self.budget.give_back(drawn);
    }
}

impl Held {
    /// Holds so much from now on.
    ///
    /// # Errors
    /// As [`Account::take`]; what was held stays held.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if bytes > self.bytes {
            self.account.take(bytes - self.bytes)?;
        } else if bytes < self.bytes {
            self.account.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.account.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_another_cannot_and_each_has_its_own() {
        let budget = Budget::new(4 * STEP);
        let greedy = Account::new(budget.clone(), usize::MAX);
        let held = greedy.hold(GUARANTEED + 4 * STEP).expect("all there is");
        assert_eq!(greedy.take(1), Err(Exhausted));
        let honest = Account::new(budget.clone(), usize::MAX);
        let own = honest.hold(GUARANTEED).expect("its own");
        assert_eq!(honest.take(1), Err(Exhausted));
        drop(held);
        assert_eq!(budget.drawn(), 0);
        assert_eq!(honest.take(1), Ok(()));
        assert_eq!(budget.drawn(), STEP);
        drop((own, honest, greedy));
        assert_eq!(budget.drawn(), 0);
    }

    #[test]
    fn a_connection_has_a_bound_of_its_own() {
        let budget = Budget::new(100 * STEP);
        let account = Account::new(budget.clone(), 2 * STEP);
        let mut held = account.hold_nothing();
        assert_eq!(held.resize(2 * STEP + 1), Err(Exhausted));
        assert_eq!(held.resize(2 * STEP), Ok(()));
        assert_eq!(held.resize(1), Ok(()));
        assert_eq!(budget.drawn(), 0);
        assert_eq!(account.take(usize::MAX), Err(Exhausted));
    }
}
