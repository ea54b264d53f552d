//! A watch that notices when the host slept.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Notices that the host was suspended: one of the kernel's clocks goes on during sleep, the other does not.
#[derive(Debug)]
pub struct SleepWatch {
    gap: Duration,
}

impl SleepWatch {
    /// Begins to watch.
    #[must_use]
    pub fn start() -> Self {
        Self { gap: gap() }
    }

    /// How long the host slept since the last call, if it was longer than a second.
    pub fn slept(&mut self) -> Option<Duration> {
        let now = gap();
        let slept = now.saturating_sub(self.gap);
        self.gap = now;
        (slept > Duration::from_secs(1)).then_some(slept)
    }
}

fn gap() -> Duration {
    let read = |clock| {
        let time = clock_gettime(clock);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    read(ClockId::Boottime).saturating_sub(read(ClockId::Monotonic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_awake_host_did_not_sleep() {
        let mut watch = SleepWatch::start();
        assert_eq!(watch.slept(), None);
    }
}
