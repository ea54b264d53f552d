//! Wall-clock time as people and folder names want it, and a watch that notices when the host slept.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Year, month, day, hour, minute, second of a moment, UTC.
#[must_use]
pub fn civil(moment: SystemTime) -> [u64; 6] {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days: years that begin in March put the leap day last.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [year, month, day, second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60]
}

/// `2026-11-21T08:26:22Z`.
#[must_use]
pub fn utc(moment: SystemTime) -> String {
    let [year, month, day, hour, minute, second] = civil(moment);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-21T08-26-22`, for names of folders: sorts by time, needs no quoting anywhere.
#[must_use]
pub fn folder_stamp(moment: SystemTime) -> String {
    let [year, month, day, hour, minute, second] = civil(moment);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}")
}

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
    fn days_become_dates_leap_days_included() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(1_795_249_976), "2026-11-21T08:32:56Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn an_awake_host_did_not_sleep() {
        let mut watch = SleepWatch::start();
        assert_eq!(watch.slept(), None);
    }
}
