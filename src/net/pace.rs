//! How patient and how polite a client is, and by which clock.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Time, so that tests need none.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// How patient and how polite a client is.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The least time between two requests to one host. The dashboard asks for a second.
    pub interval: Duration,
    /// The longest wait that a server may ask for (`Retry-After`) before we give up and say so.
    pub patience: Duration,
    /// How often a request is tried that fails for a passing reason.
    pub attempts: u32,
    /// How long a connection may be silent.
    pub silence: Duration,
    /// Fewer bytes of a body than this within `silence` count as silence: a server that drips must not hold us for ever.
    pub trickle: u64,
    /// How long a page may take as a whole ([`super::Client::get`]); what is opened and read piece by piece may take longer.
    pub page: Duration,
    /// How long a kept page is used again without a question, if the client keeps pages.
    pub fresh: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            patience: Duration::from_secs(300),
            attempts: 5,
            silence: Duration::from_secs(60),
            trickle: 4 << 10,
            page: Duration::from_secs(300),
            fresh: Duration::ZERO,
        }
    }
}

/// 1, 2, 4, 8 … seconds.
#[must_use]
pub fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(6))
}

/// How many threads may stand in line for one host.
const WAITING: u32 = 16;

/// When each host was last asked.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<BTreeMap<String, SystemTime>>);

impl Turns {
    /// Waits until `host` may be asked again, and takes that turn.
    pub(super) fn wait(&self, host: &str, clock: &dyn Clock, interval: Duration) {
        let now = clock.now();
        let wait = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let host = host.to_ascii_lowercase();
            let turn = turns.get(&host).map_or(now, |last| (*last + interval).max(now));
            // A clock that was set back must not make us wait for hours. Threads that wait take their turns one after the other.
            let turn = turn.min(now + interval * WAITING);
            turns.insert(host, turn);
            turn.duration_since(now).unwrap_or_default()
        };
        if !wait.is_zero() {
            clock.sleep(wait);
        }
    }
}
