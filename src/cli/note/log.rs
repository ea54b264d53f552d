//! The note of a log.

use super::Arguments;
use super::lines::quoted;
use crate::cli::logs::tell;
use crate::cli::tree::told;
use crate::input::Source;
use crate::intake;
use crate::locks::{Record, dump_of, dumps};
use crate::render::{Look, Note, first_stack, fixed_text, hang_text, lockdep_text, source_text, stack_lines};
use crate::report::{Event, Report};
use crate::source::{PageOptions, blame_page};
use std::collections::HashMap;

/// The note of a log; of its reports the one with the title that was sought, else the first.
pub(super) fn of_log(
    arguments: &Arguments,
    source: &Source,
    sought: Option<&str>,
    mut note: Note,
) -> anyhow::Result<Note> {
    let options = arguments.reading.options()?.with_events();
    let logs = intake::wholes(std::slice::from_ref(source), &options, |found| found.settled());
    for log in logs {
        if let Some(trouble) = log.trouble.as_ref().filter(|trouble| trouble.fatal) {
            anyhow::bail!("{}", trouble.message);
        }
        tell(log.trouble.as_ref());
        if let Some(words) = log.silence {
            anyhow::bail!("{}: {words}: there is nothing to write about", log.name);
        }
        let Some((reports, events)) = log.found else { anyhow::bail!("{}: there is nothing to write about", log.name) };
        if note.title.is_empty()
            && let Some(report) = fill(&mut note, &log.name, &reports, &events, sought)
        {
            sourced(arguments, &mut note, &log.name, report, None)?;
        }
    }
    if arguments.what != "-" && note.settings.is_empty() {
        note.settings.push(("log".to_owned(), source.to_string()));
        note.commands.push(format!("kanalyze parse {}", quoted(&source.to_string())));
    }
    Ok(note)
}

/// The lines that a report blames, who wrote them, whether it is fixed, whom to copy: where a tree is named.
pub(super) fn sourced(
    arguments: &Arguments,
    note: &mut Note,
    log: &str,
    report: &Report,
    extid: Option<&str>,
) -> anyhow::Result<()> {
    let Some(tree) = arguments.tree.open()? else { return Ok(()) };
    let options = PageOptions {
        hints: arguments.tree.hints(log, None),
        all_frames: false,
        fixed: true,
        extid: extid.map(str::to_owned),
        people: true,
    };
    let page = blame_page(&tree, report, &options)?;
    told();
    note.source = Some(source_text(&page, &Look::default())).filter(|text| !text.trim().is_empty());
    note.fixed = page.fixed.as_ref().map(|found| fixed_text(found, &Look::default()));
    let cc = page.people.map(|people| people.cc).unwrap_or_default();
    note.cc = cc.into_iter().map(|line| line.strip_prefix("Cc: ").map_or(line.clone(), str::to_owned)).collect();
    Ok(())
}

/// So many other titles are named.
const OTHERS: usize = 8;

/// The other titles of a log, as often as they came: consequences and what syzbot would not report left out.
fn others(reports: &[Report], about: &Report) -> Vec<String> {
    let mut titles: Vec<(&Report, usize)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let wanted = |one: &&Report| one.cause.is_none() && !one.suppressed && one.title != about.title;
    for report in reports.iter().filter(wanted) {
        let at = *known.entry(&report.title).or_insert(titles.len());
        match titles.get_mut(at) {
            Some((_, count)) => *count += 1,
            None => titles.push((report, 1)),
        }
    }
    let more = titles.len().saturating_sub(OTHERS);
    let told = titles.iter().take(OTHERS).map(|(report, count)| match count {
        1 => format!("{}, line {}", report.title, report.line),
        count => format!("{}, {count} times from line {}", report.title, report.line),
    });
    told.chain((more > 0).then(|| format!("and {more} more titles"))).collect()
}

/// Fills in what a log says, and gives the report that the note is about.
pub(super) fn fill<'log>(
    note: &mut Note,
    log: &str,
    reports: &'log [Report],
    events: &[Event],
    sought: Option<&str>,
) -> Option<&'log Report> {
    let records: Vec<Record<'_>> = reports.iter().map(Record::Report).chain(events.iter().map(Record::Event)).collect();
    let graphs = dumps(log, &records);
    let look = Look::default();
    let wanted = reports.iter().find(|report| Some(report.title.as_str()) == sought);
    let Some(report) = wanted.or_else(|| reports.iter().find(|report| report.cause.is_none())) else {
        let told = graphs.iter().find(|dump| dump.hang).or_else(|| graphs.iter().find(|dump| !dump.waits.is_empty()));
        note.locks = told.map(|dump| hang_text(dump, &look));
        return None;
    };
    note.title.clone_from(&report.title);
    note.alt_titles.clone_from(&report.alt_titles);
    note.message.clone_from(&report.message);
    let mut add = |name: &str, value: Option<String>| {
        note.signature.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    };
    add("kernel", report.kernel_version.clone());
    add("taint", report.taint.clone());
    add("hardware", report.hardware.clone());
    add("task", report.task.as_ref().map(|task| format!("{}/{}", task.comm, task.pid)));
    add("CPU", report.cpu.map(|cpu| cpu.to_string()));
    add("at", report.time.map(|time| format!("{time:.6} s after boot")));
    add("line", (!log.is_empty()).then(|| format!("{log}:{}", report.line)));
    add("source", report.source.as_ref().map(|source| format!("{}:{}", source.file, source.line)));
    add("incomplete", report.corrupted.clone());
    note.others = others(reports, report);
    note.stack = first_stack(report)
        .map(|stack| stack_lines(&stack, &report.frame, &look))
        .unwrap_or_default()
        .into_iter()
        .map(|line| line.text)
        .collect();
    // A hang of the same boot may be what the report is about, or what came of it.
    let elsewhere = || graphs.iter().find(|dump| dump.hang && dump.boot == report.boot);
    note.locks = match dump_of(&graphs, report).map(|dump| (dump, true)).or_else(|| Some((elsewhere()?, false))) {
        Some((dump, true)) if dump.hang => Some(hang_text(dump, &look)),
        Some((dump, false)) => Some(format!(
            "A hang in the same log, line {}:\n\n{}",
            dump.line,
            hang_text(dump, &look).trim_start_matches('\n')
        )),
        _ => {
            let explained = graphs.iter().flat_map(|dump| &dump.lockdep);
            let texts: Vec<String> = explained.take(1).map(|explanation| lockdep_text(explanation, &look)).collect();
            report.lockdep.is_some().then(|| texts.concat()).filter(|text| !text.is_empty())
        }
    };
    Some(report)
}
