//! The dashboard's JSON of a bug, of every age that it has been sent in.

use super::link::query_value;
use serde::{Deserialize, Deserializer};

/// Where syzbot lives.
pub const DASHBOARD: &str = "https://syzkaller.appspot.com";

/// `/bug?extid=…&json=1`. Keys that a server did not send are `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Bug {
    /// 1.
    #[serde(deserialize_with = "or_default")]
    pub version: u64,
    /// The title, with ` (2)` and the like.
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    /// The bug's key, 40 hex digits; since 2023-07-04.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Prose.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// When it was seen first, RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub first_crash: String,
    /// And last.
    #[serde(deserialize_with = "or_default")]
    pub last_crash: String,
    /// When its fix reached the tested trees, RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub fix_time: String,
    /// When it was closed, RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub close_time: String,
    /// The commits that fix it. One that no tested tree has yet is a title only.
    #[serde(deserialize_with = "or_default")]
    pub fix_commits: Vec<Commit>,
    /// The commit that introduced it, as syzbot's bisection says.
    #[serde(deserialize_with = "or_default")]
    pub cause_commit: Option<Commit>,
    /// Links to where it is talked about.
    #[serde(deserialize_with = "or_default")]
    pub discussions: Vec<String>,
    /// The first is the representative one.
    #[serde(deserialize_with = "or_default")]
    pub crashes: Vec<Crash>,
}

/// A commit that the dashboard names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Commit {
    /// Its title; always there.
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    /// Its hash; empty if it is in no tested tree yet.
    #[serde(deserialize_with = "or_default")]
    pub hash: String,
    /// The repository.
    #[serde(deserialize_with = "or_default")]
    pub repo: String,
    /// The branch.
    #[serde(deserialize_with = "or_default")]
    pub branch: String,
    /// The author's address.
    #[serde(deserialize_with = "or_default")]
    pub author: String,
    /// When, RFC 3339.
    #[serde(deserialize_with = "or_default")]
    pub date: String,
}

/// One crash of the bug.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Crash {
    /// The crash's own title.
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    /// Link of the syz program.
    #[serde(deserialize_with = "or_default")]
    pub syz_reproducer: String,
    /// Link of the C program.
    #[serde(deserialize_with = "or_default")]
    pub c_reproducer: String,
    /// Link of the configuration.
    #[serde(deserialize_with = "or_default")]
    pub kernel_config: String,
    /// The repository, or before 2026-02-27 a web link to the commit.
    #[serde(deserialize_with = "or_default")]
    pub kernel_source_git: String,
    /// The commit.
    #[serde(deserialize_with = "or_default")]
    pub kernel_source_commit: String,
    /// syzkaller's commit.
    #[serde(deserialize_with = "or_default")]
    pub syzkaller_commit: String,
    /// The compiler.
    #[serde(deserialize_with = "or_default")]
    pub compiler_description: String,
    /// Declared by the server, and never filled so far.
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// Link of the report.
    #[serde(deserialize_with = "or_default")]
    pub crash_report_link: String,
}

/// `null` is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What is wrong with JSON of the dashboard.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is not what is expected.
    #[error(transparent)]
    Damaged(#[from] serde_json::Error),
    /// It is of a version that is not known.
    #[error("the dashboard sends version {0} of its JSON, this kanalyze reads version 1")]
    Version(u64),
}

/// A text that names no bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a bug's name: give its extid (20 hex digits), its id (40), or a link to its page")]
pub struct BugNameError(String);

/// Reads a bug. Links come out unescaped.
///
/// # Errors
/// [`JsonError`].
pub fn parse_bug(text: &[u8]) -> Result<Bug, JsonError> {
    let mut bug: Bug = serde_json::from_slice(text)?;
    if bug.version > 1 {
        return Err(JsonError::Version(bug.version));
    }
    for crash in &mut bug.crashes {
        for link in
            [&mut crash.syz_reproducer, &mut crash.c_reproducer, &mut crash.kernel_config, &mut crash.crash_report_link]
        {
            // Old servers escaped for HTML what they then escaped for JSON.
            *link = link.replace("&amp;", "&");
        }
    }
    Ok(bug)
}

