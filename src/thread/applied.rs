//! "Applied": the words of a maintainer who took a patch, and what tools and bots write below them: the tree, its branch, the patches
//! one by one, and the commits that they became.

use super::body::sentences;
use super::message::{Message, one_line};
use super::place::{Place, bare, is_release};
use super::queue::{Fate, Queued, queued};

/// What a message says of a patch that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Applied {
    /// The sentence.
    pub words: String,
    /// The patch's title, where it is named.
    pub title: Option<String>,
    /// The tree that it names, with its branch in brackets.
    pub tree: Option<String>,
    /// Who applied it, where a bot tells of somebody else.
    pub by: Option<String>,
    /// The commits that it became, as written.
    pub commits: Vec<String>,
    /// Numbers of the patches that it is said of; empty where none are named.
    pub patches: Vec<u32>,
    /// Whether it speaks of a whole series.
    pub whole: bool,
}

/// Whether a message says that a patch was applied: `Applied to net, thanks!`, `Queued up`, or what bots write.
#[must_use]
pub(super) fn applied(message: &Message) -> Option<Applied> {
    if let Some(Queued { patch, fate, tree, words }) = queued(message) {
        let found = Applied { words, tree, title: Some(patch), ..Applied::default() };
        return (fate == Fate::Added).then_some(found);
    }
    let all = sentences(&message.lines);
    if all.iter().any(|sentence| still_fails(sentence)) {
        return None;
    }
    let mut sentences = all.iter().enumerate();
    let (at, statement) = sentences.find_map(|(at, sentence)| Some((at, statement(sentence)?)))?;
    let (rows, commits) = listed(message);
    let next = || all.get(at + 1).map(|sentence| Place::of(&sentence.split_whitespace().collect::<Vec<_>>()));
    let named = statement.patches.is_empty() && statement.whole;
    let patches = if rows.is_empty() {
        statement.patches
    } else {
        rows.iter().filter(|row| row.found).map(|row| row.number).collect()
    };
    Some(Applied {
        words: super::speech::kept(&all[at]),
        title: None,
        tree: if statement.unfinished { next().and_then(|place| place.tree) } else { statement.tree },
        by: statement.by,
        commits,
        whole: rows.first().map_or(named, |row| patches.len() >= row.total as usize),
        patches,
    })
}

/// Who says that it still crashes applied it to try it.
fn still_fails(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    ["still ", "but ", "however"].iter().any(|word| lower.contains(word))
        && ["crash", "hang", "trigger", "reproduc", "happen", "see ", "panic", "fail"]
            .iter()
            .any(|word| lower.contains(word))
}

/// Words before the verb: a sentence that begins with any other is not about a patch that somebody took.
const BEFORE: [&str; 41] = [
    "a",
    "actually",
    "again",
    "all",
    "also",
    "and",
    "been",
    "both",
    "commit",
    "entire",
    "following",
    "for",
    "fyi",
    "got",
    "great",
    "has",
    "have",
    "i",
    "i've",
    "it",
    "just",
    "marked",
    "now",
    "ok",
    "okay",
    "one",
    "patch",
    "patches",
    "pull",
    "request",
    "series",
    "stable",
    "thank",
    "thanks",
    "the",
    "these",
    "they",
    "this",
    "was",
    "whole",
    "you",
];
/// Verbs by which a patch gets into a tree.
const VERBS: [&str; 7] = ["applied", "queued", "merged", "pushed", "picked", "pulled", "added"];
/// Words between the verb and the tree.
const BETWEEN: [&str; 20] = [
    "added", "all", "already", "and", "both", "entire", "it", "now", "one", "out", "patch", "patches", "pushed",
    "queued", "series", "the", "them", "these", "this", "up",
];
/// Words by which people say that they tried what they applied.
const TRIED: [&str; 11] = [
    "rebuil",
    "tested",
    "testing",
    "retest",
    "booted",
    "reproduc",
    "no longer",
    "locally",
    "compiled",
    "ran ",
    "on my end",
];

/// What one sentence says.
#[derive(Debug, Default)]
struct Statement {
    tree: Option<String>,
    by: Option<String>,
    patches: Vec<u32>,
    whole: bool,
    /// Whether it ends where the tree should stand.
    unfinished: bool,
}

