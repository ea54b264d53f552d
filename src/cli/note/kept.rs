//! The note of what is in a folder: a run, a bundle.

use super::Arguments;
use super::lines::{quoted, trailers};
use super::log::of_log;
use crate::bisect;
use crate::input::Source;
use crate::render::Note;
use crate::runs;
use crate::syzbot::manifest::{self as bundle, Role};
use std::path::Path;

pub(super) fn of_run(arguments: &Arguments, folder: &Path, note: Note) -> anyhow::Result<Note> {
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

pub(super) fn of_bundle(arguments: &Arguments, folder: &Path, note: Note) -> anyhow::Result<Note> {
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

fn bisection(log: &[u8]) -> Option<String> {
    let reports = |bytes: &[u8]| crate::engine::read_reports("", bytes);
    let found = bisect::read("", log, &reports).pop()?;
    Some(match found.confidence {
        Some(share) => format!("{} (confidence {:.0} %)", found.answer, share * 100.0),
        None => found.answer,
    })
}
