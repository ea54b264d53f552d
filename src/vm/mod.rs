//! A QEMU machine, its control socket, its guest and the live loop that judges what comes out of it.
//!
//! [`session::run`] is the way through: a [`settings::Settings`] becomes a command line ([`qemu`]), a process with two
//! sockets ([`qmp`], [`serial`]), a guest that takes commands ([`guest`]), a workload ([`workload`]). Serial bytes go
//! into a [`live::LiveLog`] as they come; what it finds goes to a [`judge::Judge`], which owns every decision, has no
//! clock of its own and can be tested with times written by hand.

pub mod blockers;
pub mod board;
pub mod command;
pub mod disk;
pub mod doctor;
pub mod doing;
pub mod dump;
pub mod facts;
mod fed;
mod followed_journal;
pub mod foreign;
pub mod guest;
pub mod happening;
pub mod hit;
pub mod judge;
pub mod kvm;
pub mod last_words;
pub mod lines;
pub mod live;
pub mod progress;
pub mod qemu;
pub mod qmp;
pub mod record;
mod replay;
pub mod serial;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod story;
pub mod sysrq;
pub mod watcher;
pub mod workload;

pub use happening::Happening;
pub use settings::Settings;
