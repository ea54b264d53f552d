//! Parts of a report in words.

use super::super::safe;
use crate::report::{Access, AccessKind, Report, SlabObject, StackRole, Task};

pub(in crate::render) fn access_text(access: &Access) -> String {
    let size = access.size.map_or(String::new(), |size| match size {
        1 => " of 1 byte".to_owned(),
        size => format!(" of {size} bytes"),
    });
    let address = access.address.as_ref().map_or(String::new(), |address| format!(" at {address}"));
    let is_null = |text: &str| text == "(null)" || text.bytes().all(|byte| b"0x".contains(&byte));
    let jump = access.kind == AccessKind::Execute && access.address.as_deref().is_some_and(is_null);
    format!("{}{size}{address}{}", access.kind, if jump { " (jumped to NULL)" } else { "" })
}

pub(in crate::render) fn object_text(object: &SlabObject) -> String {
    let cache = object.cache.as_deref().unwrap_or("an unnamed cache");
    let size = object.size.map_or(String::new(), |size| format!(" of {size} bytes"));
    match object.offset {
        Some(offset) if offset < 0 => format!("{} bytes before an object of {cache}{size}", -offset),
        Some(offset) => format!("{offset} bytes into an object of {cache}{size}"),
        None => format!("an object of {cache}{size}"),
    }
}

/// The CPU on which a report's task was: who finds a race may be on another one.
pub(in crate::render) fn cpu_text(report: &Report) -> Option<String> {
    let of_race = report.stacks.iter().find(|stack| stack.role == StackRole::Race(1)).and_then(|stack| stack.cpu);
    let found = |cpu: u32| report.cpu.filter(|own| *own != cpu).map(|own| format!("CPU {cpu}, found by CPU {own}"));
    match of_race {
        Some(cpu) => Some(found(cpu).unwrap_or_else(|| format!("CPU {cpu}"))),
        None => report.cpu.map(|cpu| format!("CPU {cpu}")),
    }
}

/// `comm/pid`; some reports name only the number.
pub(in crate::render) fn task_text(task: &Task) -> String {
    if task.comm.is_empty() { format!("task {}", task.pid) } else { format!("{}/{}", safe(&task.comm), task.pid) }
}

/// So many lines are named of which one thing is said.
const NAMED: usize = 3;

/// What is said of several lines, said once: `other text inside a stack at lines 7, 9, 12 and 4 more`.
pub(super) fn one_each(damage: &[String]) -> Vec<String> {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for words in damage {
        let (what, line) =
            words.rsplit_once(" at line ").filter(|(_, line)| line.parse::<u64>().is_ok()).unwrap_or((words, ""));
        match told.iter_mut().find(|(known, lines)| *known == what && !line.is_empty() && !lines[0].is_empty()) {
            Some((_, lines)) => lines.push(line),
            None => told.push((what, vec![line])),
        }
    }
    let sentence = |(what, lines): (&str, Vec<&str>)| match &lines[..] {
        [""] => what.to_owned(),
        [line] => format!("{what} at line {line}"),
        [first @ .., last] if lines.len() <= NAMED => format!("{what} at lines {} and {last}", first.join(", ")),
        _ => format!("{what} at lines {} and {} more", lines[..NAMED].join(", "), lines.len() - NAMED),
    };
    told.into_iter().map(sentence).collect()
}
