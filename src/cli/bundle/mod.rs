//! `kanalyze bundle`: everything that a syzbot bug's reproduction needs, in one folder.

mod show;
pub(super) mod teller;

use super::network::seconds;
use super::output::{Format, Output};
use super::records::write_records;
use crate::net::{Client, Manners, SystemClock};
use crate::render::safe;
use crate::syzbot::adopt::{State, adopt, verify};
use crate::syzbot::dashboard::{BugName, DASHBOARD};
use crate::syzbot::fetch::{Request, fetch};
use crate::syzbot::manifest::{Manifest, Role};
use anyhow::Context as _;
use show::print;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use teller::Teller;

/// Fetch, show and check bundles: a syzbot bug's kernel, disk, programs and logs in one folder
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Fetch(Fetch),
    /// Print what the manifest says
    Show(Folder),
    /// Hash every file again and compare
    #[command(after_help = "Exit status: 0 all are as the manifest says, 1 something is not, 2 error.")]
    Verify(Folder),
    /// Write a manifest for files that somebody put into the folder, and unpack those that are packed
    Adopt(Folder),
}

/// Download what syzbot has of a bug
///
/// Comes whole or not at all, file by file: a download that was interrupted goes on when the same command runs again, and
/// nothing that is there is overwritten without --force. Images come unpacked, a disk's zeros take no room.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kanalyze bundle fetch --extid 0123456789abcdef0123
  kanalyze bundle fetch \\
      --extid https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123 \\
      --into ppp
  kanalyze bundle fetch --extid 0123456789abcdef0123 --without disk,vmlinux

Exit status: 0 all that the bug has is there, 1 something that it has could
not be had (`missing` in bundle.json says why, and what the bug never had), 2
error.")]
struct Fetch {
    /// The bug: its extid or id, a link to its page, or syzbot's mail address for it.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse)]
    extid: BugName,
    /// The folder [default: the bug's key].
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Which crash of the bug, counted from 0 as on its page [default: the one with most to reproduce it].
    #[arg(long, value_name = "N")]
    crash: Option<usize>,
    /// Fetch again and overwrite what is there.
    #[arg(long)]
    force: bool,
    /// What not to fetch: disk, vmlinux, kernel, mounted_image, console_log …
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = role)]
    without: Vec<Role>,
    /// The dashboard, or a mirror of it; https, or http to this machine.
    #[arg(long, value_name = "URL", default_value = DASHBOARD)]
    base_url: String,
    /// Seconds between two requests to one host, at least. syzbot asks for one.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// How often a broken connection is made again before giving up.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
    #[command(flatten)]
    output: Output,
}

/// A bundle's folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kanalyze bundle show ppp
  kanalyze bundle verify ppp  exit status 1 if a file is gone or has changed
  # after copying bzImage, disk.raw.xz and repro.syz there
  kanalyze bundle adopt ppp")]
struct Folder {
    /// The folder.
    #[arg(default_value = ".")]
    directory: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// A role by its name.
///
/// # Errors
/// No role has it.
pub(super) fn role(text: &str) -> Result<Role, String> {
    let value = serde_json::Value::String(text.replace('-', "_"));
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Runs the command.
///
/// # Errors
/// What could not be fetched, read or written.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.verb {
        Verb::Fetch(arguments) => run_fetch(&arguments),
        Verb::Show(folder) => run_show(&folder),
        Verb::Verify(folder) => run_verify(&folder),
        Verb::Adopt(folder) => run_adopt(&folder),
    }
}

fn run_fetch(arguments: &Fetch) -> anyhow::Result<ExitCode> {
    let directory = arguments.into.clone().unwrap_or_else(|| PathBuf::from(arguments.extid.key()));
    let manners = Manners {
        interval: Duration::from_secs_f64(arguments.interval),
        attempts: arguments.attempts,
        ..Manners::default()
    };
    let client = Client::new(manners, Arc::new(SystemClock));
    let request = Request {
        base_url: &arguments.base_url,
        bug: &arguments.extid,
        crash: arguments.crash,
        directory: &directory,
        force: arguments.force,
        without: &arguments.without,
    };
    let mut teller = Teller::default();
    let manifest = fetch(&client, &request, &mut |event| teller.tell(&event))?;
    print(arguments.output.format, &directory, &manifest)?;
    Ok(ExitCode::from(u8::from(is_incomplete(&manifest))))
}

