//! Reports of the dependency tracker DEPT: who owes an event, and what each waits for instead.

use super::account::{Account, Answer, Open};
use super::scan::{after, text};
use super::{Frame, Lockdep, WaitContext};
use crate::grammar::Flavour;

/// More contexts than this are not a report.
const MOST: usize = 64;

/// A line of a DEPT report; not its own in any other.
pub(super) fn line(trimmed: &[u8], log_line: u64, account: &mut Account<'_>) -> Answer {
    let Some(report) = account.out.lockdep.as_mut().filter(|report| is_dept(report)) else { return Answer::NotMine };
    if trimmed == b"stacktrace:" || trimmed == b"(N/A)" {
        // The place that stands alone above a stack is one of its frames.
        if let Open::Context { at, waits: true } = account.open
            && let Some(context) = report.contexts.get_mut(at)
        {
            context.frames.clear();
        }
        return Answer::Taken;
    }
    if let Some(name) = after(trimmed, "context ") {
        let name = text(name.strip_suffix(b"'s detail").unwrap_or(name));
        // The summary comes first, then each context again with its stacks.
        let at = report.contexts.iter().position(|context| context.name == name);
        let at = at.unwrap_or(report.contexts.len());
        if at >= MOST {
            return Answer::NotMine;
        }
        if at == report.contexts.len() {
            report.contexts.push(WaitContext { name, ..WaitContext::default() });
        }
        account.close();
        account.open = Open::Context { at, waits: false };
        return Answer::Taken;
    }
    let Open::Context { at, .. } = account.open else { return Answer::NotMine };
    let Some(context) = report.contexts.get_mut(at) else { return Answer::NotMine };
    let waits = step(trimmed, log_line, context);
    if let Some(waits) = waits {
        account.open = Open::Context { at, waits };
        return Answer::Taken;
    }
    Answer::NotMine
}

/// `[S]`, `[W]` or `[E]`, and whether the frames that follow are those of the wait.
fn step(trimmed: &[u8], log_line: u64, context: &mut WaitContext) -> Option<bool> {
    let step = trimmed.strip_suffix(b":").unwrap_or(trimmed);
    if let Some(what) = after(step, "[S] ") {
        context.owed.get_or_insert_with(|| class(what));
        return Some(false);
    }
    if let Some(what) = after(step, "[W] ") {
        context.awaited.get_or_insert_with(|| class(what));
        context.line = log_line;
        return Some(true);
    }
    let what = after(step, "[E] ")?;
    context.event.get_or_insert_with(|| text(what));
    Some(false)
}

/// Whether the report is one of DEPT.
fn is_dept(report: &Lockdep) -> bool {
    Flavour::of(&report.flavour) == Some(Flavour::Dept)
}

/// A frame of a context: those of its wait are kept.
pub(super) fn frame(at: usize, waits: bool, frame: Option<Frame>, report: Option<&mut Lockdep>) {
    let context = report.and_then(|report| report.contexts.get_mut(at));
    if let Some(context) = context.filter(|_| waits) {
        context.frames.extend(frame);
    }
}

/// The class of `lock(&x->sem:0)`, `(event requestor)(PG_locked_map:0)`, `lock((work_completion)(&x->work):0)`: what stands
/// in the brackets that close last.
fn class(what: &[u8]) -> String {
    let to = memchr::memrchr(b')', what).unwrap_or(what.len());
    let mut depth = 0_usize;
    let opening = what[..to].iter().rposition(|byte| {
        let opens = *byte == b'(' && depth == 0;
        match byte {
            b')' => depth += 1,
            b'(' => depth = depth.saturating_sub(1),
            _ => {}
        }
        opens
    });
    let from = opening.or_else(|| memchr::memchr(b'(', &what[..to])).map_or(0, |at| at + 1);
    text(&what[from..to])
}

#[cfg(test)]
mod tests {
    use super::super::{Line, describe};
    use crate::grammar::Grammar;

    const REPORT: &str = "DEPT: Circular dependency has been detected.
6.9.0-rc7 #145 Not tainted
---------------------------------------------------
summary
---------------------------------------------------
*** DEADLOCK ***

context A
    [S] lock(&dev->sem:0)
    [W] dept_page_wait_on_bit(PG_locked_map:0)
    [E] unlock(&dev->sem:0)

context B
    [S] (event requestor)(PG_locked_map:0)
    [W] lock(&dev->sem:0)
    [E] dept_page_clear_bit(PG_locked_map:0)

[S]: start of the event context
[W]: the wait blocked
[E]: the event not reachable
---------------------------------------------------
context A's detail
---------------------------------------------------
context A
    [S] lock(&dev->sem:0)
    [W] dept_page_wait_on_bit(PG_locked_map:0)
    [E] unlock(&dev->sem:0)

[S] lock(&dev->sem:0):
[<ffffffff81234567>] dev_map+0x20d/0x5f0
stacktrace:
      dev_map+0x20d/0x5f0

[W] dept_page_wait_on_bit(PG_locked_map:0):
[<ffffffff81234568>] folio_get+0x10/0x20
stacktrace:
      folio_wait_bit_common+0x1/0x20
      folio_get+0x10/0x20
      dev_map+0x210/0x5f0

[E] unlock(&dev->sem:0):
(N/A)
";

    #[test]
    fn a_class_stands_in_the_last_brackets() {
        for (step, class) in [
            ("lock(&dev->sem:0)", "&dev->sem:0"),
            ("(event requestor)(PG_locked_map:0)", "PG_locked_map:0"),
            ("(unknown)(&x:0)", "&x:0"),
            ("lock((work_completion)(&x->work):0)", "(work_completion)(&x->work):0"),
            ("lock(&x:0", "&x:0"),
            ("nothing", "nothing"),
            ("a)b", "a"),
        ] {
            assert_eq!(super::class(step.as_bytes()), class, "{step}");
        }
    }

    #[test]
    fn contexts_say_what_they_owe_and_await() {
        let lines: Vec<Line<'_>> = REPORT
            .lines()
            .zip(1..)
            .map(|(line, log_line)| Line { text: line.as_bytes(), log_line, offset: 0 })
            .collect();
        let found = describe(&Grammar::built_in(), &lines).lockdep.expect("a report");
        let brief: Vec<_> = found
            .contexts
            .iter()
            .map(|context| {
                let frames: Vec<&str> = context.frames.iter().filter_map(|frame| frame.function.as_deref()).collect();
                (context.name.as_str(), context.owed.as_deref(), context.awaited.as_deref(), frames)
            })
            .collect();
        assert_eq!(found.flavour, "dept");
        assert_eq!(
            brief,
            [
                (
                    "A",
                    Some("&dev->sem:0"),
                    Some("PG_locked_map:0"),
                    vec!["folio_wait_bit_common", "folio_get", "dev_map"]
                ),
                ("B", Some("PG_locked_map:0"), Some("&dev->sem:0"), vec![])
            ]
        );
    }
}
