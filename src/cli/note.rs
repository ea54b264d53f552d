//! `kanalyze note`: what do I write down?

use super::logs::{Reading, tell};
use super::output::Format;
use super::records::write_records;
use super::stderr::say;
use super::syzbot::{Servers, ask};
use super::tree::{TreeArguments, told};
use crate::bisect;
use crate::input::Source;
use crate::intake;
use crate::locks::{Record, dump_of, dumps};
use crate::render::{
    Look, NOTE_SCHEMA, Note, Redactor, first_stack, fixed_text, hang_text, lockdep_text, note_mail, note_markdown,
    source_text, stack_lines,
};
use crate::report::{Event, Report};
use crate::runs;
use crate::source::{PageOptions, blame_page};
use crate::syzbot::dashboard::BugName;
use crate::syzbot::manifest::{self as bundle, Role};
use crate::thread::rfc3339;
use clap::ValueEnum;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Write the day's note, or the mail for the list, about a run, a bug or a log
///
/// Settings, signature, first stack, lock graph in words, bisection verdict, commands to repeat; hypothesis and next action are
/// left open for you. What is not known is said to be unknown. Nothing is ever sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze note runs/2026-11-26T08:26:22 >> notes.md  a run
  kanalyze note console.log                           a log
  # a bug of syzbot's, from kept pages
  kanalyze note 0123456789abcdef0123 --offline
  # for the list, without names of machines
  kanalyze note runs/hang --as mail --redact

Exit status: 0, or 2 if there is nothing to write about.")]
pub(super) struct Arguments {
    /// A run folder or a run's name, a bundle, a log (`-` is standard input), or a bug of syzbot's by its key or link.
    #[arg(value_name = "RUN|BUG|LOG")]
    what: OsString,

    /// Form of the text.
    #[arg(long = "as", value_enum, default_value = "markdown", value_name = "FORM")]
    form: Form,

    /// Form of the output: text for people, json or jsonl for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Take out names of hosts and users, addresses of people, keys, MACs and serial numbers.
    #[arg(long)]
    redact: bool,

    /// The folder of runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: std::path::PathBuf,

    #[command(flatten)]
    tree: TreeArguments,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    servers: Servers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a file of notes.
    Markdown,
    /// For a mail, wrapped at 75 columns.
    Mail,
}

/// Runs the command.
///
/// # Errors
/// What is named is neither a run, a bundle, a log nor a bug, or cannot be read.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut note = made(&arguments)?;
    if arguments.redact {
        let (hosts, users) = own_names();
        note = note.redacted(&mut Redactor::new(&hosts, &users));
    }
    let mut out = std::io::stdout().lock();
    match (arguments.format, arguments.form) {
        (Format::Text, Form::Markdown) => out.write_all(note_markdown(&note).as_bytes())?,
        (Format::Text, Form::Mail) => out.write_all(note_mail(&note).as_bytes())?,
        (format, _) => write_records(&mut out, format, &[note])?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Names of this machine and of who uses it.
fn own_names() -> (Vec<String>, Vec<String>) {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let short = host.split('.').next().unwrap_or_default().to_owned();
    let users = ["USER", "LOGNAME", "SUDO_USER"].iter().filter_map(|name| std::env::var(name).ok());
    (vec![host, short], users.collect())
}

fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    rfc3339(i64::try_from(now).unwrap_or(0)).chars().take(10).collect()
}

