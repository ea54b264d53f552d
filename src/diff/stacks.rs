//! The stacks of many causes with functions as numbers, which are compared sooner than names and take less room.

use super::sample::Sample;
use std::collections::HashMap;

/// The stacks of causes, by their places.
pub(super) struct Stacks {
    /// The functions of all stacks, one stack after the other.
    functions: Vec<u32>,
    /// Where each stack ends.
    ends: Vec<usize>,
    /// How many stacks hold each function.
    holders: Vec<u32>,
}

impl Stacks {
    /// Those of these causes.
    pub(super) fn of(causes: &[Sample]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut stacks = Self { functions: Vec::new(), ends: Vec::with_capacity(causes.len()), holders: Vec::new() };
        // The stack that held a function last, so that one that calls itself counts once.
        let mut last: Vec<usize> = Vec::new();
        for (at, cause) in causes.iter().enumerate() {
            for name in &cause.cause.stack {
                // More names than 2^32 do not fit into any memory.
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                let function = *numbers.entry(name).or_insert(next);
                if function == next {
                    stacks.holders.push(0);
                    last.push(usize::MAX);
                }
                let number = function as usize;
                if last[number] != at {
                    stacks.holders[number] += 1;
                    last[number] = at;
                }
                stacks.functions.push(function);
            }
            stacks.ends.push(stacks.functions.len());
        }
        stacks
    }

    /// The stack of a cause.
    pub(super) fn stack(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.functions[start..self.ends[at]]
    }

    /// How many stacks hold a function.
    pub(super) fn holders(&self, function: u32) -> u32 {
        self.holders[function as usize]
    }
}
