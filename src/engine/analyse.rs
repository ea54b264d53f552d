//! One report, worked out from its window.

use super::dress::{Dressed, undress};
use super::event::other;
use super::window::{FLOODED_WINDOW, Job, Place, Spot, Window, line_end, structure, wall};
use crate::grammar::{Anchor, Grammar, Severity};
use crate::line::{
    Dressing, EXECUTOR_ANCHOR, Header, Letters, Wrapper, begins_line, ends_as_title, find, is_caution, is_unsupported,
    lex, speaker, speaks_alone,
};
use crate::report::{
    Context, Event, Excerpt, Executor, Frame, Known, Origin, Printers, REPORT_SCHEMA, Report, Speaker, StackRole,
    Structure, Title, WINDOW, Wording, console, corruption, frame_of, guilty_file, is_devices, lines_before, said,
    stated, subject, title,
};

/// The words with which the kernel begins the first line of a report; none if it may say something before them.
fn opening<'g>(header: &'g crate::grammar::Header, line: &[u8]) -> &'g str {
    if header.syzbot { header.text_in(line).unwrap_or_default() } else { "" }
}

/// The id of the header that begins with the word `INFO:`.
const INFORMATION: &str = "info";

/// What a line that looks like a report's first turned out to be.
pub(super) enum Found {
    /// That.
    Report(Box<Report>),
    /// An event.
    Event(Box<Event>),
    /// A line of somebody else than the kernel, or of a driver that only says something of its device.
    Other(Box<Event>),
    /// A copy of the line above.
    Nothing,
}

/// Works out the report of `spot`. Index and cause are filled in by who knows the log.
pub(super) fn report<'a>(job: &Job<'a>, spot: &Spot, printers: &mut Printers<'a>) -> Found {
    let reach = if spot.flooded { FLOODED_WINDOW } else { WINDOW };
    let window = Window::around(job, spot.at, (reach, reach));
    let anchor = window.first();
    let raw = &window.text[anchor.start..anchor.end];
    let start = anchor.start - window.from;
    let dressing = if job.as_syzbot { None } else { Dressing::of(window.bytes(), start) };
    let who = who(job, window.text, anchor, dressing.as_ref());
    if who != Speaker::Kernel {
        return Found::Other(Box::new(other(job, spot, raw, who)));
    }
    // A program's or a loader's own line among the kernel's stays as it is.
    let by_itself = |dressing: &Dressing| {
        !dressing.first_fits()
            && (anchor.header.is_some_and(|header| job.grammar.headers[header].programs) || is_syslogds_copy(raw))
    };
    let dressing = dressing.filter(|dressing| !by_itself(dressing));
    let dressed = undress(job.grammar, job.scanner, window.bytes(), start, None, dressing.as_ref());
    if matches!(dressed, Dressed::Repeats) {
        return Found::Nothing;
    }
    let undressed = dressed.undressed();
    let view = window.shown(undressed);
    let first = view.first();
    let excerpt = view.excerpt(job, printers);
    let place = Place { base: job.base, window, line: spot.line, undressed, first: first.start };
    let end = last_header(job.grammar, view.anchors, view.at).end;
    let header = first.header.unwrap_or_default();
    let wording = Wording::of(&excerpt, !job.as_syzbot, job.grammar.headers[header].syzbot);
    let mut titled = title(job.grammar, &wording, header, &view.text[first.start..end]);
    // Of an undressed window the far end above is not there; its marks are.
    let dressed_anchors = if undressed.is_some() { window.anchors } else { &[] };
    let around = || dressed_anchors.iter().chain(view.anchors);
    let disconnected = around().any(|anchor| anchor.disconnected);
    let corrupted = corruption(&titled, &wording, disconnected);
    let structure = structure(job.grammar, &excerpt, excerpt.own, &place);
    if let Some(nameless) = without_starved(job.grammar, header, &titled, &structure) {
        titled.text = nameless;
    }
    let goes_on = !view.text[first.end..].trim_ascii().is_empty();
    let bare = structure == Structure { damage: structure.damage.clone(), ..Structure::default() };
    if asked(job, window.text, anchor).is_some_and(|line| is_others(&line, &titled, goes_on, bare)) {
        return Found::Other(Box::new(other(job, spot, raw, Speaker::Program)));
    }
    // What a driver says of its device, `widget 0000:00:05.0: WARNING: …`, and information of no kind that is known are sentences
    // of the kernel's, and no crashes.
    let opened = &job.grammar.headers[header];
    let informs = opened.id == INFORMATION && titled.origin == Origin::Raw;
    let says = || informs || is_devices(excerpt.lines[0].text.trim_ascii_start());
    if bare && opened.severity == Severity::Error && !job.as_syzbot && says() {
        return Found::Other(Box::new(other(job, spot, raw, Speaker::Kernel)));
    }
    let mut frame = frame_of(&titled.text);
    if titled.origin == Origin::Raw && !job.as_syzbot && !is_function(&frame, &structure) {
        frame.clear();
    }
    let named = Named { grammar: job.grammar, header, title: &titled, frame: &frame };
    let (subject, is_stated) = named.subject(&view.text[first.start..first.end], &structure);
    let known = Known {
        start: first.start - view.from,
        header: opening(&job.grammar.headers[header], &view.text[first.start..first.end]),
        title: &titled.text,
        mixed: structure.mixed.is_some(),
        alone: structure.stacks.is_empty() && structure.task.is_none() && structure.kernel_version.is_none(),
        trapped: trapped(&structure),
    };
    let said = said(job.grammar, view.bytes(), &known, &excerpt);
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
        // A warning is no worse for its words.
        severity: if first.worded { Severity::Error } else { job.grammar.severity_of(header, &titled.kind) },
        syzbot: job.grammar.headers[header].syzbot,
        kind: titled.kind,
        r#type: job.grammar.type_of(&titled.text).to_owned(),
        frame,
        title: titled.text,
        alt_titles: titled.alternatives,
        guilty_file: guilty(job.grammar, &excerpt, titled.interrupted),
        corrupted: corrupted.map(str::to_owned),
        suppressed: around().any(|anchor| anchor.suppressed),
        panicked: around().any(|anchor| anchor.panicked),
        executor: executor(&view, &excerpt),
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
        lockdep: structure.lockdep.map(Box::new),
        hung_tasks: structure.hung_tasks,
        registers: structure.registers,
        code: structure.code,
        damage,
        speaker: Speaker::Kernel,
        subject,
        stated: is_stated,
        message: said.message,
        source: said.source,
        object: said.object,
        wall: wall(raw, job.grammar.headers[header].text_in(raw).unwrap_or_default()),
        oops: structure.oops,
        fields: titled.fields,
    }))
}

