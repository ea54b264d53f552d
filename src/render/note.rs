//! A note about a crash: as Markdown for the day's file, as a mail for the list. What only the writer can know is left open.

use super::redact::Redactor;
use super::{safe, wrap_into};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// The schema name of [`Note`].
pub const NOTE_SCHEMA: &str = "kanalyze.note/1";

/// Columns of sentences in a mail.
const MAIL: usize = 75;

/// Everything that a note says. What is not known is empty or null and said to be unknown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Note {
    /// [`NOTE_SCHEMA`].
    pub schema: &'static str,
    /// The day, `2026-11-26`.
    pub day: String,
    /// The crash's title; empty if there was none.
    pub title: String,
    /// Other titles of the same bug.
    pub alt_titles: Vec<String>,
    /// How it was run: name and value.
    pub settings: Vec<(String, String)>,
    /// What the kernel says, in its own words.
    pub message: Vec<String>,
    /// Task, CPU, time, place: name and value.
    pub signature: Vec<(String, String)>,
    /// The first stack, one frame per line.
    pub stack: Vec<String>,
    /// What else the log holds: other titles, how often and where first.
    pub others: Vec<String>,
    /// Who blocks whom, in words.
    pub locks: Option<String>,
    /// The source lines and the commit that wrote them, in words.
    pub source: Option<String>,
    /// Whether the tree has a fix, in words.
    pub fixed: Option<String>,
    /// What the bisection says.
    pub bisection: Option<String>,
    /// What is known of the work on it.
    pub work: Option<String>,
    /// Commands that repeat it.
    pub commands: Vec<String>,
    /// Trailers for a fix, each whole.
    pub trailers: Vec<String>,
    /// People and lists to copy, each whole.
    pub cc: Vec<String>,
}

impl Note {
    /// Takes out what names machines and people.
    #[must_use]
    pub fn redacted(mut self, redactor: &mut Redactor) -> Self {
        let mut clean = |text: &mut String| *text = redactor.redact(text);
        for (_, value) in self.settings.iter_mut().chain(&mut self.signature) {
            clean(value);
        }
        let lists = [
            &mut self.message,
            &mut self.stack,
            &mut self.commands,
            &mut self.trailers,
            &mut self.cc,
            &mut self.alt_titles,
            &mut self.others,
        ];
        for text in lists.into_iter().flatten() {
            clean(text);
        }
        for text in [&mut self.locks, &mut self.source, &mut self.fixed, &mut self.bisection, &mut self.work]
            .into_iter()
            .flatten()
        {
            clean(text);
        }
        clean(&mut self.title);
        self
    }

    fn heading(&self) -> &str {
        if self.title.is_empty() { "no crash" } else { &self.title }
    }
}

/// The note as Markdown.
#[must_use]
pub fn note_markdown(note: &Note) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n\n{}\n", escaped(note.heading()), safe(&note.day));
    list(&mut out, "Settings", &note.settings);
    section(&mut out, "Signature");
    if !note.message.is_empty() {
        fence(&mut out, &note.message);
    }
    for (name, value) in &note.signature {
        let _ = writeln!(out, "* {}: {}", escaped(name), escaped(value));
    }
    if !note.alt_titles.is_empty() {
        let _ = writeln!(out, "* also known as: {}", escaped(&note.alt_titles.join("; ")));
    }
    if note.message.is_empty() && note.signature.is_empty() && note.alt_titles.is_empty() {
        out.push_str("None: there is no report.\n");
    }
    out.push('\n');
    section(&mut out, "First stack");
    if note.stack.is_empty() {
        out.push_str("Unknown: the log has no stack of it.\n\n");
    } else {
        fence(&mut out, &note.stack);
        out.push('\n');
    }
    if !note.others.is_empty() {
        section(&mut out, "Also in this log");
        for other in &note.others {
            let _ = writeln!(out, "* {}", escaped(other));
        }
        out.push('\n');
    }
    section(&mut out, "Locks");
    match &note.locks {
        Some(words) => {
            fence(&mut out, &lines(words));
            out.push('\n');
        }
        None => out.push_str("Nothing about locks in the log.\n\n"),
    }
    words(&mut out, "Source and commit", note.source.as_deref(), "Unknown: no kernel tree was named (`--tree`).");
    if let Some(fixed) = &note.fixed {
        words(&mut out, "Fixed?", Some(fixed), "");
    }
    words(&mut out, "Bisection", note.bisection.as_deref(), "Unknown: there is no bisection here.");
    if let Some(work) = &note.work {
        words(&mut out, "Is somebody on it", Some(work), "");
    }
    section(&mut out, "To repeat");
    if note.commands.is_empty() {
        out.push_str("Unknown: nothing says how it was run.\n\n");
    } else {
        fence(&mut out, &note.commands);
        out.push('\n');
    }
    out.push_str("## Hypothesis\n\n\n## Next action\n\n\n");
    if !note.trailers.is_empty() || !note.cc.is_empty() {
        section(&mut out, "For the fix");
        let trailers: Vec<String> =
            note.trailers.iter().cloned().chain(note.cc.iter().map(|one| format!("Cc: {one}"))).collect();
        fence(&mut out, &trailers);
    }
    out
}

fn section(out: &mut String, name: &str) {
    let _ = writeln!(out, "## {name}\n");
}

