//! `kanalyze grammar`: which kinds of reports there are, what one means, whether a file of your own is right.

use super::output::Reader;
use super::pager::Page;
use crate::engine::sample_complaints;
use crate::grammar::{Choice, Cost, Event, Grammar, GrammarError, Header, Kind, costs, placeholders};
use crate::render::columns;
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
#[expect(rustdoc::invalid_html_tags, reason = "the name of a group in a pattern, shown as it is by --help")]
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// One line per kind: id, severity, what opens it, title
    List,
    /// What one kind means, what to do about it, how it is recognised and titled
    Explain {
        /// Id of the kind, as `list` shows it, or the title of a report
        kind: String,
    },
    /// Check a grammar file; every fault with its line, and what its kinds cost
    ///
    /// A kind's lines are found by plain text: by its trigger, or by text that its pattern demands if that is rarer. Text that
    /// many ordinary lines hold slows down the search of every log; the check names it and says what to do.
    #[command(after_help = "Exit status: 0 the file is right, 1 it is not, 2 it cannot be read.")]
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// An unknown kind, or output that cannot be written.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = Page::open(Reader::default(), matches!(arguments.verb, Verb::List | Verb::Explain { .. }));
    let status = answer(arguments.verb, &mut out)?;
    out.close()?;
    Ok(status)
}

