//! Plain text that every match of an expression holds, found by the expression's structure.

use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest run of bytes that every match contains; empty when there is none.
pub(super) fn required(expression: &Hir) -> Vec<u8> {
    runs(expression).into_iter().fold(Vec::new(), longer)
}

/// More texts than this are better searched for by an automaton.
const FEW: usize = 4;

/// The texts that the expression matches, if they are a few, none is empty and nothing else matters: neither where they
/// stand nor which group takes them.
pub(super) fn texts(expression: &Hir) -> Option<Vec<Vec<u8>>> {
    let alternatives = match expression.kind() {
        HirKind::Alternation(parts) => parts.as_slice(),
        _ => std::slice::from_ref(expression),
    };
    let bare = |part: &Hir| {
        let properties = part.properties();
        let text = exact(part).filter(|text| !text.is_empty())?;
        (properties.look_set().is_empty() && properties.explicit_captures_len() == 0).then_some(text)
    };
    let found: Option<Vec<Vec<u8>>> = alternatives.iter().map(bare).collect();
    found.filter(|found| found.len() <= FEW)
}

/// Every text that the expression matches, if they are not many, none is empty and they may stand anywhere.
pub(super) fn spelled(expression: &Hir) -> Option<Vec<Vec<u8>>> {
    if !expression.properties().look_set().is_empty() {
        return None;
    }
    let found = Extractor::new().extract(expression);
    if found.is_exact() { filled(&found) } else { None }
}

/// The texts that were found, if there are some, not endlessly many, and none is empty.
fn filled(found: &Seq) -> Option<Vec<Vec<u8>>> {
    let texts: Vec<Vec<u8>> = found.literals()?.iter().map(|text| text.as_bytes().to_vec()).collect();
    (!texts.is_empty() && texts.iter().all(|text| !text.is_empty())).then_some(texts)
}

/// All runs of bytes that every match contains, in order.
pub(super) fn runs(expression: &Hir) -> Vec<Vec<u8>> {
    if let Some(text) = exact(expression) {
        return vec![text];
    }
    match expression.kind() {
        HirKind::Capture(capture) => runs(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => runs(&repetition.sub),
        HirKind::Concat(parts) => {
            let (mut found, mut run) = (Vec::new(), Vec::new());
            for part in parts {
                if let Some(text) = exact(part) {
                    run.extend(text);
                } else {
                    found.push(std::mem::take(&mut run));
                    found.extend(runs(part));
                }
            }
            found.push(run);
            found
        }
        // Of alternatives none is required.
        _ => Vec::new(),
    }
}

/// Up to so many texts with which a part of an expression may begin or end are told apart: the fewer, the shorter they are.
const SPELLED: [usize; 3] = [4, 12, 32];
/// Of so many parts in a row it is asked what they spell together.
const TOGETHER: usize = 8;

/// Sets of texts of each of which every match contains at least one: single runs, the choices of alternatives, and what the
/// parts of a row spell together (`disk: (?:error|failure)`).
pub(super) fn choices(expression: &Hir, cost: &dyn Fn(&[u8]) -> f64) -> Vec<Vec<Vec<u8>>> {
    sets(expression, cost, true)
}

/// The same; `spelling` as well what parts spell together and alternatives with the text around them. Alternatives within
/// alternatives are not asked again, which would take twice as long with each level.
fn sets(expression: &Hir, cost: &dyn Fn(&[u8]) -> f64, spelling: bool) -> Vec<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<Vec<u8>>> =
        runs(expression).into_iter().filter(|run| !run.is_empty()).map(|run| vec![run]).collect();
    match expression.kind() {
        HirKind::Capture(capture) => found.extend(sets(&capture.sub, cost, spelling)),
        HirKind::Repetition(repetition) if repetition.min > 0 => found.extend(sets(&repetition.sub, cost, spelling)),
        HirKind::Concat(parts) => {
            parts.iter().for_each(|part| found.extend(sets(part, cost, spelling)));
            if spelling {
                found.extend(spelled_together(parts));
                found.extend((0..parts.len()).filter_map(|at| distributed(parts, at, cost)));
            }
        }
        HirKind::Alternation(parts) => found.extend(
            parts
                .iter()
                .map(|part| cheapest(sets(part, cost, spelling), cost))
                .collect::<Option<Vec<_>>>()
                .map(|all| all.concat()),
        ),
        _ => {}
    }
    found
}

