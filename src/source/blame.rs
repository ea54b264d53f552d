//! Who wrote a line, which commits touched a function: `git blame` and `git log -L`.

use super::answers::remembered;
use super::code::Function;
use super::commit::{log, of_ids};
use super::git::{SourceError, is_hash, words};
use super::record::{Base, Commit, FunctionBlame, LineBlame};
use super::tree::Tree;
use serde::{Deserialize, Serialize};

/// How many commits that touched a function are reported.
const TOUCHED: usize = 5;
/// How many commits of a range are reported.
const IN_RANGE: usize = 20;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// What `git blame` says of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Blamed {
    commit: String,
    file: String,
    line: u32,
    boundary: bool,
}

/// Who wrote a line of a file at a commit; none where git names nobody.
///
/// # Errors
/// What git says.
pub(super) fn blame_line(tree: &Tree, commit: &str, file: &str, line: u32) -> Result<Option<LineBlame>, SourceError> {
    let number = line.to_string();
    let blamed = remembered(tree, &["blame", commit, file, &number], || {
        tree.tell(&format!("who wrote {file}:{line}"));
        let range = format!("-L{line},{line}");
        let said = tree.git.output(&[
            "blame",
            "--no-ignore-revs-file",
            "--no-textconv",
            "--line-porcelain",
            &range,
            commit,
            "--",
            file,
        ])?;
        Ok(porcelain(&said))
    })?;
    let Some(blamed) = blamed else { return Ok(None) };
    let Some(commit) = of_ids(&tree.git, [blamed.commit.as_str()])?.pop() else { return Ok(None) };
    Ok(Some(LineBlame {
        cut: blamed.boundary && tree.cut_at.contains(&blamed.commit),
        file_then: (blamed.file != file).then_some(blamed.file),
        line_then: blamed.line,
        commit,
    }))
}

/// The commits that touched a function, up to the base: the newest ones, and those of a range `(good, bad)`.
///
/// # Errors
/// What git says.
pub(super) fn blame_function(
    tree: &Tree,
    base: &Base,
    file: &str,
    function: &Function,
    range: Option<&(String, String)>,
) -> Result<FunctionBlame, SourceError> {
    let touched = commits_touching(tree, file, function, &base.commit, None, TOUCHED)?;
    // Where a shallow clone ends everything seems to be new.
    let touched: Vec<Commit> = touched.into_iter().filter(|commit| !tree.cut_at.contains(&commit.commit)).collect();
    let in_range = match range {
        Some((good, bad)) => in_range(tree, file, &function.name, good, bad)?,
        None => Vec::new(),
    };
    let days = touched.iter().map(|commit| (base.committed - commit.committed).max(0) / DAY).min();
    Ok(FunctionBlame {
        name: function.name.clone(),
        first: function.first,
        last: function.last,
        touched,
        days_before: days,
        in_range,
    })
}

/// The commits between two that touched a function, wherever it stands at the second.
fn in_range(tree: &Tree, file: &str, name: &str, good: &str, bad: &str) -> Result<Vec<Commit>, SourceError> {
    let (good, bad) = (tree.commit(good)?, tree.commit(bad)?);
    let text = tree.text(&bad, file)?.unwrap_or_default();
    match super::code::function_named(&text, name) {
        Some(function) => commits_touching(tree, file, &function, &bad, Some(&good), IN_RANGE),
        None => Ok(Vec::new()),
    }
}

/// Commits of the past of `commit`, and not of the past of `without`, that touched some lines of a file; the newest first.
///
/// # Errors
/// What git says.
pub(super) fn commits_touching(
    tree: &Tree,
    file: &str,
    function: &Function,
    commit: &str,
    without: Option<&str>,
    most: usize,
) -> Result<Vec<Commit>, SourceError> {
    if without == Some(commit) {
        return Ok(Vec::new());
    }
    let lines = format!("{},{}", function.first, function.last);
    let count = most.to_string();
    remembered(tree, &["touching", commit, without.unwrap_or(""), file, &lines, &count], || {
        tree.tell(&format!("which commits touched {} in {file}", function.name));
        let mut arguments =
            words(&["-s", "--no-textconv", "--no-ext-diff", "-n", &count, &format!("-L{lines}:{file}"), commit]);
        arguments.extend(without.map(|without| format!("^{without}").into()));
        log(&tree.git, &arguments)
    })
}

/// The first line that `git blame --line-porcelain` describes.
fn porcelain(said: &[u8]) -> Option<Blamed> {
    let text = String::from_utf8_lossy(said);
    let mut lines = text.lines();
    let mut head = lines.next()?.split(' ');
    let commit = head.next().filter(|id| is_hash(id) && !id.bytes().all(|byte| byte == b'0'))?.to_owned();
    let line = head.next()?.parse().ok()?;
    let mut blamed = Blamed { commit, file: String::new(), line, boundary: false };
    // The line itself begins with a tab; what comes before is git's own.
    for line in lines.take_while(|line| !line.starts_with('\t')) {
        blamed.boundary |= line == "boundary";
        if let Some(file) = line.strip_prefix("filename ") {
            blamed.file = file.to_owned();
        }
    }
    Some(blamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_cannot_forge_what_git_says() {
        let id = "0123456789012345678901234567890123456789";
        let said =
            format!("{id} 7 9 1\nauthor boundary\nsummary filename x.c\nfilename a b.c\n\tfilename evil.c\nboundary\n");
        let blamed = porcelain(said.as_bytes()).expect("a line");
        assert_eq!(
            (blamed.commit.as_str(), blamed.file.as_str(), blamed.line, blamed.boundary),
            (id, "a b.c", 7, false)
        );
        assert_eq!(porcelain(b""), None);
        assert_eq!(porcelain(b"fatal: what\n"), None);
    }
}
