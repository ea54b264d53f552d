//! Wall-clock times as logs write them, made into moments: the year and the zone that a syslog leaves out are found from the
//! file's own time.

use crate::calendar::{Civil, civil, moment};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, UTC.
pub(super) type Moment = i64;

/// No zone is further from UTC than this, minutes.
const FURTHEST_ZONE: i64 = 14 * 60;
/// Zones differ by multiples of this, minutes.
const ZONE_STEP: i64 = 15;
/// So much later than its last line a file may have been written, seconds.
const WRITTEN_AFTER: i64 = 20;

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    year: Option<u64>,
    month: u64,
    day: u64,
    /// Seconds since midnight.
    second: i64,
    /// East of UTC, seconds; none where it is not written.
    zone: Option<i64>,
}

/// Months as syslog and `dmesg -T` write them.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Written {
    /// Reads `Nov 21 07:55:11`, `2026-11-21T07:55:11.123+01:00`, `Sat Nov 21 07:55:11 2026`; none without a date.
    #[must_use]
    pub(super) fn read(text: &str) -> Option<Self> {
        let (mut year, mut month, mut day, mut clock) = (None, None, None, None);
        for word in text.split([' ', 'T']).filter(|word| !word.is_empty()) {
            if let Some(at) = MONTHS.iter().position(|name| *name == word) {
                month = Some(at as u64 + 1);
            } else if let [y, m, d] = word.split('-').collect::<Vec<_>>()[..]
                && y.len() == 4
            {
                (year, month, day) = (y.parse().ok(), m.parse().ok(), d.parse().ok());
            } else if word.as_bytes().get(2) == Some(&b':') {
                clock = read_clock(word);
            } else if let Ok(number) = word.parse::<u64>() {
                if word.len() == 4 {
                    year = Some(number);
                } else {
                    day = Some(number);
                }
            }
        }
        let (second, zone) = clock?;
        let (month, day) = (month?, day?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Self { year, month, day, second, zone })
    }

    /// The moment, as if written in UTC where it names no zone; `newest` is a moment that it is not later than, which gives
    /// the year. And whether the zone is known.
    #[must_use]
    pub(super) fn moment(self, newest: SystemTime) -> Option<(Moment, bool)> {
        let year = self.year.unwrap_or_else(|| {
            // A day of grace: the file's time is UTC, the line's may be ahead of it.
            let Civil { year, month, day, .. } = civil(newest + Duration::from_secs(86_400));
            if (self.month, self.day) <= (month, day) { year } else { year.saturating_sub(1) }
        });
        let midnight = moment(year, self.month, self.day)?;
        Some((midnight + self.second - self.zone.unwrap_or(0), self.zone.is_some()))
    }
}

/// `07:55:11`, with a fraction and a zone if there are any: seconds since midnight, seconds east of UTC.
fn read_clock(word: &str) -> Option<(i64, Option<i64>)> {
    let number = |text: Option<&str>| text?.parse::<i64>().ok();
    let second = number(word.get(0..2))? * 3600 + number(word.get(3..5))? * 60 + number(word.get(6..8))?;
    let rest = word.get(8..)?.trim_start_matches(['.', ',']).trim_start_matches(|char: char| char.is_ascii_digit());
    let zone = match rest.as_bytes().first() {
        Some(b'Z') => Some(0),
        Some(sign @ (b'+' | b'-')) => {
            let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
            let east = number(digits.get(0..2))? * 3600 + number(digits.get(2..4)).unwrap_or(0) * 60;
            Some(if *sign == b'-' { -east } else { east })
        }
        _ => None,
    };
    Some((second, zone))
}

/// How far east of UTC the writer of a file was, seconds: its last line, read as UTC, against the time at which the file was
/// last written. None where the two do not belong together, as in a copy.
#[must_use]
pub(super) fn zone_of(last: Moment, modified: SystemTime) -> Option<i64> {
    let difference = last - seconds(modified);
    let step = ZONE_STEP * 60;
    // The line is never later than the writing.
    let east = difference.div_euclid(step) * step + if difference.rem_euclid(step) == 0 { 0 } else { step };
    (east - difference <= WRITTEN_AFTER && east.abs() <= FURTHEST_ZONE * 60).then_some(east)
}

/// Seconds since 1970.
#[must_use]
pub(super) fn seconds(moment: SystemTime) -> Moment {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The moment as the system's.
#[must_use]
pub(super) fn system_time(moment: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(moment).unwrap_or(0).min(253_402_300_799))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::utc;

    #[test]
    fn times_are_read_as_they_are_written() {
        let newest = system_time(1_795_249_976); // 2026-11-21T08:32:56Z
        for (text, want) in [
            ("Nov 21 07:55:11", "2026-11-21T07:55:11Z"),
            ("Dec  5 22:39:31", "2025-12-05T22:39:31Z"),
            ("2016-03-26T20:52:22.526425+01:00", "2016-03-26T19:52:22Z"),
            ("2021-01-28T16:41:56.354430804Z", "2021-01-28T16:41:56Z"),
            ("Mon Jul 19 16:33:09 2021", "2021-07-19T16:33:09Z"),
            ("Sat 2024-01-27 16:33:09 CET", "2024-01-27T16:33:09Z"),
        ] {
            let moment = Written::read(text).and_then(|written| written.moment(newest)).map(|(moment, _)| moment);
            assert_eq!(moment.map(|moment| utc(system_time(moment))).as_deref(), Some(want), "{text}");
        }
        for text in ["07:55:11", "Nov 21", "Nov 77 07:55:11", "99:99", "", "2024-13-45T00:00:00Z"] {
            assert_eq!(Written::read(text).and_then(|written| written.moment(newest)), None, "{text}");
        }
    }

    #[test]
    fn the_zone_is_that_of_the_files_own_time() {
        let modified = system_time(1_795_249_976);
        assert_eq!(zone_of(1_795_249_976 + 3600, modified), Some(3600));
        assert_eq!(zone_of(1_795_249_970 - 4 * 3600, modified), Some(-4 * 3600));
        assert_eq!(zone_of(1_795_249_976, modified), Some(0));
        assert_eq!(zone_of(1_795_249_976 - 400, modified), None, "a copy's time is another");
        assert_eq!(zone_of(1_795_249_976 - 40 * 3600, modified), None);
    }
}
