//! Times as users write them.

use std::time::Duration;

/// Reads `90`, `90s`, `1.5m`, `2h`, `1d` into seconds.
///
/// # Errors
/// [`TimeError`], which names the forms.
pub fn parse_seconds(text: &str) -> Result<f64, TimeError> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(TimeError(text.to_owned())),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value * factor),
        _ => Err(TimeError(text.to_owned())),
    }
}

/// A text that is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: write a time as 90, 90s, 10m, 2h or 1d")]
pub struct TimeError(String);

/// Seconds as a duration; what is not a time becomes none.
#[must_use]
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_units() {
        assert_eq!(parse_seconds("90"), Ok(90.0));
        assert_eq!(parse_seconds("1.5m"), Ok(90.0));
        assert_eq!(parse_seconds("2h"), Ok(7_200.0));
        assert_eq!(parse_seconds("250ms"), Ok(0.25));
        for bad in ["", "m", "-1", "10 parsecs", "nan", "inf", "1e400"] {
            assert!(parse_seconds(bad).is_err(), "{bad:?}");
        }
    }
}
