//! What the lines of a report have said so far, and what the next ones belong to.

use super::damage::Damage;
use super::held_pair::Gathering;
use super::held_pieces::Pieces;
use super::registers::Registers;
use super::role::StackRole;
use super::structure::Structure;
use crate::grammar::Grammar;

/// What a reader says about a line that it is asked about.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The line is one of its own; nobody else is asked.
    Taken,
    /// The line may be somebody else's.
    NotMine,
}

impl Answer {
    /// Asks the next reader, unless the line is taken.
    #[inline]
    pub(super) fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        if self == Self::Taken { self } else { next() }
    }

    /// Whether nobody else is asked.
    #[inline]
    pub(super) fn is_taken(self) -> bool {
        self == Self::Taken
    }
}

/// What the next lines belong to.
#[derive(Debug, Default)]
pub(super) enum Open {
    /// Nothing that was begun.
    #[default]
    Nothing,
    /// The stack with this index.
    Stack(usize),
    /// The last entry of lockdep's chain, whose stack comes.
    Chain,
    /// A context of a DEPT report; frames that come are those of its wait, or of something else.
    Context {
        /// Its index.
        at: usize,
        /// Whether the frames are those of its wait.
        waits: bool,
    },
    /// A list of held locks.
    Held(Pieces),
    /// The lock that lockdep's task wants, or one that it holds.
    Pair(Gathering),
    /// The text below `Chain exists of:`.
    ChainText,
    /// Lockdep's table of a scenario; the column at which CPU1 begins, where it has two.
    Scenario(Option<usize>),
}

/// What the lines have said so far. All readers write into it; what only one of them needs to know is its own state.
pub(super) struct Account<'g> {
    /// What the words of a line stand for.
    pub(super) grammar: &'g Grammar,
    pub(super) out: Structure,
    pub(super) open: Open,
    pub(super) damage: Damage,
    pub(super) registers: Registers,
    /// After `---[ end trace`: what follows is of others, or a copy.
    pub(super) ended: bool,
    /// Whether the registers that follow are those of user space.
    pub(super) user: bool,
}

impl<'g> Account<'g> {
    /// Nothing is said yet.
    pub(super) fn new(grammar: &'g Grammar) -> Self {
        Self {
            grammar,
            out: Structure::default(),
            open: Open::Nothing,
            damage: Damage::default(),
            registers: Registers::default(),
            ended: false,
            user: false,
        }
    }

    /// Whether a stack was read that is more than the faulting instruction.
    pub(super) fn has_stack(&self) -> bool {
        let instruction = |role: &StackRole| matches!(role, StackRole::Pc | StackRole::Lr | StackRole::Interrupted);
        self.out.stacks.iter().any(|stack| !instruction(&stack.role) && !stack.frames.is_empty())
    }

    /// Ends what is open.
    pub(super) fn close(&mut self) {
        match std::mem::take(&mut self.open) {
            Open::Stack(index) => self.damage.stack_closed(&self.out.stacks[index]),
            Open::Held(mut pieces) => pieces.end(&mut self.out.held_locks),
            Open::Pair(gathering) => gathering.end(self.out.lockdep.get_or_insert_default()),
            _ => {}
        }
    }
}

/// The first word on a thing counts.
pub(super) fn fill<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}
