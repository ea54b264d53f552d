//! A mail thread for people: the digest on one screen, then who said what when.

use super::{Look, fitted, safe, several, wrap_into};
use crate::thread::{
    Deed, Digest, Entry, Finding, Line, Posting, Role, Saying, Series, State, Thread, bare_subject, lines,
};
use std::fmt::Write as _;

/// Columns of the names of facts.
const NAMES: usize = 11;
/// Answers are not moved further to the right than this many levels.
const DEEPEST: usize = 10;
/// So many of a kind are listed, unless everything is wanted.
const LISTED: usize = 6;

/// A thread as text. `bodies` is how many lines of what each sender wrote are shown.
#[must_use]
pub fn thread_text(thread: &Thread, bodies: usize, look: &Look) -> String {
    let mut out = String::new();
    let digest = &thread.digest;
    let subject = if thread.subject.is_empty() { "(no subject)" } else { thread.subject.as_str() };
    if look.is_brief() {
        let _ = writeln!(out, "{}: {}", safe(subject), safe(&digest.sentence));
        return out;
    }
    let title = look.palette.title;
    let _ = writeln!(out, "{title}{}{title:#}", safe(subject));
    facts(&mut out, thread, look);
    out.push('\n');
    for entry in &thread.messages {
        row(&mut out, thread, entry, look);
        if bodies > 0 {
            body(&mut out, entry, bodies, look);
        }
    }
    if !thread.missing.is_empty() {
        let words = match thread.missing.len() {
            1 => "1 message that is answered is not here".to_owned(),
            count => format!("{count} messages that are answered are not here"),
        };
        let _ = writeln!(out, "{}{words}{:#}", look.palette.quiet, look.palette.quiet);
    }
    if thread.strangers > 0 {
        let words =
            format!("{} left out: nothing here connects them with the thread", several(thread.strangers, "message"));
        let _ = writeln!(out, "{}{words}{:#}", look.palette.quiet, look.palette.quiet);
    }
    out
}

fn facts(out: &mut String, thread: &Thread, look: &Look) {
    let digest = &thread.digest;
    let style =
        if matches!(digest.state, State::Fixed | State::Applied) { look.palette.good } else { look.palette.blame };
    let mut state = String::new();
    wrap_into(&mut state, &named("state"), NAMES, &digest.sentence, look.wrap());
    let _ = write!(out, "{style}{state}{style:#}");
    let mut fact = |name: &str, text: &str| wrap_into(out, &named(name), NAMES, text, look.wrap());
    if !digest.evidence.is_empty() {
        fact("", &format!("rests on {}", numbers(&digest.evidence, look)));
    }
    let people = digest.people.iter().filter(|one| !one.person.bot).count();
    let people = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    fact("thread", &format!("{}, {people}{}", several(thread.messages.len(), "message"), span(thread)));
    if let Some(extid) = &digest.extid {
        fact("bug", &format!("extid {extid}"));
    }
    let limit = if look.is_full() { usize::MAX } else { LISTED };
    let mut list = |name: &str, items: Vec<String>| {
        for (at, item) in items.iter().take(limit).enumerate() {
            fact(if at == 0 { name } else { "" }, item);
        }
        if items.len() > limit {
            fact("", &format!("… and {} more (--full)", items.len() - limit));
        }
    };
    list("reports", digest.titles.clone());
    list("patches", digest.series.iter().rev().map(series).collect());
    list("open", open_questions(digest));
    list("objections", objections(digest));
    list("syzbot", digest.deeds.iter().map(deed_line).collect());
    list("cause", digest.culprits.iter().map(|deed| format!("{} (not verified)", deed_line(deed))).collect());
    if let Some(last) = digest.last.and_then(|last| thread.messages.get(last - 1)) {
        fact("last", &format!("{} {}, {}", number(last.number), last.from.shown(), day(last)));
    }
    if !digest.unanswered.is_empty() {
        fact("unanswered", &numbers(&digest.unanswered, look));
    }
}

