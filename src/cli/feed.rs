//! Logs named on a command line, read through the engine: in order, in parallel, one bad file never in the way of others.

use crate::engine::{Engine, Item, Options, Summary, in_order, thread_count};
use crate::grammar::Grammar;
use crate::input::{Damage, Input, Mail, Source, open, read_mail};
use crate::report::{renumber_event, renumber_report};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// Where logs come from and how they are read: the arguments that all verbs about logs share.
#[derive(Debug, Clone, clap::Args)]
pub struct Logs {
    /// Logs to read: files (gz, xz, zst, bz2 and lz4 are unpacked) or `-` for standard input. Without any, a pipe on
    /// standard input is read.
    #[arg(value_name = "LOG")]
    pub logs: Vec<OsString>,

    /// A grammar file of your own, besides the built-in ones; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub grammar: Vec<PathBuf>,

    /// Threads; 0 takes as many as the machine has.
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// A log that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One sentence.
    pub message: String,
    /// Whether nothing at all could be read.
    pub fatal: bool,
}

/// What reading one log gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the log as a whole says.
    pub summary: Summary,
    /// What went wrong.
    pub trouble: Option<Trouble>,
}

/// Logs up to this size are looked at for being a mail, bytes.
const LARGEST_MAIL: usize = 16 << 20;
/// How many small logs are read before their results are written.
const BATCH: usize = 128;

impl Logs {
    /// The sources, standard input if there are none.
    ///
    /// # Errors
    /// No log is named and standard input is a terminal.
    pub fn sources(&self) -> anyhow::Result<Vec<Source>> {
        if !self.logs.is_empty() {
            return Ok(self.logs.iter().map(|log| Source::new(log)).collect());
        }
        if std::io::stdin().is_terminal() {
            anyhow::bail!("no log is named; give a file, or pipe one in, as in `dmesg | kanalyze parse`");
        }
        Ok(vec![Source::Stdin])
    }

    /// The grammar to read with.
    ///
    /// # Errors
    /// A grammar file that is no good.
    pub fn load_grammar(&self) -> anyhow::Result<Arc<Grammar>> {
        let grammar = Grammar::with_files(&self.grammar)?;
        if !self.grammar.is_empty() {
            let mine = |place: &str| self.grammar.iter().any(|path| path.display().to_string() == place);
            if let Some(complaint) =
                crate::engine::sample_complaints(&grammar).into_iter().find(|one| mine(&one.place.file))
            {
                anyhow::bail!("{}: {}", complaint.place, complaint.message);
            }
        }
        Ok(grammar)
    }

    /// Reads every source into a view of its own and hands the views over in the order of the sources.
    ///
    /// # Errors
    /// Whatever `done` answers, or no input.
    pub fn views<V: Default + Send>(
        &self,
        options: &Options,
        take: impl Fn(&mut V, Vec<Item>) + Sync + Send,
        mut done: impl FnMut(&str, V, Outcome) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let sources = self.sources()?;
        // One log gets all threads; of several each gets one.
        let (inside, outside) = if sources.len() == 1 { (self.threads, 1) } else { (1, self.threads) };
        let options = Options { threads: inside, ..options.clone() };
        for batch in sources.chunks(BATCH) {
            let results = in_order(outside, batch, |source| {
                let (mut view, mut outcome) = (V::default(), Outcome::default());
                read_one(source, &options, &mut outcome, |items| {
                    take(&mut view, items);
                    ControlFlow::Continue(())
                });
                (view, outcome)
            });
            for (source, (view, outcome)) in batch.iter().zip(results) {
                done(&source.to_string(), view, outcome)?;
            }
        }
        Ok(())
    }

    /// Writes every item of every source as bytes, in order. A log of any size takes bounded memory.
    ///
    /// # Errors
    /// Whatever `write` answers, or no input.
    pub fn records(
        &self,
        options: &Options,
        render: impl Fn(&mut Vec<u8>, &Item) + Sync + Send,
        mut write: impl FnMut(&[u8]) -> anyhow::Result<()>,
        mut done: impl FnMut(&Outcome),
    ) -> anyhow::Result<()> {
        let sources = self.sources()?;
        let [source] = sources.as_slice() else {
            let take = |bytes: &mut Vec<u8>, items: Vec<Item>| items.iter().for_each(|item| render(bytes, item));
            return self.views(options, take, |_, bytes, outcome| {
                done(&outcome);
                write(&bytes)
            });
        };
        let (mut outcome, mut failed) = (Outcome::default(), None);
        read_one(source, &Options { threads: self.threads, ..options.clone() }, &mut outcome, |items| {
            let written = rendered(self.threads, &items, &render).iter().try_for_each(|bytes| write(bytes));
            written.map_or_else(
                |error| {
                    failed = Some(error);
                    ControlFlow::Break(())
                },
                ControlFlow::Continue,
            )
        });
        done(&outcome);
        failed.map_or(Ok(()), Err)
    }
}

