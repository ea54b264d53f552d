//! Entries as they are written → entries with patterns, recipes and references looked up.

use super::load::GrammarError;
use super::source::{self, Frames, Recipe, Step as SourceStep};
use super::{Blame, Event, Header, Kind, NameSet, Output, Pattern, Place, Severity, Step};

/// Lines between two patterns of `below`.
const LINES_BETWEEN: &str = r"(?:.*\n)+?.*";

pub(super) fn header(header: source::Header, place: Place, ids: &[String]) -> Result<Header, GrammarError> {
    let indexes = |others: &[String]| {
        let mut found = Vec::with_capacity(others.len());
        for other in others {
            let Some(at) = ids.iter().position(|id| id == other) else {
                let message = format!(
                    "header '{}' goes with '{other}', which is no header; name one of: {}",
                    header.id,
                    ids.join(", ")
                );
                return Err(GrammarError::Invalid { path: place.file.clone(), line: place.line, message });
            };
            found.push(at);
        }
        Ok(found)
    };
    let (carries_on, introduces) = (indexes(&header.carries_on)?, indexes(&header.introduces)?);
    Ok(Header {
        id: header.id,
        texts: header.text.all(),
        only: header.only.as_deref().map(Pattern::new),
        unless: patterns(&header.unless),
        part: patterns(&header.part),
        carries_on,
        introduces,
        syzbot: header.syzbot,
        programs: header.programs,
        severity: header.severity.unwrap_or(Severity::Crash),
        place,
    })
}

fn patterns(sources: &[String]) -> Vec<Pattern> {
    sources.iter().map(|source| Pattern::new(source)).collect()
}

pub(super) fn kind(kind: source::Kind, place: Place, recipes: &[Recipe]) -> Result<Kind, GrammarError> {
    let fault = |message: String| GrammarError::Invalid { path: place.file.clone(), line: place.line, message };
    let (frames, otherwise) = match kind.frames {
        Frames::Steps(steps) => (steps, Vec::new()),
        Frames::Recipe(name) => {
            let Some(recipe) = recipes.iter().find(|recipe| recipe.name == name) else {
                let known: Vec<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
                return Err(fault(format!(
                    "kind '{}' wants the recipe '{name}', which no file defines; name one of: {}",
                    kind.id,
                    known.join(", ")
                )));
            };
            (recipe.frames.clone(), recipe.otherwise.clone())
        }
    };
    let goes_on = !kind.then.is_empty() || !kind.below.is_empty();
    if kind.body.is_some() && goes_on {
        return Err(fault(format!(
            "kind '{}' has a `body` and goes on from its gate with `then` or `below`; keep one of the two",
            kind.id
        )));
    }
    let body = if goes_on {
        let below: String = kind.below.iter().map(|pattern| format!("{LINES_BETWEEN}{pattern}")).collect();
        Some(format!("{}{}{below}", kind.gate, kind.then))
    } else {
        kind.body
    };
    Ok(Kind {
        id: kind.id,
        about: kind.about,
        advice: kind.advice,
        severity: kind.severity.unwrap_or(Severity::Crash),
        gate: Pattern::new(&kind.gate),
        body: body.as_deref().map(Pattern::new),
        title: kind.title,
        nameless: kind.nameless,
        alt: kind.alt,
        frames: frames.into_iter().map(step).collect(),
        frames_otherwise: otherwise.into_iter().map(step).collect(),
        skip: (!kind.skip.is_empty()).then(|| NameSet::new(&kind.skip)),
        choose: kind.choose,
        stackless: kind.stackless,
        damaged: kind.damaged,
        interrupted: kind.interrupted,
        causes: kind.causes,
        causes_at_once: kind.causes_at_once,
        samples: kind.samples,
        place,
    })
}

fn step(step: SourceStep) -> Step {
    match step {
        SourceStep::Line(line) => Step::Line(Pattern::new(&line)),
        SourceStep::Mark(mark) => Step::Mark(Pattern::new(&mark)),
        SourceStep::Plain(plain) => Step::Plain(plain),
    }
}

/// The pattern of an event; its trigger, if it has none.
pub(super) fn pattern_of(event: &source::Event) -> String {
    if !event.pattern.is_empty() {
        return event.pattern.clone();
    }
    let texts = event.trigger.clone().map(source::Texts::all).unwrap_or_default();
    texts.iter().map(|text| escape(text)).collect::<Vec<_>>().join("|")
}

/// The triggers of an event; what its pattern demands, if it has none.
pub(super) fn triggers_of(event: &source::Event) -> Vec<String> {
    match &event.trigger {
        Some(trigger) => trigger.clone().all(),
        None => vec![Pattern::new(&event.pattern).required_literal()],
    }
}

pub(super) fn event(event: source::Event, place: Place) -> Event {
    Event {
        triggers: triggers_of(&event),
        pattern: Pattern::new(&pattern_of(&event)),
        id: event.id,
        about: event.about,
        advice: event.advice,
        severity: event.severity.unwrap_or(Severity::Note),
        title: event.title,
        rows: event.rows.as_deref().map(Pattern::new),
        structure: event.structure,
        role: event.role,
        meanings: event.meanings,
        samples: event.samples,
        place,
    }
}

pub(super) fn output(output: source::Output) -> Output {
    Output {
        suppressed: patterns(&output.suppressed),
        panicked: output.panicked,
        disconnected: output.disconnected,
        replayed: output.replayed,
        never_second: output.never_second,
        always_second: output.always_second,
        follows: any(&output.follows),
        follows_init: any(&output.follows_init),
        ends: any_text(&output.ends),
        noise: any_text(&output.noise),
    }
}

pub(super) fn blame(blame: &source::Blame) -> Blame {
    let files: Vec<String> = blame.ignored_files.iter().map(|glob| expression_of_glob(glob)).collect();
    Blame { ignored_files: NameSet::new(&files), ignored_lines: any(&blame.ignored_lines) }
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
