//! The machine from which a log server has a line, as far as the line names it.

use super::json;
use super::stamp::begins_with_stamp;
use super::syslog::{self, level_named};
use super::token::Token;
use super::{Wrapper, lex, trim_end};
use logos::Logos;
use std::ops::Range;

/// No host has a longer name, bytes.
const LONGEST: usize = 255;
/// What log servers call the name of a machine, without `name` at the end: `_HOSTNAME`, `host.name`, `nodeName`, `logStreamName`.
const MACHINES: [&str; 5] = ["host", "node", "machine", "instance", "logstream"];
/// A shorter line names no host.
const SHORTEST: usize = 8;
/// What every machine is called until it has a name.
const UNNAMED: [&[u8]; 2] = [b"localhost", b"localhost.localdomain"];

/// The name of a machine in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Where it stands in the line, bytes.
    pub at: Range<usize>,
    /// Whether the line says that the machine's kernel printed it.
    pub kernel: bool,
    /// Whether it stands where log servers put it; otherwise it may be the name of a console or of a step.
    pub sure: bool,
}

/// The machine that a line names: the word behind syslog's time, the field of a JSON record, the word that stands before the kernel's
/// stamp (`node01: [    1.000000] x`).
#[must_use]
pub fn host_of(line: &[u8]) -> Option<Host> {
    // Nearly all lines of logs end here.
    if matches!(line.first(), None | Some(b'[' | b' ' | b'\t')) {
        return None;
    }
    let line = trim_end(line);
    match line.first().filter(|_| line.len() >= SHORTEST)? {
        b'{' => in_record(line),
        b'<' | b'0'..=b'9' => behind_time(line).or_else(|| before_stamp(line)),
        _ if line[3] == b' ' => behind_time(line).or_else(|| before_stamp(line)),
        _ => before_stamp(line),
    }
}

/// Whether a field of a record, or a column of a table, is the name of a machine by its own name.
#[must_use]
pub fn names_host(field: &[u8]) -> bool {
    let lower = field.to_ascii_lowercase();
    let bare = lower.strip_suffix(b"name").unwrap_or(&lower);
    let end = bare.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
    MACHINES.iter().any(|word| bare[..end].ends_with(word.as_bytes()))
}

/// Whether a text may be the name of one machine.
#[must_use]
pub fn is_host_name(text: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(byte);
    let begins = text.first().is_some_and(u8::is_ascii_alphanumeric);
    let is_address = text.contains(&b'.') || text.contains(&b':');
    begins
        && text.len() <= LONGEST
        && text.iter().all(fits)
        && (is_address || text.iter().any(u8::is_ascii_alphabetic))
        && level_named(text.rsplit(|byte| *byte == b'.').next().unwrap_or(text)).is_none()
        && !UNNAMED.contains(&text)
}

/// `Nov  3 10:00:10 host kernel: x`, with any of syslog's times; also other programs' lines, and the stamp right behind the host.
fn behind_time(line: &[u8]) -> Option<Host> {
    let mut lexer = Token::lexer(line);
    let mut token = lexer.next()?.ok()?;
    if token == Token::Level {
        token = lexer.next()?.ok()?;
    }
    let is_time = matches!(token, Token::Classic | Token::Precise | Token::Iso | Token::Epoch | Token::Version1);
    let behind = lexer.span().end;
    let rest = line.get(behind..).filter(|_| is_time)?;
    let start = behind + rest.iter().position(|byte| *byte != b' ')?;
    let at = start..start + line[start..].iter().position(|byte| *byte == b' ')?;
    let next = line[at.end..].trim_ascii_start();
    let word = &next[..next.iter().position(|byte| *byte == b' ').unwrap_or(next.len())];
    let kernel = syslog::tail(rest).is_some_and(|tail| tail.kernel) || begins_with_stamp(next);
    let said = kernel || word.ends_with(b":") || token == Token::Version1;
    (is_host_name(&line[at.clone()]) && !line[at.clone()].ends_with(b":") && said).then_some(Host {
        at,
        kernel,
        sure: true,
    })
}

/// `node01: [    1.000000] x`, `vm_1  | [    1.000000] x`.
fn before_stamp(line: &[u8]) -> Option<Host> {
    let end = line.iter().take(LONGEST).position(|byte| *byte == b' ')?;
    let name = line[..end].strip_suffix(b":").unwrap_or(&line[..end]);
    let rest = line[end..].trim_ascii_start();
    let rest = rest.strip_prefix(b"|").map_or(rest, <[u8]>::trim_ascii_start);
    (begins_with_stamp(rest) && is_host_name(name)).then_some(Host { at: 0..name.len(), kernel: true, sure: false })
}

/// How deep into objects within objects a name is looked for.
const DEEPEST: usize = 3;

