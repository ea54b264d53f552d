//! Which bug next: points for what makes a bug worth taking, each with its reason.

use super::listing::{Listed, Repro};
use crate::grammar::Grammar;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Ranked`].
pub const PICK_SCHEMA: &str = "kanalyze.pick/1";

/// A bug with its points.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ranked {
    /// [`PICK_SCHEMA`].
    pub schema: &'static str,
    /// The bug.
    pub bug: Listed,
    /// The sum of the reasons' points.
    pub points: i32,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// What it counts.
    pub points: i32,
    /// In words.
    pub words: String,
}

/// Ranks a bug. What the list does not say counts nothing.
#[must_use]
pub fn rank(grammar: &Grammar, bug: &Listed) -> Ranked {
    let mut reasons = Vec::new();
    let mut add = |points: i32, words: String| {
        if points != 0 {
            reasons.push(Reason { points, words });
        }
    };
    match bug.repro {
        Repro::C => add(4, "a C reproducer".to_owned()),
        Repro::Syz => add(3, "a syz reproducer".to_owned()),
        Repro::None => add(-3, "no reproducer".to_owned()),
        Repro::Unknown => {}
    }
    if let Some(last) = bug.last_days {
        match last {
            last if last <= 7.0 => add(2, format!("seen {}", ago(last))),
            last if last <= 30.0 => add(1, format!("seen {}", ago(last))),
            last if last > 90.0 => add(-2, format!("not seen for {last:.0} days")),
            _ => {}
        }
    }
    if let Some(count) = bug.count {
        match count {
            count if count >= 1000 => add(3, format!("seen {count} times")),
            count if count >= 100 => add(2, format!("seen {count} times")),
            count if count >= 10 => add(1, format!("seen {count} times")),
            1 => add(-1, "seen once".to_owned()),
            _ => {}
        }
    }
    let kind = grammar.type_of(bare(bug));
    let harm = harm(kind);
    if harm > 0 {
        add(harm, format!("type {kind}"));
    }
    if bug.cause_bisection.as_deref() == Some("done") {
        add(2, "its cause was bisected".to_owned());
    }
    if !bug.fix_commits.is_empty() {
        add(-8, format!("a fix is known: {}", bug.fix_commits.join("; ")));
    }
    match (bug.patch_days, bug.mails, bug.mail_days) {
        (Some(days), _, _) => add(-5, format!("a patch was mailed {}", ago(days))),
        (None, Some(0), _) => add(2, "nobody has answered".to_owned()),
        (None, Some(mails), Some(days)) if days <= 14.0 => add(-2, format!("{mails} mails, the last {}", ago(days))),
        (None, Some(mails), Some(days)) if days > 60.0 => add(1, format!("{mails} mails, but none for {days:.0} days")),
        _ => {}
    }
    if let Some(days) = bug.reported_days.filter(|days| *days <= 30.0) {
        add(1, format!("reported {}", ago(days)));
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points.abs()));
    Ranked { schema: PICK_SCHEMA, bug: bug.clone(), points: reasons.iter().map(|reason| reason.points).sum(), reasons }
}

fn bare(bug: &Listed) -> &str {
    super::listing::bare_title(&bug.title)
}

/// How bad a kind is, by syzbot's vocabulary of types: what can be written to memory that is not one's own is worst.
fn harm(kind: &str) -> i32 {
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    match () {
        () if has(&["WRITE", "INVALID-FREE", "USE-AFTER-FREE"]) => 3,
        () if has(&["KASAN", "KFENCE", "KMSAN", "MEMORY_SAFETY", "REFCOUNT", "LOCKDEP"]) => 2,
        () if has(&["HANG", "NULL-POINTER", "UBSAN", "ATOMIC_SLEEP", "BUG", "DoS"]) => 1,
        () => 0,
    }
}

/// `today`, `3 days ago`.
fn ago(days: f64) -> String {
    match days {
        days if days < 1.0 => "today".to_owned(),
        days if days < 1.5 => "a day ago".to_owned(),
        days => format!("{days:.0} days ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_the_sum_of_their_reasons_and_what_is_unknown_counts_nothing() {
        let grammar = Grammar::built_in();
        let nothing = rank(&grammar, &Listed { title: "x".to_owned(), ..Listed::default() });
        assert_eq!((nothing.points, nothing.reasons.len()), (0, 0));
        let bug = Listed {
            title: "KASAN: slab-use-after-free Write in f (2)".to_owned(),
            repro: Repro::C,
            count: Some(120),
            last_days: Some(2.0),
            mails: Some(0),
            ..Listed::default()
        };
        let ranked = rank(&grammar, &bug);
        assert_eq!(ranked.points, ranked.reasons.iter().map(|reason| reason.points).sum::<i32>());
        assert_eq!(ranked.points, 4 + 2 + 2 + 3 + 2, "{:?}", ranked.reasons);
        let taken = rank(&grammar, &Listed { patch_days: Some(3.0), mails: None, ..bug });
        assert!(taken.points < ranked.points);
    }
}
