//! `kanalyze thread`: is somebody on it, what was said, what is open?

use super::network::Network;
use super::output::{Format, Output, Reader};
use super::pager::Page;
use super::records::write_records;
use super::stderr::say;
use crate::input::{self, Source};
use crate::intake::{files_below, is_archive};
use crate::net::{Client, Site};
use crate::render::thread_text;
use crate::syzbot::dashboard::{BugName, DASHBOARD};
use crate::thread::lore::{self, ALL_LISTS, LORE};
use crate::thread::{MOST_MESSAGES, Mailbox, Thread};
use anyhow::Context as _;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Say what came of a mail thread: state, patches, open questions, objections, who said what when
///
/// Reads a mailbox (mboxrd, mbox, a Maildir or another folder of mails, a single mail; gz and the like are unpacked), fetches the
/// thread of a message from lore.kernel.org, or finds the threads about a bug of syzbot's. Copies of a message that came over several lists
/// are one message; patches with their versions and tags, commands to syzbot, crash reports, hangs and bisections in the
/// mails are read. Every statement names the messages that it rests on. An objection that is inferred from its wording is
/// shown as such.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # the thread of a message, from lore.kernel.org
  kanalyze thread --mid 20260101.1@example.org
  # the threads about a bug of syzbot's
  kanalyze thread --extid 0123456789abcdef0123
  kanalyze thread --mbox t.mbox.gz                the threads of a mailbox
  kanalyze thread --mbox - < mail                 a mail from a pipe
  # with the first lines of each message
  kanalyze thread --mbox t.mbox.gz --show-bodies 5
  kanalyze thread --mbox t.mbox.gz --html t.html  and a page to look at
  kanalyze thread --mbox t.mbox.gz --brief        one line per thread
  # one record per thread, for scripts
  kanalyze thread --mbox t.mbox.gz --format jsonl

Exit status: 0, or 2 if there is no message or the one that was asked for is
not there.")]
pub(super) struct Arguments {
    /// A mailbox, a folder of mails, or a mail; `-` is standard input. `--mbox FILE` says the same.
    #[arg(value_name = "MBOX", conflicts_with = "mbox")]
    file: Option<OsString>,

    /// A mailbox, a folder of mails, or a mail; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    mbox: Option<OsString>,

    /// The thread of this message, by its Message-ID (with or without brackets) or the address of its page; fetched from the
    /// archive unless --mbox is given.
    #[arg(long, value_name = "ID", value_parser = message_id)]
    mid: Option<String>,

    /// The threads about this bug of syzbot's: its extid or id, a link to its page, or syzbot's mail address for it.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse, conflicts_with_all = ["mid", "mbox", "file"])]
    extid: Option<BugName>,

    /// The list whose archive is asked; `all` is every list.
    #[arg(long, value_name = "LIST", default_value = ALL_LISTS)]
    list: String,

    /// The archive, or a mirror of it; https, or http to this machine.
    #[arg(long, value_name = "URL", default_value = LORE)]
    base_url: Site,

    /// syzbot's dashboard, or a mirror of it.
    #[arg(long, value_name = "URL", default_value = DASHBOARD)]
    dashboard_url: Site,

    #[command(flatten)]
    network: Network,

    /// Also write a page to look at into this file.
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,

    /// Show up to N lines of what each sender wrote.
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
/// Nothing is named, it cannot be read or fetched, or it holds no message.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let threads = match (arguments.file.as_ref().or(arguments.mbox.as_ref()), &arguments.mid, &arguments.extid) {
        (Some(name), mid, _) => {
            let shown = name.to_string_lossy();
            let mailbox = opened(&shown, &read(name)?, arguments.threads)?;
            match mid {
                Some(id) => vec![one(&mailbox, &shown, id, arguments.threads)?],
                None => mailbox.threads(arguments.threads),
            }
        }
        (None, Some(id), _) => {
            let (site, list) = (&arguments.base_url, arguments.list.as_str());
            let bytes = lore::thread_mailbox(&arguments.network.client(), site, list, id)?;
            let shown = lore::message_address(site, list, id);
            vec![one(&opened(&shown, &[bytes], arguments.threads)?, &shown, id, arguments.threads)?]
        }
        (None, None, Some(bug)) => {
            let places =
                Places { archive: &arguments.base_url, list: &arguments.list, dashboard: &arguments.dashboard_url };
            let threads = of_bug(&arguments.network.client(), &places, bug, arguments.threads)?;
            if threads.is_empty() {
                anyhow::bail!("{}: the archive has no mail about this bug", bug.key());
            }
            threads
        }
        (None, None, None) => anyhow::bail!("no thread is named: give a mailbox, --mid ID or --extid BUG"),
    };
    if let Some(path) = &arguments.html {
        crate::files::replace(path, crate::render::page::threads_page(&threads).as_bytes())
            .with_context(|| format!("{}: the page cannot be written", path.display()))?;
    }
    write(&arguments, &threads)?;
    Ok(ExitCode::SUCCESS)
}