/// Items of one log, made into bytes by several threads.
fn rendered(threads: usize, items: &[Item], render: &(impl Fn(&mut Vec<u8>, &Item) + Sync + Send)) -> Vec<Vec<u8>> {
    let share = items.len().div_ceil(4 * thread_count(threads)).max(1);
    let parts: Vec<&[Item]> = items.chunks(share).collect();
    in_order(threads, &parts, |part| {
        let mut bytes = Vec::new();
        part.iter().for_each(|item| render(&mut bytes, item));
        bytes
    })
}

/// How many items are gathered before they are handed on.
const GATHERED: usize = 1024;

/// Reads one source; `take` gets its items in batches and may end it.
pub fn read_one(
    source: &Source,
    options: &Options,
    outcome: &mut Outcome,
    mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>,
) {
    let options = Options { log: source.to_string(), ..options.clone() };
    let input = match open(source) {
        Ok(input) => input,
        Err(error) => {
            outcome.trouble = Some(Trouble { message: error.to_string(), fatal: true });
            return;
        }
    };
    match input {
        Input::Whole(text) => {
            let mail = if text.len() <= LARGEST_MAIL { read_mail(&text) } else { None };
            match mail {
                Some(mail) => read_from_mail(&text, &mail, options, outcome, take),
                None => read_whole(&text, options, outcome, take),
            }
        }
        stream @ Input::Stream(_) => {
            let mut engine = Engine::new(options);
            let mut stopped = false;
            let damage = stream.feed(|bytes| {
                let items = engine.push(bytes);
                let next = if items.is_empty() { ControlFlow::Continue(()) } else { take(items) };
                stopped |= next.is_break();
                next
            });
            let (items, summary) = engine.finish();
            outcome.summary = summary;
            if !stopped && !items.is_empty() {
                let _ = take(items);
            }
            outcome.trouble = damage
                .filter(|damage| *damage != Damage::Empty)
                .map(|damage| Trouble { message: format!("{source}: {damage}"), fatal: false });
        }
    }
}

fn read_whole(
    text: &[u8],
    options: Options,
    outcome: &mut Outcome,
    mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>,
) {
    let mut gathered = Vec::new();
    let read = Engine::read(options, text, |item| {
        gathered.push(item);
        if gathered.len() < GATHERED {
            return Ok(());
        }
        match take(std::mem::take(&mut gathered)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(()),
        }
    });
    if let Ok(summary) = read {
        outcome.summary = summary;
        if !gathered.is_empty() {
            let _ = take(gathered);
        }
    }
}

/// A mail's text is read in its place; offsets and lines are those of the mail.
fn read_from_mail(
    whole: &[u8],
    mail: &Mail,
    options: Options,
    outcome: &mut Outcome,
    mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>,
) {
    let breaks = |text: &[u8]| -> Vec<usize> { memchr::memchr_iter(b'\n', text).collect() };
    let (inner, outer) = (breaks(&mail.text), breaks(whole));
    let line = |number: u64| -> u64 {
        let start = match usize::try_from(number).unwrap_or(usize::MAX) {
            0 | 1 => 0,
            number => inner.get(number - 2).map_or(mail.text.len(), |end| end + 1),
        };
        outer.partition_point(|end| *end < mail.origin(start)) as u64 + 1
    };
    let offset = |at: u64| mail.origin(usize::try_from(at).unwrap_or(usize::MAX).min(mail.text.len())) as u64;
    let options = Options { prose: true, ..options };
    read_whole(&mail.text, options, outcome, |mut items| {
        for item in &mut items {
            match item {
                Item::Opened { start, .. } => *start = offset(*start),
                Item::Closed(report) => {
                    renumber_report(report, &line);
                    (report.start, report.end) = (offset(report.start), offset(report.end));
                    report.text_end = offset(report.text_end);
                }
                Item::Event(event) => {
                    renumber_event(event, &line);
                    event.start = offset(event.start);
                }
            }
        }
        take(items)
    });
}

/// Writes each trouble as one line to stderr and says whether any was fatal.
pub fn tell(outcome: &Outcome) -> bool {
    let Some(trouble) = &outcome.trouble else { return false };
    let _ = writeln!(std::io::stderr(), "kanalyze: {}", crate::render::safe(&trouble.message));
    trouble.fatal
}
