//! A comparison of runs as text and as Markdown.

use super::{Look, Palette, Width, columns, fitted, padded, safe, several, wrap_into};
use crate::diff::cause::aligned;
use crate::diff::record::Causes;
use crate::diff::{Area, Difference, Finding, Verdict};
use crate::markup::{cell, code};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Blanks before what belongs to a finding.
const INDENT: usize = 11;
/// Columns of one side of two stacks beside each other, at least.
const LEAST: usize = 24;

/// The comparison for a terminal or a mail.
#[must_use]
pub fn diff_text(difference: &Difference, look: &Look) -> String {
    let palette = &look.palette;
    let mut out = String::new();
    let (a, b) = (&difference.a, &difference.b);
    for (letter, side) in [("A  ", a), ("B  ", b)] {
        wrap_into(&mut out, letter, 3, &format!("{} ({})", side.name, several(side.logs.len(), "run")), look.wrap());
    }
    let counted: Vec<&Finding> =
        difference.findings.iter().filter(|one| one.verdict.is_claim() && one.known.is_none()).collect();
    let style = if counted.is_empty() { palette.good } else { palette.title };
    let _ = writeln!(out, "{style}{}{}", head(difference), style.render_reset());
    for (title, wanted) in SECTIONS {
        let (chosen, left) = chosen(difference, wanted);
        if chosen.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        for finding in chosen {
            text_finding(&mut out, finding, look);
        }
        if let Some(left) = left {
            wrap_into(&mut out, "  ", 4, &left, look.wrap());
        }
    }
    let same: Vec<String> = difference.same.iter().map(|(area, count)| format!("{count} {area}")).collect();
    if !same.is_empty() {
        let mut line = String::new();
        wrap_into(&mut line, "the same: ", 10, &same.join(", "), look.wrap());
        let _ = writeln!(out, "\n{}{}{}", palette.quiet, line.trim_end(), palette.quiet.render_reset());
    }
    out
}

/// How much differs, in one line.
fn head(difference: &Difference) -> String {
    let of = |wanted: Section| difference.findings.iter().filter(|one| section(one) == wanted).count();
    match (of(Section::Claimed), of(Section::Unclear)) {
        (0, 0) => "no difference".to_owned(),
        (0, undecided) => format!("no certain difference, {undecided} undecided"),
        (claimed, 0) => several(claimed, "difference"),
        (claimed, undecided) => format!("{}, {undecided} undecided", several(claimed, "difference")),
    }
}

/// So many events, messages and modules are shown, and so many of those that are undecided.
const SHOWN: usize = 20;
const UNDECIDED: usize = 5;

/// The findings of a section for a reader, and how many were left out: what cannot be told of many messages says little of each.
fn chosen<'d>(difference: &'d Difference, wanted: &Section) -> (Vec<&'d Finding>, Option<String>) {
    let mut counts: BTreeMap<Area, usize> = BTreeMap::new();
    let (mut chosen, mut left) = (Vec::new(), BTreeMap::<Area, usize>::new());
    for one in difference.findings.iter().filter(|one| section(one) == *wanted) {
        let count = counts.entry(one.area).or_default();
        *count += 1;
        let most = match (wanted, one.area) {
            (Section::Unclear, Area::Event | Area::Message | Area::Module) => UNDECIDED,
            (_, Area::Event | Area::Message | Area::Module) => SHOWN,
            _ => usize::MAX,
        };
        if *count > most {
            *left.entry(one.area).or_default() += 1;
        } else {
            chosen.push(one);
        }
    }
    let words: Vec<String> = left.iter().map(|(area, count)| format!("{count} {}", area.name())).collect();
    (chosen, (!words.is_empty()).then(|| format!("… and more ({}): --format json has them", words.join(", "))))
}

#[derive(PartialEq, Eq)]
enum Section {
    Claimed,
    Unclear,
    Note,
    Known,
}

const SECTIONS: &[(&str, Section)] = &[
    ("Different", Section::Claimed),
    ("Cannot be told", Section::Unclear),
    ("Worth knowing", Section::Note),
    ("Known (baseline)", Section::Known),
];

fn section(finding: &Finding) -> Section {
    match finding.verdict {
        _ if finding.known.is_some() => Section::Known,
        Verdict::Unclear => Section::Unclear,
        Verdict::Note => Section::Note,
        _ => Section::Claimed,
    }
}

