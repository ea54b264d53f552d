//! Reports: what one crash, warning or hang says, as plain data.
//!
//! `printers` sorts the lines of a log by who printed them, `excerpt` picks a report's lines out of them (`wording` puts them
//! together), `title` names it by the grammar (`walk` finds the function by `markers`, `instruction` and `naming`), `describe` reads its structure, `message` its sentences,
//! `integrity` says whether it is whole, `blame` names a source file, `subject` a function, `record` is what others see.
//!
//! `describe` shows each line to its readers in turn, and the first that takes it is the last that is asked: `dump` (registers and
//! code), `traces` (stacks), `bounds` (the end), `facts` (CPU, task, taint, access), `lockdep` with `dept`, `held_list` and `scenario`,
//! `tasks` (hung tasks). Each keeps its own state; into the `account` all of them write. How single lines are read is in files of
//! their own: `context`, `fault`, `registers`, `exception`, `stacks`, `held`, `hung`.

mod access;
mod account;
mod between;
mod blame;
mod bounds;
#[cfg(test)]
mod bounds_tests;
mod callers;
mod checked;
mod cleanup;
mod console;
mod context;
mod damage;
mod dept;
mod describe;
#[cfg(test)]
mod describe_tests;
#[cfg(test)]
mod doubted_tests;
mod dump;
mod exception;
mod excerpt;
mod facts;
mod fault;
mod frames;
mod header;
mod held;
mod held_list;
mod held_pair;
mod held_pieces;
mod hung;
mod instruction;
mod integrity;
mod leftovers;
mod lines;
mod lockdep;
mod markers;
mod message;
mod naming;
mod pool;
mod printed;
mod printers;
mod record;
mod registers;
mod renumber;
mod role;
mod scan;
mod scenario;
mod sentence;
mod stacks;
mod structure;
mod subject;
mod symbolized;
mod tasks;
mod title;
mod traces;
#[cfg(test)]
mod waits_tests;
mod walk;
mod whose;
mod wording;

pub use access::AccessKind;
pub use blame::guilty_file;
pub use cleanup::clean_title;
pub use console::{Console, Context, console, is_questionable};
pub use describe::describe;
pub(crate) use describe::describe_shown;
pub use excerpt::{Excerpt, copies_below, is_echo, lines_before};
pub use frames::{FrameLine, frame_after, frame_line};
pub use header::number_of_oops;
pub use integrity::corruption;
pub use leftovers::without_leftovers;
pub use lines::Line;
pub(crate) use lines::Shown;
pub use message::{Known, Said, said};
pub use naming::demangle;
pub use printed::KeptLine;
pub(crate) use printed::is_doubted;
pub use printers::Printers;
pub use record::*;
pub use renumber::{renumber_event, renumber_report};
pub use role::StackRole;
pub(crate) use sentence::is_devices;
pub use structure::Structure;
pub use subject::{stated, subject};
pub use symbolized::is_inlined_copy;
pub use title::{Origin, Title, frame_of, title};
pub use wording::Wording;

/// How many raw bytes before a report's first line and after it the rules may look at.
pub const WINDOW: usize = 128 << 10;