/// `{"host": "alpha", "message": "x"}`, `{"host": {"name": "alpha"}, …}`.
fn in_record(line: &[u8]) -> Option<Host> {
    let first = memchr::memchr(b'"', line)?;
    let at = in_object(line, first, DEEPEST)?;
    let prefix = lex(line);
    let kernel = matches!(prefix.wrapper, Wrapper::JournalJson | Wrapper::DmesgJson) && !prefix.is_foreign();
    Some(Host { at, kernel, sure: true })
}

fn in_object(line: &[u8], first: usize, depth: usize) -> Option<Range<usize>> {
    let mut within = None;
    for ((from, to), value) in json::fields(line, first) {
        let is_named = names_host(&line[from..to]);
        match value {
            json::Value::Text(start, end) if is_named && is_host_name(&line[start..end]) => return Some(start..end),
            json::Value::Raw(start, end) if depth > 0 && line.get(start) == Some(&b'{') => {
                let inner = &line[..end];
                if is_named && let Some(name) = own_name(inner, start + 1) {
                    return Some(name);
                }
                within = within.or_else(|| in_object(inner, start + 1, depth - 1));
            }
            _ => {}
        }
    }
    within
}

/// The field `name` of an object.
fn own_name(line: &[u8], first: usize) -> Option<Range<usize>> {
    json::fields(line, first).find_map(|((from, to), value)| match value {
        json::Value::Text(start, end) if &line[from..to] == b"name" && is_host_name(&line[start..end]) => {
            Some(start..end)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(line: &str) -> Option<(&str, bool)> {
        host_of(line.as_bytes()).map(|host| (&line[host.at], host.kernel))
    }

    #[test]
    fn syslog_names_the_machine_behind_its_time() {
        for (line, wanted) in [
            ("Nov  3 10:00:10 alpha kernel: x", ("alpha", true)),
            ("Nov  3 10:00:10 alpha kernel: [    1.000000] x", ("alpha", true)),
            ("Nov  3 10:00:10 alpha [    1.000000] x", ("alpha", true)),
            ("Nov  3 10:00:10 alpha kern.warn kernel: x", ("alpha", true)),
            ("Nov  3 10:00:10 alpha sshd[812]: x", ("alpha", false)),
            ("Nov  3 10:00:10 alpha CRON: x", ("alpha", false)),
            ("2026-11-03T10:00:10.180Z web-1.example.org kernel: x", ("web-1.example.org", true)),
            ("2026-11-03T10:00:10+01:00 10.0.0.2 kernel: x", ("10.0.0.2", true)),
            ("<4>1 2026-11-03T10:00:10Z beta kernel - - - x", ("beta", true)),
            ("<4>Nov  3 10:00:10 beta kernel: x", ("beta", true)),
            ("1763711711.123456 beta kernel: x", ("beta", true)),
        ] {
            assert_eq!(host(line), Some(wanted), "{line}");
        }
    }

    #[test]
    fn log_servers_name_it_in_a_field_or_before_the_stamp() {
        for (line, wanted) in [
            (r#"{"t": 1, "host": "alpha", "message": "x"}"#, ("alpha", true)),
            (r#"{"host": {"name": "alpha", "ip": ["10.0.0.1"]}, "message": "x"}"#, ("alpha", true)),
            (r#"{"agent": {"hostname": "collector"}, "host": {"name": "alpha"}, "message": "x"}"#, ("alpha", true)),
            (r#"{"_source": {"hostname": "alpha", "message": "x"}}"#, ("alpha", true)),
            (r#"{"_HOSTNAME": "alpha", "MESSAGE": "x", "SYSLOG_IDENTIFIER": "sshd"}"#, ("alpha", false)),
            ("node01: [    1.000000] x", ("node01", true)),
            ("vm_1  | [    1.000000] x", ("vm_1", true)),
        ] {
            assert_eq!(host(line), Some(wanted), "{line}");
        }
        let names = ["_HOSTNAME", "host.name", "nodeName", "kubernetes.host", "logStreamName", "machine"];
        assert!(names.iter().all(|name| names_host(name.as_bytes())));
        assert!(!["message", "name", "host_ip", "hosting", "time"].iter().any(|name| names_host(name.as_bytes())));
    }

    #[test]
    fn other_words_are_no_machine() {
        for line in [
            "[    1.000000] usb 1-1: x",
            "Nov  3 10:00:10 kernel: x",
            "Nov  3 10:00:10 localhost kernel: x",
            "2026-11-03 10:00:10 WARN kernel: x",
            "2026-11-03T10:00:10Z kern.info kernel: x",
            "2026-11-03T10:00:10Z BUG: kernel NULL pointer dereference",
            "2026-11-03T10:00:10Z Starting the machine",
            "INFO: [    1.000000] x",
            r#"{"message": "x"}"#,
            "a: b",
            "",
        ] {
            assert_eq!(host(line), None, "{line}");
        }
    }
}