fn answer(verb: Verb, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let grammar = Grammar::built_in();
    match verb {
        Verb::List => list(out, &grammar)?,
        Verb::Explain { kind } => explain(out, &grammar, &kind)?,
        Verb::Check { file } => {
            // A fault that keeps the file from loading is the only one that can be reported.
            let grammar = match Grammar::with_files(std::slice::from_ref(&file)) {
                Ok(grammar) => grammar,
                Err(error @ GrammarError::Unreadable { .. }) => return Err(error.into()),
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
            let kinds = if count == 1 { "1 kind".to_owned() } else { format!("{count} kinds") };
            writeln!(out, "{mine}: {kinds}, every sample is recognised")?;
            costs(&grammar).iter().try_for_each(|cost| tell_cost(out, cost))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line per kind and event.
pub(super) fn list(out: &mut dyn Write, grammar: &Grammar) -> std::io::Result<()> {
    for (header, kind) in grammar.all_kinds() {
        let first = header.texts.first().map_or("", |text| text.trim());
        writeln!(out, "{:28} {:6} {first:24} {}", kind.id, kind.severity.word(), kind.title)?;
    }
    for event in &grammar.events {
        writeln!(out, "{:28} {:6} {:24} {}", event.id, event.severity.word(), "(event)", event.title)?;
    }
    Ok(())
}

/// How often the texts stand in ordinary lines by which lines of a kind are found, and what to do about it.
fn tell_cost(out: &mut dyn Write, cost: &Cost) -> std::io::Result<()> {
    let often = |share: f64| format!("one line of {:.0}", 1.0 / share);
    if let Some(common) =
        cost.searched.iter().filter(|text| text.is_common()).max_by(|a, b| a.share.total_cmp(&b.share))
    {
        return writeln!(
            out,
            "{}: '{}' is expensive: its text '{}' is in about {} of kernel logs, each of which is then looked at more closely; \
             choose a longer or rarer trigger, or a pattern that demands rarer text",
            cost.place,
            cost.id,
            crate::render::safe(&common.text),
            often(common.share)
        );
    }
    let texts: Vec<String> =
        cost.searched.iter().map(|text| format!("'{}'", crate::render::safe(&text.text))).collect();
    let most = cost.searched.iter().map(|text| text.share).fold(0.0, f64::max);
    writeln!(
        out,
        "{}: '{}' is cheap: {} is in about {} of kernel logs, or fewer",
        cost.place,
        cost.id,
        texts.join(" or "),
        often(most)
    )
}

/// What a kind, an event or a header is, by its id or by the title of a report.
///
/// # Errors
/// There is none of that name, or the output cannot be written.
pub(super) fn explain(out: &mut dyn Write, grammar: &Grammar, id: &str) -> anyhow::Result<()> {
    if let Some((header, kind)) = grammar.all_kinds().find(|(_, kind)| kind.id == id) {
        return explain_kind(out, header, kind).map_err(Into::into);
    }
    if let Some(event) = grammar.events.iter().find(|event| event.id == id) {
        return explain_event(out, event).map_err(Into::into);
    }
    if let Some((at, header)) = grammar.headers.iter().enumerate().find(|(_, header)| header.id == id) {
        writeln!(out, "{id}: a line that opens a report; this is its kind where none of those below fits")?;
        row(out, "severity", header.severity.word())?;
        opened_by(out, header)?;
        let below: Vec<&str> = grammar.kinds[at].iter().map(|kind| kind.id.as_str()).collect();
        paragraph(out, "kinds", &below.join(", "))?;
        return row(out, "written in", &header.place.to_string()).map_err(Into::into);
    }
    let titled = of_title(grammar, id);
    if let [first, more @ ..] = &titled[..] {
        explain(out, grammar, first)?;
        if !more.is_empty() {
            paragraph(out, "or", &format!("{}: their titles have this form, too", more.join(", ")))?;
        }
        return Ok(());
    }
    let near: Vec<&str> = grammar
        .all_kinds()
        .map(|(_, kind)| kind.id.as_str())
        .chain(grammar.events.iter().map(|event| event.id.as_str()))
        .chain(grammar.headers.iter().map(|header| header.id.as_str()))
        .filter(|known| known.contains(id) || id.contains(known))
        .collect();
    let hint = if near.is_empty() {
        "see `kanalyze grammar list`".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    anyhow::bail!("there is no kind '{id}'; {hint}")
}

/// Ids of the kinds and events whose title has the form of this one: those with the most text in common, as many as share that.
fn of_title<'g>(grammar: &'g Grammar, title: &str) -> Vec<&'g str> {
    let kinds = grammar.all_kinds().flat_map(|(_, kind)| {
        let forms = [Some(&kind.title), kind.nameless.as_ref()].into_iter().flatten().chain(&kind.alt);
        forms.map(|form| (kind.id.as_str(), form.as_str()))
    });
    let events = grammar.events.iter().map(|event| (event.id.as_str(), event.title.as_str()));
    let fitting: Vec<(usize, &str)> =
        kinds.chain(events).filter_map(|(id, form)| Some((in_common(form, title)?, id))).collect();
    let most = fitting.iter().map(|(length, _)| *length).max().unwrap_or_default();
    let mut ids: Vec<&str> = fitting.into_iter().filter(|(length, _)| *length == most).map(|(_, id)| id).collect();
    ids.dedup();
    ids
}

/// How many bytes of a title are its template's own, if it can be of that template; a template that is hardly more than names in
/// braces says nothing.
fn in_common(template: &str, title: &str) -> Option<usize> {
    const ENOUGH: usize = 5;
    let names = placeholders(template);
    let mut literals = Vec::new();
    let mut rest = template;
    for name in &names {
        let (before, after) = rest.split_once(&format!("{{{name}}}"))?;
        literals.push(before);
        rest = after;
    }
    let common = literals.iter().map(|text| text.len()).sum::<usize>() + rest.len();
    let (first, between) = match literals.split_first() {
        None => return (template == title && common >= ENOUGH).then_some(common),
        Some(parts) => parts,
    };
    let mut open = title.strip_prefix(first)?.strip_suffix(rest)?;
    for text in between {
        open = open.split_once(text)?.1;
    }
    (common >= ENOUGH).then_some(common)
}

fn explain_kind(out: &mut dyn Write, header: &Header, kind: &Kind) -> std::io::Result<()> {
    writeln!(out, "{}: {}", kind.id, if kind.about.is_empty() { "a crash" } else { &kind.about })?;
    let known = if header.syzbot { "" } else { " (syzbot does not know it; --as-syzbot leaves it out)" };
    row(out, "severity", &format!("{}{known}", kind.severity.word()))?;
    paragraph(out, "what to do", &kind.advice)?;
    opened_by(out, header)?;
    row(out, "matches", kind.gate.source())?;
    if let Some(body) = &kind.body {
        row(out, "captures", body.source())?;
    }
    row(out, "title", &kind.title)?;
    if let Some(nameless) = &kind.nameless {
        row(out, "or", &format!("{nameless}, where no function is found"))?;
    }
    kind.alt.iter().try_for_each(|alt| row(out, "also", alt))?;
    row(out, "function", chosen(kind))?;
    if let Some(skip) = &kind.skip {
        paragraph(out, "passes over", &skip.sources().join(" "))?;
    }
    if kind.stackless {
        row(out, "stack", "may be missing without damage")?;
    }
    if kind.damaged {
        row(out, "damage", "shows only when something is missing")?;
    }
    if kind.common {
        row(out, "found", "only where lines of a kernel or of a dying program stand around it")?;
    }
    let caused = [kind.causes.as_slice(), kind.causes_at_once.as_slice()].concat();
    if !caused.is_empty() {
        paragraph(out, "causes", &format!("{} (reported as its consequences)", caused.join(", ")))?;
    }
    samples(out, &kind.samples)?;
    row(out, "written in", &kind.place.to_string())
}

fn explain_event(out: &mut dyn Write, event: &Event) -> std::io::Result<()> {
    writeln!(out, "{}: {}", event.id, if event.about.is_empty() { "an event" } else { &event.about })?;
    row(out, "severity", &format!("{} (an event, not a crash: shown with --all)", event.severity.word()))?;
    paragraph(out, "what to do", &event.advice)?;
    row(out, "trigger", &event.triggers.join(", "))?;
    row(out, "captures", event.pattern.source())?;
    row(out, "title", &event.title)?;
    if event.structure {
        row(out, "below it", "stacks and lists of locks belong to it")?;
    }
    if let Some(rows) = &event.rows {
        row(out, "rows", rows.source())?;
    }
    event.meanings.values.iter().try_for_each(|(value, meaning)| row(out, value, meaning))?;
    samples(out, &event.samples)?;
    row(out, "written in", &event.place.to_string())
}

fn opened_by(out: &mut dyn Write, header: &Header) -> std::io::Result<()> {
    row(out, "header", &header.texts.join(", or "))?;
    if let Some(only) = &header.only {
        row(out, "if it has", only.source())?;
    }
    header.unless.iter().try_for_each(|pattern| row(out, "unless", pattern.source()))?;
    header.part.iter().try_for_each(|pattern| row(out, "part of", &format!("the report above if {}", pattern.source())))
}

/// The width of a page, columns.
const WIDTH: usize = 100;
/// Columns before the text of a row.
const INDENT: usize = 15;

/// A name and what it says, as it is; nothing if it says nothing.
fn row(out: &mut dyn Write, name: &str, text: &str) -> std::io::Result<()> {
    if text.is_empty() { Ok(()) } else { writeln!(out, "  {name:12} {text}") }
}

/// The same for sentences and lists: wrapped between words.
fn paragraph(out: &mut dyn Write, name: &str, text: &str) -> std::io::Result<()> {
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in text.split(' ') {
        if !line.is_empty() && INDENT + columns(&line) + 1 + columns(word) > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.iter().enumerate().try_for_each(|(number, line)| row(out, if number == 0 { name } else { "" }, line))
}

fn chosen(kind: &Kind) -> &'static str {
    match (kind.frames.is_empty(), kind.choose) {
        (true, _) => "none, or the one that the pattern names",
        (false, Choice::First) => "the first one of the stack that is not machinery",
        (false, Choice::Stall) => "the last one before what many tasks run through",
        (false, Choice::Hung) => "the first one that is not about waiting",
    }
}

fn samples(out: &mut dyn Write, samples: &[crate::grammar::Sample]) -> std::io::Result<()> {
    for sample in samples {
        row(out, "sample", &format!("→ {}", sample.title))?;
        for line in sample.log.lines() {
            writeln!(out, "    | {}", crate::render::safe(line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_leads_to_its_kind() {
        assert_eq!(in_common("INFO: task hung in {F}", "INFO: task hung in chain_keeper"), Some(19));
        assert_eq!(in_common("{a} in {F}", "x in y"), None, "a form of four bytes says nothing");
        assert_eq!(in_common("KASAN: {what} in {F}", "KASAN: use-after-free Read in f"), Some(11));
        assert_eq!(in_common("KASAN: {what} in {F}", "KCSAN: data-race in f"), None);
        let grammar = Grammar::built_in();
        for (title, id) in [("INFO: task hung in chain_keeper", "hung"), ("WARNING in foo", "warning")] {
            let found = of_title(&grammar, title);
            assert!(found.iter().any(|found| found.contains(id)), "{title}: {found:?}");
        }
        assert!(of_title(&grammar, "nothing of a kernel").is_empty());
    }
}