/// Whether something could not be had that the bug has: what it never had was sought nowhere.
fn is_incomplete(manifest: &Manifest) -> bool {
    manifest.missing.iter().any(|missing| missing.url.is_some())
}

/// Which crash to fetch from where, and what of it.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Choice {
    /// Where --extid is fetched from: a mirror or another dashboard [default: syzbot's].
    #[arg(long, value_name = "URL", requires = "extid")]
    pub base_url: Option<String>,
    /// Which crash of the bug --extid fetches, counted from 0 as on its page [default: the one with most to reproduce it].
    #[arg(long, value_name = "N", requires = "extid")]
    pub crash: Option<usize>,
    /// What --extid does not fetch: vmlinux, mounted_image, console_log …
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = role, requires = "extid")]
    pub without: Vec<Role>,
}

impl Choice {
    /// Whether anything was chosen.
    pub(super) fn is_made(&self) -> bool {
        self.base_url.is_some() || self.crash.is_some() || !self.without.is_empty()
    }
}

/// Fetches a bug into a folder as `bundle fetch` does, for `kanalyze run --extid`.
///
/// # Errors
/// As [`fetch`].
pub(super) fn fetch_into(bug: &BugName, directory: &Path, choice: &Choice) -> anyhow::Result<Manifest> {
    let client = Client::new(Manners::default(), Arc::new(SystemClock));
    let request = Request {
        base_url: choice.base_url.as_deref().unwrap_or(DASHBOARD),
        bug,
        crash: choice.crash,
        directory,
        force: false,
        without: &choice.without,
    };
    let mut teller = Teller::default();
    Ok(fetch(&client, &request, &mut |event| teller.tell(&event))?)
}

fn run_show(folder: &Folder) -> anyhow::Result<ExitCode> {
    let manifest = Manifest::read(&folder.directory)?;
    print(folder.output.format, &folder.directory, &manifest)?;
    Ok(ExitCode::SUCCESS)
}

/// What `schema` says in the records of `bundle verify`.
pub(super) const CHECK_SCHEMA: &str = "kanalyze.bundle-check/1";

/// One line of `bundle verify --format jsonl`.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Checked<'a> {
    schema: &'static str,
    path: &'a str,
    role: Role,
    #[serde(flatten)]
    state: &'a State,
}

fn run_verify(folder: &Folder) -> anyhow::Result<ExitCode> {
    let manifest = Manifest::read(&folder.directory)?;
    let mut teller = Teller::default();
    let shown = super::stderr::is_terminal();
    let states = verify(&folder.directory, &manifest, &mut |path| {
        if shown {
            teller.line(&format!("hashing {}", safe(path)));
        }
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    if folder.output.format == Format::Text {
        for (file, state) in &states {
            let words = match state {
                State::Whole => "whole".to_owned(),
                State::Gone => "gone".to_owned(),
                State::Changed { what } => format!("changed: {what}"),
                State::Unreadable { why } => format!("unreadable: {why}"),
            };
            writeln!(out, "{}: {words}", safe(&file.path))?;
        }
    } else {
        let records: Vec<_> = states
            .iter()
            .map(|(file, state)| Checked { schema: CHECK_SCHEMA, path: &file.path, role: file.role, state })
            .collect();
        write_records(&mut out, folder.output.format, &records)?;
    }
    out.flush()?;
    Ok(ExitCode::from(u8::from(states.iter().any(|(_, state)| *state != State::Whole))))
}

fn run_adopt(folder: &Folder) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let (manifest, adoption) = adopt(&folder.directory, now).context("adopting the folder")?;
    let mut teller = Teller::default();
    for (packed, plain) in &adoption.unpacked {
        teller.line(&format!("{} unpacked to {}", safe(packed), safe(plain)));
    }
    for (name, why) in &adoption.left {
        teller.line(&format!("{} left out: {}", safe(name), safe(why)));
    }
    print(folder.output.format, &folder.directory, &manifest)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syzbot::manifest::Missing;

    #[test]
    fn what_a_bug_never_had_is_not_missed() {
        let missing =
            |url: Option<&str>| Missing { role: Role::ReproC, url: url.map(str::to_owned), reason: "x".to_owned() };
        let bundle = |missing| Manifest { missing, ..Manifest::default() };
        assert!(!is_incomplete(&bundle(vec![])));
        assert!(!is_incomplete(&bundle(vec![missing(None)])));
        assert!(is_incomplete(&bundle(vec![missing(None), missing(Some("https://x/disk.raw.xz"))])));
    }
}