/// With what a row of parts may begin from each of them on, and end at each of them.
fn spelled_together(parts: &[Hir]) -> impl Iterator<Item = Vec<Vec<u8>>> {
    let set = |parts: &[Hir], kind: ExtractKind, most: usize| {
        filled(&Extractor::new().kind(kind).limit_total(most).extract(&Hir::concat(parts.to_vec())))
    };
    (0..parts.len()).flat_map(move |at| {
        SPELLED.into_iter().flat_map(move |most| {
            let beginnings = set(&parts[at..parts.len().min(at + TOGETHER)], ExtractKind::Prefix, most);
            beginnings.into_iter().chain(set(&parts[(at + 1).saturating_sub(TOGETHER)..=at], ExtractKind::Suffix, most))
        })
    })
}

/// The cheapest set of a choice within a row, each of its alternatives read with the plain text right before and behind it.
fn distributed(parts: &[Hir], at: usize, cost: &dyn Fn(&[u8]) -> f64) -> Option<Vec<Vec<u8>>> {
    let mut part = &parts[at];
    while let HirKind::Capture(capture) = part.kind() {
        part = &capture.sub;
    }
    let HirKind::Alternation(alternatives) = part.kind() else { return None };
    let plain = |part: Option<&Hir>| part.filter(|part| exact(part).is_some()).cloned();
    let before = at.checked_sub(1).and_then(|before| plain(parts.get(before)));
    let behind = plain(parts.get(at + 1));
    let read = alternatives.iter().map(|alternative| {
        let row: Vec<Hir> = before.iter().chain([alternative]).chain(&behind).cloned().collect();
        cheapest(sets(&Hir::concat(row), cost, false), cost)
    });
    read.collect::<Option<Vec<_>>>().map(|found| found.concat())
}

/// The set that costs least.
pub(super) fn cheapest(sets: Vec<Vec<Vec<u8>>>, cost: &dyn Fn(&[u8]) -> f64) -> Option<Vec<Vec<u8>>> {
    let sum = |set: &Vec<Vec<u8>>| set.iter().map(|text| cost(text)).sum::<f64>();
    sets.into_iter().min_by(|one, other| sum(one).total_cmp(&sum(other)))
}

/// The only text that the expression matches, if there is just one. Anchors match the empty text.
fn exact(expression: &Hir) -> Option<Vec<u8>> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Vec::new()),
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Concat(parts) => {
            let mut text = Vec::new();
            for part in parts {
                text.extend(exact(part)?);
            }
            Some(text)
        }
        HirKind::Class(_) | HirKind::Repetition(_) | HirKind::Alternation(_) => None,
    }
}

/// The longest text with which every match begins; anchors may stand before it and in it.
pub(super) fn beginning(expression: &Hir) -> Vec<u8> {
    if let Some(text) = exact(expression) {
        return text;
    }
    match expression.kind() {
        HirKind::Capture(capture) => beginning(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => beginning(&repetition.sub),
        HirKind::Concat(parts) => {
            let mut text = Vec::new();
            for part in parts {
                let Some(more) = exact(part) else {
                    text.extend(beginning(part));
                    break;
                };
                text.extend(more);
            }
            text
        }
        HirKind::Alternation(parts) => {
            let begun = |one: Vec<u8>, other: Vec<u8>| {
                let alike = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
                one[..alike].to_vec()
            };
            parts.iter().map(beginning).reduce(begun).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The longest run of bytes that every match contains besides the one that it begins with; that one, if there is no other.
pub(super) fn behind(expression: &Hir, beginning: &[u8]) -> Vec<u8> {
    let mut found = runs(expression);
    found.retain(|run| !run.is_empty());
    if found.len() > 1 && found.first().is_some_and(|first| beginning.starts_with(first)) {
        found.remove(0);
    }
    found.into_iter().fold(Vec::new(), longer)
}

/// Whether a match may hold a line break.
pub(super) fn breaks_lines(expression: &Hir) -> bool {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(class)) => class.iter().any(|range| (range.start()..=range.end()).contains(&b'\n')),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Capture(capture) => breaks_lines(&capture.sub),
        HirKind::Repetition(repetition) => breaks_lines(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(breaks_lines),
    }
}

/// The names of the expression's groups.
pub(super) fn groups(expression: &Hir, found: &mut Vec<String>) {
    match expression.kind() {
        HirKind::Capture(capture) => {
            found.extend(capture.name.as_ref().map(ToString::to_string));
            groups(&capture.sub, found);
        }
        HirKind::Repetition(repetition) => groups(&repetition.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| groups(part, found)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

fn longer(one: Vec<u8>, other: Vec<u8>) -> Vec<u8> {
    if other.len() > one.len() { other } else { one }
}