fn made(arguments: &Arguments) -> anyhow::Result<Note> {
    let path = Path::new(&arguments.what);
    let blank = Note { schema: NOTE_SCHEMA, day: today(), ..Note::default() };
    let shown = arguments.what.to_string_lossy();
    if path.join(runs::manifest::MANIFEST).is_file() {
        return of_run(arguments, path, blank);
    }
    if path.join(bundle::MANIFEST).is_file() {
        return of_bundle(arguments, path, blank);
    }
    if arguments.what == "-" || path.exists() {
        return of_log(arguments, &Source::new(&arguments.what), None, blank);
    }
    if let Ok(bug) = BugName::parse(&shown) {
        return of_bug(arguments, &bug, blank);
    }
    match runs::folder::find(&arguments.runs, &shown) {
        Ok(folder) => of_run(arguments, &folder, blank),
        // Several runs fit: that sentence says which.
        Err(reason) if fitting(&arguments.runs, &shown) => anyhow::bail!(reason),
        Err(_) => anyhow::bail!(
            "{shown}: neither a run in {}, a bundle, a log, nor the key of a bug",
            arguments.runs.display()
        ),
    }
}

/// Whether the name of any run holds this text.
fn fitting(runs: &Path, text: &str) -> bool {
    let all = runs::folder::list(runs).unwrap_or_default();
    all.iter().any(|run| run.file_name().is_some_and(|name| name.to_string_lossy().contains(text)))
}

fn of_run(arguments: &Arguments, folder: &Path, note: Note) -> anyhow::Result<Note> {
    let manifest = runs::Manifest::read(folder).map_err(|error| anyhow::anyhow!("{}: {error}", folder.display()))?;
    let sought = manifest.hits.first().map(|hit| hit.title.clone());
    let mut note = of_log(arguments, &Source::Path(folder.join("serial.log")), sought.as_deref(), note)?;
    note.day = manifest.started.chars().take(10).collect();
    let mut settings = vec![("run".to_owned(), manifest.name.clone())];
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            settings.push((name.to_owned(), value));
        }
    };
    let outcome = manifest.outcome.as_ref().map_or_else(
        || "unknown: it did not end by itself".to_owned(),
        |outcome| format!("{}: {}", outcome.verdict.words(), outcome.reason),
    );
    add("outcome", outcome);
    add("time", manifest.seconds.map(|seconds| format!("{seconds:.0} s")).unwrap_or_default());
    add("accelerator", manifest.accelerator.clone().unwrap_or_default());
    for (name, version) in &manifest.versions {
        add(name, version.clone());
    }
    for input in &manifest.inputs {
        add("input", input.path.clone());
    }
    add("programs", manifest.executed.map(|count| count.to_string()).unwrap_or_default());
    let titles: Vec<String> = manifest.titles.iter().map(|(title, count)| format!("{count}× {title}")).collect();
    add("titles", titles.join("; "));
    add("troubles", manifest.troubles.join("; "));
    note.settings = settings;
    if !manifest.arguments.is_empty() {
        let words: Vec<String> = manifest.arguments.iter().map(|word| quoted(word)).collect();
        let verb = if words.first().is_some_and(|word| word == "kanalyze") { "" } else { "kanalyze " };
        note.commands.push(format!("{verb}{}", words.join(" ")));
    }
    for hit in &manifest.hits {
        let again = folder.join(&hit.folder).join("again.sh");
        if again.is_file() {
            note.commands.push(format!("sh {}", quoted(&again.display().to_string())));
        }
    }
    Ok(note)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || "-_./=:,+@%".contains(char));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn of_bundle(arguments: &Arguments, folder: &Path, note: Note) -> anyhow::Result<Note> {
    let manifest = bundle::Manifest::read(folder)?;
    let file = |role| manifest.file(role).map(|file| folder.join(&file.path));
    let mut note = match file(Role::Report).or_else(|| file(Role::ConsoleLog)) {
        Some(log) => of_log(arguments, &Source::Path(log), manifest.crash_title.as_deref(), note)?,
        None => note,
    };
    if note.title.is_empty() {
        note.title = manifest.crash_title.clone().or_else(|| manifest.title.clone()).unwrap_or_default();
    }
    let rows = [
        ("bug", manifest.url.clone()),
        ("status", manifest.status.clone()),
        ("tree", manifest.kernel_repository.clone()),
        ("commit", manifest.kernel_commit.clone()),
        ("compiler", manifest.compiler.clone()),
        ("syzkaller", manifest.syzkaller_commit.clone()),
        ("instance", manifest.manager.clone()),
    ];
    note.settings = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if let Some(log) = file(Role::BisectLog).and_then(|path| std::fs::read(path).ok()) {
        note.bisection = bisection(&log);
    }
    note.commands.push(format!("kanalyze run {}", quoted(&folder.display().to_string())));
    trailers(&mut note, manifest.extid.as_deref());
    Ok(note)
}

