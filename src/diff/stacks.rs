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
    /// The bits of each stack's functions, together.
    bits: Vec<u64>,
}

/// A bit that stands for a function, and for one in 64 others.
pub(super) fn bit(function: u32) -> u64 {
    // Fibonacci hashing: numbers that follow each other get bits far apart.
    1 << (function.wrapping_mul(0x9e37_79b1) >> 26)
}

impl Stacks {
    /// Those of these causes.
    pub(super) fn of(causes: &[Sample]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut stacks = Self {
            functions: Vec::new(),
            ends: Vec::with_capacity(causes.len()),
            holders: Vec::new(),
            bits: Vec::with_capacity(causes.len()),
        };
        // The stack that held a function last, so that one that calls itself counts once.
        let mut last: Vec<usize> = Vec::new();
        for (at, cause) in causes.iter().enumerate() {
            let mut bits = 0;
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
                bits |= bit(function);
                stacks.functions.push(function);
            }
            stacks.bits.push(bits);
            stacks.ends.push(stacks.functions.len());
        }
        stacks
    }

    /// The stack of a cause.
    pub(super) fn stack(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.functions[start..self.ends[at]]
    }

    /// The bits of all functions of a cause's stack.
    pub(super) fn bits(&self, at: usize) -> u64 {
        self.bits[at]
    }

    /// How many stacks hold a function.
    pub(super) fn holders(&self, function: u32) -> u32 {
        self.holders[function as usize]
    }
}
