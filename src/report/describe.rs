//! One pass over the lines of a report that gathers everything its structure says: each line is shown to its readers in turn.

use super::account::{Account, Answer, Open};
use super::bounds::{self, Bounds};
use super::facts::Facts;
use super::lines::{Line, Shown};
use super::role::StackRole;
use super::scan::text;
use super::structure::Structure;
use super::symbolized::is_code_dump;
use super::tasks::Tasks;
use super::traces::Traces;
use super::{Frame, HungTask, Stack};
use super::{dump, lockdep, scenario};
use crate::grammar::Grammar;
use crate::line::{begins_with_stamp, lex};

/// The readers, and what they have read so far.
struct Walk<'g> {
    account: Account<'g>,
    bounds: Bounds,
    facts: Facts,
    tasks: Tasks,
    traces: Traces,
    /// Whether the code dump of `decode_stacktrace.sh` is being passed over.
    dumping: bool,
    /// The lines of frames that somebody typed.
    typed: Vec<u64>,
}

/// Reads the structure of one report or event; `lines` starts at its first line and ends with its structure.
///
/// Linear in the text; any bytes are fine.
pub fn describe(grammar: &Grammar, lines: &[Line<'_>]) -> Structure {
    describe_shown(grammar, lines.iter().map(Shown::of))
}

/// The same of lines of which more is known. Frames of doubted lines count only in stacks in which no others do.
pub(crate) fn describe_shown<'a>(grammar: &Grammar, lines: impl Iterator<Item = Shown<'a>>) -> Structure {
    let mut lines = lines.peekable();
    let mut walk = Walk {
        account: Account::new(grammar),
        bounds: Bounds::default(),
        facts: lines.peek().map(|line| Facts::of(line.text, line.letters)).unwrap_or_default(),
        tasks: Tasks::default(),
        traces: Traces::default(),
        dumping: false,
        typed: Vec::new(),
    };
    if let Some(first) = lines.next() {
        walk.line(&first);
        walk.tasks.of_dump(&first, &mut walk.account, &mut walk.traces);
    }
    for line in lines {
        if !walk.bounds.is_over(line.text, &mut walk.account) {
            walk.line(&line);
        }
    }
    walk.finish()
}