fn trailers(note: &mut Note, extid: Option<&str>) {
    let Some(extid) = extid else { return };
    note.trailers.push(format!("Reported-by: syzbot+{extid}@syzkaller.appspotmail.com"));
    note.trailers.push(format!("Closes: https://syzkaller.appspot.com/bug?extid={extid}"));
}

/// A crash report is not larger, bytes.
const REPORT: u64 = 32 << 20;

fn of_bug(arguments: &Arguments, bug: &BugName, mut note: Note) -> anyhow::Result<Note> {
    let client = arguments.servers.network.client();
    let found = ask(&client, &arguments.servers, bug, true)?;
    let link = found.report.as_ref().and_then(|link| arguments.servers.base_url.link(link).ok());
    match link.map(|url| client.get(&url, REPORT)) {
        Some(Ok(page)) => {
            let reports = crate::engine::read_items(arguments.reading.options()?.with_events(), &page.body);
            let (mut all, mut events) = (Vec::new(), Vec::new());
            for item in reports {
                match item {
                    crate::engine::Item::Closed(report) => all.push(*report),
                    crate::engine::Item::Event(event) => events.push(*event),
                    crate::engine::Item::Opened { .. } => {}
                }
            }
            if let Some(report) = fill(&mut note, "", &all, &events, None) {
                sourced(arguments, &mut note, "", report, Some(bug.key()))?;
            }
        }
        Some(Err(error)) => say(&format!("the crash report did not come: {error}")),
        None => {}
    }
    let facts = &found.work.bug;
    if note.title.is_empty() {
        note.title.clone_from(&facts.title);
    }
    note.settings = [
        ("status", facts.status.clone()),
        ("first crash", facts.first_crash.clone()),
        ("last crash", facts.last_crash.clone()),
        ("subsystems", facts.subsystems.join(" ")),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    note.work = Some(found.work.answer.clone());
    note.bisection = found.work.cause.as_ref().map(|cause| match cause.confidence {
        Some(share) => format!("{} (confidence {:.0} %)", cause.answer, share * 100.0),
        None => cause.answer.clone(),
    });
    if let Some(extid) = &facts.extid {
        note.commands.push(format!("kanalyze run --extid {extid}"));
    }
    trailers(&mut note, facts.extid.as_deref());
    Ok(note)
}

fn bisection(log: &[u8]) -> Option<String> {
    let reports = |bytes: &[u8]| crate::engine::read_reports("", bytes);
    let found = bisect::read("", log, &reports).pop()?;
    Some(match found.confidence {
        Some(share) => format!("{} (confidence {:.0} %)", found.answer, share * 100.0),
        None => found.answer,
    })
}

/// The note of a log; of its reports the one with the title that was sought, else the first.
fn of_log(arguments: &Arguments, source: &Source, sought: Option<&str>, mut note: Note) -> anyhow::Result<Note> {
    let options = arguments.reading.options()?.with_events();
    let logs = intake::wholes(std::slice::from_ref(source), &options, |found| found.settled());
    for log in logs {
        let fatal = tell(log.trouble.as_ref());
        if let Some(words) = log.silence {
            anyhow::bail!("{}: {words}: there is nothing to write about", log.name);
        }
        let Some((reports, events)) = log.found.filter(|_| !fatal) else {
            anyhow::bail!("{}: there is nothing to write about", log.name)
        };
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
fn sourced(
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
fn fill<'log>(
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