/// The mailbox that some files are together.
fn opened(shown: &str, files: &[Vec<u8>], threads: usize) -> anyhow::Result<Mailbox> {
    if files.iter().any(|bytes| is_archive(bytes)) {
        anyhow::bail!("{shown}: is an archive: unpack it and name the mailbox, or the folder of mails, in it");
    }
    let mailbox = Mailbox::of_files(shown, files, threads);
    if mailbox.left > 0 {
        say(&format!("{shown}: {} messages; only the first {MOST_MESSAGES} are read", mailbox.messages));
    }
    if mailbox.is_empty() {
        anyhow::bail!("{shown}: there is no message in it");
    }
    if !mailbox.is_mail() {
        if let [bytes] = files
            && let Some(kin) = crate::intake::nature(bytes).kin
        {
            anyhow::bail!("{shown}: {}", kin.replace("not a log", "not a mail or mailbox"));
        }
        anyhow::bail!(
            "{shown}: this text is not a mail or mailbox: it names no sender and no subject; a log is for `kanalyze parse`"
        );
    }
    Ok(mailbox)
}

fn one(mailbox: &Mailbox, shown: &str, id: &str, threads: usize) -> anyhow::Result<Thread> {
    mailbox.thread_of(id, threads).with_context(|| format!("{shown}: no message {id} in it"))
}

/// Where threads about bugs are.
pub(super) struct Places<'site> {
    /// The archive of mails.
    pub archive: &'site Site,
    /// The list in it.
    pub list: &'site str,
    /// syzbot's dashboard.
    pub dashboard: &'site Site,
}

/// The threads about a bug: those in which syzbot's address for it stands, and the one that the dashboard links.
///
/// # Errors
/// The archive or the dashboard does not answer.
pub(super) fn of_bug(
    client: &Client,
    places: &Places<'_>,
    bug: &BugName,
    threads: usize,
) -> anyhow::Result<Vec<Thread>> {
    if let BugName::Extid(extid) = bug {
        let query = lore::bug_query(extid);
        if let Some(bytes) = lore::search(client, places.archive, places.list, &query)? {
            return Ok(opened(&places.archive.to_string(), &[bytes], threads)?.threads(threads));
        }
    }
    let (found, _) = crate::syzbot::bug::read(client, places.dashboard, bug)?;
    let Some(id) = found.discussions.iter().find_map(|link| crate::thread::message_id(link)) else {
        return Ok(Vec::new());
    };
    let bytes = lore::thread_mailbox(client, places.archive, places.list, &id)?;
    let shown = lore::message_address(places.archive, places.list, &id);
    Ok(vec![one(&opened(&shown, &[bytes], threads)?, &shown, &id, threads)?])
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

/// A mailbox whole, unpacked; of a folder every file, as a Maildir has one for each mail.
fn read(name: &OsString) -> anyhow::Result<Vec<Vec<u8>>> {
    let path = std::path::Path::new(name);
    if !path.is_dir() {
        return Ok(vec![read_file(&Source::new(name), LARGEST)?]);
    }
    let mails = files_below(path, |name| !name.as_encoded_bytes().starts_with(b"."))
        .with_context(|| format!("{}: cannot list this folder", path.display()))?;
    let (mut files, mut left) = (Vec::new(), LARGEST);
    for mail in mails {
        match read_file(&Source::from(mail.as_path()), left) {
            Ok(bytes) => {
                left -= bytes.len();
                files.push(bytes);
            }
            Err(fault) => say(&fault.to_string()),
        }
    }
    Ok(files)
}

fn read_file(source: &Source, largest: usize) -> anyhow::Result<Vec<u8>> {
    let Some((bytes, damage)) = input::open(source)?.gathered(largest) else {
        anyhow::bail!("{source}: more than 512 MiB; cut it into smaller mailboxes");
    };
    if let Some(damage) = damage {
        if bytes.is_empty() {
            anyhow::bail!("{source}: {damage}");
        }
        say(&format!("{source}: {damage}; what came before it is read"));
    }
    Ok(bytes)
}
