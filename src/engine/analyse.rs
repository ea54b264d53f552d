//! One report, worked out from its window.

use super::dress::{Window, undress};
use super::event::other;
use super::window::{FLOODED_WINDOW, Job, Place, Spot, View, line_end, structure, wall, window};
use crate::grammar::{Anchor, Grammar};
use crate::line::{Dressing, Header, lex, speaker};
use crate::report::{
    Context, Event, Excerpt, Executor, REPORT_SCHEMA, Report, Speaker, WINDOW, console, corruption, frame_of,
    guilty_file, lines_before, said, subject, title,
};

/// What a line that looks like a report's first turned out to be.
pub(super) enum Found {
    /// That.
    Report(Box<Report>),
    /// An event.
    Event(Box<Event>),
    /// A line of somebody else than the kernel.
    Other(Box<Event>),
    /// A copy of the line above.
    Nothing,
}

/// Works out the report of `spot`. Index and cause are filled in by who knows the log.
pub(super) fn report(job: &Job<'_>, spot: &Spot) -> Found {
    let reach = if spot.flooded { FLOODED_WINDOW } else { WINDOW };
    let (from, window, anchors, at) = window(job, spot.at, (reach, reach));
    let (start, raw) = (anchors[at].start, &window[anchors[at].start..anchors[at].end]);
    let dressing = if job.as_syzbot { None } else { Dressing::of(window, start) };
    let who = who(job, window, &anchors[at], dressing.as_ref());
    if who != Speaker::Kernel {
        return Found::Other(Box::new(other(job, spot, raw, who)));
    }
    // A program's or a loader's own line among the kernel's stays as it is.
    let by_itself = |dressing: &Dressing| {
        !dressing.first_fits() && anchors[at].header.is_some_and(|header| job.grammar.headers[header].programs)
    };
    let dressing = dressing.filter(|dressing| !by_itself(dressing));
    let dressed = undress(job.grammar, job.scanner, window, start, None, dressing.as_ref());
    if matches!(dressed, Window::Repeats) {
        return Found::Nothing;
    }
    let undressed = dressed.undressed();
    let view = View::of(undressed, window, &anchors, at);
    let excerpt = Excerpt::new(&job.grammar.output, view.text, view.anchors, view.at);
    let place =
        Place { from: job.base + from as u64, window, line: spot.line, undressed, first: view.anchors[view.at].start };
    let first = &view.anchors[view.at];
    let end = last_header(job.grammar, view.anchors, view.at).end;
    let header = first.header.unwrap_or_default();
    let titled = title(job.grammar, &excerpt, header, &view.text[first.start..end]);
    // Of an undressed window the far end above is not there; its marks are.
    let around = || anchors.iter().chain(view.anchors);
    let disconnected = around().any(|anchor| anchor.disconnected);
    let corrupted = corruption(&titled, &excerpt.text, disconnected);
    let structure = structure(job.grammar, &excerpt, excerpt.own, &place);
    let frame = frame_of(&titled.text);
    let subject = subject(job.grammar, header, &titled, &frame, &structure);
    let said = said(job.grammar, view.text, first.start, &excerpt);
    let printed = excerpt.printed();
    let prefix = console(&view.text[first.start..first.end]);
    let lexed = lex(&view.text[first.start..first.end]);
    let mut damage = structure.damage;
    if spot.flooded {
        damage.push("the log is flooded with reports: only 4 KiB around this one were looked at".into());
    }
    Found::Report(Box::new(Report {
        schema: REPORT_SCHEMA,
        log: job.log.to_owned(),
        index: 0,
        severity: job.grammar.severity_of(header, &titled.kind),
        syzbot: job.grammar.headers[header].syzbot,
        kind: titled.kind,
        r#type: job.grammar.type_of(&titled.text).to_owned(),
        frame,
        title: titled.text,
        alt_titles: titled.alternatives,
        guilty_file: guilty_file(job.grammar, &printed, titled.interrupted),
        corrupted: corrupted.map(str::to_owned),
        suppressed: around().any(|anchor| anchor.suppressed),
        panicked: around().any(|anchor| anchor.panicked),
        executor: if around().any(|anchor| anchor.executor) {
            executor(view.text, first.start, &excerpt)
        } else {
            None
        },
        start: place.offset(first.start),
        end: place.offset_of_end(end),
        line: spot.line,
        time: excerpt.time.or(lexed.time),
        caller: caller(prefix.context)
            .or_else(|| lexed.caller.map(|caller| String::from_utf8_lossy(caller).into_owned())),
        task: structure.task,
        cpu: structure.cpu.or_else(|| titled.fields.get("cpu")?.parse().ok()),
        cause: None,
        text_end: excerpt.lines[..excerpt.own]
            .last()
            .map_or(place.offset_of_end(end), |line| place.offset_of_end(line_end(view.text, line.offset))),
        boot: spot.boot,
        taint: structure.taint,
        kernel_version: structure.kernel_version,
        kernel_build: structure.kernel_build,
        hardware: structure.hardware,
        access: structure.access,
        stacks: structure.stacks,
        held_locks: structure.held_locks,
        lockdep: structure.lockdep,
        hung_tasks: structure.hung_tasks,
        registers: structure.registers,
        code: structure.code,
        damage,
        speaker: Speaker::Kernel,
        subject,
        message: said.message,
        source: said.source,
        object: said.object,
        wall: wall(raw, job.grammar.headers[header].text_in(raw).unwrap_or_default()),
        oops: structure.oops,
        fields: titled.fields,
    }))
}