fn text_finding(out: &mut String, finding: &Finding, look: &Look) {
    let palette = &look.palette;
    let style = if finding.verdict.is_claim() { palette.blame } else { palette.doubt };
    let word = format!("{:<8}", finding.verdict.word());
    let mut line = String::new();
    wrap_into(&mut line, &format!("  {word} {}: ", finding.area.name()), INDENT, &finding.name, look.wrap());
    let _ = write!(out, "  {style}{word}{}{}", style.render_reset(), &line[2 + word.len()..]);
    let indented = |out: &mut String, text: &str| wrap_into(out, &" ".repeat(INDENT), INDENT, text, look.wrap());
    if !finding.alt_titles.is_empty() {
        indented(out, &format!("also {}", finding.alt_titles.join("; ")));
    }
    let place = finding.place.as_ref().map_or(String::new(), |place| format!(" · {}:{}", place.log, place.line));
    indented(out, &format!("{}{place}", finding.words));
    if let Some(known) = &finding.known {
        indented(out, &format!("known: {known}"));
    }
    if let Some(causes) = &finding.causes {
        for row in sides(causes, look.width) {
            let _ = writeln!(out, "{:INDENT$}{row}", "");
        }
    }
}

/// Two causes beside each other: `=`, `<` or `>` in the middle. On a terminal what is longer than half of it is cut.
fn sides(causes: &Causes, width: Width) -> Vec<String> {
    let mut rows = vec![(Some("A".to_owned()), ' ', Some("B".to_owned()))];
    for (left, right) in aligned(&causes.a.lines(), &causes.b.lines()) {
        let mark = match (&left, &right) {
            (Some(_), Some(_)) => '=',
            (Some(_), None) => '<',
            _ => '>',
        };
        rows.push((left, mark, right));
    }
    let longest = rows.iter().flat_map(|(left, ..)| left).map(|left| columns(&safe(left))).max().unwrap_or(0);
    // The mark and two blanks stand between the sides.
    let most = if width == Width::UNBOUNDED { usize::MAX } else { (width.0.saturating_sub(INDENT + 3) / 2).max(LEAST) };
    let column = longest.min(most);
    let cell = |text: Option<String>| fitted(&safe(&text.unwrap_or_default()), most).into_owned();
    let row =
        |(left, mark, right)| format!("{} {mark} {}", padded(&cell(left), column), cell(right)).trim_end().to_owned();
    rows.into_iter().map(row).collect()
}

/// The comparison as Markdown.
#[must_use]
pub fn diff_markdown(difference: &Difference) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### kanalyze diff: {}\n", head(difference));
    for (letter, side) in [("A", &difference.a), ("B", &difference.b)] {
        let _ = writeln!(out, "* {letter}: {} ({})", code(&side.name), several(side.logs.len(), "run"));
    }
    for (title, wanted) in SECTIONS {
        let (chosen, left) = chosen(difference, wanted);
        if chosen.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n#### {title}\n\n| | what | | |\n|---|---|---|---|");
        for finding in &chosen {
            let known = finding.known.as_ref().map_or(String::new(), |known| format!("; known: {}", cell(known)));
            let place = finding.place.as_ref();
            let place = place.map_or(String::new(), |place| cell(&format!(" · {}:{}", place.log, place.line)));
            let _ = writeln!(
                out,
                "| {} | {} | {} | {}{place}{known} |",
                finding.verdict.word(),
                finding.area.name(),
                code(&finding.name),
                cell(&finding.words)
            );
        }
        if let Some(left) = left {
            let _ = writeln!(out, "\n{left}");
        }
        for finding in chosen.iter().filter(|finding| finding.causes.is_some()) {
            let Some(causes) = &finding.causes else { continue };
            let _ = writeln!(out, "\n{}, {}:\n", code(&finding.name), cell(&causes.because));
            for row in sides(causes, Width::UNBOUNDED) {
                let _ = writeln!(out, "    {row}");
            }
        }
    }
    out
}

/// A cluster of reports: how many, the title, who stands for all, where the blamed stack leads; `marked` says whether new ones
/// are marked.
#[must_use]
pub fn cluster_text(cluster: &crate::diff::cluster::Cluster, marked: bool, palette: &Palette) -> String {
    let mut out = String::new();
    let (title, reset) = (palette.title, palette.title.render_reset());
    let mark = if marked && cluster.new { "  (new)" } else { "" };
    let _ = writeln!(out, "{title}{:>5}  {}{reset}{mark}", cluster.size, safe(&cluster.title));
    let shown: Vec<&str> = cluster.cause.stack.iter().take(5).map(String::as_str).collect();
    if !shown.is_empty() {
        let _ = writeln!(out, "       {}", safe(&shown.join(" < ")));
    }
    for title in cluster.titles.iter().filter(|title| **title != cluster.title).take(5) {
        let _ = writeln!(out, "       also {}", safe(title));
    }
    let _ = writeln!(out, "       as in {}", safe(&cluster.representative.log));
    out
}