/// What the search for a report's subject begins with.
struct Named<'a> {
    grammar: &'a Grammar,
    header: usize,
    title: &'a Title,
    /// The function that the title names.
    frame: &'a str,
}

impl Named<'_> {
    /// The function that a person would name where the title names none or another report's, and whether the report's first line says so.
    fn subject(&self, first: &[u8], structure: &Structure) -> (Option<String>, bool) {
        if self.grammar.output.limits.iter().any(|words| find(first, words).is_some()) {
            return (None, false);
        }
        let mixed = structure.mixed.is_some();
        let frame = if mixed { "" } else { self.frame };
        let at = |loosely| stated(self.grammar, self.title, frame, first, loosely).filter(|name| name != self.frame);
        let told = |name: Option<String>| name.map(|name| (Some(name), true));
        let read = || {
            if mixed { None } else { subject(self.grammar, self.header, self.title, self.frame, structure) }
        };
        told(at(false))
            .or_else(|| read().map(|name| (Some(name), false)))
            .or_else(|| told(at(true)))
            .unwrap_or_default()
    }
}

/// Whether what stands behind the last "in" of a sentence is a function: `socket 2 is still in use` names none.
fn is_function(name: &str, structure: &Structure) -> bool {
    let is = |frame: &Frame| frame.is_function(name);
    name.contains('_') || structure.stacks.iter().flat_map(|stack| &stack.frames).any(is)
}

/// The title without a function, where only RCU's own thread, which starved, has that in its stack; syzbot's titles stay.
fn without_starved(grammar: &Grammar, header: usize, titled: &Title, structure: &Structure) -> Option<String> {
    if grammar.headers[header].syzbot {
        return None;
    }
    let frame = frame_of(&titled.text);
    let mut own =
        structure.stacks.iter().filter(|stack| stack.frames.iter().any(|it| it.is_function(&frame))).peekable();
    own.peek()?;
    let starved = own.all(|stack| stack.role == StackRole::Starved);
    let kind = grammar.kinds[header].iter().find(|kind| kind.id == titled.kind).filter(|_| starved)?;
    kind.nameless.clone()
}

