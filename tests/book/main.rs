//! What README, help, man pages and the book show is what happens; and the recipes of `packaging/` work.

mod blocks;
mod examples;
mod links;
mod places;
mod stage;