fn deed_line(deed: &Deed) -> String {
    format!("{} {} {}", number(deed.number), deed.who, deed.words)
}

fn named(name: &str) -> String {
    format!("{name:NAMES$}")
}

fn number(number: usize) -> String {
    format!("#{number}")
}

fn numbers(all: &[usize], look: &Look) -> String {
    let limit = if look.is_full() { usize::MAX } else { 12 };
    let mut text: Vec<String> = all.iter().take(limit).map(|one| number(*one)).collect();
    if all.len() > limit {
        text.push(format!("and {} more", all.len() - limit));
    }
    text.join(" ")
}

fn span(thread: &Thread) -> String {
    let day = |date: &str| date.get(..10).unwrap_or_default().to_owned();
    let first = thread.digest.first.as_deref().map(day);
    let last = thread.digest.last.and_then(|last| thread.messages.get(last - 1)?.date.as_deref().map(day));
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!(", {first}"),
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    }
}

fn day(entry: &Entry) -> &str {
    entry.date.as_deref().and_then(|date| date.get(..10)).unwrap_or("undated")
}

fn series(series: &Series) -> String {
    let kind = match series.posting {
        Posting::Posted => format!("v{}", series.version),
        Posting::Rfc => format!("RFC v{}", series.version),
        Posting::Pull => "pull request".to_owned(),
        Posting::Inline => "diff".to_owned(),
    };
    let mut text = format!("{} {kind} by {}: {}", number(series.number), series.author.shown(), series.title);
    if series.total > 1 {
        let _ = write!(text, ", {} of {} patches here", series.present, series.total);
    }
    if !series.files.is_empty() {
        let _ = write!(text, ", {} +{} -{}", several(series.files.len(), "file"), series.insertions, series.deletions);
    }
    if series.versions.len() > 1 {
        let versions: Vec<String> = series.versions.iter().map(|version| format!("v{version}")).collect();
        let _ = write!(text, " ({} here)", versions.join(" "));
    }
    for (from, tag) in &series.tags {
        let condition =
            tag.condition.as_ref().map(|words| format!(", on a condition: \"{words}\"")).unwrap_or_default();
        let _ = write!(text, "; {}: {} ({}{condition})", tag.key, tag.value, number(*from));
    }
    if let Some(taken) = &series.taken {
        let _ = write!(text, "; {} {}: \"{}\"", number(taken.number), taken.who, taken.words);
        for commit in taken.commits.iter().filter(|commit| !taken.words.contains(commit.as_str())) {
            let _ = write!(text, " {commit}");
        }
    }
    if let Some(dropped) = &series.dropped {
        let _ = write!(text, "; {}: \"{}\"", number(dropped.number), dropped.words);
    }
    text
}

fn open_questions(digest: &Digest) -> Vec<String> {
    let open = digest.questions.iter().filter(|question| question.answered_by.is_none());
    open.map(|question| format!("{} {}: {}", number(question.number), question.who, question.words)).collect()
}

fn objections(digest: &Digest) -> Vec<String> {
    let mut all: Vec<_> = digest.objections.iter().collect();
    all.sort_by_key(|objection| (!objection.stated, objection.answered, objection.number));
    all.iter()
        .map(|objection| {
            let kind = if objection.stated { "" } else { " (perhaps, by its wording)" };
            let open = if objection.answered { "" } else { ", unanswered" };
            format!("{} {}: {}{kind}{open}", number(objection.number), objection.who, objection.words)
        })
        .collect()
}

/// One message: number, day, who, what is in it.
fn row(out: &mut String, thread: &Thread, entry: &Entry, look: &Look) {
    let digits = thread.messages.len().to_string().len().max(2);
    let indent = "  ".repeat(entry.depth.min(DEEPEST));
    let head = format!("{:>digits$}  {}  {indent}", entry.number, day(entry));
    let parent = entry.parent.and_then(|parent| thread.messages.get(parent - 1));
    let mut what = holds(entry);
    let same = parent.is_some_and(|parent| bare_subject(&parent.subject) == bare_subject(&entry.subject));
    if !same {
        what.insert(0, entry.subject.clone());
    }
    let mut text = format!("{head}{}", safe(entry.from.shown()));
    if !what.is_empty() {
        let _ = write!(text, ": {}", safe(&what.join("; ")));
    }
    let _ = writeln!(out, "{}", fitted(&text, look.width.0));
}

