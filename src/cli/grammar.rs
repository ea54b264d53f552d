//! `kanalyze grammar`: which kinds of reports there are, what one means, whether a file of your own is right.

use crate::engine::sample_complaints;
use crate::grammar::{Choice, Grammar, Kind};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// List, explain and check the kinds of reports
///
/// Kinds are data: TOML files with a text that opens the report, patterns with named groups, title templates and samples.
/// A file of your own (`--grammar mine.toml`) is one entry like this, and makes events unless it says `crash = true`:
///
///   [[event]]
///   id = "ring-stuck"
///   trigger = "mydrv: ring"
///   pattern = 'mydrv: ring (?P<ring>\d+) stuck'
///   title = "mydrv: ring stuck"
///   crash = true
///   samples = [{ log = "[  1.0] mydrv: ring 3 stuck", title = "mydrv: ring stuck" }]
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// One line a kind
    List,
    /// What one kind is told by and how it is titled
    Explain {
        /// Id of the kind, as `list` shows it
        kind: String,
    },
    /// Check a grammar file; every fault with its line
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// An unknown kind, or output that cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let grammar = Grammar::built_in();
    match arguments.verb {
        Verb::List => {
            for (header, kind) in grammar.all_kinds() {
                writeln!(out, "{:28} {:24} {}", kind.id, header.text.trim(), kind.title)?;
            }
            for event in &grammar.events {
                writeln!(out, "{:28} {:24} {}", event.id, "(event)", event.title)?;
            }
        }
        Verb::Explain { kind } => explain(&mut out, &grammar, &kind)?,
        Verb::Check { file } => {
            // A fault that keeps the file from loading is the only one that can be told.
            let grammar = match Grammar::with_files(std::slice::from_ref(&file)) {
                Ok(grammar) => grammar,
                Err(error) => {
                    writeln!(out, "{error}")?;
                    return Ok(ExitCode::from(1));
                }
            };
            let mine = file.display().to_string();
            let faults: Vec<_> = sample_complaints(&grammar).into_iter().filter(|one| one.place.file == mine).collect();
            for fault in &faults {
                writeln!(out, "{}: {}", fault.place, fault.message)?;
            }
            if !faults.is_empty() {
                return Ok(ExitCode::from(1));
            }
            let count = grammar.all_kinds().filter(|(_, kind)| kind.place.file == mine).count()
                + grammar.events.iter().filter(|event| event.place.file == mine).count();
            writeln!(out, "{mine}: {count} kinds, every sample is recognised")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(out: &mut dyn Write, grammar: &Grammar, id: &str) -> anyhow::Result<()> {
    if let Some((header, kind)) = grammar.all_kinds().find(|(_, kind)| kind.id == id) {
        writeln!(out, "{}: {}", kind.id, if kind.about.is_empty() { "a crash" } else { &kind.about })?;
        writeln!(out, "  opened by   {}", header.text)?;
        for pattern in &header.unless {
            writeln!(out, "    unless    {}", pattern.source())?;
        }
        writeln!(out, "  told by     {}", kind.gate.source())?;
        if let Some(body) = &kind.body {
            writeln!(out, "  read by     {}", body.source())?;
        }
        writeln!(out, "  title       {}", kind.title)?;
        for alt in &kind.alt {
            writeln!(out, "  also        {alt}")?;
        }
        writeln!(out, "  function    {}", chosen(kind))?;
        if let Some(skip) = &kind.skip {
            writeln!(out, "  passes over {}", skip.sources().join(" "))?;
        }
        if kind.stackless {
            writeln!(out, "  needs no stack")?;
        }
        if kind.damaged {
            writeln!(out, "  shows only when something is missing")?;
        }
        samples(out, &kind.samples)?;
        return writeln!(out, "  written in  {}", kind.place).map_err(Into::into);
    }
    if let Some(event) = grammar.events.iter().find(|event| event.id == id) {
        writeln!(out, "{}: {}", event.id, if event.about.is_empty() { "an event" } else { &event.about })?;
        writeln!(out, "  trigger     {}", event.trigger)?;
        writeln!(out, "  read by     {}", event.pattern.source())?;
        writeln!(out, "  title       {}", event.title)?;
        samples(out, &event.samples)?;
        return writeln!(out, "  written in  {}", event.place).map_err(Into::into);
    }
    let near: Vec<&str> = grammar
        .all_kinds()
        .map(|(_, kind)| kind.id.as_str())
        .chain(grammar.events.iter().map(|event| event.id.as_str()))
        .filter(|known| known.contains(id) || id.contains(known))
        .collect();
    let hint = if near.is_empty() {
        "see `kanalyze grammar list`".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    anyhow::bail!("there is no kind '{id}'; {hint}")
}

fn chosen(kind: &Kind) -> &'static str {
    match (kind.frames.is_empty(), kind.choose) {
        (true, _) => "none, or the one that the pattern names",
        (false, Choice::First) => "the first one of the stack that is not machinery",
        (false, Choice::Stall) => "the last one before what many tasks run through",
        (false, Choice::Hung) => "the first one that is not about waiting",
    }
}

fn samples(out: &mut dyn Write, samples: &[crate::grammar::source::Sample]) -> std::io::Result<()> {
    for sample in samples {
        writeln!(out, "  sample      → {}", sample.title)?;
        for line in sample.log.lines() {
            writeln!(out, "    | {}", crate::render::safe(line))?;
        }
    }
    Ok(())
}
