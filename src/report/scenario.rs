//! Lockdep's table `Possible unsafe locking scenario`: who takes which lock, and when.

use super::account::{Account, Answer, Open};
use super::held;
use super::scan::{find, text, word};
use super::stacks::begins;
use super::{ScenarioStep, Shown};

/// More rows than this are other text.
const MOST: usize = 64;

/// One line of the open table; not its own when the table is over.
pub(super) fn line(trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) -> Answer {
    let Open::Scenario(second) = account.open else { return Answer::NotMine };
    if let Some(second) = columns(line.text) {
        account.open = Open::Scenario(second);
        return Answer::Taken;
    }
    if trimmed.starts_with(b"other info")
        || trimmed.starts_with(b"stack backtrace")
        || held::header(trimmed, 0).is_some()
        || begins(trimmed)
    {
        account.open = Open::Nothing;
        return Answer::NotMine;
    }
    let report = account.out.lockdep.get_or_insert_default();
    if trimmed.starts_with(b"*** ") || report.scenario.len() >= MOST {
        account.open = Open::Nothing;
    }
    report.scenario.extend(step(line.text, second));
    Answer::Taken
}

/// One row of the scenario table; `second` is the column at which CPU1 begins.
fn step(line: &[u8], second: Option<usize>) -> Option<ScenarioStep> {
    let action = line.trim_ascii();
    if action.is_empty() || action.iter().all(|byte| *byte == b'-' || *byte == b' ') {
        return None;
    }
    let column = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let cpu = u32::from(second.is_some_and(|second| column + 4 >= second));
    let action = action.strip_suffix(b";").unwrap_or(action);
    Some(ScenarioStep { cpu, action: text(action) })
}

/// `CPU0   CPU1` above the table: where CPU1 begins, `Some(None)` for a table of one column.
fn columns(line: &[u8]) -> Option<Option<usize>> {
    let (first, rest) = word(line);
    if first != b"CPU0" {
        return None;
    }
    Some((word(rest).0 == b"CPU1").then(|| find(line, "CPU1").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_rows_know_their_cpu() {
        let second = columns(b"       CPU0                    CPU1").flatten();
        assert_eq!(second, Some(31));
        assert_eq!(step(b"  lock(a);", second), Some(ScenarioStep { cpu: 0, action: "lock(a)".into() }));
        assert_eq!(
            step(b"                               lock(b);", second),
            Some(ScenarioStep { cpu: 1, action: "lock(b)".into() })
        );
    }
}
