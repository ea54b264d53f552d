//! The engine's work spread over threads, and how many there are.

#[cfg(feature = "threads")]
use rayon::prelude::*;
use std::sync::OnceLock;

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
    taken_in_order(threads, inputs.iter().collect(), work)
}

/// The same where the work takes the inputs, to drop them.
pub fn taken_in_order<I: Send, O: Send>(threads: usize, inputs: Vec<I>, work: impl Fn(I) -> O + Sync + Send) -> Vec<O> {
    let threads = if inputs.len() < 2 { 1 } else { thread_count(threads) };
    if threads < 2 {
        return inputs.into_iter().map(work).collect();
    }
    #[cfg(feature = "threads")]
    if let Some(pool) = pool(threads) {
        return pool.install(|| inputs.into_par_iter().map(work).collect());
    }
    // No threads to be had, or built without them: the work is done all the same.
    inputs.into_iter().map(work).collect()
}

/// Two kinds of work in as many threads as asked for, which they share, and one in this thread meanwhile.
pub(super) fn beside<A: Default + Send, B: Default + Send, C>(
    threads: usize,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
    here: impl FnOnce() -> C,
) -> (A, B, C) {
    #[cfg(feature = "threads")]
    if threads > 1
        && let Some(pool) = pool(threads)
    {
        let mut both = (A::default(), B::default());
        let told = pool.in_place_scope(|scope| {
            scope.spawn(|_| both = rayon::join(first, second));
            here()
        });
        return (both.0, both.1, told);
    }
    #[cfg(not(feature = "threads"))]
    let _ = threads;
    let told = here();
    (first(), second(), told)
}

/// One pool per thread count, kept for the next use.
#[cfg(feature = "threads")]
fn pool(threads: usize) -> Option<std::sync::Arc<rayon::ThreadPool>> {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    static POOLS: Mutex<BTreeMap<usize, Arc<rayon::ThreadPool>>> = Mutex::new(BTreeMap::new());
    let mut pools = POOLS.lock().ok()?;
    if let Some(pool) = pools.get(&threads) {
        return Some(pool.clone());
    }
    let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()?);
    pools.insert(threads, pool.clone());
    Some(pool)
}
