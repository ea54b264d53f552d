//! The calendar: moments as dates in UTC. The only one in the house; dates in HTTP headers are read by a crate.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment as people write it, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Civil {
    /// From 1970 on.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

/// A moment as a date; what is before 1970 counts as its first second.
#[must_use]
pub(crate) fn civil(moment: SystemTime) -> Civil {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days (https://howardhinnant.github.io/date_algorithms.html): years that begin in March put the
    // leap day last.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Civil {
        year: year_of_era + era * 400 + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        hour: second_of_day / 3_600,
        minute: second_of_day / 60 % 60,
        second: second_of_day % 60,
    }
}

/// Midnight of a date in UTC, seconds since 1970; none if there is no such day or it is before 1970.
#[cfg(any(feature = "cli", test))]
#[must_use]
pub(crate) fn moment(year: u64, month: u64, day: u64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // days_from_civil of the same paper.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = i64::try_from(era * 146_097 + day_of_era).ok()? - 719_468;
    Some(days * 86_400)
}

/// `2026-11-21T08:26:22Z`.
#[must_use]
pub(crate) fn utc(moment: SystemTime) -> String {
    let Civil { hour, minute, second, .. } = civil(moment);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", day(moment))
}

/// `2026-11-21T08-26-22`, for names of folders: sorts by time, needs no quoting anywhere.
#[must_use]
pub(crate) fn folder_stamp(moment: SystemTime) -> String {
    let Civil { hour, minute, second, .. } = civil(moment);
    format!("{}T{hour:02}-{minute:02}-{second:02}", day(moment))
}

/// `2026-11-21`.
#[must_use]
pub(crate) fn day(moment: SystemTime) -> String {
    let Civil { year, month, day, .. } = civil(moment);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Today's date in UTC, `2026-11-21`.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn today() -> String {
    day(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_become_dates_leap_days_included() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(1_795_249_976), "2026-11-21T08:32:56Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(folder_stamp(UNIX_EPOCH + Duration::from_secs(1_795_249_976)), "2026-11-21T08-32-56");
        assert_eq!(day(UNIX_EPOCH - Duration::from_secs(5)), "1970-01-01");
        for seconds in [0, 951_782_400, 1_709_164_800, 1_795_219_200, 4_107_542_400] {
            let Civil { year, month, day, .. } = civil(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(moment(year, month, day), i64::try_from(seconds).ok(), "and back");
        }
        assert_eq!(moment(2026, 13, 1), None);
    }
}
