//! What a crash is about beyond its title: the access, the locks, the stacks; how alike two such causes are.

use crate::grammar::{Grammar, List};
use crate::report::{HeldLock, Report, Stack, StackRole};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a report is about, addresses and offsets dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Cause {
    /// `read of 4 bytes`.
    pub access: Option<String>,
    /// Classes of the locks that a lockdep report is about, sorted.
    pub locks: Vec<String>,
    /// Functions of the blamed stack, from the blamed one outwards.
    pub stack: Vec<String>,
    /// Functions of the stack that allocated the object.
    pub allocated: Vec<String>,
    /// Functions of the stack that freed the object.
    pub freed: Vec<String>,
}

/// As many frames of a stack are compared.
const DEPTH: usize = 16;
/// Stacks below this likeness are different ones.
const ALIKE: f64 = 0.5;

/// A function without the compiler's suffixes: `f.constprop.0.isra.1` and `f.cold` are `f`.
#[must_use]
pub fn bare(function: &str) -> &str {
    function.split('.').next().filter(|name| !name.is_empty()).unwrap_or(function)
}

/// The cause of a report.
#[must_use]
pub fn cause_of(report: &Report) -> Cause {
    let access = report.access.as_ref().map(|access| match access.size {
        Some(size) => format!("{} of {size} bytes", access.kind.word().to_ascii_lowercase()),
        None => access.kind.word().to_ascii_lowercase(),
    });
    let lockdep = report.lockdep.iter();
    let locks = lockdep.flat_map(|lockdep| {
        let ends = [&lockdep.acquiring, &lockdep.holding].into_iter().flatten();
        ends.map(|lock: &HeldLock| lock.class.as_str()).chain(lockdep.chain.iter().map(|entry| entry.class.as_str()))
    });
    let stacks: Vec<(Cow<'_, str>, Vec<&str>)> =
        report.stacks.iter().map(|stack| (stack.role.word(), functions(stack))).collect();
    Cause { access, ..cause_from(&report.frame, &stacks, locks) }
}

/// The cause of a report whose title names `frame`, from its stacks (of each its role and the functions of its reliable frames)
/// and the lock classes that lockdep speaks of; without the access.
pub(crate) fn cause_from<'r>(
    frame: &str,
    stacks: &[(Cow<'_, str>, Vec<&str>)],
    locks: impl Iterator<Item = &'r str>,
) -> Cause {
    let names_it = |name: &&str| *name == frame || (name.contains("sys_") && name.ends_with(frame));
    let blamed = stacks
        .iter()
        .find_map(|(_, names)| {
            let at = names.iter().position(names_it).filter(|_| !frame.is_empty())?;
            names.get(at..)
        })
        .or_else(|| {
            stacks
                .iter()
                .find(|(role, names)| *role == StackRole::Crash.word() && !names.is_empty())
                .map(|(_, names)| &names[..])
        })
        .or_else(|| stacks.iter().find(|(_, names)| !names.is_empty()).map(|(_, names)| &names[..]))
        .unwrap_or_default();
    let named = |wanted: StackRole| {
        stacks.iter().find(|(role, _)| *role == wanted.word()).map_or(Vec::new(), |(_, names)| kept(names))
    };
    let locks: BTreeSet<&str> = locks.collect();
    let locks = locks.into_iter().map(str::to_owned).collect();
    Cause {
        access: None,
        locks,
        stack: kept(blamed),
        allocated: named(StackRole::Allocated),
        freed: named(StackRole::Freed),
    }
}

fn kept(names: &[&str]) -> Vec<String> {
    names.iter().take(DEPTH).map(|name| (*name).to_owned()).collect()
}

/// The names of a stack's reliable frames.
fn functions(stack: &Stack) -> Vec<&str> {
    stack.frames.iter().filter(|frame| frame.reliable).filter_map(|frame| frame.function.as_deref()).map(bare).collect()
}

/// What the frame at a place weighs, counted from the blamed function.
pub(super) fn weight(at: usize) -> f64 {
    1.0 / (1.0 + 0.15 * super::statistics::count(at))
}

/// How alike two stacks are, 0 to 1: frames in common in one order, those near the blamed function weighing more.
/// Nothing is alike to everything. Functions may be names or numbers of names.
#[must_use]
pub fn likeness<F: PartialEq>(one: &[F], other: &[F]) -> f64 {
    if one.is_empty() || other.is_empty() {
        return 1.0;
    }
    let total: f64 = (0..one.len()).map(weight).sum::<f64>() + (0..other.len()).map(weight).sum::<f64>();
    // best[j]: the heaviest common subsequence of what was seen of `one` and the first j of `other`.
    let mut best = vec![0.0_f64; other.len() + 1];
    for (i, left) in one.iter().enumerate() {
        let mut diagonal = 0.0;
        for (j, right) in other.iter().enumerate() {
            let above = best[j + 1];
            let matched = if left == right { diagonal + weight(i) + weight(j) } else { 0.0 };
            best[j + 1] = above.max(best[j]).max(matched);
            diagonal = above;
        }
    }
    best[other.len()] / total
}

/// The frames of an allocating or freeing stack from the first that is not the allocator's.
fn callers(stack: &[String]) -> &[String] {
    let grammar = Grammar::built_in();
    let is_allocator = |name: &String| {
        let plain = name.trim_start_matches('_');
        grammar.vocabulary.text(List::Allocators, plain).is_some()
    };
    let own = stack.iter().take_while(|name| is_allocator(name)).count();
    // A stack that was cut within the allocator says nothing of who called.
    &stack[own..]
}

impl Cause {
    /// Why the two are not one cause, in words; `None` when they are.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        if let (Some(one), Some(two)) = (&self.access, &other.access)
            && one != two
        {
            return Some("another access");
        }
        if !self.locks.is_empty() && !other.locks.is_empty() && self.locks != other.locks {
            return Some("other locks");
        }
        if likeness(&self.stack, &other.stack) < ALIKE {
            return Some("another stack");
        }
        if likeness(callers(&self.freed), callers(&other.freed)) < ALIKE {
            return Some("freed elsewhere");
        }
        if likeness(callers(&self.allocated), callers(&other.allocated)) < ALIKE / 2.0 {
            return Some("allocated elsewhere");
        }
        None
    }

    /// The cause line by line, for a comparison side by side.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.access.iter().cloned().collect();
        lines.extend(self.locks.iter().map(|class| format!("lock {class}")));
        lines.extend(self.stack.iter().cloned());
        for (role, stack) in [("allocated:", &self.allocated), ("freed:", &self.freed)] {
            if !stack.is_empty() {
                lines.push(role.to_owned());
                lines.extend(stack.iter().map(|name| format!("  {name}")));
            }
        }
        lines
    }
}

