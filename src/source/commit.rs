//! Commits as `git log` prints them.

use super::git::{Git, SourceError, is_hash};
use super::record::Commit;
use std::ffi::OsString;

/// What is asked of each commit, parts separated by NUL, commits by 0x1e.
pub(super) const FORMAT: &str = "--format=format:%H%x00%P%x00%ct%x00%cd%x00%ad%x00%aN%x00%aE%x00%s%x00%b%x1e";

/// Days, all of one time zone.
pub(super) const DATES: &str = "--date=format-local:%Y-%m-%d";

/// How many `Fixes:` of a message are kept.
const FIXES: usize = 16;

/// One commit as [`FORMAT`] prints it; none for anything else.
#[must_use]
pub(super) fn read(record: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(record);
    let mut parts = text.trim_start_matches('\n').splitn(9, '\0');
    let commit = parts.next().filter(|id| is_hash(id))?.to_owned();
    let parents = parts.next()?.split_whitespace().map(str::to_owned).collect();
    let committed: i64 = parts.next()?.parse().ok()?;
    let (date, written) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let (author, mail, subject) = (parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.to_owned());
    let fixes = trailers(parts.next().unwrap_or("")).filter(|(name, _)| name.eq_ignore_ascii_case("fixes"));
    let fixes = fixes.map(|(_, value)| value.to_owned()).take(FIXES).collect();
    Some(Commit { commit, subject, author, mail, written, date, committed, parents, fixes })
}

/// The lines `Name: value` of a message, wherever they stand.
pub(super) fn trailers(body: &str) -> impl Iterator<Item = (&str, &str)> {
    body.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(':')?;
        let is_name = name.len() < 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_name && !name.is_empty() && !value.trim().is_empty()).then(|| (name, value.trim()))
    })
}

/// The commits that `git log` lists for some arguments.
///
/// # Errors
/// What git says.
pub(super) fn log(git: &Git, arguments: &[OsString]) -> Result<Vec<Commit>, SourceError> {
    let mut all: Vec<OsString> = vec!["log".into(), "--no-color".into(), DATES.into(), FORMAT.into()];
    all.extend_from_slice(arguments);
    let mut commits = Vec::new();
    git.records(&all, 0x1e, |record| {
        commits.extend(read(record));
        true
    })?;
    Ok(commits)
}

/// Some commits by their full ids, in that order; unknown ones are left out.
///
/// # Errors
/// What git says.
pub(super) fn of_ids<'a>(git: &Git, ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<Commit>, SourceError> {
    let mut arguments: Vec<OsString> = vec!["--no-walk=unsorted".into(), "--ignore-missing".into()];
    let before = arguments.len();
    arguments.extend(ids.into_iter().filter(|id| is_hash(id)).map(OsString::from));
    if arguments.len() == before { Ok(Vec::new()) } else { log(git, &arguments) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_found_anywhere_and_prose_is_none() {
        let body =
            "Why: because\n\nSee the log: it ends\nFixes: 0123456789ab (\"x: y\")\n Closes:  https://a.example/b\n";
        let found: Vec<_> = trailers(body).collect();
        assert_eq!(
            found,
            [("Why", "because"), ("Fixes", "0123456789ab (\"x: y\")"), ("Closes", "https://a.example/b")]
        );
    }
}
