//! Panics that tokio catches: a task's.

use std::{cell::Cell, panic, sync::Once};

thread_local! {
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

/// Does it, and panics if anything on this thread did meanwhile, whoever caught that.
pub(super) fn none_in<T>(deed: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICKED.set(true);
            before(info);
        }));
    });
    PANICKED.set(false);
    let result = deed();
    assert!(!PANICKED.get(), "a task panicked");
    result
}
