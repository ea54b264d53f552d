//! Reports: what one crash, warning or hang says, as plain data.

mod cleanup;
mod context;
mod record;

pub use cleanup::clean_title;
pub use context::{Console, Context, console, is_questionable};
pub use record::*;

/// How many raw bytes before a report's first line and after it the rules may look at.
pub const WINDOW: usize = 128 << 10;