/// The sentence's statement, if it is one that its sender, or whom a bot speaks for, took a patch.
fn statement(sentence: &str) -> Option<Statement> {
    if sentence.ends_with('?') {
        return None;
    }
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let bare = |at: usize| words.get(at).map(|word| bare(word));
    let at = words.iter().take(10).position(|word| VERBS.contains(&self::bare(word).as_str()))?;
    let verb = bare(at)?;
    let mut patches = Vec::new();
    let mut named = |word: &str| {
        let numbers = numbers(word);
        patches.extend_from_slice(&numbers);
        !numbers.is_empty()
    };
    if !words[..at].iter().all(|word| BEFORE.contains(&self::bare(word).as_str()) || named(word)) {
        return None;
    }
    let mut after = at + 1;
    while bare(after).is_some_and(|word| BETWEEN.contains(&word.as_str()))
        || words.get(after).is_some_and(|word| named(word))
    {
        after += 1;
    }
    let whole = words[..after]
        .iter()
        .any(|word| matches!(self::bare(word).as_str(), "series" | "both" | "all" | "these" | "them" | "patches"));
    let begins = bare(0)?;
    let lower = sentence.to_lowercase();
    // Testers say what they did with it, too.
    if matches!(begins.as_str(), "i" | "i've") && TRIED.iter().any(|word| lower.contains(word)) {
        return None;
    }
    // `as 7.1 material`, `as it is`; who applied it `as suggested` tried it.
    if bare(after).as_deref() == Some("as") && !is_kept_as(&words[after + 1..]) {
        return None;
    }
    let mut found = Statement { patches, whole, ..Statement::default() };
    match bare(after).as_deref() {
        Some(preposition @ ("to" | "in" | "on" | "onto" | "into" | "for" | "as")) => {
            let place = Place::of(&words[after + 1..]);
            if place.release && verb == "applied" && !matches!(preposition, "for" | "as") || place.top {
                return None;
            }
            found.unfinished = after + 1 == words.len();
            (found.tree, found.by) = (place.tree, place.by);
        }
        None if verb != "added" => {}
        Some("thanks" | "thank" | "thx" | "with" | "by" | "via" | "cheers") if verb != "added" => {}
        Some("many" | "but") if words[after - 1].ends_with([',', ';', '-']) => {}
        // `Applied fixes and added a stable tag`: the branch alone.
        _ => return None,
    }
    let says_where = found.tree.is_some() || found.unfinished || bare(after + 1).as_deref() == Some("queue");
    (verb != "added" || says_where).then_some(found)
}

/// Whether something is taken `as` what follows: material for a release, a commit, or the way it is.
fn is_kept_as(words: &[&str]) -> bool {
    let bare: Vec<String> = words.iter().take(3).map(|word| self::bare(word)).collect();
    bare.first().is_some_and(|word| is_release(word) || commit(&format!("commit: {word}")).is_some())
        || bare.iter().any(|word| matches!(word.as_str(), "is" | "material" | "obviously"))
}

/// No word that names patches is longer, bytes.
const LONGEST_NUMBERS: usize = 40;

/// `2/3`, `1,2,4`, `1-3`, `#1`: numbers of patches.
fn numbers(word: &str) -> Vec<u32> {
    if word.len() > LONGEST_NUMBERS {
        return Vec::new();
    }
    let word = word.trim_start_matches('#').trim_end_matches([',', ':']);
    let one = word.split_once('/').map_or(word, |(number, _)| number);
    let parts: Option<Vec<Vec<u32>>> = one
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((first, last)) => {
                let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
                (last < 1000).then(|| (first..=last).collect())
            }
            None => part.parse().ok().map(|number| vec![number]),
        })
        .collect();
    parts.map(|parts| parts.concat()).unwrap_or_default()
}

/// One patch of the list below the words.
#[derive(Debug)]
struct Row {
    number: u32,
    total: u32,
    /// Whether a commit was found for it.
    found: bool,
}

/// The list of patches that b4 and patchwork's bot write, and all commits that are named.
fn listed(message: &Message) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut commits): (Vec<Row>, Vec<String>) = (Vec::new(), Vec::new());
    for line in message.lines.iter().filter(|line| line.is_own()) {
        let text = line.text.trim();
        if let Some((number, total)) = numbered(text) {
            rows.push(Row { number, total, found: true });
        } else if text == "(no matching commit)"
            && let Some(row) = rows.last_mut()
        {
            row.found = false;
        } else if let Some(commit) = commit(text)
            && !commits.iter().any(|known| known == commit)
        {
            commits.push(commit.to_owned());
        }
    }
    rows.retain(|row| row.number > 0);
    (rows, commits)
}

/// `[1/3] subject`, `- [net,v2,1/3] subject`.
fn numbered(text: &str) -> Option<(u32, u32)> {
    let (head, _) = text.trim_start_matches("- ").strip_prefix('[')?.split_once(']')?;
    let (number, total) = head.rsplit([',', ' ']).next()?.split_once('/')?;
    let (number, total) = (number.parse().ok()?, total.parse().ok()?);
    (number <= total).then_some((number, total))
}

