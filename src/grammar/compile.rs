//! A plan → a grammar, with patterns, recipes and references looked up.

use super::error::GrammarError;
use super::plan::Plan;
use super::plan::composed::goes_on;
use super::plan::expression::{any, any_text, of_glob};
use super::plan::sought::Marks;
use super::plan::source::{self, Frames, Recipe, Step as SourceStep};
use super::{Blame, Event, Grammar, Header, Kind, NameSet, Names, Output, Pattern, Place, Severity, Step};

/// The grammar of a plan.
///
/// # Errors
/// A kind or a header that refers to what no file defines.
pub(super) fn grammar(plan: Plan, marks: Marks<'_>) -> Result<Grammar, GrammarError> {
    let sought = plan.sought(marks);
    let ids: Vec<String> = plan.headers.iter().map(|(_, header)| header.id.clone()).collect();
    let mut kinds: Vec<Vec<Kind>> = ids.iter().map(|_| Vec::new()).collect();
    let mut at = 0;
    for (place, entry) in plan.kinds {
        // The plan has them by header.
        while ids.get(at).is_some_and(|id| *id != entry.header) {
            at += 1;
        }
        if let Some(below) = kinds.get_mut(at) {
            below.push(kind(entry, place, &plan.recipes)?);
        }
    }
    let mut headers = Vec::with_capacity(ids.len());
    for (place, entry) in plan.headers {
        headers.push(header(entry, place, &ids)?);
    }
    Ok(Grammar {
        headers,
        kinds,
        events: plan.events.into_iter().map(|(place, entry, _)| event(entry, place)).collect(),
        names: Names {
            skip: NameSet::new(plan.skip),
            anchors: NameSet::new(plan.anchors),
            hung: NameSet::new(plan.hung.patterns),
            hung_at_once: plan.hung.at_once,
            prefixes: plan.prefixes,
        },
        output: output(plan.output),
        blame: blame(&plan.blame),
        types: plan.types,
        vocabulary: plan.vocabulary,
        own_files: Vec::new(),
        own_texts: Vec::new(),
        sought,
        scanners: Default::default(),
    })
}

fn header(header: source::Header, place: Place, ids: &[String]) -> Result<Header, GrammarError> {
    let indexes = |others: &[String]| {
        let mut found = Vec::with_capacity(others.len());
        for other in others {
            let Some(at) = ids.iter().position(|id| id == other) else {
                let message = format!(
                    "header '{}' goes with '{other}', which is not a header; name one of: {}",
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
        texts: header.text,
        only: header.only.map(Pattern::from),
        unless: patterns(header.unless),
        part: patterns(header.part),
        carries_on,
        introduces,
        ends_log: header.ends_log,
        syzbot: header.syzbot,
        programs: header.programs,
        severity: header.severity.unwrap_or(Severity::Crash),
        place,
    })
}

fn patterns(sources: Vec<String>) -> Vec<Pattern> {
    sources.into_iter().map(Pattern::from).collect()
}

fn kind(kind: source::Kind, place: Place, recipes: &[Recipe]) -> Result<Kind, GrammarError> {
    let fault = |message: String| GrammarError::Invalid { path: place.file.clone(), line: place.line, message };
    let further = goes_on(&kind);
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
    if kind.body.is_some() && further.is_some() {
        return Err(fault(format!(
            "kind '{}' has a `body` and goes on from its gate with `then` or `below`; keep one of the two",
            kind.id
        )));
    }
    Ok(Kind {
        id: kind.id,
        about: kind.about,
        advice: kind.advice,
        severity: kind.severity.unwrap_or(Severity::Crash),
        gate: Pattern::from(kind.gate),
        goes_on: further.is_some(),
        body: further.or(kind.body).map(Pattern::from),
        title: kind.title,
        nameless: kind.nameless,
        alt: kind.alt,
        frames: frames.into_iter().map(step).collect(),
        frames_otherwise: otherwise.into_iter().map(step).collect(),
        skip: (!kind.skip.is_empty()).then(|| NameSet::new(kind.skip)),
        choose: kind.choose,
        stackless: kind.stackless,
        damaged: kind.damaged,
        common: kind.common,
        interrupted: kind.interrupted,
        causes: kind.causes,
        causes_at_once: kind.causes_at_once,
        samples: kind.samples,
        place,
    })
}

fn step(step: SourceStep) -> Step {
    match step {
        SourceStep::Line(line) => Step::Line(Pattern::from(line)),
        SourceStep::Mark(mark) => Step::Mark(Pattern::from(mark)),
        SourceStep::Plain(plain) => Step::Plain(plain),
    }
}

fn event(event: source::Event, place: Place) -> Event {
    Event {
        triggers: event.trigger,
        pattern: Pattern::from(event.pattern),
        id: event.id,
        about: event.about,
        advice: event.advice,
        severity: event.severity.unwrap_or(Severity::Note),
        title: event.title,
        rows: event.rows.map(Pattern::from),
        structure: event.structure,
        alone: event.countable,
        warns: event.warns,
        role: event.role,
        meanings: event.meanings,
        samples: event.samples,
        place,
        countable: Default::default(),
    }
}

fn output(output: source::Output) -> Output {
    Output {
        suppressed: patterns(output.suppressed),
        panicked: output.panicked,
        disconnected: output.disconnected,
        replayed: output.replayed,
        never_second: output.never_second,
        always_second: output.always_second,
        follows: any_of(&output.follows),
        follows_oops: any_of(&output.follows_oops),
        follows_init: any_of(&output.follows_init),
        ends: Pattern::from(any_text(&output.ends)),
        noise: Pattern::from(any_text(&output.noise)),
        goes_on: output.goes_on,
        faults: output.faults,
        findings: output.findings,
        limits: output.limits,
    }
}

fn blame(blame: &source::Blame) -> Blame {
    let files: Vec<String> = blame.ignored_files.iter().map(|glob| of_glob(glob)).collect();
    Blame { ignored_files: NameSet::new(files), ignored_lines: any_of(&blame.ignored_lines) }
}

fn any_of(patterns: &[String]) -> Pattern {
    Pattern::from(any(patterns.iter().map(String::as_str)))
}
