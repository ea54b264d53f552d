//! The boots of a machine as text: how each ended, what went wrong in it, what was read.

use super::{Look, safe, wrap_into};
use crate::host::{Boot, Evidence, Host, How, SourceRead, State, Trouble};
use std::fmt::Write as _;

/// So many severe events of a boot are shown.
const EVENTS: usize = 5;

/// The text; with `is_brief` one line per boot.
#[must_use]
pub fn host_text(host: &Host, look: &Look) -> String {
    let mut out = String::new();
    for boot in &host.boots {
        head(&mut out, boot, look);
        if look.is_brief() {
            continue;
        }
        if let Some(because) = &boot.ending.because {
            wrap_into(&mut out, "  ", 2, because, look.wrap());
        }
        for evidence in &boot.ending.evidence {
            line_of(&mut out, evidence, look);
        }
        for trouble in &boot.crashes {
            trouble_line(&mut out, trouble, look, true);
        }
        let shown = if look.is_full() { boot.events.len() } else { boot.events.len().min(EVENTS) };
        for trouble in &boot.events[..shown] {
            trouble_line(&mut out, trouble, look, false);
        }
        if shown < boot.events.len() {
            let _ = writeln!(out, "  … {} more severe events (-v shows all)", boot.events.len() - shown);
        }
        if boot.crashes.is_empty() && boot.events.is_empty() {
            let quiet = look.palette.quiet;
            let _ = writeln!(out, "  {quiet}no crash in what is kept of it{quiet:#}");
        }
        out.push('\n');
    }
    if host.boots.is_empty() {
        out.push_str("no source mentions a boot\n");
    }
    sources(&mut out, &host.sources, look);
    out
}

fn head(out: &mut String, boot: &Boot, look: &Look) {
    let palette = &look.palette;
    let number = if boot.back == 0 { "boot  0".to_owned() } else { format!("boot {:>2}", -(boot.back as i64)) };
    let day = |moment: &Option<String>| moment.as_ref().map(|moment| moment.trim_end_matches('Z').replace('T', " "));
    let span = match (day(&boot.first), day(&boot.last), boot.ending.how) {
        (None, _, _) => match day(&boot.dumped) {
            Some(dumped) => format!("dump written {dumped}"),
            None => "at an unknown time".to_owned(),
        },
        (Some(first), _, How::Running) => format!("since {first}"),
        (Some(first), Some(last), _) => {
            // The day of the end is said if it is another.
            let same = first.get(..10) == last.get(..10);
            format!("{first} → {}", if same { last.get(11..).unwrap_or(&last) } else { &last })
        }
        (Some(first), None, _) => first,
    };
    let zone = match (boot.first.as_ref().or(boot.dumped.as_ref()), boot.zone_unknown) {
        (None, _) => "",
        (_, true) => " (zone not known)",
        (_, false) => " UTC",
    };
    let style = match boot.ending.how {
        How::Clean | How::Running => palette.good,
        How::Panic | How::SilentReset | How::Reset => palette.title,
        How::ShutdownBegun | How::Unknown => palette.doubt,
    };
    let release = boot.kernel_version.as_ref().map_or_else(String::new, |release| format!(" · {}", safe(release)));
    let _ = write!(out, "{number}  {span}{zone}{release} · {style}{}{style:#}", ending_words(boot));
    let count: usize = boot.crashes.iter().map(|crash| crash.count).sum();
    match count {
        0 => out.push('\n'),
        1 => out.push_str(" · 1 crash\n"),
        count => {
            let _ = writeln!(out, " · {count} crashes");
        }
    }
}

fn ending_words(boot: &Boot) -> String {
    let left = boot.ending.left.map(|left| format!(", {}", left.words())).unwrap_or_default();
    match boot.ending.how {
        How::Running => {
            let up = boot.uptime.map(|seconds| format!(", last kernel line {} after its start", duration(seconds)));
            format!("running{}", up.unwrap_or_default())
        }
        How::Clean => format!("shut down cleanly{left}"),
        How::ShutdownBegun => format!("shutdown begun, its end not seen{left}"),
        How::Panic => "panic".to_owned(),
        How::Reset => "reset without a shutdown".to_owned(),
        How::SilentReset => "silent reset (reset, power loss or hang)".to_owned(),
        How::Unknown => "end unknown".to_owned(),
    }
}

/// `41 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn line_of(out: &mut String, evidence: &Evidence, look: &Look) {
    let quiet = look.palette.quiet;
    let _ = writeln!(out, "    “{}”", safe(&evidence.text));
    let _ = writeln!(out, "      {quiet}{}{quiet:#}", place(&evidence.source, evidence.line, evidence.at.as_deref()));
}

/// `/var/log/kern.log:12 · 2026-11-21 08:26:22`.
fn place(source: &str, line: Option<u64>, at: Option<&str>) -> String {
    let mut place = safe(source).into_owned();
    if let Some(line) = line {
        let _ = write!(place, ":{line}");
    }
    if let Some(at) = at {
        let _ = write!(place, " · {}", at.trim_end_matches('Z').replace('T', " "));
    }
    place
}

fn trouble_line(out: &mut String, trouble: &Trouble, look: &Look, is_crash: bool) {
    let palette = &look.palette;
    let style = if is_crash { palette.title } else { palette.doubt };
    let times = if trouble.count > 1 { format!("  {}×", trouble.count) } else { String::new() };
    let _ = writeln!(out, "  {style}{}{style:#}{times}", safe(&trouble.title));
    let mut place = place(&trouble.source, trouble.line, trouble.at.as_deref());
    if let Some(time) = trouble.time {
        let _ = write!(place, " · {} after the start", duration(time));
    }
    let quiet = palette.quiet;
    let _ = writeln!(out, "      {quiet}{place}{quiet:#}");
}

fn sources(out: &mut String, sources: &[SourceRead], look: &Look) {
    let named = |states: &[State]| -> Vec<String> {
        let wanted = sources.iter().filter(|source| states.contains(&source.state));
        wanted
            .map(|source| match (source.state, source.boots) {
                (State::Absent, _) => safe(&source.source).into_owned(),
                (_, 0) => format!("{} (nothing)", safe(&source.source)),
                (_, 1) => format!("{} (1 boot)", safe(&source.source)),
                (_, boots) => format!("{} ({boots} boots)", safe(&source.source)),
            })
            .collect()
    };
    let columns = look.wrap();
    for (words, states) in [("read: ", &[State::Read, State::Partly][..]), ("not here: ", &[State::Absent])] {
        let named = named(states);
        if !named.is_empty() {
            wrap_into(out, words, 2, &named.join(", "), columns);
        }
    }
    for source in sources {
        let Some(note) = source.note.as_ref().filter(|_| source.state != State::Absent) else { continue };
        let (style, words) = match source.state {
            State::Partly => (look.palette.doubt, "read in part"),
            _ => (look.palette.title, "not read"),
        };
        // The note may name the file itself.
        let name =
            if note.starts_with(source.source.as_str()) { String::new() } else { format!("{}: ", source.source) };
        let remedy = source.remedy.as_ref().map_or_else(String::new, |remedy| format!(" → {remedy}"));
        let _ = write!(out, "{style}{words}{style:#}");
        wrap_into(out, ": ", 2, &format!("{name}{note}{remedy}"), columns);
    }
}