/// `commit: HASH`, `Commit-ID: HASH`, `https://git.example.org/tree/c/HASH`: the hash.
fn commit(text: &str) -> Option<&str> {
    let hash = ["commit: ", "Commit-ID:"].iter().find_map(|label| text.strip_prefix(label)).or_else(|| {
        let address = text.strip_prefix("https://").filter(|address| !address.contains(' '))?;
        address.rsplit_once("/c/").or_else(|| address.rsplit_once("/commit/?id=")).map(|(_, hash)| hash)
    })?;
    let hash = hash.trim();
    ((7..=64).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
}

/// Whether a subject is that of an answer to a patch or a pull request.
#[must_use]
pub(super) fn answers_a_patch(subject: &str) -> bool {
    let bare = super::patch::bare_subject(subject);
    let head =
        bare.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or("", |(head, _)| head).to_ascii_lowercase();
    bare.len() < one_line(subject).len() && (head.contains("patch") || head.contains("pull"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Message {
        Message::read(format!("From: a@b\n\n{text}").as_bytes())
    }

    #[test]
    fn who_took_a_patch_says_so() {
        for (text, tree) in [
            ("Applied to net, thanks!\n", Some("net")),
            ("Applied, thanks.\n", None),
            ("Queued up, thanks\n", None),
            ("Applied to the widget-next tree.\n", Some("widget-next")),
            ("Both applied.\n", None),
            ("OK, applied as 7.1 material, thanks!\n", None),
            ("Whole series applied as 7.1-rc material with some adjustments.\n", None),
            ("I have queued this up for v7.1.\n", None),
            ("Pulled and added to widget.git/fixes, thanks!\n", Some("widget.git/fixes")),
            ("Applied to arm64 (for-next/fixes), thanks!\n", Some("arm64 (for-next/fixes)")),
            ("Applied to the widget-7.1.misc branch of the w/w.git tree.\n", Some("w/w.git (widget-7.1.misc)")),
            (
                "Applied to\n\n   https://git.example.org/sound.git for-next\n\nThanks!\n",
                Some("https://git.example.org/sound.git (for-next)"),
            ),
            ("I've merged the patch to my tree now.\n", None),
            ("Applied on the same day, so I may have messed it up.\n", None),
        ] {
            assert_eq!(applied(&read(text)).map(|found| found.tree), Some(tree.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn who_tried_a_patch_did_not_take_it() {
        for text in [
            "Applied to 6.12 but it still crashes.\n",
            "I applied your patch and tested it.\n",
            "Applied stress for an hour.\n",
            "> Applied, thanks!\nGreat.\n",
            "The lock is applied to nothing, and the hang still happens.\n",
            "I have applied the patch to v6.19 kernel.\n",
            "I applied the patch on top of v6.19 kernel.\n",
            "I just applied it on my tree and rebuilt the kernel.\n",
            "I applied the patch as suggested, what now?\n",
            "I applied the patch as suggested.\n",
            "Has this been applied?\n",
            "This patch can be applied.\n",
            "Two fields were added to the table.\n",
        ] {
            assert_eq!(applied(&read(text)), None, "{text}");
        }
    }

    #[test]
    fn bots_name_the_tree_the_committer_and_the_commits() {
        let text = "Hello:\n\nThis series was applied to widget/widget.git (main)\nby Ann Example <ann@example.org>:\n\nOn Monday you wrote:\n> text\n\nHere is the summary with links:\n  - [net,v2,1/2] widget: one\n    https://git.example.org/w/c/0123456789ab\n  - [net,v2,2/2] widget: two\n    (no matching commit)\n";
        let found = applied(&read(text)).expect("applied");
        assert_eq!(found.tree.as_deref(), Some("widget/widget.git (main)"));
        assert_eq!(found.by.as_deref(), Some("Ann Example"));
        assert_eq!((found.patches, found.whole), (vec![1], false));
        assert_eq!(found.commits, ["0123456789ab"]);
        let pulled = applied(&read("The pull request you sent on Monday:\n\n> git://x y\n\nhas been merged into ann/linux.git:\nhttps://git.example.org/ann/c/0123456789abcdef\n")).expect("merged");
        assert_eq!(pulled.tree.as_deref(), Some("ann/linux.git"));
        assert_eq!(pulled.commits, ["0123456789abcdef"]);
        let tip = applied(&read("The following commit has been merged into the x86/widget branch of tip:\n\nCommit-ID:     0123456789abcdef\n")).expect("merged");
        assert_eq!((tip.tree.as_deref(), tip.commits.len()), (Some("tip (x86/widget)"), 1));
    }

    #[test]
    fn patches_of_a_series_are_named_by_number() {
        for (text, patches, whole) in [
            ("Applied patches 1-3 to widget-next.\n", vec![1, 2, 3], false),
            ("Patches 1,4 applied.  Thanks.\n", vec![1, 4], false),
            ("Applied 2/3, thanks!\n", vec![2], false),
            ("All applied, thanks.\n", vec![], true),
            (
                "Applied, thanks!\n\n[1/3] widget: one\n      commit: 0123456789ab\n[3/3] widget: three\n      (no commit info)\n",
                vec![1, 3],
                false,
            ),
            ("Applied, thanks!\n\n[1/1] widget: one\n      commit: 0123456789ab\n", vec![1], true),
        ] {
            let found = applied(&read(text)).expect(text);
            assert_eq!((found.patches, found.whole), (patches, whole), "{text}");
        }
    }
}
