//! From grammar files to a [`Grammar`].

use super::source::{File, Step as SourceStep};
use super::{Blame, Event, Grammar, Header, Kind, NameSet, Names, Output, Pattern, Place, Step};
use std::path::PathBuf;

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

/// Ranks of a user's crash entries start here, behind all built-in headers.
const USER_RANK: u32 = 1_000_000;

pub(super) fn with_files(paths: &[PathBuf]) -> Result<Grammar, GrammarError> {
    let mut texts: Vec<(String, String)> =
        EMBEDDED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    for path in paths {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| GrammarError::Unreadable { path: path.display().to_string(), cause })?;
        texts.push((path.display().to_string(), text));
    }
    let borrowed: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let grammar = from_texts(&borrowed)?;
    let mine: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    match super::complaints(&grammar).into_iter().find(|complaint| mine.contains(&complaint.place.file)) {
        Some(complaint) => Err(GrammarError::Invalid {
            path: complaint.place.file,
            line: complaint.place.line,
            message: complaint.message,
        }),
        None => Ok(grammar),
    }
}

pub(super) fn from_texts(texts: &[(&str, &str)]) -> Result<Grammar, GrammarError> {
    let mut headers = Vec::new();
    let mut kinds = Vec::new();
    let mut events = Vec::new();
    let mut types = Vec::new();
    let (mut skip, mut anchors, mut hung, mut prefixes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut output, mut blame) = (super::source::Output::default(), super::source::Blame::default());
    for (path, text) in texts {
        let file: File = toml::from_str(text).map_err(|error| GrammarError::Invalid {
            path: (*path).to_owned(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            message: error.message().to_owned(),
        })?;
        headers.extend(file.header);
        for kind in file.kind {
            let place = Place { file: (*path).to_owned(), line: line_of(text, kind.span().start) };
            kinds.push((place, kind.into_inner()));
        }
        for event in file.event {
            let place = Place { file: (*path).to_owned(), line: line_of(text, event.span().start) };
            events.push((place, event.into_inner()));
        }
        skip.extend(file.skip.into_iter().flat_map(|skip| skip.patterns));
        anchors.extend(file.anchors.patterns);
        hung.extend(file.hung.patterns);
        prefixes.extend(file.syscalls.prefixes);
        types.extend(file.r#type);
        append(&mut output, file.output);
        blame.ignored_files.extend(file.blame.ignored_files);
        blame.ignored_lines.extend(file.blame.ignored_lines);
    }
    // A user's crash entry is a header with one kind.
    let (crashes, events): (Vec<_>, Vec<_>) = events.into_iter().partition(|(_, event)| event.crash);
    for (number, (place, event)) in (0..).zip(crashes) {
        headers.push(super::source::Header {
            id: event.id.clone(),
            rank: USER_RANK + number,
            text: event.trigger.clone(),
            unless: Vec::new(),
            programs: true,
        });
        kinds.push((place, crash_of(event)));
    }
    headers.sort_by_key(|header| header.rank);
    kinds.sort_by_key(|(_, kind)| kind.rank);
    types.sort_by_key(|row| row.rank);
    let mut by_header: Vec<Vec<Kind>> = headers.iter().map(|_| Vec::new()).collect();
    for (place, kind) in kinds {
        let Some(at) = headers.iter().position(|header| header.id == kind.header) else {
            let message = format!("kind '{}' names the header '{}', which no file defines", kind.id, kind.header);
            return Err(GrammarError::Invalid { path: place.file, line: place.line, message });
        };
        by_header[at].push(compile_kind(kind, place));
    }
    Ok(Grammar {
        headers: headers.into_iter().map(compile_header).collect(),
        kinds: by_header,
        events: events.into_iter().map(|(place, event)| compile_event(event, place)).collect(),
        names: Names {
            skip: NameSet::new(&skip),
            anchors: NameSet::new(&anchors),
            hung: NameSet::new(&hung),
            prefixes,
        },
        output: compile_output(output),
        blame: Blame {
            ignored_files: NameSet::new(
                &blame.ignored_files.iter().map(|glob| expression_of_glob(glob)).collect::<Vec<_>>(),
            ),
            ignored_lines: any(&blame.ignored_lines),
        },
        types: types
            .into_iter()
            .flat_map(|row| row.titles.into_iter().map(move |beginning| (beginning, row.name.clone())))
            .collect(),
    })
}

fn crash_of(event: super::source::Event) -> super::source::Kind {
    super::source::Kind {
        gate: if event.pattern.is_empty() { escape(&event.trigger) } else { event.pattern },
        header: event.id.clone(),
        id: event.id,
        about: event.about,
        rank: 0,
        body: None,
        title: event.title,
        alt: Vec::new(),
        frames: Vec::new(),
        frames_otherwise: Vec::new(),
        skip: Vec::new(),
        choose: super::Choice::First,
        stackless: true,
        damaged: false,
        interrupted: false,
        samples: event.samples,
    }
}

fn append(all: &mut super::source::Output, more: super::source::Output) {
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
    all.find.extend(more.find);
}

fn compile_header(header: super::source::Header) -> Header {
    Header {
        id: header.id,
        text: header.text,
        unless: header.unless.iter().map(|pattern| Pattern::new(pattern)).collect(),
        programs: header.programs,
    }
}

fn compile_kind(kind: super::source::Kind, place: Place) -> Kind {
    Kind {
        id: kind.id,
        about: kind.about,
        gate: Pattern::new(&kind.gate),
        body: kind.body.as_deref().map(Pattern::new),
        title: kind.title,
        alt: kind.alt,
        frames: kind.frames.into_iter().map(compile_step).collect(),
        frames_otherwise: kind.frames_otherwise.into_iter().map(compile_step).collect(),
        skip: (!kind.skip.is_empty()).then(|| NameSet::new(&kind.skip)),
        choose: kind.choose,
        stackless: kind.stackless,
        damaged: kind.damaged,
        interrupted: kind.interrupted,
        samples: kind.samples,
        place,
    }
}

fn compile_step(step: SourceStep) -> Step {
    match step {
        SourceStep::Line { line } => Step::Line(Pattern::new(&line)),
        SourceStep::Mark { mark } => Step::Mark(Pattern::new(&mark)),
        SourceStep::Plain(plain) => Step::Plain(plain),
    }
}

fn compile_event(event: super::source::Event, place: Place) -> Event {
    let pattern = if event.pattern.is_empty() { escape(&event.trigger) } else { event.pattern };
    Event {
        id: event.id,
        about: event.about,
        trigger: event.trigger,
        pattern: Pattern::new(&pattern),
        title: event.title,
        rows: event.rows.as_deref().map(Pattern::new),
        structure: event.structure,
        samples: event.samples,
        place,
    }
}

fn compile_output(output: super::source::Output) -> Output {
    Output {
        suppressed: output.suppressed.iter().map(|pattern| Pattern::new(pattern)).collect(),
        panicked: output.panicked,
        disconnected: output.disconnected,
        replayed: output.replayed,
        never_second: output.never_second,
        always_second: output.always_second,
        follows: any(&output.follows),
        follows_init: any(&output.follows_init),
        ends: any_text(&output.ends),
        noise: any_text(&output.noise),
        find: output.find,
    }
}

fn any(patterns: &[String]) -> Pattern {
    Pattern::any(patterns.iter().map(String::as_str))
}

fn any_text(texts: &[String]) -> Pattern {
    any(&texts.iter().map(|text| escape(text)).collect::<Vec<_>>())
}

/// A glob of the blame list as a pattern: `*` crosses folders, and the beginning of a path is enough.
fn expression_of_glob(glob: &str) -> String {
    let mut expression = String::from("^");
    for char in glob.chars() {
        match char {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => expression.push_str(&escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    expression
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        if !char.is_alphanumeric() && char.is_ascii() && char != ' ' && char != '_' {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