fn list(out: &mut String, name: &str, rows: &[(String, String)]) {
    if rows.is_empty() {
        return;
    }
    section(out, name);
    for (name, value) in rows {
        let _ = writeln!(out, "* {}: {}", escaped(name), escaped(value));
    }
    out.push('\n');
}

fn words(out: &mut String, name: &str, words: Option<&str>, otherwise: &str) {
    section(out, name);
    match words.map(str::trim_end) {
        Some(words) if words.contains('\n') => fence(out, &lines(words)),
        Some(words) => {
            let _ = writeln!(out, "{}", escaped(words));
        }
        None => {
            let _ = writeln!(out, "{otherwise}");
        }
    }
    out.push('\n');
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end().trim_start_matches('\n').lines().map(str::to_owned).collect()
}

/// Lines as they are, between fences that are longer than any in them.
fn fence(out: &mut String, lines: &[String]) {
    let longest = lines.iter().flat_map(|line| line.split(|char| char != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}");
    for line in lines {
        let _ = writeln!(out, "{}", safe(line).trim_end());
    }
    let _ = writeln!(out, "{fence}");
}

/// Text in which nothing is Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in safe(text).chars() {
        if matches!(char, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// The note as a mail: sentences are wrapped, stacks are not, trailers come last. It is printed, never sent.
#[must_use]
pub fn note_mail(note: &Note) -> String {
    let mut out = String::new();
    for one in &note.cc {
        let _ = writeln!(out, "Cc: {}", safe(one));
    }
    let _ = writeln!(out, "Subject: {}\n", safe(note.heading()));
    let sentence = |out: &mut String, text: &str| {
        wrap_into(out, "", 0, text, MAIL);
        out.push('\n');
    };
    out.push_str("Hello,\n\n");
    if note.title.is_empty() {
        sentence(&mut out, "The log holds no crash.");
    } else {
        let named =
            note.signature.iter().find(|(name, _)| name == "kernel").map(|(_, version)| format!(" on {version}"));
        sentence(&mut out, &format!("I see \"{}\"{}.", note.title, named.unwrap_or_default()));
    }
    for line in &note.message {
        let _ = writeln!(out, "  {}", safe(line));
    }
    if !note.stack.is_empty() {
        out.push_str(if note.message.is_empty() { "Call Trace:\n" } else { "\nCall Trace:\n" });
        for frame in &note.stack {
            let _ = writeln!(out, " {}", safe(frame));
        }
    }
    if !note.message.is_empty() || !note.stack.is_empty() {
        out.push('\n');
    }
    if !note.others.is_empty() {
        out.push_str("The same log also has:\n\n");
        for other in &note.others {
            let _ = writeln!(out, "  {}", safe(other));
        }
        out.push('\n');
    }
    if let Some(locks) = &note.locks {
        for line in lines(locks) {
            let _ = writeln!(out, "{}", safe(&line).trim_end());
        }
        out.push('\n');
    }
    if let Some(source) = &note.source {
        paragraph(&mut out, source);
    }
    if let Some(fixed) = &note.fixed {
        paragraph(&mut out, fixed);
    }
    if let Some(bisection) = &note.bisection {
        paragraph(&mut out, &format!("Bisection: {bisection}"));
    }
    if !note.settings.is_empty() {
        for (name, value) in &note.settings {
            wrap_into(&mut out, &format!("{:15} ", format!("{}:", safe(name))), 16, value, MAIL);
        }
        out.push('\n');
    }
    if !note.commands.is_empty() {
        out.push_str("To repeat it:\n\n");
        for command in &note.commands {
            let _ = writeln!(out, "  {}", safe(command));
        }
        out.push('\n');
    }
    out.push_str("Hypothesis:\n\n\nNext action:\n\n\n");
    for trailer in &note.trailers {
        let _ = writeln!(out, "{}", safe(trailer));
    }
    out
}

/// One line is wrapped; several are kept as they are.
fn paragraph(out: &mut String, text: &str) {
    let text = text.trim_end();
    if text.contains('\n') {
        for line in lines(text) {
            let _ = writeln!(out, "{}", safe(&line).trim_end());
        }
    } else {
        wrap_into(out, "", 0, text, MAIL);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        Note {
            schema: NOTE_SCHEMA,
            day: "2026-11-26".to_owned(),
            title: "INFO: task hung in __widget_killed".to_owned(),
            stack: vec![format!("a_function_with_a_long_name+0x1/0x2 drivers/{}/core.c:12", "widget".repeat(12))],
            settings: vec![("command".to_owned(), "word ".repeat(40))],
            trailers: vec!["Reported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com".to_owned()],
            ..Note::default()
        }
    }

    #[test]
    fn a_mail_wraps_sentences_and_no_stack() {
        let mail = note_mail(&note());
        assert!(mail.lines().any(|line| line.len() > MAIL && line.contains("core.c:12")), "{mail}");
        assert!(mail.lines().filter(|line| line.contains("word")).all(|line| line.len() <= MAIL), "{mail}");
        assert!(mail.ends_with("appspotmail.com\n"));
    }

    #[test]
    fn markdown_of_a_log_is_text() {
        let mut hostile = note();
        hostile.title = "<script> *x* [y](z)\u{1b}[31m".to_owned();
        hostile.stack = vec!["````".to_owned(), "f\u{202e}".to_owned()];
        let text = note_markdown(&hostile);
        assert!(text.starts_with("# \\<script\\> \\*x\\* \\[y\\](z)"), "{text}");
        assert!(text.contains("\n`````\n````\n"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
    }
}
