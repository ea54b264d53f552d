//! Which commit of the tree a log's kernel was built from.

use super::git::{SourceError, is_hash, is_hex};
use super::record::{Base, BaseKind};
use super::tree::{Tree, short};
use super::{commit, record};

/// What is known of the kernel besides the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// The commit that the user names.
    pub commit: Option<String>,
    /// The commit of the bundle or run folder in which the log lies.
    pub bundle: Option<String>,
    /// The release of the vmlinux that the user names.
    pub vmlinux: Option<String>,
    /// The last good and the first bad commit, where a bisection or the user names them.
    pub range: Option<(String, String)>,
}

/// The commit from which the kernel of a log was built. `release` is what the log says (`6.12.0-rc3-00012-g0123456789ab`).
///
/// # Errors
/// The user names a commit that is not there; git fails.
pub fn base_of(tree: &Tree, release: Option<&str>, hints: &Hints) -> Result<Base, SourceError> {
    if let Some(name) = &hints.commit {
        return based_on(tree, &tree.commit(name)?, BaseKind::Given, format!("given as {name}"), Vec::new());
    }
    let mut doubts = Vec::new();
    let stated = [
        (hash_of(release), BaseKind::Release, "the log's"),
        (hints.bundle.as_deref().filter(|id| is_hash(id)), BaseKind::Bundle, "the bundle's"),
        (hash_of(hints.vmlinux.as_deref()), BaseKind::Vmlinux, "the vmlinux'"),
    ];
    for (hash, kind, whose) in stated {
        let Some(hash) = hash else { continue };
        match tree.commit(hash) {
            Ok(id) => {
                let words = match (kind, release, &hints.vmlinux) {
                    (BaseKind::Release, Some(release), _) => format!("{whose} {release}"),
                    (BaseKind::Vmlinux, _, Some(release)) => format!("{whose} {release}"),
                    _ => format!("{whose} {}", short(hash)),
                };
                if release.is_some_and(|release| release.ends_with("-dirty")) {
                    doubts.push("the kernel was built from a tree with uncommitted changes (-dirty)".into());
                }
                return based_on(tree, &id, kind, words, doubts);
            }
            Err(_) => doubts.push(format!("{whose} commit {} is not in this tree", short(hash))),
        }
    }
    let release = release.or(hints.vmlinux.as_deref());
    for tag in release.map(tags_of).unwrap_or_default() {
        if let Ok(id) = tree.commit(&format!("refs/tags/{}", tag.name)) {
            let words = format!("the tag {} of the log's {}", tag.name, release.unwrap_or_default());
            doubts.extend(tag.doubt);
            return based_on(tree, &id, BaseKind::Tag, words, doubts);
        }
    }
    doubts.push(match release {
        Some(release) => {
            format!("nothing in this tree is named as the log's kernel {release}: lines may be others")
        }
        None => "the log does not say which kernel it is: lines may be others".into(),
    });
    based_on(tree, &tree.state.head, BaseKind::Head, "the tree's HEAD".into(), doubts)
}

fn based_on(
    tree: &Tree,
    id: &str,
    kind: BaseKind,
    words: String,
    doubts: Vec<String>,
) -> Result<record::Base, SourceError> {
    let found = commit::of_ids(&tree.git, [id])?.pop();
    let (date, committed) = found.map_or_else(Default::default, |commit| (commit.date, commit.committed));
    Ok(Base { commit: id.to_owned(), date, committed, kind, words, doubts })
}

/// The HASH of a release that ends in `-gHASH`, with or without what the builder added behind it.
fn hash_of(release: Option<&str>) -> Option<&str> {
    release?.split('-').rev().find_map(|part| part.strip_prefix('g').filter(|hash| hash.len() >= 7 && is_hex(hash)))
}

/// A tag that a release may stand for.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    name: String,
    doubt: Option<String>,
}

/// The tags of a release, the best first: `6.12.0-rc3-next-20241016` → `next-20241016`; `6.12.7-x` → `v6.12.7`; `6.12.0-rc3+` → `v6.12-rc3`.
fn tags_of(release: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = release.split(['-', '+']).collect();
    if let Some(at) = parts.iter().position(|part| *part == "next")
        && let Some(day) = parts.get(at + 1).filter(|day| day.len() == 8 && digits(day))
    {
        tags.push(Tag { name: format!("next-{day}"), doubt: None });
    }
    let numbers: Vec<&str> = parts[0].split('.').collect();
    if !(2..=4).contains(&numbers.len()) || !numbers.iter().all(|number| digits(number)) {
        return tags;
    }
    let candidate = parts.get(1).filter(|part| part.strip_prefix("rc").is_some_and(digits));
    let mut version = numbers.clone();
    // The first release of a series is tagged without the 0.
    if version.len() == 3 && version[2] == "0" {
        version.pop();
    }
    let version = version.join(".");
    let name = candidate.map_or_else(|| format!("v{version}"), |candidate| format!("v{version}-{candidate}"));
    let plain = match candidate {
        Some(candidate) => format!("{}-{candidate}", parts[0]),
        None => parts[0].to_owned(),
    };
    let rest = release.strip_prefix(plain.as_str()).unwrap_or("");
    let doubt = (!rest.is_empty()).then(|| {
        format!("the kernel calls itself {release}: what its builder changed on top of {name} is not known here")
    });
    tags.push(Tag { name, doubt });
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_ends_in_its_commit() {
        assert_eq!(hash_of(Some("6.12.0-rc3-syzkaller-00012-g0123456789ab")), Some("0123456789ab"));
        assert_eq!(hash_of(Some("5.4.0-12345-gabcdef0-dirty")), Some("abcdef0"));
        assert_eq!(hash_of(Some("6.12.0-rc3+")), None);
        assert_eq!(hash_of(Some("6.1.0-generic")), None, "no hex");
        assert_eq!(hash_of(None), None);
    }

    #[test]
    fn a_release_names_its_tags() {
        let names = |release: &str| tags_of(release).into_iter().map(|tag| tag.name).collect::<Vec<_>>();
        assert_eq!(names("6.12.0"), ["v6.12"]);
        assert_eq!(names("6.12.7"), ["v6.12.7"]);
        assert_eq!(names("6.12.0-rc3+"), ["v6.12-rc3"]);
        assert_eq!(names("6.12.0-rc3-next-20241016"), ["next-20241016", "v6.12-rc3"]);
        assert_eq!(names("6.12.117-kanalyze"), ["v6.12.117"]);
        assert_eq!(names("whatever"), [""; 0]);
        assert!(tags_of("6.12.7")[0].doubt.is_none());
        assert!(tags_of("6.12.7-2-amd64")[0].doubt.as_deref().is_some_and(|doubt| doubt.contains("on top of v6.12.7")));
    }
}
