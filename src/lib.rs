//! kanalyze reads kernel logs and bisection transcripts and says what went wrong.
//!
//! # The road through the house
//!
//! ```text
//! names ─► intake ─► input ─► line ─► grammar ─► report ─► engine ─► locks · symbols · diff · table ─► render ─► cli
//!                    mmap     logos;  one literal a state   joins the       meaning                  text, json,
//!                    stdin    what is pass, then  machine   stages;                                  svg
//!                    socket   around  regexes     per       threads
//!                    live VM  lines               caller
//! ```
//!
//! [`intake`] is the one road from what a user names to records; it stands above the engine in the list below, since it
//! feeds it.
//!
//! [`engine::Engine`] is pushed bytes and yields finished reports; a file, a pipe, a growing log and the serial port of
//! a live machine are only different feeders. What the reports of each kind look like is data ([`grammar`], the files
//! of `grammars/`), so that a new kind takes no Rust.
//!
//! # Layers
//!
//! A module uses only modules above it in this list; `tests/tidy.rs` holds that.
//!
//! | module | what it does |
//! |---|---|
//! | [`files`] | a file replaced whole, locks, cache folders |
//! | [`calendar`] | moments as dates |
//! | [`markup`] | log text made harmless for terminals, XML, Markdown |
//! | [`packing`] | gzip, xz, zstd, bzip2, lz4 and others: one table of magics, undone within bounds |
//! | [`net`] | the polite HTTP client |
//! | [`input`] | files, stdin, memory maps, gz/xz/zst/bz2/lz4 by magic, UTF-16, mail |
//! | [`mod@line`] | what stands around a message: known wrappers exactly, any other dressing inferred from the lines; who speaks |
//! | [`grammar`] | TOML → checked grammars → matchers |
//! | [`report`] | lines → reports: stacks, registers, held locks, lock chains, damage, title, blame |
//! | [`locks`] | wait graph from reports: edges with grades, cycles, roots |
//! | [`symbols`] | vmlinux and modules, kallsyms, System.map, KASLR, build ids; source lines for records |
//! | [`image`] | compressed kernel image → ELF, its kallsyms table, disassembly |
//! | [`bisect`] | transcripts → steps → outcome → confidence |
//! | [`source`] | a kernel tree in git: code, blame, fixed?, maintainers |
//! | [`diff`] | two sets of events → what changed |
//! | [`table`] | records as columns: Parquet, Arrow, CSV, SQL (cargo feature `tables`) |
//! | [`engine`] | push, threads, the join of the stages |
//! | [`intake`] | names → logs → records: the one road in, for every verb |
//! | [`runs`] | run folders |
//! | [`vm`] | QEMU, its control socket, the guest |
//! | [`syzbot`] | dashboard, bundles, syz programs |
//! | [`thread`] | mail threads: messages, patches, commands, digest |
//! | [`render`] | text, JSON, pages (HTML), pictures (SVG) |
//! | [`cli`] | one file a command |
//!
//! # Invariants
//!
//! * A report is a function of the bytes from 128 KiB before its first line to 128 KiB after it ([`report::WINDOW`]). Any
//!   chunking, one thread or many, mapped or streamed therefore give the same reports.
//! * Only the kernel's reports count, and what stands around a line changes no answer; [`engine::Options::as_syzbot`] opens what
//!   syzbot opens instead.
//! * Nothing in `src/` tests the text of a title or of a kind: a kind is an id, its title a rendering.
//! * Damage is a value, a miss is a value, an error is an error: only files, grammars and users cause `Err`.
//! * Output for people goes through [`render`]; only [`cli`] writes to stdout and stderr.

pub mod bisect;
#[cfg(feature = "vm")]
mod calendar;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod diff;
pub mod engine;
#[doc(hidden)]
pub mod files;
pub mod grammar;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod image;
#[doc(hidden)]
pub mod input;
#[cfg(feature = "vm")]
#[doc(hidden)]
pub mod intake;
#[doc(hidden)]
pub mod line;
pub mod locks;
#[cfg(feature = "cli")]
mod markup;
#[cfg(feature = "net")]
#[doc(hidden)]
pub mod net;
#[doc(hidden)]
pub mod packing;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod render;
pub mod report;
#[cfg(feature = "vm")]
#[doc(hidden)]
pub mod runs;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod source;
pub mod symbols;
#[cfg(feature = "net")]
#[doc(hidden)]
pub mod syzbot;
pub mod table;
#[cfg(feature = "net")]
#[doc(hidden)]
pub mod thread;
#[cfg(feature = "vm")]
#[doc(hidden)]
pub mod vm;
