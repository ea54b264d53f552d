//! From grammar files to a [`Grammar`].

use super::order::ordered;
use super::source::{self, File};
use super::{Grammar, NameSet, Names, Place, Vocabulary, compile};
use crate::input::read_small;
use std::path::PathBuf;

/// A larger file is not a grammar: ours all together have a third of a megabyte.
const LARGEST: u64 = 16 << 20;

/// The files of `grammars/`, path and text.
pub(super) const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/grammars.rs"));

/// Why a grammar could not be loaded. Every message names the file and, where it can, the line.
#[derive(Debug, thiserror::Error)]
pub enum GrammarError {
    /// The file cannot be read.
    #[error("{path}: cannot read this grammar file: {cause}")]
    Unreadable {
        /// Path as given.
        path: String,
        /// The system's word.
        cause: std::io::Error,
    },
    /// The file is no grammar.
    #[error("{path}:{line}: {message}")]
    Invalid {
        /// Path as given.
        path: String,
        /// 1-based line.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

pub(super) fn with_files(paths: &[PathBuf]) -> Result<Grammar, GrammarError> {
    let mut texts: Vec<(String, String)> =
        EMBEDDED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    for path in paths {
        let text = read_small(path, LARGEST)
            .map_err(|cause| GrammarError::Unreadable { path: path.display().to_string(), cause })?;
        texts.push((path.display().to_string(), text));
    }
    let borrowed: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut grammar = from_texts(&borrowed)?;
    grammar.own_files = paths.iter().map(|path| path.display().to_string()).collect();
    match super::complaints(&grammar).into_iter().next() {
        Some(complaint) => {
            let text = texts.iter().find(|(path, _)| *path == complaint.place.file).map_or("", |(_, text)| text);
            Err(GrammarError::Invalid {
                line: line_of_quote(text, complaint.place.line, complaint.quote.as_deref()),
                path: complaint.place.file,
                message: complaint.message,
            })
        }
        None => Ok(grammar),
    }
}

/// The line of an entry that holds the quoted text; the entry's own line where none does.
fn line_of_quote(text: &str, from: usize, quote: Option<&str>) -> usize {
    let Some(first) = quote.and_then(|quote| quote.lines().next()).filter(|first| !first.is_empty()) else {
        return from;
    };
    let below = text.lines().skip(from.saturating_sub(1)).position(|line| line.contains(first));
    from + below.unwrap_or(0)
}

/// Entries of all files, before they are joined.
#[derive(Default)]
struct Gathered {
    headers: Vec<(Place, source::Header)>,
    kinds: Vec<(Place, source::Kind)>,
    events: Vec<(Place, source::Event)>,
    recipes: Vec<source::Recipe>,
    types: Vec<source::TypeRow>,
    words: Vec<(Place, source::Word)>,
    skip: Vec<String>,
    anchors: Vec<String>,
    hung: source::Hung,
    prefixes: Vec<String>,
    output: source::Output,
    blame: source::Blame,
}

impl Gathered {
    /// Takes the entries of one file, each with what its file says of all.
    fn take(&mut self, path: &str, text: &str) -> Result<(), GrammarError> {
        let file: File = toml::from_str(text).map_err(|error| GrammarError::Invalid {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            message: remedied(error.message()),
        })?;
        let place = |offset: usize| Place { file: path.to_owned(), line: line_of(text, offset) };
        self.headers.extend(file.header.into_iter().map(|header| (place(header.span().start), header.into_inner())));
        for kind in file.kind {
            let at = place(kind.span().start);
            let mut kind = kind.into_inner();
            kind.severity = kind.severity.or(file.defaults.severity);
            if kind.advice.is_empty() {
                kind.advice.clone_from(&file.defaults.advice);
            }
            self.kinds.push((at, kind));
        }
        for event in file.event {
            let at = place(event.span().start);
            let mut event = event.into_inner();
            event.severity = event.severity.or(file.defaults.severity);
            if event.advice.is_empty() {
                event.advice.clone_from(&file.defaults.advice);
            }
            self.events.push((at, event));
        }
        self.recipes.extend(file.recipe);
        self.types.extend(file.r#type);
        self.words.extend(file.word.into_iter().map(|word| (place(word.span().start), word.into_inner())));
        self.skip.extend(file.skip.into_iter().flat_map(|skip| skip.patterns));
        self.anchors.extend(file.anchors.patterns);
        self.hung.patterns.extend(file.hung.patterns);
        self.hung.at_once.extend(file.hung.at_once);
        self.prefixes.extend(file.syscalls.prefixes);
        append(&mut self.output, file.output);
        self.blame.ignored_files.extend(file.blame.ignored_files);
        self.blame.ignored_lines.extend(file.blame.ignored_lines);
        Ok(())
    }
}

/// The TOML reader's words, and what to do where they do not say it.
fn remedied(message: &str) -> String {
    match message.strip_prefix("unknown field `rank`, expected ") {
        Some(_) => {
            "`rank` is gone: a kind for what no other kind fits says `fallback = true`, one that must be tried behind \
             another says `after = \"its id\"`"
                .to_owned()
        }
        None => message.trim().to_owned(),
    }
}

pub(super) fn from_texts(texts: &[(&str, &str)]) -> Result<Grammar, GrammarError> {
    let mut all = Gathered::default();
    for (path, text) in texts {
        all.take(path, text)?;
    }
    // A user's crash entry is a header with one kind.
    let (crashes, events): (Vec<_>, Vec<_>) = all.events.into_iter().partition(|(_, event)| event.crash);
    // syzbot's headers are tried first, so that its title stays where a line holds several.
    all.headers.sort_by_key(|(_, header)| !header.syzbot);
    for (place, event) in crashes {
        let (header, kind) = crash_of(event);
        all.headers.push((place.clone(), header));
        all.kinds.push((place, kind));
    }
    let ids: Vec<String> = all.headers.iter().map(|(_, header)| header.id.clone()).collect();
    let mut by_header: Vec<Vec<(Place, source::Kind)>> = ids.iter().map(|_| Vec::new()).collect();
    for (place, kind) in all.kinds {
        let Some(at) = ids.iter().position(|id| *id == kind.header) else {
            let message = format!(
                "kind '{}' names the header '{}', which no file defines; add a [[header]] with that id or name one of: {}",
                kind.id,
                kind.header,
                ids.join(", ")
            );
            return Err(GrammarError::Invalid { path: place.file, line: place.line, message });
        };
        by_header[at].push((place, kind));
    }
    let mut kinds = Vec::with_capacity(by_header.len());
    for below in by_header {
        let mut compiled = Vec::with_capacity(below.len());
        for (place, kind) in ordered(below)? {
            compiled.push(compile::kind(kind, place, &all.recipes)?);
        }
        kinds.push(compiled);
    }
    let mut headers = Vec::with_capacity(ids.len());
    for (place, header) in all.headers {
        headers.push(compile::header(header, place, &ids)?);
    }
    let mut types: Vec<(String, String)> = all
        .types
        .into_iter()
        .flat_map(|row| row.titles.into_iter().map(move |beginning| (beginning, row.name.clone())))
        .collect();
    types.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
    Ok(Grammar {
        headers,
        kinds,
        events: events.into_iter().map(|(place, event)| compile::event(event, place)).collect(),
        names: Names {
            skip: NameSet::new(&all.skip),
            anchors: NameSet::new(&all.anchors),
            hung: NameSet::new(&all.hung.patterns),
            hung_at_once: all.hung.at_once,
            prefixes: all.prefixes,
        },
        output: compile::output(all.output),
        blame: compile::blame(&all.blame),
        types,
        vocabulary: Vocabulary::new(all.words)?,
        own_files: Vec::new(),
        scanners: Default::default(),
    })
}

fn crash_of(event: source::Event) -> (source::Header, source::Kind) {
    let pattern = compile::pattern_of(&event);
    let header = source::Header {
        id: event.id.clone(),
        text: source::Texts::Several(compile::triggers_of(&event)),
        only: Some(pattern.clone()),
        unless: Vec::new(),
        part: Vec::new(),
        carries_on: Vec::new(),
        introduces: Vec::new(),
        syzbot: false,
        programs: true,
        severity: event.severity,
    };
    let kind = source::Kind {
        gate: pattern,
        header: event.id.clone(),
        id: event.id,
        about: event.about,
        advice: event.advice,
        severity: event.severity,
        fallback: false,
        after: None,
        body: None,
        then: String::new(),
        below: Vec::new(),
        title: event.title,
        nameless: None,
        alt: Vec::new(),
        frames: source::Frames::default(),
        skip: Vec::new(),
        choose: super::Choice::First,
        stackless: true,
        damaged: false,
        interrupted: false,
        causes: Vec::new(),
        causes_at_once: Vec::new(),
        samples: event.samples,
    };
    (header, kind)
}

fn append(all: &mut source::Output, more: source::Output) {
    all.suppressed.extend(more.suppressed);
    all.panicked.extend(more.panicked);
    all.disconnected.extend(more.disconnected);
    all.replayed.extend(more.replayed);
    all.never_second.extend(more.never_second);
    all.always_second.extend(more.always_second);
    all.follows.extend(more.follows);
    all.follows_init.extend(more.follows_init);
    all.ends.extend(more.ends);
    all.noise.extend(more.noise);
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
