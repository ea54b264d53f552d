//! Reports: what one crash, warning or hang says, as plain data.

mod context;
mod damage;
mod describe;
#[cfg(test)]
mod describe_tests;
mod exception;
mod frames;
mod held;
mod hung;
mod lines;
mod lockdep;
mod record;
mod registers;
mod scan;
mod stacks;

pub use describe::{Structure, describe};
pub use frames::{FrameLine, frame_after, frame_line};
pub use lines::Line;
pub use record::*;
pub use stacks::ROLES;

/// How many raw bytes before a report's first line and after it the rules may look at.
pub const WINDOW: usize = 128 << 10;
