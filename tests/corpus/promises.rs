//! What holds for any log: chunks, line ends and places change no answer, reports are numbered and in order.

use kanalyze::engine::{Engine, Item, Options, read_items};
use kanalyze::report::Report;
use libtest_mimic::Failed;

/// A log of at most so many bytes is also pushed byte by byte.
const SHORT: usize = 6_000;

/// Tries every promise on one log.
pub(crate) fn hold(text: &[u8]) -> Result<(), Failed> {
    let whole = sorted(read_items(options(), text));
    for sizes in [&[4096][..], &[1, 7, 300, 65_536], &[50_021]] {
        same(&whole, &sorted(pushed(text, sizes)), &format!("pushed in chunks of {sizes:?}"))?;
    }
    if text.len() < SHORT {
        same(&whole, &sorted(pushed(text, &[1])), "pushed byte by byte")?;
    }
    let reports: Vec<Report> = reports_of(whole);
    line_ends_change_only_offsets(text)?;
    starts_are_announced(text)?;
    numbers_and_places_are_right(text, &reports)?;
    a_report_read_from_its_start_is_that_report(text, &reports)
}

fn options() -> Options {
    Options { events: true, gaps: true, ..Options::named("log") }
}

/// The items of a log that comes in chunks of the given sizes, over and over.
fn pushed(text: &[u8], sizes: &[usize]) -> Vec<Item> {
    let mut engine = Engine::new(options());
    let mut items = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        items.extend(engine.push(chunk));
        rest = after;
    }
    items.extend(engine.finish().0);
    items
}

/// Items in an order that does not depend on when they were finished.
fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| match item {
        Item::Opened { start, .. } => (*start, 0, 0),
        Item::Closed(report) => (report.start, 1, report.index),
        Item::Event(event) => (event.start, 2, event.index),
        other => unreachable!("{other:?}"),
    });
    items
}

fn reports_of(items: Vec<Item>) -> Vec<Report> {
    items.into_iter().filter_map(|item| if let Item::Closed(report) = item { Some(*report) } else { None }).collect()
}

fn same(expected: &[Item], got: &[Item], how: &str) -> Result<(), Failed> {
    if expected.len() != got.len() {
        return Err(format!("{how}: {} items instead of {}", got.len(), expected.len()).into());
    }
    match expected.iter().zip(got).find(|(expected, got)| expected != got) {
        None => Ok(()),
        Some((expected, got)) => Err(format!("{how}: {got:#?}\ninstead of {expected:#?}").into()),
    }
}

fn line_ends_change_only_offsets(text: &[u8]) -> Result<(), Failed> {
    let bare: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\r').collect();
    let returned: Vec<u8> = bare
        .iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let plain = |text: &[u8]| -> Vec<Report> {
        let mut reports = reports_of(read_items(options(), text));
        for report in &mut reports {
            (report.start, report.end, report.text_end) = (0, 0, 0);
        }
        reports
    };
    if plain(&bare) == plain(&returned) { Ok(()) } else { Err("carriage returns change more than offsets".into()) }
}

/// What is announced by `opened` is closed with the same start.
fn starts_are_announced(text: &[u8]) -> Result<(), Failed> {
    let items = read_items(Options { opened: true, ..options() }, text);
    let opened: Vec<u64> = items
        .iter()
        .filter_map(|item| if let Item::Opened { start, .. } = item { Some(*start) } else { None })
        .collect();
    // What may turn out to introduce another report is announced only by that one, and a line that another program
    // passes on is the kernel's only by what stands below it.
    let announced = |report: &&Report| report.syzbot && !is_tagged(text, report.start);
    let reports = reports_of(items);
    match reports.iter().filter(announced).find(|report| !opened.contains(&report.start)) {
        None => Ok(()),
        Some(report) => Err(format!("the report at {} was not announced, only {opened:?}", report.start).into()),
    }
}

/// Whether the line at an offset has the syslog tag of a program.
fn is_tagged(text: &[u8], start: u64) -> bool {
    let rest = &text[usize::try_from(start).expect("an offset in memory")..];
    kanalyze::line::lex(rest.split(|byte| *byte == b'\n').next().unwrap_or_default()).is_foreign()
}

fn numbers_and_places_are_right(text: &[u8], reports: &[Report]) -> Result<(), Failed> {
    for (number, report) in reports.iter().enumerate() {
        let (start, end) = (report.start as usize, report.end as usize);
        let line = 1 + text[..start].iter().filter(|byte| **byte == b'\n').count() as u64;
        let faults = [
            (report.index != number, "has another number"),
            (start > end || end > text.len(), "ends before it starts, or beyond the log"),
            (report.line != line, "starts at another line"),
            (report.corrupted.as_deref() == Some(""), "is corrupted without a reason"),
            (report.cause.is_some_and(|cause| cause >= number || reports[cause].cause.is_some()), "has a wrong cause"),
            (number > 0 && reports[number - 1].start >= report.start, "stands before the one above it"),
        ];
        if let Some((_, fault)) = faults.iter().find(|(is, _)| *is) {
            return Err(format!("report {number} '{}' {fault}", report.title).into());
        }
    }
    Ok(())
}

/// A log that is cut right above a report gives that report first. One JSON document cannot be cut.
fn a_report_read_from_its_start_is_that_report(text: &[u8], reports: &[Report]) -> Result<(), Failed> {
    if text.trim_ascii_start().starts_with(b"{\n") {
        return Ok(());
    }
    // That a machine booted again only what stands above shows.
    let booted = |report: &&Report| {
        let line = text[report.start as usize..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        kanalyze::line::boot_start(line)
    };
    for report in reports.iter().filter(|report| !booted(report)) {
        let again = reports_of(read_items(options(), &text[report.start as usize..]));
        let Some(first) = again.first() else {
            return Err(format!("read from its start, '{}' is gone", report.title).into());
        };
        let told = |report: &Report| (report.kind.clone(), report.title.clone(), report.alt_titles.clone());
        if first.start != 0 || told(first) != told(report) {
            return Err(
                format!("read from its start {:?} is {:?} at {}", told(report), told(first), first.start).into()
            );
        }
    }
    Ok(())
}
