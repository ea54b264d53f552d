//! The one road in: from what is named on a command line to logs, and from logs to records, for every verb.
//!
//! ```text
//! names ─► sources ─► logs ─► texts or streams ─► items, with the places of the file
//! file     Source     Log     UTF-16, marks and    engine
//! folder              zip, tar  mail, exports undone
//! glob, -             members
//! ```
//!
//! * [`named`] turns arguments into sources: files, folders, run folders, globs, `-`.
//! * [`each_log`] opens a source: it is one log, or an archive of several. What is not a log is an [`Unreadable`] with a remedy.
//!   [`each_machine`] also takes the lines of several machines apart that a log server put into one log, [`Followed`] those of a log
//!   that goes on.
//! * A [`Log`] is a [`Text`] in memory or, where it is long, a [`PlainStream`]; both know the way from what was made plain
//!   (mail, JSON, tables, UTF-16) back to the lines and offsets of the file.
//! * [`views`], [`records`] and [`wholes`] read many logs through the engine, in order, in parallel, one bad log never in the way
//!   of others.

mod archive;
mod blanks;
mod chat;
mod colours;
mod comment;
mod container;
mod content;
mod document;
mod exported;
mod followed;
mod foreign;
mod hex;
mod joined;
mod kin;
mod leaves;
mod level;
mod logcat;
mod machines;
mod names;
mod nature;
mod open;
mod own;
mod page;
mod place;
mod read;
mod rich_text;
mod rows;
mod signals;
mod text;
mod verbose;
mod written;

pub use archive::is_archive;
pub use container::{Container, Containers};
pub use content::{Content, Log, PlainStream};
pub use followed::{Followed, Said, lines_of};
pub use foreign::{Foreign, Unreadable};
pub use names::{Named, files_below, is_log, named};
pub use nature::{Nature, nature};
pub use open::{each_log, each_log_in, each_machine, each_machine_in, live};
pub use read::{
    Found, Outcome, Trouble, Whole, found_in, read_log, records, silence, views, wholes, wholes_in, wholes_of,
};
pub use text::Text;
