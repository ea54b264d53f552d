//! Known issues: a TOML file that says what a comparison or a check may find, and until when.

use super::record::Difference;
use super::seen::Area;
use crate::input::read_small;
use serde::Deserialize;
use std::path::Path;

/// A larger file is not a baseline.
const LARGEST: u64 = 16 << 20;

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("{0}: this baseline cannot be read: {1}")]
    Unreadable(String, #[source] std::io::Error),
    /// It is not what a baseline is.
    #[error("{0}{1}")]
    Wrong(String, #[source] BaselineFault),
}

/// What is wrong with the text of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineFault {
    /// It is not TOML, or has other keys: the line, and what is wrong with it.
    #[error(":{line}: this is not a baseline: {message}; `kanalyze diff --help` shows one")]
    Toml {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Another version of the format.
    #[error(": this is not a baseline: version {0} is not known; it is 1")]
    Version(u32),
    /// An `until` that is not a day; the title of the issue.
    #[error(": this is not a baseline: '{0}': until is a day, as in 2026-12-31")]
    Until(String),
}

/// The known issues of a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of the format: 1.
    pub version: u32,
    /// The issues.
    #[serde(default)]
    pub known: Vec<Known>,
}

/// One known issue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The title (or message, lock pair …); `*` stands for anything.
    pub title: String,
    /// The area, as in JSON; `crash` when absent.
    pub area: Option<String>,
    /// The last day on which it is excused, `2026-12-31`; for ever when absent.
    pub until: Option<toml::value::Datetime>,
    /// Why it is excused: words, a link.
    pub reason: Option<String>,
}

/// What a baseline says of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excuse {
    /// It is known: the reason.
    Known(String),
    /// It was known until this day.
    Expired(String),
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is not what a baseline is.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let name = path.display().to_string();
        let text = read_small(path, LARGEST).map_err(|error| BaselineError::Unreadable(name.clone(), error))?;
        Self::parse(&text).map_err(|fault| BaselineError::Wrong(name, fault))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`BaselineFault`].
    pub fn parse(text: &str) -> Result<Self, BaselineFault> {
        let baseline: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            // Some messages are of several lines.
            BaselineFault::Toml { line, message: error.message().lines().collect::<Vec<_>>().join(", ") }
        })?;
        if baseline.version != 1 {
            return Err(BaselineFault::Version(baseline.version));
        }
        for known in &baseline.known {
            if known.until.is_some_and(|until| until.date.is_none() || until.time.is_some()) {
                return Err(BaselineFault::Until(known.title.clone()));
            }
        }
        Ok(baseline)
    }

    /// Whether something is known, under one of its names; `today` is `2026-11-21`.
    #[must_use]
    pub fn excuse<'a>(
        &self,
        area: Area,
        mut names: impl Iterator<Item = &'a str> + Clone,
        today: &str,
    ) -> Option<Excuse> {
        let mut expired = None;
        for known in &self.known {
            let right_area = known.area.as_deref().unwrap_or("crash") == area.name();
            if !right_area || !names.clone().any(|name| matches(&known.title, name)) {
                continue;
            }
            match known.until.and_then(|until| until.date).map(|date| date.to_string()) {
                // Days in this form compare as text.
                Some(day) if day.as_str() < today => expired = Some(Excuse::Expired(day)),
                _ => return Some(Excuse::Known(known.reason.clone().unwrap_or_else(|| "in the baseline".into()))),
            }
        }
        let _ = names.next();
        expired
    }

    /// Marks what is known in a comparison and says anew whether it differs.
    pub fn apply(&self, difference: &mut Difference, today: &str) {
        for finding in &mut difference.findings {
            let names = std::iter::once(finding.name.as_str()).chain(finding.alt_titles.iter().map(String::as_str));
            match self.excuse(finding.area, names, today) {
                Some(Excuse::Known(reason)) => finding.known = Some(reason),
                Some(Excuse::Expired(day)) => finding.words.push_str(&format!("; was excused until {day}")),
                None => {}
            }
        }
        difference.differs = difference.findings.iter().any(|one| one.verdict.is_claim() && one.known.is_none());
    }
}

/// Whether a pattern with `*` matches the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_expires() {
        let text = "version = 1\n[[known]]\ntitle = 'WARNING in f*'\nuntil = 2026-12-31\nreason = 'r'\n[[known]]\ntitle = 'x'\narea = 'message'\n";
        let baseline = Baseline::parse(text).expect("a baseline");
        let ask = |area, name: &str, today: &str| baseline.excuse(area, std::iter::once(name), today);
        assert_eq!(ask(Area::Crash, "WARNING in foo", "2026-12-31"), Some(Excuse::Known("r".into())));
        assert_eq!(ask(Area::Crash, "WARNING in foo", "2027-01-01"), Some(Excuse::Expired("2026-12-31".into())));
        assert_eq!(ask(Area::Crash, "WARNING in goo", "2026-12-31"), None);
        assert_eq!(ask(Area::Crash, "x", "2026-12-31"), None);
        assert_eq!(ask(Area::Message, "x", "2026-12-31"), Some(Excuse::Known("in the baseline".into())));
    }

    #[test]
    fn a_wrong_baseline_is_an_error() {
        assert!(Baseline::parse("version = 2").is_err_and(|fault| fault == BaselineFault::Version(2)));
        assert!(Baseline::parse("version = 1\n[[known]]\ntitel = 'x'").is_err());
        assert!(
            Baseline::parse("version = 1\n[[known]]\ntitle = 'x'\nuntil = 10:00:00")
                .is_err_and(|fault| fault == BaselineFault::Until("x".to_owned()))
        );
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(matches("a*c*e", "abcde") && matches("abc", "abc") && matches("*", ""));
        assert!(!matches("a*c", "abd") && !matches("abc", "abcd") && !matches("ab*ba", "aba"));
    }
}
