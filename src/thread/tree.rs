//! Copies of a message made one, and who answers whom.

use super::message::Message;
use std::collections::{BTreeMap, BTreeSet};

/// A message with its copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// The copy that is closest to what was sent.
    pub message: Message,
    /// How many copies came.
    pub copies: usize,
    /// The lists that they came over, sorted.
    pub lists: Vec<String>,
    /// Lists whose copy has another text: a list's footer, a sender that was rewritten.
    pub differing: Vec<String>,
}

/// Which copy is closest to what was sent: lists of kernel.org's archive change nothing, others add footers.
fn rank(list: &str) -> u8 {
    let ends = |end: &str| list.ends_with(end);
    match () {
        () if ends(".feeds.kernel.org") => 0,
        () if ends(".linux.dev") => 1,
        () if ends(".kernel.org") => 2,
        () => 3,
    }
}

/// Makes one of all messages of an id; those without an id stay apart. In the order in which they came first.
#[must_use]
pub(super) fn merged(messages: Vec<Message>) -> Vec<Merged> {
    let mut groups: Vec<Vec<Message>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for message in messages {
        let known = (!message.id.is_empty()).then(|| *places.entry(message.id.clone()).or_insert(groups.len()));
        match known.and_then(|at| groups.get_mut(at)) {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    groups.into_iter().filter_map(one).collect()
}

fn one(mut group: Vec<Message>) -> Option<Merged> {
    let best = (0..group.len()).min_by_key(|at| rank(&group[*at].list))?;
    let message = group.swap_remove(best);
    let mut lists: BTreeSet<String> = group.iter().map(|copy| copy.list.clone()).collect();
    let differs = |copy: &&Message| !same_text(&copy.text, &message.text) || copy.from.address != message.from.address;
    let differing: BTreeSet<String> = group.iter().filter(differs).map(|copy| copy.list.clone()).collect();
    lists.insert(message.list.clone());
    lists.remove("");
    Some(Merged {
        copies: group.len() + 1,
        lists: lists.into_iter().collect(),
        differing: differing.into_iter().collect(),
        message,
    })
}

fn same_text(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// Who answers whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tree {
    /// Messages in the order of reading, each with its depth: an answer below what it answers, older ones first.
    pub order: Vec<(usize, usize)>,
    /// What each message answers, as far as it is here.
    pub parents: Vec<Option<usize>>,
    /// Ids that are answered and not here, sorted.
    pub missing: Vec<String>,
}

/// The trees of some messages, which are given by their places in `all`.
#[must_use]
pub(super) fn tree(all: &[Merged], chosen: &[usize]) -> Tree {
    let places: BTreeMap<&str, usize> =
        chosen.iter().map(|at| (all[*at].message.id.as_str(), *at)).filter(|(id, _)| !id.is_empty()).collect();
    let mut parents: Vec<Option<usize>> = vec![None; all.len()];
    let mut missing = BTreeSet::new();
    for at in chosen {
        let answers = &all[*at].message.answers;
        parents[*at] = answers.iter().find_map(|id| places.get(id.as_str()).copied());
        if let Some(first) = answers.first().filter(|id| !places.contains_key(id.as_str())) {
            missing.insert(first.clone());
        }
    }
    cut_circles(&mut parents);
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for at in chosen {
        children.entry(parents[*at]).or_default().push(*at);
    }
    for list in children.values_mut() {
        list.sort_by_key(|at| (all[*at].message.time.is_none(), all[*at].message.time, *at));
    }
    // Not by recursion: a chain of answers may be as long as the mailbox.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut order = Vec::with_capacity(chosen.len());
    let push = |open: &mut Vec<(usize, usize)>, parent: Option<usize>, depth: usize| {
        open.extend(children.get(&parent).into_iter().flatten().rev().map(|at| (*at, depth)));
    };
    push(&mut open, None, 0);
    while let Some((at, depth)) = open.pop() {
        order.push((at, depth));
        push(&mut open, Some(at), depth + 1);
    }
    Tree { order, parents, missing: missing.into_iter().collect() }
}

/// Messages that answer each other in a circle (forged, or sent twice): the first that was met answers nothing.
fn cut_circles(parents: &mut [Option<usize>]) {
    let mut settled = vec![false; parents.len()];
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut at = Some(start);
        while let Some(here) = at.filter(|here| !settled[*here]) {
            if !on_path.insert(here) {
                parents[here] = None;
                break;
            }
            path.push(here);
            at = parents[here];
        }
        for here in path {
            settled[here] = true;
        }
    }
}

/// The threads of a mailbox: messages that are joined by what they answer, here or not, or that are versions of one series by
/// one author. In the order of their first message.
#[must_use]
pub(super) fn threads(all: &[Merged], series: &[Option<String>]) -> Vec<Vec<usize>> {
    let mut joined: Vec<usize> = (0..all.len()).collect();
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, merged) in all.iter().enumerate() {
        let ids = std::iter::once(&merged.message.id).chain(&merged.message.answers).map(String::as_str);
        let keys = ids.filter(|id| !id.is_empty()).chain(series.get(at).and_then(Option::as_deref));
        for key in keys {
            let other = *named.entry(key).or_insert(at);
            join(&mut joined, at, other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..all.len() {
        let root = find(&mut joined, at);
        groups.entry(root).or_default().push(at);
    }
    let mut threads: Vec<Vec<usize>> = groups.into_values().collect();
    threads.sort_by_key(|thread| thread.first().copied());
    threads
}

fn find(joined: &mut [usize], mut at: usize) -> usize {
    while joined[at] != at {
        joined[at] = joined[joined[at]];
        at = joined[at];
    }
    at
}

fn join(joined: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find(joined, one), find(joined, other));
    let (low, high) = (one.min(other), one.max(other));
    joined[high] = low;
}

/// The messages that are connected with `id` through messages that are here: a thread's mailbox may hold strangers that
/// answer a message which nobody has. `None` if `id` is not here.
#[must_use]
pub(super) fn strict(all: &[Merged], id: &str) -> Option<Vec<usize>> {
    let places: BTreeMap<&str, usize> = all.iter().enumerate().map(|(at, one)| (one.message.id.as_str(), at)).collect();
    let start = *places.get(id)?;
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, merged) in all.iter().enumerate() {
        for other in merged.message.answers.iter().filter_map(|id| places.get(id.as_str())) {
            near[at].push(*other);
            near[*other].push(at);
        }
    }
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        open.extend(near[at].iter().copied().filter(|other| seen.insert(*other)));
    }
    Some(seen.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, answers: &[&str], time: i64, list: &str) -> Message {
        Message {
            id: id.to_owned(),
            answers: answers.iter().map(|id| (*id).to_owned()).collect(),
            time: Some(time),
            list: list.to_owned(),
            text: "words\n".to_owned(),
            ..Message::default()
        }
    }

    fn shape(messages: Vec<Message>) -> Vec<(String, usize)> {
        let all = merged(messages);
        let chosen: Vec<usize> = (0..all.len()).collect();
        tree(&all, &chosen).order.into_iter().map(|(at, depth)| (all[at].message.id.clone(), depth)).collect()
    }

    #[test]
    fn the_list_that_changes_nothing_gives_the_copy() {
        let mut other = message("a", &[], 1, "groups.example.com");
        other.text.push_str("_____\nfooter\n");
        let all = merged(vec![
            other,
            message("a", &[], 1, "netdev.vger.kernel.org"),
            message("", &[], 1, ""),
            message("", &[], 1, ""),
        ]);
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].copies, &*all[0].message.text), (2, "words\n"));
        assert_eq!(all[0].differing, ["groups.example.com"]);
    }

    #[test]
    fn the_last_known_id_is_the_parent() {
        let shape = shape(vec![
            message("c", &["gone", "b", "a"], 3, ""),
            message("a", &[], 1, ""),
            message("b", &["a"], 2, ""),
            message("d", &["a"], 4, ""),
        ]);
        let expected = [("a", 0), ("b", 1), ("c", 2), ("d", 1)].map(|(id, depth)| (id.to_owned(), depth));
        assert_eq!(shape, expected);
    }

    #[test]
    fn circles_and_long_chains_end() {
        assert_eq!(shape(vec![message("a", &["b"], 1, ""), message("b", &["a"], 2, "")]).len(), 2);
        let chain: Vec<Message> =
            (0..20_000).map(|at| message(&format!("{at}"), &[&format!("{}", at - 1)], at, "")).collect();
        assert_eq!(shape(chain).last().map(|(_, depth)| *depth), Some(19_999));
    }

    #[test]
    fn a_stranger_that_shares_a_missing_reference_is_not_in_the_strict_thread() {
        let all =
            merged(vec![message("a", &["gone"], 1, ""), message("b", &["a"], 2, ""), message("x", &["gone"], 3, "")]);
        assert_eq!(strict(&all, "b"), Some(vec![0, 1]));
        assert_eq!(strict(&all, "gone"), None);
        assert_eq!(threads(&all, &[None, None, None]), [vec![0, 1, 2]]);
    }
}