impl Walk<'_> {
    fn line(&mut self, line: &Shown<'_>) {
        let trimmed = line.text.trim_ascii();
        self.dumping = trimmed == b"All code" || self.dumping && (trimmed.is_empty() || is_code_dump(trimmed));
        if self.dumping {
            return;
        }
        if trimmed.is_empty() {
            return self.blank();
        }
        if matches!(self.account.open, Open::Scenario(_)) && scenario::line(trimmed, line, &mut self.account).is_taken()
        {
            return;
        }
        let indented = line.text[0].is_ascii_whitespace() || matches!(trimmed[0], b'[' | b'(');
        if indented
            && matches!(self.account.open, Open::Stack(_) | Open::Chain | Open::Context { .. })
            && self.traces.frame(line, &mut self.account).is_taken()
        {
            return;
        }
        let above = self.traces.leave_exception();
        if trimmed[0] == b'<' && self.markers(trimmed, line).is_taken() {
            return;
        }
        if self.ask(trimmed, line, above) == Answer::NotMine {
            self.unknown(trimmed, line.log_line);
        }
    }

    /// The readers in turn: what most lines are comes first.
    fn ask(&mut self, trimmed: &[u8], line: &Shown<'_>, above: Option<usize>) -> Answer {
        let Self { account, facts, tasks, traces, .. } = self;
        match trimmed[0] {
            b'E' => facts.cpu_of_flags(trimmed, line, account, traces),
            b'C' if trimmed.starts_with(b"CFAR: ") => facts.kind_of_access(trimmed, line, account),
            _ => {}
        }
        dump::row(trimmed, account)
            .or_else(|| traces.line(trimmed, line, above, account))
            .or_else(|| dump::code(trimmed, account))
            .or_else(|| bounds::end_mark(trimmed, account))
            .or_else(|| bounds::buggy_address(trimmed, account, traces))
            .or_else(|| facts.line(trimmed, line, account, traces))
            .or_else(|| dump::mixed_row(trimmed, account))
            .or_else(|| lockdep::line(trimmed, line, account))
            .or_else(|| tasks.line(trimmed, line.log_line, account, traces))
            .or_else(|| traces.frame(line, account))
    }

    fn blank(&mut self) {
        match self.account.open {
            // The header of a stack may stand apart from its frames.
            Open::Stack(index) if self.account.out.stacks[index].frames.is_empty() => {}
            Open::Scenario(_) | Open::Context { .. } => {}
            _ => self.account.close(),
        }
    }

    /// `<TASK>`, `</IRQ>`, and the old ` <IRQ>  [<…>] f+0x1/0x2` on one line.
    fn markers(&mut self, trimmed: &[u8], line: &Shown<'_>) -> Answer {
        let mut rest = trimmed;
        while let Some((name, tail)) = marker(rest) {
            if matches!(self.account.open, Open::Stack(_)) {
                self.account.damage.marker(name, line.log_line);
            }
            // The registers of user space are the last rows of a stack.
            self.account.user &= !name.starts_with(b"/");
            rest = tail.trim_ascii_start();
            // Linux 4.9 began a new line without a line break: `<IRQ> [   12.345678]  [<…>] f+0x1/0x2`.
            if rest.starts_with(b"[") && begins_with_stamp(rest) {
                rest = lex(rest).text(rest).trim_ascii_start();
            }
        }
        if rest.len() == trimmed.len() {
            return Answer::NotMine;
        }
        if !rest.is_empty() {
            self.line(&Shown { text: rest, ..*line });
        }
        Answer::Taken
    }

    /// A line that is nobody's: what is open ends, or is damaged.
    fn unknown(&mut self, trimmed: &[u8], log_line: u64) {
        let Account { open, out, damage, .. } = &mut self.account;
        match open {
            Open::Stack(index) if trimmed == b"(stack is not available)" => {
                if *index + 1 == out.stacks.len() {
                    out.stacks.pop();
                }
                *open = Open::Nothing;
            }
            Open::Stack(index) => {
                let frames = &mut out.stacks[*index].frames;
                match typed(trimmed, log_line).filter(|_| frames.iter().all(|frame| frame.offset.is_none())) {
                    Some(frame) => {
                        self.typed.push(log_line);
                        frames.push(frame);
                    }
                    None => damage.unknown(trimmed, log_line, !frames.is_empty()),
                }
            }
            Open::Pair(_) => self.account.close(),
            // The header promises a number of locks, and they are numbered: foreign lines come between them.
            Open::Held(pieces) if trimmed[0] != b'#' && !pieces.lacks_some(&out.held_locks) => self.account.close(),
            _ => {}
        }
    }

    fn finish(mut self) -> Structure {
        self.account.close();
        // Among frames that the kernel printed it is another's word: the name of a module.
        let stacks = self.account.out.stacks.iter_mut().filter(|_| !self.typed.is_empty());
        for stack in stacks.filter(|stack| stack.frames.iter().any(|frame| frame.offset.is_some())) {
            stack.frames.retain(|frame| !self.typed.contains(&frame.log_line));
        }
        self.account.out.without_doubtful(&self.traces.doubted);
        let Account { mut out, damage, registers, .. } = self.account;
        out.registers = registers.by_name();
        self.facts.settle(&mut out);
        if let Some(hung) = out.hung_tasks.iter().find(|hung| hung.seconds.is_some()) {
            out.task = Some(hung.task.clone());
            out.cpu = None;
        } else if out.task.is_none() {
            let starved = |hung: &HungTask| {
                hung.stack.and_then(|stack| out.stacks.get(stack)).is_some_and(|stack| stack.role == StackRole::Starved)
            };
            out.task = out.hung_tasks.iter().find(|hung| !starved(hung)).map(|hung| hung.task.clone());
        }
        if let Some(report) = &out.lockdep {
            for entry in report.chain.iter().filter(|entry| !entry.frames.is_empty()) {
                out.stacks.push(Stack {
                    role: StackRole::Chain(entry.number),
                    task: None,
                    cpu: None,
                    line: entry.line,
                    frames: entry.frames.clone(),
                });
            }
        }
        out.damage = damage.words(&out.held_locks, out.mixed);
        out.give_back();
        out
    }
}

/// Name and rest of a line that begins with a context's mark.
fn marker(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"<")?;
    // Linux before 2.6.33 wrote `<<EOE>>`.
    let (inner, close) = match inner.strip_prefix(b"<") {
        Some(inner) => (inner, 2),
        None => (inner, 1),
    };
    let end = memchr::memchr(b'>', &inner[..inner.len().min(24)])?;
    let name = &inner[..end];
    if !inner[end..].starts_with(&b">>"[..close]) {
        return None;
    }
    let known = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'/' | b'#' | b'_'))
        && name.iter().any(u8::is_ascii_uppercase);
    known.then(|| (name, &inner[end + close..]))
}

/// The frame that somebody typed from a screen: its function and nothing else. Words of his own have no `_`.
fn typed(line: &[u8], log_line: u64) -> Option<Frame> {
    let name =
        line.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'));
    let is_function = name && line.contains(&b'_') && !line[0].is_ascii_digit();
    is_function.then(|| Frame { function: Some(text(line)), reliable: true, log_line, ..Frame::default() })
}
