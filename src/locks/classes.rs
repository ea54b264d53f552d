//! What a lock class's name and usage say: whether anybody can own it, whether it names one instance, whether it is exclusive.

use crate::grammar::{Grammar, List};
use crate::report::HeldLock;

/// Whether the class is a lockdep map that nobody owns: work items, workqueues, RCU and other contexts, SRCU readers.
pub(super) fn is_unowned(lock: &HeldLock) -> bool {
    let name = bare(&lock.class);
    let grammar = Grammar::built_in();
    let words = &grammar.vocabulary;
    let mut takers = lock.acquired_at.iter().chain(&lock.inlined).filter_map(|frame| frame.function.as_deref());
    is_work(name)
        || words.text(List::Contexts, name).is_some()
        || takers.any(|function| words.function(List::UnownedTakers, function).is_some())
}

/// Which lockdep map that nobody owns the function takes.
pub(super) fn taken_map(function: &str) -> Option<UnownedMap> {
    unowned_map(Grammar::built_in().vocabulary.function(List::UnownedTakers, function)?)
}

/// Which lockdep map that nobody owns the class names.
pub(super) fn section(class: &str) -> Option<UnownedMap> {
    unowned_map(Grammar::built_in().vocabulary.text(List::Contexts, bare(class))?)
}

/// Lockdep maps that nobody owns and that waits are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnownedMap {
    /// A read-side section of RCU.
    Rcu,
    /// A read-side section of SRCU.
    Srcu,
    /// A work item.
    Work,
}

fn unowned_map(meaning: &str) -> Option<UnownedMap> {
    match meaning {
        "rcu" => Some(UnownedMap::Rcu),
        "srcu" => Some(UnownedMap::Srcu),
        "work" => Some(UnownedMap::Work),
        _ => None,
    }
}

/// The class of the global lock that the function takes, if it takes one.
pub(super) fn global_lock(function: &str) -> Option<String> {
    Grammar::built_in().vocabulary.function(List::NamedLocks, function).map(str::to_owned)
}

/// Whether the class is that of a work item or a workqueue, of any age.
pub(super) fn is_work(class: &str) -> bool {
    let name = bare(class);
    // `(wq_completion)events`, `(work_completion)(&x->work)`, and before 4.15 `"events"` and `(&x->work)`.
    name.starts_with('(') || name.starts_with('"')
}

/// Whether the class has one instance: a global `DEFINE_MUTEX(name)`. Classes of locks inside objects are printed as
/// expressions (`&x->lock`) or numbered.
pub(super) fn is_global(class: &str) -> bool {
    const NUMBERED_BY_TYPE: [&str; 6] = ["sb_", "sk_lock", "slock", "clock", "i_mutex", "mapping"];
    !class.is_empty()
        && class.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !NUMBERED_BY_TYPE.iter().any(|start| class.starts_with(start))
}

/// Whether usage bits say that the class was never taken as a reader: `+.+.`. Bits of readers are at the odd places.
pub(super) fn is_exclusive(usage: Option<&str>) -> bool {
    usage.is_some_and(|usage| {
        usage.len() >= 4
            && usage.bytes().any(|byte| byte != b'.')
            && usage.bytes().skip(1).step_by(2).all(|byte| byte == b'.')
    })
}

/// The class without its number and subclass: `&o->lock#2/1` → `&o->lock`.
pub(super) fn bare(class: &str) -> &str {
    let class = match class.rsplit_once('/') {
        Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()) => head,
        _ => class,
    };
    match class.rsplit_once('#') {
        Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()) => head,
        _ => class,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Line, describe};

    fn lock(line: &str) -> HeldLock {
        let lines = [
            Line { text: b"1 lock held by a/1:", log_line: 1, offset: 0 },
            Line { text: line.as_bytes(), log_line: 2, offset: 0 },
        ];
        describe(&Grammar::built_in(), &lines).held_locks.remove(0).locks.remove(0)
    }

    #[test]
    fn contexts_and_work_are_owned_by_nobody() {
        for (line, unowned) in [
            (" #0: ffff888012345678 (rcu_read_lock){....}-{1:2}, at: f+0x1/0x2", true),
            (" #0: ffff888012345678 ((wq_completion)events){+.+.}-{0:0}, at: process_one_work+0x1/0x2", true),
            (" #0:  (\"events\"){+.+.+.}, at: [<ffffffff81234567>] process_one_work+0x1/0x2", true),
            (" #0: ffff888012345678 (wk_work){+.+.}-{0:0}, at: process_one_work+0x1/0x2", true),
            (" #0: ffff888012345678 (fs_reclaim){+.+.}-{0:0}, at: f+0x1/0x2", true),
            (" #0: ffff888012345678 (&kvm->srcu){....}-{0:0}, at: f+0x1/0x2", true),
            (" #0: ffff888012345678 (&vq->mutex){+.+.}-{4:4}, at: f+0x1/0x2", false),
            (" #0: ffff888012345678 (sb_writers#4){.+.+}-{0:0}, at: f+0x1/0x2", false),
        ] {
            assert_eq!(is_unowned(&lock(line)), unowned, "{line}");
        }
    }

    #[test]
    fn names_show_instances_and_usage_shows_readers() {
        assert!(is_global("rtnl_mutex") && !is_global("&vq->mutex") && !is_global("sb_writers#4"));
        assert!(is_exclusive(lock(" #0: ffff888012345678 (a){+.+.}-{4:4}, at: f+0x1/0x2").usage.as_deref()));
        assert!(!is_exclusive(lock(" #0: ffff888012345678 (a){++++}-{4:4}, at: f+0x1/0x2").usage.as_deref()));
        assert!(!is_exclusive(lock(" #0: ffff888012345678 (a){....}-{4:4}, at: f+0x1/0x2").usage.as_deref()));
        assert_eq!(bare("&o->lock#2/1"), "&o->lock");
    }
}
