//! Titles that are names of one bug: a report's title and its alternatives belong together.

use super::run::Crash;
use std::collections::BTreeMap;

/// Which titles are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Families {
    /// Title → the name of its family.
    names: BTreeMap<String, String>,
    /// The name of a family that has several titles → its other titles, sorted.
    others: BTreeMap<String, Vec<String>>,
}

impl Families {
    /// The families of some crashes. A family is called by the title that most of its crashes have, the first in order
    /// of the alphabet among equals.
    pub(super) fn of<'a>(crashes: impl Iterator<Item = &'a Crash>) -> Self {
        // Union by pointing to the smaller title; found again by following.
        let mut parent: BTreeMap<&str, &str> = BTreeMap::new();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for crash in crashes {
            *votes.entry(&crash.title).or_default() += 1;
            parent.entry(&crash.title).or_insert(&crash.title);
            for other in &crash.alternatives {
                parent.entry(other).or_insert(other);
                let (one, two) = (root(&parent, &crash.title), root(&parent, other));
                parent.insert(one.max(two), one.min(two));
            }
        }
        let mut best: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (title, count) in &votes {
            let entry = best.entry(root(&parent, title)).or_insert((0, title));
            if *count > entry.0 {
                *entry = (*count, title);
            }
        }
        let names: BTreeMap<String, String> = parent
            .keys()
            .map(|title| {
                ((*title).to_owned(), best.get(root(&parent, title)).map_or(*title, |(_, name)| name).to_owned())
            })
            .collect();
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (title, name) in names.iter().filter(|(title, name)| title != name) {
            others.entry(name.clone()).or_default().push(title.clone());
        }
        Self { names, others }
    }

    /// The name of a title's family; the title itself if nothing is known of it.
    #[must_use]
    pub(super) fn name<'a>(&'a self, title: &'a str) -> &'a str {
        self.names.get(title).map_or(title, String::as_str)
    }

    /// The other titles of a family, sorted.
    #[must_use]
    pub(super) fn others(&self, name: &str) -> Vec<String> {
        self.others.get(name).cloned().unwrap_or_default()
    }
}

fn root<'a>(parent: &BTreeMap<&'a str, &'a str>, title: &'a str) -> &'a str {
    let mut at = title;
    while let Some(next) = parent.get(at).filter(|next| **next != at) {
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_one_bug() {
        let crash = |title: &str, other: &[&str]| Crash {
            title: title.into(),
            alternatives: other.iter().map(|one| (*one).to_owned()).collect(),
            time: None,
            line: 1,
            cause: super::super::cause::Cause::default(),
        };
        let crashes = [crash("b", &["a"]), crash("b", &[]), crash("c", &["a"]), crash("d", &[])];
        let families = Families::of(crashes.iter());
        assert_eq!(families.name("a"), "b");
        assert_eq!(families.name("c"), "b");
        assert_eq!(families.name("d"), "d");
        assert_eq!(families.others("b"), ["a", "c"]);
    }
}
