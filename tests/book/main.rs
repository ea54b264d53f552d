//! What README, help, man pages and the book show is what happens; and the recipes of `packaging/` work.

#![expect(clippy::print_stderr, reason = "a test says what it skips")]

mod blocks;
mod examples;
mod links;
mod places;
mod stage;
