//! The lines at a transcript's end: totals, recipients, version bumps.

use super::record::Totals;

/// `27, total time: 4h32m53.3s (build: 1h45m10.4s, test: 2h42m14.3s)`.
#[must_use]
pub(super) fn totals(text: &str) -> Totals {
    let after = |name: &str| text.split_once(name).map_or(0.0, |(_, rest)| seconds(rest));
    let revisions = text.split(',').next().and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    Totals { revisions, total: after("total time: "), build: after("build: "), test: after("test: ") }
}

/// A duration as Go prints it (`12h3m4.5s`, `650ms`), in seconds; reads as far as it understands.
#[must_use]
pub(super) fn seconds(text: &str) -> f64 {
    let mut total = 0.0;
    let mut rest = text.trim_start();
    loop {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let Ok(number) = rest[..digits].parse::<f64>() else { return total };
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        total += number
            * match &rest[..letters] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                _ => return total,
            };
        rest = &rest[letters..];
    }
}

/// A list as Go's `%q` prints it: `["a@example.org" "b@example.org"]`.
#[must_use]
pub(super) fn quoted_list(text: &str) -> Vec<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a subject is that of a version bump: `Linux 5.4-rc1`.
#[must_use]
pub(super) fn is_release_subject(subject: &str) -> bool {
    subject.strip_prefix("Linux ").or_else(|| subject.strip_prefix("Linux-")).is_some_and(|rest| {
        let rest = rest.strip_prefix('v').unwrap_or(rest);
        rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.contains(' ')
    })
}
