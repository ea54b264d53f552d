//! Where a patch was put: the tree and its branch, in the words of who put it there.

/// Where somebody put a patch.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The tree, with its branch in brackets.
    pub(super) tree: Option<String>,
    /// Who put it there, where a bot tells of somebody else.
    pub(super) by: Option<String>,
    /// A kernel's release is named, no tree.
    pub(super) release: bool,
    /// `on top of` something.
    pub(super) top: bool,
}

impl Place {
    /// Of the words behind `to`, `for` or their like.
    pub(super) fn of(words: &[&str]) -> Self {
        let mut at = 0;
        while words.get(at).is_some_and(|word| matches!(bare(word).as_str(), "the" | "my" | "our" | "a" | "tip's")) {
            at += 1;
        }
        let mut place = Self::default();
        let Some(first) = words.get(at) else { return place };
        let name = first
            .trim_end_matches([',', '.', '!', ';', ':'])
            .trim_start_matches(['(', '`'])
            .trim_end_matches([')', '`']);
        place.top = bare(first) == "top";
        place.release = is_release(name);
        place.by = by(words);
        let next = words.get(at + 1).map(|word| bare(word));
        let branch = words.get(at + 1).and_then(|word| {
            let inside = word.strip_prefix('(')?.split(')').next()?;
            (!inside.is_empty() && word.contains(')')).then_some(inside)
        });
        let plain = name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let ends =
            first.ends_with([',', '.', '!', ';', ':']) || next.as_deref().is_none_or(|next| FOLLOWS.contains(&next));
        if place.release
            || matches!(name, "tree" | "branch" | "top" | "same" | "queue")
            || plain && !ends && branch.is_none()
        {
            return place;
        }
        let named = |tree: &str, branch: &str| Some(format!("{tree} ({branch})"));
        place.tree = match (branch, next.as_deref()) {
            (Some(branch), _) => named(name, branch),
            // `the x86/urgent branch of tip`
            (None, Some("branch")) if words.get(at + 2).is_some_and(|word| *word == "of") => {
                let of = Self::of(&words[at + 3..]).tree;
                of.map_or_else(|| Some(name.to_owned()), |tree| named(&tree, name))
            }
            // `the -mm mm-unstable branch`, `https://…/sound.git for-6.20`
            (None, Some(next)) if name.ends_with(".git") && words.len() == at + 2 && is_branch(next) => {
                named(name, words[at + 1].trim_end_matches(['.', ',']))
            }
            (None, Some("tree")) if name == "-mm" => Some("mm".to_owned()),
            (None, Some(_)) if name == "-mm" => named("mm", words[at + 1]),
            _ => Some(name.to_owned()),
        };
        place
    }
}

/// Words that follow on the name of a tree, if that is a plain word.
const FOLLOWS: [&str; 21] = [
    "and",
    "as",
    "branch",
    "by",
    "for",
    "git",
    "in",
    "next",
    "now",
    "queue",
    "repo",
    "repository",
    "tags",
    "thank",
    "thanks",
    "to",
    "too",
    "tree",
    "via",
    "with",
    "",
];

/// Whether a word behind the address of a tree is a branch of it.
fn is_branch(word: &str) -> bool {
    !FOLLOWS.contains(&word) && !word.contains("://")
}

/// `v6.18`, `7.0-rc1`, `6.20/7.0`: releases of the kernel.
pub(super) fn is_release(name: &str) -> bool {
    let digits = name.strip_prefix('v').unwrap_or(name);
    digits.starts_with(|char: char| char.is_ascii_digit())
        && digits.contains('.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'/' | b'r' | b'c'))
}

/// `by Ann Example <ann@example.org>`
fn by(words: &[&str]) -> Option<String> {
    let at = words.iter().position(|word| *word == "by")?;
    let end = words[at..].iter().position(|word| word.starts_with('<'))? + at;
    (at + 1 < end).then(|| words[at + 1..end].join(" "))
}

/// A word in lower case, without what stands around it.
pub(super) fn bare(word: &str) -> String {
    word.trim_matches(|char: char| !char.is_alphanumeric()).to_lowercase()
}
