//! The engine's work spread over threads, and how many there are.

use std::sync::OnceLock;
#[cfg(feature = "threads")]
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// More threads than this per processor only wait for each other.
const BUSY: usize = 4;

/// How many threads `asked` means: 0 is as many as the machine has processors, and no more than four for each.
#[must_use]
pub fn thread_count(asked: usize) -> usize {
    // Asking reads the files of the control group, a tenth of a millisecond each time: more than a small log costs.
    static HAVE: OnceLock<usize> = OnceLock::new();
    let have = || *HAVE.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    match asked {
        0 => have(),
        1 => 1,
        _ => asked.min(have().saturating_mul(BUSY)),
    }
}

/// `work` on each of `inputs`, in as many threads as asked for; the answers in the order of the inputs.
pub fn in_order<I: Sync, O: Send>(threads: usize, inputs: &[I], work: impl Fn(&I) -> O + Sync + Send) -> Vec<O> {
    let threads = if inputs.len() < 2 { 1 } else { threads };
    in_order_beside(threads, inputs, work, || ()).0
}

/// The same, and something that only this thread can do: it does that first, while the others begin, and then its part.
///
/// A thread that only waited would be one more than there are processors: each time it wakes up it runs where another one does.
pub fn in_order_beside<I: Sync, O: Send, T>(
    threads: usize,
    inputs: &[I],
    work: impl Fn(&I) -> O + Sync + Send,
    here: impl FnOnce() -> T,
) -> (Vec<O>, T) {
    #[cfg(feature = "threads")]
    if let others @ 1.. = thread_count(threads).min(inputs.len() + 1) - 1
        && let Some(pool) = pool(others)
    {
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(inputs.len())));
        let take_part = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(input) = inputs.get(at) else { return };
                let answer = work(input);
                // What is done here meanwhile may want help, too, and would wait for it until all this is done.
                rayon::yield_now();
                done.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
            }
        };
        let told = pool.in_place_scope(|scope| {
            (0..others).for_each(|_| scope.spawn(|_| take_part()));
            let told = here();
            take_part();
            told
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(at, _)| *at);
        return (done.into_iter().map(|(_, answer)| answer).collect(), told);
    }
    #[cfg(not(feature = "threads"))]
    let _ = threads;
    // No threads to be had, or built without them: the work is done all the same.
    let told = here();
    (inputs.iter().map(work).collect(), told)
}

/// The others besides this thread: one pool for each number of them, kept for the next use.
#[cfg(feature = "threads")]
fn pool(threads: usize) -> Option<std::sync::Arc<rayon::ThreadPool>> {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    static POOLS: Mutex<BTreeMap<usize, Arc<rayon::ThreadPool>>> = Mutex::new(BTreeMap::new());
    let mut pools = POOLS.lock().ok()?;
    if let Some(pool) = pools.get(&threads) {
        return Some(pool.clone());
    }
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()?);
    pools.insert(threads, pool.clone());
    Some(pool)
}