/// What a message holds besides words.
fn holds(entry: &Entry) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(patch) = &entry.patch {
        all.push(match patch.posting {
            Posting::Inline => {
                format!("a diff, {} +{} -{}", several(patch.files.len(), "file"), patch.insertions, patch.deletions)
            }
            Posting::Pull => "pull request".to_owned(),
            _ if patch.is_cover() => {
                format!("cover letter of {}", several(patch.total as usize, "patch").replace("patchs", "patches"))
            }
            _ => format!("{} +{} -{}", several(patch.files.len(), "file"), patch.insertions, patch.deletions),
        });
    }
    all.extend(entry.queued.iter().map(|queued| format!("\"{}\": {}", queued.patch, queued.words)));
    for finding in &entry.findings {
        all.push(match finding {
            Finding::Report { title, quoted: false, .. } => format!("report {title}"),
            Finding::Report { title, .. } => format!("quotes a report {title}"),
            Finding::Hang { waiting, roots, .. } if roots.is_empty() => {
                format!("hang, {} waiting", several(*waiting, "task"))
            }
            Finding::Hang { waiting, roots, .. } => {
                format!("hang, {} waiting, root {}", several(*waiting, "task"), roots.join(" "))
            }
            Finding::Comparison(found) => found.sentence(),
            Finding::Bisection { answer, .. } => format!("bisection: {answer}"),
        });
    }
    if let Some(notice) = &entry.notice {
        let words = match notice.saying {
            Saying::Reproducer => "has a reproducer",
            Saying::Bisected => "bisected it",
            Saying::FixSuspected => "suspects a fix",
            Saying::TestPassed => "tested: nothing triggered",
            Saying::TestFailed => "tested: still crashes",
            Saying::TestImpossible => "could not test",
            Saying::Backport => "suggests a backport",
            Saying::Found | Saying::Other => "",
        };
        all.extend((!words.is_empty()).then(|| words.to_owned()));
    }
    all.extend(entry.trailers.iter().filter(|tag| tag.key.to_ascii_lowercase().ends_with("-by")).map(|tag| {
        match tag.condition {
            Some(_) => format!("{} on a condition", tag.key),
            None => tag.key.clone(),
        }
    }));
    all.extend(
        entry.attachments.iter().filter(|file| !file.name.is_empty()).map(|file| format!("attached {}", file.name)),
    );
    if !entry.differing.is_empty() {
        all.push(format!("{} copies, not all alike", entry.copies));
    }
    all
}

/// The first lines of what the sender wrote; quotes are folded to their length.
fn body(out: &mut String, entry: &Entry, most: usize, look: &Look) {
    let all: Vec<Line> = lines(&entry.text);
    let quiet = look.palette.quiet;
    let indent = " ".repeat(6);
    let (mut shown, mut quoted) = (0, 0);
    let fold = |out: &mut String, quoted: &mut usize| {
        if *quoted > 0 {
            let _ = writeln!(out, "{indent}{quiet}> {}{quiet:#}", several(*quoted, "line"));
            *quoted = 0;
        }
    };
    for line in &all {
        match line.role {
            Role::Quoted => quoted += 1,
            Role::Attribution | Role::Signature => {}
            Role::Own | Role::Diff => {
                if line.text.trim().is_empty() {
                    continue;
                }
                fold(out, &mut quoted);
                if shown == most {
                    let _ = writeln!(out, "{indent}{quiet}…{quiet:#}");
                    return;
                }
                let _ = writeln!(out, "{indent}{}", fitted(&safe(&line.text), look.width.0.saturating_sub(6)));
                shown += 1;
            }
        }
    }
    fold(out, &mut quoted);
}
