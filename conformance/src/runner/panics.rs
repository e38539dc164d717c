//! Panics of drivers in this process, with their places.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, PanicHookInfo},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
};

thread_local! {
    /// Whoever watches this thread.
    static WATCH: RefCell<Option<Panics>> = const { RefCell::new(None) };
}

/// The first panic on the threads that are watched, in tasks that outlive it too.
#[derive(Debug, Clone, Default)]
pub(super) struct Panics(Arc<Mutex<Option<String>>>);

impl Panics {
    /// Watches this thread from now on, in place of whoever did before. Panics on it are then noted, and
    /// no more printed.
    pub(super) fn watch_this_thread(&self) {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let others = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let watch = WATCH.try_with(|watch| watch.borrow().clone()).ok().flatten();
                match watch {
                    Some(panics) => panics.note(info),
                    None => others(info),
                }
            }));
        });
        WATCH.set(Some(self.clone()));
    }

    /// From now on there has been none.
    pub(super) fn forget(&self) {
        self.lock().take();
    }

    /// The first one, in words.
    pub(super) fn first(&self) -> Option<String> {
        self.lock().clone()
    }

    fn note(&self, info: &PanicHookInfo<'_>) {
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        let words = format!("panicked{place}: {}", words(info.payload()));
        self.lock().get_or_insert(words);
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(words), _) => words,
        (None, Some(words)) => words,
        (None, None) => "no words",
    }
}
