//! The reasons for and against a bisection's answer, so that a reader can add them up to the per cent that are claimed.

use super::Look;
use super::bisect_words::wrapped;
use crate::bisect::record::{Bisection, Reason, RevertResult};
use crate::bisect::{BOUNDS, INTERCEPT};
use std::io::{self, Write};

/// How many reasons are shown for and against.
const REASONS: usize = 5;
/// Reasons that move the odds by less are not shown.
const SLIGHT: f64 = 0.05;

/// Writes the terms of the confidence: those against it, those for it, the beginning, the rest in one term, the sum.
///
/// # Errors
/// Whatever `out` says.
pub(super) fn write(found: &Bisection, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let palette = &look.palette;
    let reasons = if look.is_full() { usize::MAX } else { REASONS };
    let columns = look.wrap();
    let term = |weight: &str, words: &str, out: &mut dyn Write| term(weight, words, columns, out);
    let of = |side: f64| -> Vec<&Reason> {
        let signs = found.reasons.iter().filter(|reason| reason.sign != INTERCEPT);
        signs.filter(|reason| reason.weight * side > SLIGHT).take(reasons).collect()
    };
    let sides = [
        ("against it", palette.title, of(-1.0), RevertResult::Failed),
        ("for it", palette.good, of(1.0), RevertResult::Passed),
    ];
    let mut shown: Vec<&str> = Vec::new();
    let mut tenths_shown = 0;
    for (heading, style, reasons, result) in sides {
        let reverts: Vec<String> = found
            .reverts
            .iter()
            .filter(|revert| revert.result == result)
            .map(|revert| format!("{} (line {})", revert.words, revert.line))
            .collect();
        if reasons.is_empty() && reverts.is_empty() {
            continue;
        }
        writeln!(out, "\n{heading}")?;
        for words in reverts {
            term(
                &format!("{style}{}{style:#}   ", if result == RevertResult::Passed { '+' } else { '-' }),
                &words,
                out,
            )?;
        }
        for reason in reasons {
            shown.push(&reason.sign);
            tenths_shown += tenths(reason.weight);
            term(&format!("{style}{}{style:#}", signed(tenths(reason.weight))), &reason.words, out)?;
        }
    }
    let (Some(confidence), false) = (found.confidence, found.reasons.is_empty()) else { return Ok(()) };
    writeln!(out, "\ntogether (log odds)")?;
    let start = found.reasons.iter().find(|reason| reason.sign == INTERCEPT);
    let odds: f64 = found.reasons.iter().map(|reason| reason.weight).sum();
    if let Some(start) = start {
        tenths_shown += tenths(start.weight);
        term(&signed(tenths(start.weight)), &start.words, out)?;
    }
    // Terms are rounded as they are shown; what that leaves goes with the small ones.
    let rest = tenths(odds) - tenths_shown;
    let left: Vec<&Reason> = found
        .reasons
        .iter()
        .filter(|reason| reason.sign != INTERCEPT && !shown.contains(&reason.sign.as_str()))
        .collect();
    let most = left.iter().map(|reason| (reason.weight.abs() * 10.0).ceil() as i64).max().unwrap_or(0);
    let at_most = format!("{}.{}", most / 10, most % 10);
    match left.len() {
        0 if rest == 0 => {}
        0 => term(&signed(rest), "rounding", out)?,
        1 => term(&signed(rest), &format!("another sign, of at most {at_most}"), out)?,
        count => term(&signed(rest), &format!("{count} other signs, of at most {at_most} each"), out)?,
    }
    let chance = 1.0 / (1.0 + (-odds).exp());
    let bounded = if chance < BOUNDS.0 - 0.005 || chance > BOUNDS.1 + 0.005 {
        format!("; never less than {:.0} % or more than {:.0} % is claimed", BOUNDS.0 * 100.0, BOUNDS.1 * 100.0)
    } else {
        String::new()
    };
    let said = if bounded.is_empty() { confidence } else { chance };
    term(&signed(tenths(odds)), &format!("the sum, which is {:.0} %{bounded}", said * 100.0), out)
}

fn tenths(weight: f64) -> i64 {
    (weight * 10.0).round() as i64
}

/// `+0.7`, `-1.2`.
fn signed(tenths: i64) -> String {
    format!("{}{}.{}", if tenths < 0 { '-' } else { '+' }, tenths.abs() / 10, tenths.abs() % 10)
}

/// One term: what it weighs, four columns wide, and its words.
fn term(weight: &str, words: &str, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    for (at, line) in wrapped(words, columns.saturating_sub(9)).iter().enumerate() {
        if at == 0 { writeln!(out, "  {weight}  {line}")? } else { writeln!(out, "        {line}")? }
    }
    Ok(())
}