/// Two texts line by line beside each other; a line that one side lacks is `None`.
#[must_use]
pub fn aligned(a: &[String], b: &[String]) -> Vec<(Option<String>, Option<String>)> {
    use similar::DiffTag;
    let mut rows = Vec::new();
    for change in similar::capture_diff_slices(similar::Algorithm::Myers, a, b) {
        let (left, right) = (&a[change.old_range()], &b[change.new_range()]);
        if change.tag() == DiffTag::Equal {
            rows.extend(left.iter().zip(right).map(|(one, other)| (Some(one.clone()), Some(other.clone()))));
        } else {
            rows.extend(left.iter().map(|one| (Some(one.clone()), None)));
            rows.extend(right.iter().map(|other| (None, Some(other.clone()))));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn likeness_sees_order_and_nearness() {
        let whole = stack("a b c d");
        assert!((likeness(&whole, &whole) - 1.0).abs() < 1e-12);
        assert!(likeness(&whole, &stack("w x y z")).abs() < 1e-12);
        assert!(likeness(&whole, &stack("a b x y")) > likeness(&whole, &stack("x y c d")));
        assert!((likeness(&whole, &[]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn another_way_to_the_same_function_is_another_cause() {
        let one =
            Cause { stack: stack("f g h read vfs_read"), access: Some("read of 4 bytes".into()), ..Cause::default() };
        let same = Cause { stack: stack("f g h read vfs_read extra"), ..one.clone() };
        let other = Cause { stack: stack("f p q r s t"), ..one.clone() };
        let write = Cause { access: Some("write of 4 bytes".into()), ..one.clone() };
        assert_eq!(one.differs_from(&same), None);
        assert_eq!(one.differs_from(&other), Some("another stack"));
        assert_eq!(one.differs_from(&write), Some("another access"));
    }

    #[test]
    fn the_allocator_of_another_kernel_is_not_another_caller() {
        let old = Cause { freed: stack("save_stack set_track __kasan_slab_free kfree ring_drop"), ..Cause::default() };
        let new = stack(
            "kasan_save_stack kasan_set_track kasan_save_free_info slab_free_freelist_hook __kmem_cache_free ring_drop",
        );
        assert_eq!(old.differs_from(&Cause { freed: new, ..Cause::default() }), None);
        let other = stack("save_stack set_track __kasan_slab_free kfree pond_drop pond_close");
        assert_eq!(old.differs_from(&Cause { freed: other, ..Cause::default() }), Some("freed elsewhere"));
    }

    #[test]
    fn stacks_stand_side_by_side() {
        let rows = aligned(&stack("a b d"), &stack("a c d"));
        let shown: Vec<(Option<&str>, Option<&str>)> = rows.iter().map(|(l, r)| (l.as_deref(), r.as_deref())).collect();
        assert_eq!(shown, [(Some("a"), Some("a")), (Some("b"), None), (None, Some("c")), (Some("d"), Some("d"))]);
    }
}
