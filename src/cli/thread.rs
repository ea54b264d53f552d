//! `kanalyze thread`: is somebody on it, what was said, what is open?

use super::output::{Format, Output, Reader};
use super::pager::Page;
use super::records::write_records;
use super::stderr::say;
use crate::input::{self, Source};
use crate::render::thread_text;
use crate::thread::{MOST_MESSAGES, Mailbox, Thread};
use anyhow::Context as _;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Say what came of a mail thread: state, patches, open questions, objections, who said what when
///
/// Reads a mailbox (mboxrd, mbox or a single mail; gz and the like are unpacked). Copies of a message that came over several lists
/// are one message; patches with their versions and tags, commands to syzbot, crash reports, hangs and bisections in the
/// mails are read. Every statement names the messages that it rests on. An objection that is told from its wording is
/// shown as such.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze thread --mbox t.mbox.gz                  the threads of a mailbox
  kanalyze thread --mbox - < mail                   a mail from a pipe
  kanalyze thread --mbox t.mbox.gz --show-bodies 5  with the first lines of each message
  kanalyze thread --mbox t.mbox.gz --brief          one line per thread
  kanalyze thread --mbox t.mbox.gz --format jsonl   one record per thread, for scripts

Exit status: 0, or 2 if there is no message or the one that was asked for is not there.")]
pub struct Arguments {
    /// A mailbox or mail; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    mbox: Option<OsString>,

    /// Only the thread of this message, by its Message-ID (with or without brackets) or the address of its page.
    #[arg(long, value_name = "ID", value_parser = message_id)]
    mid: Option<String>,

    /// Show so many lines of what each sender wrote.
    #[arg(long, value_name = "N", default_value_t = 0)]
    show_bodies: usize,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    reader: Reader,

    /// Number of threads (0 = one per CPU).
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// Mailboxes longer than this are refused, bytes.
const LARGEST: usize = 512 << 20;

/// `<id>`, `id`, or the address of a message's page → the id.
fn message_id(text: &str) -> Result<String, String> {
    crate::thread::message_id(text).ok_or_else(|| {
        format!("{text:?} is not a Message-ID: give what stands in the header, such as 20260101.1@example.org")
    })
}

/// Runs the command.
///
/// # Errors
/// Nothing is named, it cannot be read, or it holds no message.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(name) = &arguments.mbox else { anyhow::bail!("no thread is named: give --mbox FILE") };
    let shown = name.to_string_lossy();
    let mailbox = Mailbox::read(&shown, &read(name)?, arguments.threads);
    if mailbox.left > 0 {
        say(&format!("{shown}: {} messages; only the first {MOST_MESSAGES} are read", mailbox.messages));
    }
    if mailbox.is_empty() {
        anyhow::bail!("{shown}: there is no message in it");
    }
    let threads = match &arguments.mid {
        Some(id) => {
            vec![mailbox.thread_of(id, arguments.threads).with_context(|| format!("{shown}: no message {id} in it"))?]
        }
        None => mailbox.threads(arguments.threads),
    };
    write(&arguments, &threads)?;
    Ok(ExitCode::SUCCESS)
}

fn write(arguments: &Arguments, threads: &[Thread]) -> anyhow::Result<()> {
    let text = arguments.output.format == Format::Text;
    let mut out = Page::open(arguments.reader, text);
    if text {
        let look = arguments.output.look(arguments.reader);
        for (at, thread) in threads.iter().enumerate() {
            if at > 0 && !look.is_brief() {
                out.write_all(b"\n")?;
            }
            out.write_all(thread_text(thread, arguments.show_bodies, &look).as_bytes())?;
        }
    } else {
        write_records(&mut out, arguments.output.format, threads)?;
    }
    Ok(out.close()?)
}

/// A mailbox whole, unpacked.
fn read(name: &OsString) -> anyhow::Result<Vec<u8>> {
    let source = Source::new(name);
    let mut bytes = Vec::new();
    let mut large = false;
    let damage = input::open(&source)?.feed(|piece| {
        large = bytes.len() + piece.len() > LARGEST;
        if large {
            return ControlFlow::Break(());
        }
        bytes.extend_from_slice(piece);
        ControlFlow::Continue(())
    });
    if large {
        anyhow::bail!("{source}: more than 512 MiB; cut it into smaller mailboxes");
    }
    if let Some(damage) = damage {
        if bytes.is_empty() {
            anyhow::bail!("{source}: {damage}");
        }
        say(&format!("{source}: {damage}; what came before it is read"));
    }
    Ok(bytes)
}
