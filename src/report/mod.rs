//! Reports: what one crash, warning or hang says, as plain data.
//!
//! `excerpt` picks a report's lines out of the log, `title` names it by the grammar (`naming` finds the function),
//! `integrity` tells whether it is whole, `blame` names a source file, `record` is what others see.

mod blame;
mod cleanup;
mod console;
mod describe;
mod excerpt;
mod integrity;
mod lines;
mod naming;
mod record;
mod symbolized;
mod title;

pub use blame::guilty_file;
pub use cleanup::clean_title;
pub use console::{Console, Context, console, is_questionable};
pub use describe::{Structure, describe};
pub use excerpt::{Excerpt, KeptLine, copies_below, lines_before};
pub use integrity::corruption;
pub use lines::Line;
pub use naming::demangle;
pub use record::*;
pub use symbolized::is_inlined_copy;
pub use title::{Origin, Title, frame_of, title};

/// How many raw bytes before a report's first line and after it the rules may look at.
pub const WINDOW: usize = 128 << 10;
