//! What a kernel tree says about a report, as text: code as compilers show it, who wrote it, fixes, whom to tell.

use super::{Look, columns, padded, safe, wrap_into};
use crate::source::{
    BlamePage, Commit, Copied, Fix, FixGrade, Fixed, FunctionBlame, LineBlame, People, Place, PlaceRole, WhoSays,
};
use std::fmt::Write as _;

/// How wide two pieces of code beside each other may be, columns.
const BESIDE: usize = 100;
/// How many commits of a function are named where not everything is wanted.
const TOUCHED: usize = 3;
/// How many possible fixes are named where not everything is wanted.
const POSSIBLE: usize = 3;

/// The page for a mail: title, first frames, source, commits, fixes, people.
#[must_use]
pub fn blame_text(page: &BlamePage, look: &Look) -> String {
    let mut out = String::new();
    let title = look.palette.title;
    let _ = writeln!(out, "{title}{}{}", safe(&page.title), title.render_reset());
    let at = page.line.map_or(String::new(), |line| format!(":{line}"));
    let base = format!("{}{at} · {} · {} of {}", page.log, page.base.words, short(&page.base.commit), page.base.date);
    quiet(&mut out, &base, look);
    page.base.doubts.iter().for_each(|doubt| doubtful(&mut out, 2, doubt, look));
    page.unknown.iter().for_each(|doubt| doubtful(&mut out, 2, doubt, look));
    if !page.frames.is_empty() {
        out.push('\n');
        page.frames.iter().for_each(|frame| {
            let _ = writeln!(out, "    {}", safe(frame));
        });
    }
    out.push_str(&places_text(&page.places, look));
    if let Some(found) = &page.fixed {
        out.push('\n');
        out.push_str(&fixed_text(found, look));
    }
    if let Some(people) = &page.people {
        out.push('\n');
        people_text(&mut out, people, look);
    }
    out
}

/// What a tree adds to a report that is shown already: the commit, its doubts, the places.
#[must_use]
pub fn source_text(page: &BlamePage, look: &Look) -> String {
    let mut out = String::new();
    let base = format!("{} of {}: {}", short(&page.base.commit), page.base.date, page.base.words);
    wrap_into(&mut out, "  source  ", 10, &base, look.wrap());
    page.base.doubts.iter().chain(&page.unknown).for_each(|doubt| doubtful(&mut out, 10, doubt, look));
    out.push_str(&places_text(&page.places, look));
    out
}

/// The places of a page: code, who wrote it, who touched its function. Where a lock is held and where it is awaited stand beside
/// each other if there is room.
#[must_use]
pub fn places_text(places: &[Place], look: &Look) -> String {
    let mut out = String::new();
    let mut rest = places;
    while let [place, after @ ..] = rest {
        rest = after;
        out.push('\n');
        let (what, at) = head(place);
        let pair = after.first().filter(|next| place.role == PlaceRole::Holds && next.role == PlaceRole::Waits);
        if let Some(next) = pair
            && let (next_what, next_at) = head(next)
            && let left = code(place, &[what.clone(), format!("    {at}")])
            && let Some(both) = beside(&left, &code(next, &[next_what, format!("    {next_at}")]))
        {
            out.push_str(&both);
            words(&mut out, place, look);
            words(&mut out, next, look);
            rest = &after[1..];
            continue;
        }
        for (line, marked) in code(place, &[format!("{what} {at}")]) {
            let style = if marked { look.palette.blame } else { anstyle::Style::new() };
            let _ = writeln!(out, "{style}{line}{}", style.render_reset());
        }
        words(&mut out, place, look);
    }
    out
}

/// What a place is, and where.
fn head(place: &Place) -> (String, String) {
    let mut what = format!("  {}", place.role.word());
    if let Some(of) = &place.of {
        let _ = write!(what, " {}", safe(of));
    }
    let mut at: Vec<String> = Vec::new();
    let line = place.line.map_or(String::new(), |line| format!(":{line}"));
    at.extend(place.file.as_ref().or(place.said_file.as_ref()).map(|file| format!("{}{line}", safe(file))));
    at.extend(place.function.as_ref().map(|function| format!("in {}", safe(function))));
    at.extend(place.log_line.map(|line| format!(":{line}")));
    (what, at.join(" "))
}

