//! kanalyze reads kernel logs and bisection transcripts and says what went wrong.
//!
//! # As a library
//!
//! What is promised: [`engine`], [`grammar`], [`report`], [`locks`], [`bisect`], [`symbols`], [`diff`] and [`table`]. Their data
//! types grow by fields and variants only (`#[non_exhaustive]`). Other modules may be visible for the program's own tests; they are
//! hidden here, and any release may change them.
//!
//! A log that is in memory:
//!
//! ```
//! let log = b"\
//! [   10.000000] ------------[ cut here ]------------
//! [   10.000004] WARNING: CPU: 1 PID: 42 at drivers/widget/core.c:77 widget_put+0x1f/0x40
//! [   10.000009] CPU: 1 UID: 0 PID: 42 Comm: widgetd Not tainted 6.16.0 #7
//! [   10.000011] RIP: 0010:widget_put+0x1f/0x40
//! [   10.000013] Call Trace:
//! [   10.000015]  <TASK>
//! [   10.000017]  widget_release+0x2c/0x50
//! [   10.000019]  </TASK>
//! ";
//! for report in kanalyze::engine::read_reports("console.log", log) {
//!     println!("{} at byte {} in {:?}", report.title, report.start, report.frame);
//!     assert_eq!(report.title, "WARNING in widget_put");
//! }
//! ```
//!
//! A pipe, read as it comes; reports are given out as soon as they are whole:
//!
//! ```
//! use kanalyze::engine::{Engine, Item, Options};
//! use std::io::Read;
//!
//! fn watch(mut pipe: impl Read) -> std::io::Result<Vec<String>> {
//!     let mut engine = Engine::new(Options::named("-").with_events());
//!     let (mut titles, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
//!     loop {
//!         let count = pipe.read(&mut chunk)?;
//!         let items = if count == 0 { engine.flush() } else { engine.push(&chunk[..count]) };
//!         titles.extend(items.into_iter().filter_map(|item| match item {
//!             Item::Closed(report) => Some(report.title),
//!             _ => None,
//!         }));
//!         if count == 0 {
//!             return Ok(titles);
//!         }
//!     }
//! }
//! let pipe = &b"[    1.0] BUG: KASAN: use-after-free in widget_put+0x1/0x2\n"[..];
//! assert_eq!(watch(pipe)?, ["KASAN: use-after-free in widget_put"]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Who holds a lock, and who waits for it:
//!
//! ```
//! use kanalyze::engine::{Options, lock_dumps, read_items};
//!
//! let log = b"\
//! [   59.1] INFO: task widgetd:412 blocked for more than 143 seconds.
//! [   59.1]       Not tainted 6.16.0 #7
//! [   59.1] task:widgetd         state:D stack:26024 pid:412   tgid:412   ppid:1      flags:0x00004006
//! [   59.1] Call Trace:
//! [   59.1]  <TASK>
//! [   59.1]  __schedule+0x63/0xb0
//! [   59.1]  schedule+0x20/0x40
//! [   59.1]  __mutex_lock+0x5c/0x650
//! [   59.1]  widget_attach+0x3f7/0x6b0 [widget]
//! [   59.1]  </TASK>
//! [   59.1] INFO: task widgetd:412 is blocked on a mutex likely owned by task kworker/u8:3:58.
//! ";
//! let items = read_items(Options::named("console.log").with_events(), log);
//! let dump = &lock_dumps("console.log", &items)[0];
//! let holder = dump.waits[0].holder.as_ref().map(|task| task.comm.as_str());
//! assert_eq!((dump.waits[0].waiter.pid, holder), (412, Some("kworker/u8:3")));
//! ```
//!
//! # Cargo features
//!
//! | feature | what it adds |
//! |---|---|
//! | `cli` (default) | the program, and all that it needs |
//! | `net` (default) | the HTTP client, syzbot's dashboard and bundles |
//! | `vm` (default) | virtual machines, run folders, archives of logs |
//! | `unpack` | logs and debug information in gzip, xz, zstd, bzip2, lz4, lzop |
//! | `threads` | [`engine::Options::threads`] above one |
//! | `map` | large logs and symbol files are mapped into memory, not read |
//! | `schema` | `schemars::JsonSchema` for the records |
//! | `arrow` | tables in Parquet and Arrow, streams of Arrow batches; CSV needs no feature |
//! | `tables` | SQL over tables, by polars |
//! | `mcp` | the program's server for agents, over the Model Context Protocol |
//!
//! With `default-features = false` kanalyze depends on fewer than 40 crates in all (`tests/all.sh` counts), among them neither clap
//! nor ureq nor indicatif.
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
//! `intake` is the one road from what a user names to records; it stands below the engine in the table, since it feeds it.
//!
//! [`engine::Engine`] is pushed bytes and yields finished reports; a file, a pipe, a growing log and the serial port of
//! a live machine are only different feeders. What the reports of each kind look like is data ([`grammar`], the files
//! of `grammars/`), so that a new kind takes no Rust.
//!
//! # Layers
//!
//! A module uses only modules above it in this table; `tests/tidy.rs` holds that.
//!
//! | module | what it does |
//! |---|---|
//! | `architecture` | processors: names, images, numbers |
//! | `files` | files replaced whole or mapped, locks, cache folders |
//! | `calendar` | moments as dates |
//! | `markup` | log text made harmless for terminals, XML, Markdown; names as parts of addresses |
//! | `packing` | gzip, xz, zstd, bzip2, lz4 and others: one table of magics, undone within bounds |
//! | `net` | the polite HTTP client |
//! | `input` | files, stdin, memory maps, gz/xz/zst/bz2/lz4 by magic, UTF-16, mail |
//! | `line` | what stands around a message: known wrappers exactly, any other dressing inferred from the lines; who speaks |
//! | [`grammar`] | TOML → checked grammars → matchers |
//! | [`report`] | lines → reports: stacks, registers, held locks, lock chains, damage, title, blame |
//! | [`locks`] | wait graph from reports: edges with grades, cycles, roots |
//! | [`symbols`] | vmlinux and modules, kallsyms, System.map, KASLR, build ids; source lines for records |
//! | `image` | compressed kernel image → ELF, its kallsyms table, disassembly |
//! | [`bisect`] | transcripts → steps → outcome → confidence |
//! | `source` | a kernel tree in git: code, blame, fixed?, maintainers |
//! | [`diff`] | two sets of events → what changed |
//! | [`table`] | records as columns: CSV; Parquet, Arrow, streams (cargo feature `arrow`); SQL (`tables`) |
//! | [`engine`] | push, threads, the join of the stages |
//! | `intake` | names → logs → records: the one road in, for every verb |
//! | `runs` | run folders |
//! | `vm` | QEMU, its control socket, the guest |
//! | `syzbot` | dashboard, bundles, syz programs |
//! | `thread` | mail threads: messages, patches, commands, digest |
//! | `host` | the boots of a machine, from its journal, logs, pstore and dumps |
//! | `render` | text, JSON, pages (HTML), pictures (SVG, DOT, Mermaid), Markdown, JUnit, SARIF |
//! | `cli` | one file or folder per command |
//!
//! # Invariants
//!
//! * A report is a function of the bytes from 128 KiB before its first line to 128 KiB after it ([`report::WINDOW`]). Any
//!   chunking, one thread or many, mapped or streamed therefore give the same reports.
//! * Only the kernel's reports count, and what stands around a line changes no answer; [`engine::Options::as_syzbot`] opens what
//!   syzbot opens instead.
//! * Nothing in `src/` tests the text of a title: a kind is an id, its title a rendering, and the words of the grammar stand in `grammars/`.
//! * Damage is a value, a miss is a value, an error is an error: only files, grammars and users cause `Err`.
//! * Output for people goes through `render`; only `cli` writes to stdout and stderr.

#![deny(rustdoc::broken_intra_doc_links)]

#[doc(hidden)]
pub mod architecture;
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
pub mod host;
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
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod thread;
#[cfg(feature = "vm")]
#[doc(hidden)]
pub mod vm;
