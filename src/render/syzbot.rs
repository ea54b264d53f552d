//! Bugs of syzbot's for people: lists, picks with their reasons, one bug in one answer, where a title is known.

use super::{Look, fitted, fixed_text, safe, wrap_into};
use crate::syzbot::listing::{Listed, Repro};
use crate::syzbot::rank::Ranked;
use crate::thread::work::{Stage, Work};
use std::fmt::Write as _;

/// Columns of the names of facts.
const NAMES: usize = 11;

/// A list: one line per bug.
#[must_use]
pub fn bugs_text(bugs: &[Listed], look: &Look) -> String {
    let mut out = String::new();
    let quiet = look.palette.quiet;
    if !bugs.is_empty() {
        let _ = writeln!(
            out,
            "{quiet}{:<20}  {:5}  {:>6}  {:>5}  {:>5}  {:8}  title{quiet:#}",
            "extid", "repro", "count", "last", "age", "mails"
        );
    }
    for bug in bugs {
        let _ = writeln!(out, "{}", fitted(&row(bug), look.width.0));
    }
    let count = if bugs.len() == 1 { "1 bug".to_owned() } else { format!("{} bugs", bugs.len()) };
    let _ = writeln!(out, "{quiet}{count}{quiet:#}");
    out
}

fn row(bug: &Listed) -> String {
    let repro = match bug.repro {
        Repro::C => "C",
        Repro::Syz => "syz",
        Repro::None => "none",
        Repro::Unknown => "?",
    };
    let days = |days: Option<f64>| days.map_or_else(|| "?".to_owned(), |days| format!("{days:.0}d"));
    let mails = match (bug.fix_commits.is_empty(), bug.patch_days, bug.mails) {
        (false, ..) => "fix".to_owned(),
        (true, Some(_), _) => "patch".to_owned(),
        (true, None, Some(mails)) => mails.to_string(),
        (true, None, None) => "?".to_owned(),
    };
    let count = bug.count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let labels = if bug.labels.is_empty() { String::new() } else { format!("  [{}]", bug.labels.join(" ")) };
    format!(
        "{:<20}  {repro:5}  {count:>6}  {:>5}  {:>5}  {mails:8}  {}{}",
        bug.key.get(..20).unwrap_or(&bug.key),
        days(bug.last_days),
        days(bug.reported_days),
        safe(&bug.title),
        safe(&labels)
    )
}

/// Bugs with their points and why.
#[must_use]
pub fn picks_text(picks: &[Ranked], look: &Look) -> String {
    let mut out = String::new();
    let (title, quiet) = (look.palette.title, look.palette.quiet);
    for pick in picks {
        let _ = writeln!(out, "{:>4}  {title}{}{title:#}", pick.points, safe(&pick.bug.title));
        let _ = writeln!(out, "      {quiet}{}{quiet:#}", safe(&pick.bug.key));
        if look.is_brief() {
            continue;
        }
        let reasons: Vec<String> =
            pick.reasons.iter().map(|reason| format!("{:+} {}", reason.points, reason.words)).collect();
        let words =
            if reasons.is_empty() { "the list says nothing that counts".to_owned() } else { reasons.join(", ") };
        wrap_into(&mut out, "      ", 6, &words, look.wrap());
    }
    out
}

/// One bug: the answer, and what it rests on.
#[must_use]
pub fn work_text(work: &Work, look: &Look) -> String {
    let mut out = String::new();
    let bug = &work.bug;
    let title = look.palette.title;
    let _ = writeln!(out, "{title}{}{title:#}", safe(&bug.title));
    let style = match work.stage {
        Stage::FixKnown | Stage::Closed => look.palette.good,
        Stage::Unknown => look.palette.doubt,
        _ => look.palette.blame,
    };
    let mut answer = String::new();
    wrap_into(&mut answer, &named("work"), NAMES, &work.answer, look.wrap());
    let _ = write!(out, "{style}{answer}{style:#}");
    let mut fact = |name: &str, text: &str| {
        if !text.is_empty() {
            wrap_into(&mut out, &named(name), NAMES, text, look.wrap());
        }
    };
    fact("status", &bug.status);
    let keys: Vec<String> = bug
        .extid
        .iter()
        .map(|key| format!("extid {key}"))
        .chain((!bug.id.is_empty()).then(|| format!("id {}", bug.id)))
        .collect();
    fact("bug", &keys.join(", "));
    fact("subsystems", &bug.subsystems.join(" "));
    let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
    let crashes = if bug.crashes == 1 { "1 crash".to_owned() } else { format!("{} crashes", bug.crashes) };
    let seen = if bug.first_crash.is_empty() {
        crashes
    } else {
        format!("{} to {}, {crashes} kept", day(&bug.first_crash), day(&bug.last_crash))
    };
    fact("seen", &seen);
    fact(
        "repro",
        match (bug.repro, bug.repro_revoked) {
            (Repro::C, false) => "a C reproducer",
            (Repro::Syz, false) => "a syz reproducer",
            (Repro::C | Repro::Syz, true) => "reproducers, but none works on HEAD any more",
            (Repro::None, _) => "none",
            (Repro::Unknown, _) => "",
        },
    );
    for commit in &bug.fix_commits {
        fact("fix", &format!("{} {}", commit.hash.get(..12).unwrap_or(&commit.hash), commit.title));
    }
    if let Some(commit) = &bug.cause_commit {
        fact(
            "cause",
            &format!("{} {} (by syzbot's bisection)", commit.hash.get(..12).unwrap_or(&commit.hash), commit.title),
        );
    }
    if let Some(cause) = &work.cause {
        let trust = cause.confidence.map_or_else(
            || "how far to trust it is not known".to_owned(),
            |share| format!("confidence {:.0} %", share * 100.0),
        );
        fact("bisection", &format!("{}; {trust}", cause.answer));
    }
    for talk in &work.threads {
        let messages = if talk.messages == 1 { "1 message".to_owned() } else { format!("{} messages", talk.messages) };
        fact("thread", &format!("{} ({messages}): {}", talk.subject, talk.digest.sentence));
        fact("", &talk.id);
        for question in talk.digest.questions.iter().filter(|question| question.answered_by.is_none()).take(3) {
            fact("", &format!("{} asks: {}", question.who, question.words));
        }
    }
    for words in &work.unknown {
        fact("unknown", words);
    }
    if let Some(found) = &work.in_tree {
        out.push_str(&fixed_text(found, look));
    }
    out
}

fn named(name: &str) -> String {
    format!("{name:NAMES$}")
}

/// Where titles are known: lines of what, key or id, title.
#[must_use]
pub fn known_text(known: &[(String, String, String)], look: &Look) -> String {
    let mut out = String::new();
    for (place, key, title) in known {
        let line = format!("{:8}  {:<20}  {}", safe(place), safe(key), safe(title));
        let _ = writeln!(out, "{}", fitted(&line, look.width.0));
    }
    out
}