/// The code of a place below some lines about it, each line with whether it is marked.
fn code(place: &Place, head: &[String]) -> Vec<(String, bool)> {
    let mut lines: Vec<(String, bool)> = head.iter().map(|line| (line.clone(), false)).collect();
    if let [inner, .., last] = &place.inlined[..] {
        let middle = place.inlined.len() - 2;
        let more = if middle == 0 { String::new() } else { format!(", {middle} more") };
        lines.push((format!("    inlined here: {} … {}{more}", safe(inner), safe(last)), false));
    } else if let [one] = &place.inlined[..] {
        lines.push((format!("    inlined here: {}", safe(one)), false));
    }
    lines.extend(place.code.iter().map(|line| {
        let mark = if line.marked { '>' } else { ' ' };
        let text = untabbed(&line.text);
        (format!("  {mark} {:>5} | {}", line.number, safe(&text)).trim_end().to_owned(), line.marked)
    }));
    lines
}

/// Two pieces of code beside each other; none where they are too wide.
fn beside(left: &[(String, bool)], right: &[(String, bool)]) -> Option<String> {
    let wide = |lines: &[(String, bool)]| lines.iter().map(|(line, _)| columns(line)).max().unwrap_or(0);
    let column = wide(left) + 2;
    if column + wide(right) > BESIDE {
        return None;
    }
    let mut out = String::new();
    for at in 0..left.len().max(right.len()) {
        let of = |lines: &[(String, bool)]| lines.get(at).map_or("", |(line, _)| line.as_str()).to_owned();
        let line = format!("{}{}", padded(&of(left), column), of(right));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    Some(out)
}

/// Who wrote a place, who touched its function, what is not known.
pub(super) fn words(out: &mut String, place: &Place, look: &Look) {
    if let Some(blame) = &place.blame {
        line_words(out, place, blame, look);
    }
    if let Some(around) = &place.around {
        function_words(out, around, look);
    }
    place.unknown.iter().for_each(|doubt| doubtful(out, 4, doubt, look));
}

fn line_words(out: &mut String, place: &Place, blame: &LineBlame, look: &Look) {
    let line = place.line.map_or_else(|| "the line".to_owned(), |line| format!("line {line}"));
    if blame.cut {
        let text =
            format!("{line}: in or before {}, where the history of this clone ends", short(&blame.commit.commit));
        wrap_into(out, "    ", 6, &text, look.wrap());
        return;
    }
    if blame.commit.parents.is_empty() {
        let text = format!("{line}: as old as this history, which begins with {}", commit_words(&blame.commit));
        wrap_into(out, "    ", 6, &text, look.wrap());
        return;
    }
    let from = blame.file_then.as_ref().map_or(String::new(), |file| format!(" (then {file}:{})", blame.line_then));
    wrap_into(out, "    ", 6, &format!("{line}: {}{from}", commit_words(&blame.commit)), look.wrap());
    for fixes in &blame.commit.fixes {
        wrap_into(out, "      ", 8, &format!("Fixes: {fixes}"), look.wrap());
    }
}

fn function_words(out: &mut String, around: &FunctionBlame, look: &Look) {
    let ago = match around.days_before {
        Some(0) => "changed last on the day of this kernel".to_owned(),
        Some(1) => "changed last 1 day before this kernel".to_owned(),
        Some(days) => format!("changed last {days} days before this kernel"),
        None => "no change of it is in this history".to_owned(),
    };
    let text = format!("{} (lines {} to {}): {ago}", around.name, around.first, around.last);
    wrap_into(out, "    ", 6, &text, look.wrap());
    let most = if look.is_full() { usize::MAX } else { TOUCHED };
    for commit in around.touched.iter().take(most) {
        wrap_into(out, "      ", 8, &commit_words(commit), look.wrap());
    }
    if !around.in_range.is_empty() {
        wrap_into(out, "    ", 6, "between the last good and the first bad kernel it was touched by", look.wrap());
        for commit in &around.in_range {
            wrap_into(out, "      ", 8, &commit_words(commit), look.wrap());
        }
    }
}

/// `0123456789ab ("subject") by A U Thor, 2026-11-26`.
fn commit_words(commit: &Commit) -> String {
    format!("{} (\"{}\") by {}, {}", short(&commit.commit), commit.subject, commit.author, commit.date)
}

/// What fixes a bug, as far as the tree shows.
#[must_use]
pub fn fixed_text(found: &Fixed, look: &Look) -> String {
    let mut out = String::new();
    let ends = found.ends.as_ref().map_or(String::new(), |day| format!(", which ends at {day}"));
    let sure = |fix: &&Fix| fix.grade >= FixGrade::Likely;
    let head = match (found.fixed, found.fixes.iter().any(|fix| sure(&fix))) {
        (true, _) => "fixed?  yes".to_owned(),
        (false, true) => format!("fixed?  no fix that holds is in this tree{ends}"),
        (false, false) => format!("fixed?  not in this tree{ends}"),
    };
    let style = if found.fixed { look.palette.good } else { look.palette.doubt };
    let _ = writeln!(out, "{style}{head}{}", style.render_reset());
    let (certain, possible): (Vec<&Fix>, Vec<&Fix>) = found.fixes.iter().partition(|fix| sure(fix));
    let most =
        if look.is_full() || certain.is_empty() && found.fixes.len() <= TOUCHED + 2 { usize::MAX } else { POSSIBLE };
    certain.into_iter().for_each(|fix| fix_words(&mut out, fix, look));
    let more = possible.len().saturating_sub(most);
    possible.into_iter().take(most).for_each(|fix| fix_words(&mut out, fix, look));
    if more > 0 {
        let _ = writeln!(out, "  … {more} more that are possible: --full");
    }
    found.unknown.iter().for_each(|doubt| doubtful(&mut out, 2, doubt, look));
    out
}

fn fix_words(out: &mut String, fix: &Fix, look: &Look) {
    wrap_into(out, &format!("  {:<8} ", fix.grade.word()), 11, &commit_words(&fix.commit), look.wrap());
    let mut about = fix.because.clone();
    about.push(match (&fix.releases[..], &fix.branches[..]) {
        ([first, .., whole], _) => format!("in {first} and {whole}"),
        ([first], _) => format!("in {first}"),
        ([], []) => "in no branch".into(),
        ([], branches) => format!("in no release yet, in {}", branches.join(", ")),
    });
    if !fix.copies.is_empty() {
        let told = |copy: &Copied| {
            copy.release
                .as_ref()
                .map_or_else(|| short(&copy.commit).to_owned(), |tag| format!("{} in {tag}", short(&copy.commit)))
        };
        about.push(format!("copied as {}", fix.copies.iter().map(told).collect::<Vec<_>>().join(", ")));
    }
    if let Some(revert) = &fix.reverted {
        about.push(format!("reverted by {} (\"{}\")", short(&revert.commit), revert.subject));
    }
    if fix.in_base == Some(true) {
        about.push("the kernel that crashed has it already: it is not enough, or this is another bug".into());
    }
    wrap_into(out, "           ", 11, &about.join("; "), look.wrap());
}

fn people_text(out: &mut String, people: &People, look: &Look) {
    let by = match people.by {
        WhoSays::Script => " (scripts/get_maintainer.pl)",
        WhoSays::Kanalyze => " (MAINTAINERS)",
        WhoSays::Nobody => "",
    };
    if people.people.is_empty() {
        let _ = writeln!(out, "whom to tell{by}: nobody is named");
    }
    // Roles are not part of what is pasted.
    for person in &people.people {
        let line = format!("Cc: {}", safe(&person.address));
        if look.is_full() {
            let _ = writeln!(out, "{line}  ({})", safe(&person.role));
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    people.unknown.iter().for_each(|doubt| doubtful(out, 2, doubt, look));
}

/// A commit that is blamed, with its fixes and whom to tell.
#[must_use]
pub fn commit_text(commit: &Commit, page: &BlamePage, look: &Look) -> String {
    let mut out = String::new();
    wrap_into(&mut out, "", 2, &format!("in the tree {}: {}", page.tree.path, commit_words(commit)), look.wrap());
    for fixes in &commit.fixes {
        wrap_into(&mut out, "  ", 4, &format!("Fixes: {fixes}"), look.wrap());
    }
    page.unknown.iter().for_each(|doubt| doubtful(&mut out, 2, doubt, look));
    if let Some(found) = &page.fixed {
        out.push_str(&fixed_text(found, look));
    }
    if let Some(people) = &page.people {
        people_text(&mut out, people, look);
    }
    out
}

fn quiet(out: &mut String, text: &str, look: &Look) {
    styled(out, 2, text, look.palette.quiet, look);
}

fn doubtful(out: &mut String, indent: usize, text: &str, look: &Look) {
    styled(out, indent, text, look.palette.doubt, look);
}

fn styled(out: &mut String, indent: usize, text: &str, style: anstyle::Style, look: &Look) {
    let mut plain = String::new();
    wrap_into(&mut plain, &" ".repeat(indent), indent + 2, text, look.wrap());
    let _ = writeln!(out, "{style}{}{}", plain.trim_end_matches('\n'), style.render_reset());
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Tabs as the blanks up to the next column of eight.
fn untabbed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for char in text.chars() {
        if char == '\t' {
            let blanks = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            out.push(char);
            column += 1;
        }
    }
    out
}