/// Who wrote a line that looks like a report's first.
fn who(job: &Job<'_>, window: &[u8], anchor: &Anchor, dressing: Option<&Dressing>) -> Speaker {
    let Some(header) = anchor.header.map(|header| &job.grammar.headers[header]) else { return Speaker::Kernel };
    if job.as_syzbot {
        return Speaker::Kernel;
    }
    let (start, end) = (anchor.start, anchor.end);
    let (programs, prose) = (header.programs, job.prose);
    let word = header.text_in(&window[start..end]).unwrap_or_default();
    speaker(&Header { text: window, start, end, header: word, programs, prose }, dressing)
}

/// The last line from `at` on that would open a report.
fn last_header<'a>(grammar: &Grammar, anchors: &'a [Anchor], at: usize) -> &'a Anchor {
    let opens = |anchor: &Anchor| {
        !anchor.part && anchor.header.is_some_and(|header| grammar.headers[header].carries_on.is_empty())
    };
    let replayed = |number: usize| {
        anchors.get(number + 1).is_some_and(|next| next.replay && next.start == anchors[number].end + 1)
    };
    (at..anchors.len())
        .rev()
        .find(|number| opens(&anchors[*number]) && !replayed(*number))
        .map_or(&anchors[at], |number| &anchors[number])
}

fn caller(context: Context<'_>) -> Option<String> {
    match context {
        Context::Caller(name) => {
            let name = String::from_utf8_lossy(name);
            Some(name.trim_matches(|char| char == '[' || char == ']').trim().to_owned())
        }
        Context::Console | Context::Unknown => None,
    }
}

/// The first ` Comm: syz.PROC.ID ` of the report or just above it.
fn executor(window: &[u8], start: usize, excerpt: &Excerpt<'_>) -> Option<Executor> {
    const WORDS: &[u8] = b" Comm: syz.";
    let mut before: Vec<&[u8]> = lines_before(window, start, excerpt.context).collect();
    before.reverse();
    let own = excerpt.lines.iter().map(|line| line.text.as_ref());
    before.into_iter().chain(own).find_map(|line| {
        memchr::memmem::find_iter(line, WORDS).find_map(|at| {
            let rest = std::str::from_utf8(line[at + WORDS.len()..].split(|byte| *byte == b' ').next()?).ok()?;
            let (proc, id) = rest.split_once('.')?;
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let closed = line.get(at + WORDS.len() + rest.len()) == Some(&b' ');
            (digits(proc) && digits(id) && closed).then_some(())?;
            Some(Executor { proc: proc.parse().ok()?, id: id.parse().ok()? })
        })
    })
}