/// The number of a text on the dashboard, by which `/text?tag=ReproC&x=17` and `/x/repro.c?x=17` are the same.
#[must_use]
pub fn text_key(link: &str) -> Option<&str> {
    query_value(link, "x").or_else(|| query_value(link, "id")).filter(|key| !key.is_empty())
}

/// A bug, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BugName {
    /// The key of a reporting stage: 20 hex digits, 40 in mails of the first years.
    Extid(String),
    /// The bug's own key: 40 hex digits.
    Id(String),
}

impl BugName {
    /// Reads `extid`, `id`, a link to the bug's page, or syzbot's mail address for it.
    ///
    /// # Errors
    /// [`BugNameError`], which says what a bug may be called.
    pub fn parse(text: &str) -> Result<Self, BugNameError> {
        let text = text.trim().trim_matches(['<', '>']);
        if let Some(id) = query_value(text, "id") {
            return hex_of(id, &[40]).map(Self::Id);
        }
        let key = match (query_value(text, "extid"), text.split_once('+')) {
            (Some(extid), _) => extid,
            (None, Some((_, rest))) if text.contains('@') => rest.split('@').next().unwrap_or_default(),
            (None, _) => text,
        };
        hex_of(key, &[20, 40]).map(Self::Extid)
    }

    /// The query by which the dashboard knows it.
    #[must_use]
    pub fn query(&self) -> String {
        match self {
            Self::Extid(extid) => format!("extid={extid}"),
            Self::Id(id) => format!("id={id}"),
        }
    }

    /// The bare hex digits.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Extid(key) | Self::Id(key) => key,
        }
    }
}

fn hex_of(text: &str, lengths: &[usize]) -> Result<String, BugNameError> {
    if lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(BugNameError(text.to_owned()))
}

/// A full commit hash, or nothing.
#[must_use]
pub fn commit_hash(text: &str) -> Option<String> {
    let hash = text.trim().get(..40)?;
    let alone = text.trim().as_bytes().get(40).is_none_or(|next| !next.is_ascii_alphanumeric());
    (alone && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| hash.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_read_with_whatever_keys_it_has() {
        let bug = parse_bug(
            br#"{"version":1,"title":"WARNING in f (2)","id":null,"crashes":[
                {"title":"WARNING in f","syz-reproducer":"/text?tag=ReproSyz\u0026x=17","kernel-config":"/text?tag=KernelConfig&amp;x=9",
                 "kernel-source-commit":"aa","tomorrow":[1]},{}],"fix-commits":[{"title":"f: fix"}]}"#,
        )
        .expect("a bug");
        assert_eq!(bug.title, "WARNING in f (2)");
        assert_eq!(bug.crashes.len(), 2);
        assert_eq!(bug.crashes[0].syz_reproducer, "/text?tag=ReproSyz&x=17");
        assert_eq!(bug.crashes[0].kernel_config, "/text?tag=KernelConfig&x=9");
        assert_eq!(text_key("/x/repro.c?x=17"), Some("17"));
        assert!(parse_bug(b"{\"version\":2}").is_err());
        assert!(parse_bug(b"<html>").is_err());
    }

    #[test]
    fn a_bug_has_many_names() {
        let extid = BugName::Extid("0123456789abcdef0123".to_owned());
        for name in [
            "0123456789abcdef0123",
            " 0123456789ABCDEF0123\n",
            "https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123",
            "syzbot+0123456789abcdef0123@syzkaller.appspotmail.com",
        ] {
            assert_eq!(BugName::parse(name).as_ref(), Ok(&extid), "{name}");
        }
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(BugName::parse(&format!("https://x/bug?id={id}")), Ok(BugName::Id(id.to_owned())));
        for bad in ["", "xyz", "../../etc", "0123456789abcdef012g", "https://x/bug?id=../a", "extid&json=1&x=0123456"] {
            assert!(BugName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_commit_is_forty_digits() {
        assert_eq!(commit_hash(&"A".repeat(40)), Some("a".repeat(40)));
        assert_eq!(commit_hash(&format!("{} 2024/01/01 00:00", "b".repeat(40))), Some("b".repeat(40)));
        for bad in ["", "abc", &"a".repeat(41), &"g".repeat(40), "é".repeat(20).as_str()] {
            assert_eq!(commit_hash(bad), None, "{bad}");
        }
    }
}
