//! The walk of a bisection as a table of steps; titles are folded into letters that a legend explains.

use super::bisect_words::{plain, short};
use super::{Look, columns, wrap_into};
use crate::bisect::Bisection;
use crate::bisect::record::{Kind, Outcome, Role, RunResult, Step, Verdict};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// With fewer columns nothing of a subject can be read beside what stands before it.
const NARROW: usize = 64;

/// Writes the steps and the legend.
///
/// # Errors
/// Whatever `out` says.
pub(super) fn write(found: &Bisection, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if found.steps.is_empty() {
        return Ok(());
    }
    let palette = &look.palette;
    let letters = letters(found);
    // Where there are too few columns for a subject, a step has a second line.
    let narrow = look.width.0 < NARROW;
    let heading = "\nstep  git    kernel        crashed";
    writeln!(out, "{heading}{}", if narrow { "" } else { "  titles    left  subject" })?;
    let mut before: Option<Vec<&str>> = None;
    for (at, step) in found.steps.iter().enumerate() {
        let titles: Vec<&str> = step.titles().collect();
        // A star marks where the titles change altogether.
        let changed = !titles.is_empty()
            && before
                .as_ref()
                .is_some_and(|before| !before.is_empty() && titles.iter().all(|title| !before.contains(title)));
        if !titles.is_empty() {
            before = Some(titles);
        }
        let verdict = verdict(found.kind, step);
        let style = match step.verdict {
            Some(Verdict::Bad) => palette.title,
            Some(Verdict::Good) => palette.good,
            _ => palette.quiet,
        };
        let left = step.left.map_or_else(String::new, |left| left.to_string());
        let name = step.release.clone().unwrap_or_else(|| short(&step.commit).to_owned());
        let folded = format!("{}{}", folded(step, &letters), if changed { "*" } else { "" });
        let name = format!("{:<12}", plain(&name, 12));
        let runs = runs(found, at, step);
        let first = format!("{:>4}  {style}{verdict:<6}{style:#} {name}  {runs:<8}", at + 1);
        if narrow {
            writeln!(out, "{}", first.trim_end())?;
            let left = if left.is_empty() { left } else { format!("{left} left") };
            let words: Vec<String> = [folded, left, note(step)].into_iter().filter(|words| !words.is_empty()).collect();
            if !words.is_empty() {
                let mut line = String::new();
                wrap_into(&mut line, "      ", 6, &words.join(" · "), look.wrap());
                write!(out, "{line}")?;
            }
            continue;
        }
        let rest = format!(" {folded:<8} {left:>5}  ");
        let visible = 15 + columns(&name) + columns(&format!("{runs:<8}")) + columns(&rest);
        let text = plain(&note(step), look.width.0.saturating_sub(visible));
        writeln!(out, "{}", format!("{first}{rest}{text}").trim_end())?;
    }
    if !letters.is_empty() {
        writeln!(out)?;
    }
    let mut legend: Vec<(&&str, &String)> = letters.iter().collect();
    legend.sort_by_key(|(_, letter)| (letter.len(), (*letter).clone()));
    for (title, letter) in legend.into_iter().take(if look.is_full() { usize::MAX } else { 26 }) {
        writeln!(out, "   {letter:>2} = {}", plain(title, look.width.0.saturating_sub(8)))?;
    }
    Ok(())
}

fn letters(found: &Bisection) -> BTreeMap<&str, String> {
    let mut letters = BTreeMap::new();
    for title in found.steps.iter().flat_map(Step::titles) {
        let next = letters.len();
        letters.entry(title).or_insert_with(|| {
            let letter = char::from(b'A' + (next % 26) as u8);
            if next < 26 { letter.to_string() } else { format!("{letter}{}", next / 26) }
        });
    }
    letters
}

/// What git was told; in brackets what the rules make of a test whose verdict git did not get.
fn verdict(kind: Kind, step: &Step) -> String {
    let word = crate::bisect::verdict_word;
    match (step.verdict, step.rules_verdict) {
        (Some(told), _) => word(told).to_owned(),
        (None, Some(rules)) if !step.runs.is_empty() && kind != Kind::Git => format!("({})", word(rules)),
        _ if step.role == Role::Parent => "built".to_owned(),
        _ => String::new(),
    }
}

/// `8/10`, or why there is nothing to count.
fn runs(found: &Bisection, at: usize, step: &Step) -> String {
    if step.crashed + step.survived > 0 {
        return format!("{}/{}", step.crashed, step.crashed + step.survived);
    }
    if found.outcome == Outcome::Incomplete
        && at + 1 == found.steps.len()
        && step.runs.is_empty()
        && step.verdict.is_none()
    {
        return "cut off".to_owned();
    }
    let has = |result| step.runs.iter().any(|run| run.result == result);
    let why = [
        (RunResult::BootFailed, "no boot"),
        (RunResult::BasicFailed, "no start"),
        (RunResult::Infra, "infra"),
        (RunResult::Failed, "failed"),
        (RunResult::Ignored, "ignored"),
    ];
    match why.iter().find(|(result, _)| has(*result)) {
        Some((_, words)) => (*words).to_owned(),
        None if step.role != Role::Parent
            && step.signature.is_none()
            && found.kind != Kind::Git
            && (step.compiler.is_some() || step.family.is_some() || step.failure.is_some()) =>
        {
            "no build".to_owned()
        }
        None => String::new(),
    }
}

/// `A7 B1`: how often each title.
fn folded(step: &Step, letters: &BTreeMap<&str, String>) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for title in step.titles() {
        if let Some(letter) = letters.get(title) {
            *counts.entry(letter).or_default() += 1;
        }
    }
    let mut list: Vec<(&str, u32)> = counts.into_iter().collect();
    list.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let more = if list.len() > 3 { "+" } else { "" };
    let alone = list.len() == 1;
    let words: Vec<String> = list
        .iter()
        .take(3)
        .map(|(letter, count)| if alone { (*letter).to_owned() } else { format!("{letter}{count}") })
        .collect();
    format!("{}{more}", words.join(" "))
}

fn note(step: &Step) -> String {
    if let Some(contradiction) = &step.contradiction {
        return format!("! {contradiction}");
    }
    match step.role {
        Role::Original => "the original commit".to_owned(),
        Role::Config => "again, with a smaller config".to_owned(),
        Role::Head => "HEAD".to_owned(),
        Role::MergeBase => "a merge base".to_owned(),
        Role::Parent => "the culprit's parent".to_owned(),
        _ => step.subject.clone().unwrap_or_default(),
    }
}
