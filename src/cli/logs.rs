//! Which logs, and how to read them: the arguments that all verbs about logs share, declared once.

use super::manners::{note, why_read};
use super::progress::Progress;
use super::stderr::say;
use crate::engine::{Item, Options, sample_complaints};
use crate::grammar::Grammar;
use crate::input::Source;
use crate::intake::{self, Outcome, Trouble, named};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// Logs as arguments.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Logs {
    /// Logs to read: files, run folders, folders of logs, quoted globs, or `-` for standard input. gz, xz, zst, bz2, lz4, zip
    /// and tar are unpacked, mails and mboxes undone, UTF-16 decoded. With none, reads standard input if it is a pipe.
    #[arg(value_name = "LOG")]
    pub logs: Vec<OsString>,

    #[command(flatten)]
    pub reading: Reading,
}

/// How logs are read.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Reading {
    /// A grammar file of your own, besides the built-in ones; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub grammar: Vec<PathBuf>,

    /// Report exactly what syzbot reports, for programs that must agree with it: also what something else than the kernel printed.
    #[arg(long)]
    pub as_syzbot: bool,

    /// Number of threads (0 = one per CPU).
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

impl Reading {
    /// How the engine is to read, without events.
    ///
    /// # Errors
    /// A grammar file that is not valid.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        let grammar = self.load_grammar()?;
        Ok(Options { grammar, as_syzbot: self.as_syzbot, threads: self.threads, ..Options::named("") })
    }

    fn load_grammar(&self) -> anyhow::Result<Arc<Grammar>> {
        let grammar = Grammar::with_files(&self.grammar)?;
        if !self.grammar.is_empty() {
            let mine = |place: &str| self.grammar.iter().any(|path| path.display().to_string() == place);
            if let Some(complaint) = sample_complaints(&grammar).into_iter().find(|one| mine(&one.place.file)) {
                anyhow::bail!("{}: {}", complaint.place, complaint.message);
            }
        }
        Ok(grammar)
    }
}

/// Sources, and whether every argument stood for one; the others are reported. So many threads look at the arguments.
pub(super) fn sources_of(arguments: &[OsString], threads: usize) -> (Vec<Source>, bool) {
    let found = named(arguments.iter().map(OsString::as_os_str), threads);
    for fault in &found.faults {
        say(&fault.to_string());
    }
    (found.sources, found.faults.is_empty())
}

impl Logs {
    /// The sources, standard input if no log is named, and whether every argument stood for one; the others are reported.
    ///
    /// # Errors
    /// No log is named and standard input is a terminal.
    pub(super) fn sources(&self) -> anyhow::Result<(Vec<Source>, bool)> {
        if !self.logs.is_empty() {
            if self.logs.iter().any(|log| log == "-") && std::io::stdin().is_terminal() {
                note("reading standard input; end it with ctrl-D");
            }
            return Ok(sources_of(&self.logs, self.reading.threads));
        }
        if std::io::stdin().is_terminal() {
            anyhow::bail!("no log is named: give a file, or pipe one in, as in `dmesg | kanalyze`");
        }
        Ok((vec![Source::Stdin], true))
    }

    /// Reads every log into a view of its own and hands the views over in the order of the logs. Says whether every argument
    /// stood for a log.
    ///
    /// # Errors
    /// Whatever `done` answers, or no input.
    pub(super) fn views<V: Default + Send>(
        &self,
        options: &Options,
        take: impl Fn(&mut V, Vec<Item>) + Sync + Send,
        done: impl FnMut(&str, V, Outcome) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        self.shown(options, take, |_, view, _| view, done)
    }

    /// The same; `show` makes of each view what is to be written, by several threads at once.
    ///
    /// # Errors
    /// Whatever `done` answers, or no input.
    pub(super) fn shown<V: Default + Send, S: Send>(
        &self,
        options: &Options,
        take: impl Fn(&mut V, Vec<Item>) + Sync + Send,
        show: impl Fn(&str, V, &Outcome) -> S + Sync + Send,
        mut done: impl FnMut(&str, S, Outcome) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let (sources, fine) = self.sources()?;
        let mut options = options.clone();
        let mut progress = Progress::of(&sources, &mut options);
        intake::views(&sources, &options, take, show, |name, shown, outcome| {
            progress.give_way();
            why_read(name, &outcome);
            done(name, shown, outcome)
        })?;
        Ok(fine)
    }

    /// Writes every item of every log as bytes, in order. Says whether every argument stood for a log.
    ///
    /// # Errors
    /// Whatever `write` answers, or no input.
    pub(super) fn records(
        &self,
        options: &Options,
        render: impl Fn(&mut Vec<u8>, &Item) + Sync + Send,
        mut write: impl FnMut(&[u8]) -> anyhow::Result<()>,
        mut done: impl FnMut(&str, &Outcome),
    ) -> anyhow::Result<bool> {
        let (sources, fine) = self.sources()?;
        let mut options = options.clone();
        let mut progress = Progress::of(&sources, &mut options);
        let write = |bytes: &[u8]| {
            progress.give_way();
            write(bytes)
        };
        let done = |name: &str, outcome: &Outcome| {
            why_read(name, outcome);
            done(name, outcome);
        };
        intake::records(&sources, &options, render, write, done)?;
        Ok(fine)
    }
}

/// Tells a trouble, if there is one, and says whether it leaves the log without an answer.
pub(super) fn tell(trouble: Option<&Trouble>) -> bool {
    trouble.is_some_and(|trouble| {
        say(&trouble.message);
        trouble.fatal
    })
}
