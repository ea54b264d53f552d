//! What a stack is of: the crash itself, where an object was allocated, what a CPU did …

use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// The role of a stack in a report. In JSON it is the word that [`Self::word`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackRole {
    /// The stack of the report itself: its first call trace, or the frames directly below its header.
    Crash,
    /// The instruction that faulted, inlined functions first: RIP, pc, NIP, epc, PSW, ERA.
    Pc,
    /// The caller of the faulting function as the link register has it.
    Lr,
    /// The instruction at which an interrupt or exception entered, inside another stack.
    Interrupted,
    /// A call trace for which the log names no role.
    Trace,
    /// A task that the kernel calls blocked.
    Hung,
    /// The task that the kernel names as the likely holder of a lock.
    Holder,
    /// One task of a task dump.
    Task,
    /// What a CPU did: NMI backtraces and task dumps of stalls.
    Cpu(u32),
    /// RCU's grace-period kthread, which did not get to run; it is not what stalls.
    Starved,
    /// Where the object was allocated.
    Allocated,
    /// Where the object was freed.
    Freed,
    /// The last work or RCU callback created for the object.
    LastWork,
    /// The one before.
    EarlierWork,
    /// KMSAN: where the uninitialized value was stored.
    Stored,
    /// KMSAN: where the uninitialized memory was created.
    Origin,
    /// KCSAN: the first access (1) and the second (2); 0 until they are counted.
    Race(u32),
    /// kmemleak: where the lost object was allocated.
    Leak,
    /// Where the page was allocated.
    PageAllocated,
    /// Where the page was freed.
    PageFreed,
    /// lockdep: where the dependency with this number was established.
    Chain(u32),
    /// lockdep: where a lock was used in a state, as in `HARDIRQ-ON-W`.
    Usage(String),
    /// Where preemption was disabled.
    PreemptOff,
    /// s390: the last branch.
    LastBreak,
    /// The stack of a panic that followed.
    Panic,
    /// A role that a user's own vocabulary names.
    Own(String),
}

/// The roles that are one word, with it.
const WORDS: [(StackRole, &str); 21] = [
    (StackRole::Crash, "crash"),
    (StackRole::Pc, "pc"),
    (StackRole::Lr, "lr"),
    (StackRole::Interrupted, "interrupted"),
    (StackRole::Trace, "trace"),
    (StackRole::Hung, "hung"),
    (StackRole::Holder, "holder"),
    (StackRole::Task, "task"),
    (StackRole::Starved, "starved"),
    (StackRole::Allocated, "allocated"),
    (StackRole::Freed, "freed"),
    (StackRole::LastWork, "last-work"),
    (StackRole::EarlierWork, "last-work-2"),
    (StackRole::Stored, "stored"),
    (StackRole::Origin, "origin"),
    (StackRole::Leak, "leak"),
    (StackRole::PageAllocated, "page-allocated"),
    (StackRole::PageFreed, "page-freed"),
    (StackRole::PreemptOff, "preempt-off"),
    (StackRole::LastBreak, "last-break"),
    (StackRole::Panic, "panic"),
];

impl StackRole {
    /// The role that a word of the vocabulary names.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        let known = WORDS.iter().find(|(_, known)| *known == word);
        known.map_or_else(|| Self::Own(word.to_owned()), |(role, _)| role.clone())
    }

    /// Its word: `crash`, `allocated`, `cpu 0`, `chain #1`, `usage HARDIRQ-ON-W` …
    #[must_use]
    pub fn word(&self) -> Cow<'_, str> {
        match self {
            Self::Cpu(cpu) => Cow::Owned(format!("cpu {cpu}")),
            Self::Race(number) => Cow::Owned(format!("race-{number}")),
            Self::Chain(number) => Cow::Owned(format!("chain #{number}")),
            Self::Usage(state) => Cow::Owned(format!("usage {state}")),
            Self::Own(word) => Cow::Borrowed(word),
            _ => Cow::Borrowed(WORDS.iter().find(|(role, _)| role == self).map_or("", |(_, word)| word)),
        }
    }

    /// Whether the stack is announced by a row of its task: a CPU's in a stall, or that of RCU's own thread.
    #[must_use]
    pub(super) fn is_task_dump(&self) -> bool {
        matches!(self, Self::Cpu(_) | Self::Starved)
    }
}

impl Display for StackRole {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.word())
    }
}

impl Serialize for StackRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_roles_stand_for_each_other() {
        for (role, word) in &WORDS {
            assert_eq!((&StackRole::of_word(word), role.word().as_ref()), (role, *word));
        }
        assert_eq!(StackRole::of_word("firmware"), StackRole::Own("firmware".to_owned()));
        let usage = StackRole::Usage("HARDIRQ-ON-W".to_owned());
        let numbered = [StackRole::Cpu(3), StackRole::Race(1), StackRole::Chain(0), usage].map(|role| role.to_string());
        assert_eq!(numbered, ["cpu 3", "race-1", "chain #0", "usage HARDIRQ-ON-W"]);
    }
}