/// The function whose instruction trapped, as the report shows it.
fn trapped(structure: &Structure) -> Option<&str> {
    let stack = structure.stacks.iter().find(|stack| stack.role == StackRole::Pc)?;
    stack.frames.first()?.function.as_deref()
}

/// Whether syslogd wrote the line onto terminals, a copy of one that it wrote into its file, too.
fn is_syslogds_copy(raw: &[u8]) -> bool {
    let prefix = lex(raw);
    prefix.wrapper == Wrapper::Syslog && prefix.tag == Some(b"kernel") && raw.trim_ascii_start().starts_with(b"kernel:")
}

/// The source file to blame. Only a stall is asked for lines that name none.
fn guilty(grammar: &Grammar, excerpt: &Excerpt<'_>, stall: bool) -> Option<String> {
    /// What a file with its line is spelled with: `fs/inode.c:12`.
    const PLACE: Letters = Letters::of(b".:");
    if stall {
        return guilty_file(grammar, excerpt.printed(), true);
    }
    guilty_file(grammar, excerpt.printed_with(PLACE), false)
}

/// Who wrote a line that looks like a report's first.
fn who(job: &Job<'_>, text: &[u8], anchor: &Anchor, dressing: Option<&Dressing>) -> Speaker {
    asked(job, text, anchor).map_or(Speaker::Kernel, |line| speaker(&line, dressing))
}

/// Whether somebody else than the kernel wrote the first line of a report with this title: it says no more than a common word, nothing of
/// a report stands below (it is `bare`), and the lines around speak for no kernel.
fn is_others(line: &Header<'_>, title: &Title, goes_on: bool, bare: bool) -> bool {
    let unknown = match title.origin {
        // `WARNING:` alone in a line stands above a warning of anybody's.
        Origin::Kind { damaged, .. } => damaged && goes_on,
        Origin::GateOnly => false,
        Origin::Raw => true,
    };
    let vague = || match title.origin {
        Origin::Kind { common, .. } => common || ends_as_title(line) || title.unnamed && !begins_line(line),
        Origin::GateOnly | Origin::Raw => true,
    };
    unknown && is_caution(line) || bare && (unknown && speaks_alone(line) || vague() && is_unsupported(line))
}

/// The line as it is asked about, unless everybody counts.
fn asked<'a>(job: &Job<'a>, text: &'a [u8], anchor: &Anchor) -> Option<Header<'a>> {
    let header = anchor.header.map(|header| &job.grammar.headers[header]).filter(|_| !job.as_syzbot)?;
    let (start, end) = (anchor.start, anchor.end);
    let word = header.text_in(&text[start..end]).unwrap_or_default();
    Some(Header { text, start, end, header: word, programs: header.programs, prose: job.prose })
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
fn executor(view: &Window<'_>, excerpt: &Excerpt<'_>) -> Option<Executor> {
    let start = view.first().start;
    let named = || view.anchors.iter().filter(|anchor| anchor.executor);
    let is_own = |anchor: &Anchor| console(&view.text[anchor.start..anchor.end]).context.is_same(excerpt.context);
    // Where the printer named none above, its lines need not be looked for.
    if named().any(|anchor| anchor.start < start && is_own(anchor)) {
        let above: Vec<&[u8]> = lines_before(view.bytes(), start - view.from, excerpt.context).collect();
        if let Some(found) = above.into_iter().rev().find_map(executor_in) {
            return Some(found);
        }
    }
    named().find_map(|anchor| {
        let at = excerpt.lines.binary_search_by_key(&anchor.start, |line| line.offset).ok()?;
        executor_in(&excerpt.lines[at].text)
    })
}

fn executor_in(line: &[u8]) -> Option<Executor> {
    const WORDS: &[u8] = EXECUTOR_ANCHOR.as_bytes();
    memchr::memmem::find_iter(line, WORDS).find_map(|at| {
        let rest = std::str::from_utf8(line[at + WORDS.len()..].split(|byte| *byte == b' ').next()?).ok()?;
        let (proc, id) = rest.split_once('.')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let closed = line.get(at + WORDS.len() + rest.len()) == Some(&b' ');
        (digits(proc) && digits(id) && closed).then_some(())?;
        Some(Executor { proc: proc.parse().ok()?, id: id.parse().ok()? })
    })
}
