//! Readers of foreign formats, called so that one that gives up with a panic is an error like others.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    /// Whether a panic of this thread is answered by whoever called.
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// How many calls are under way whose panics may come in any thread.
static EVERYWHERE: AtomicUsize = AtomicUsize::new(0);

/// What such a reader says in one short sentence, without the places in its own structures that it adds.
pub(super) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split(" {").next().unwrap_or(line).trim_end_matches([':', ' ']).to_owned()
}

/// What `read` gives, or nothing if it panicked; it says nothing itself. Bytes that no library writes make some readers panic.
/// What `read` was at must not be used after that.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    be_quiet();
    let before = ANSWERED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(read));
    ANSWERED.set(before);
    done.ok()
}

/// The same for work that other threads take part in.
#[cfg(feature = "tables")]
pub(super) fn guarded_everywhere<T>(work: impl FnOnce() -> T) -> Option<T> {
    EVERYWHERE.fetch_add(1, Ordering::SeqCst);
    let done = guarded(work);
    EVERYWHERE.fetch_sub(1, Ordering::SeqCst);
    done
}

/// From now on panics that are answered are not printed.
fn be_quiet() {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !ANSWERED.get() && EVERYWHERE.load(Ordering::SeqCst) == 0 {
                before(panic);
            }
        }));
    });
}
