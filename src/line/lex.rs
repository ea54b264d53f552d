//! From a line to its [`Prefix`]: runs the tokens and keeps what they say.

use logos::Logos;

use super::json;
use super::stamp::begins_with_stamp;
use super::syslog::{self, hosts_kernel, level_named};
use super::token::Token;
use super::usual::{cut, usual};
use super::{Prefix, Wrapper, trim_end};

/// Longest text that may stand before a prompt or a stamp in the middle of a line.
const PROMPT_REACH: usize = 128;

/// What precedes the message of a line. Takes any bytes, with or without the line's end; never allocates.
///
/// # Example
///
/// ```
/// use kanalyze::line::{Wrapper, lex};
///
/// let line = b"Nov 21 07:55:11 host kernel: [   12.345678][ T123] BUG: something\r\n";
/// let prefix = lex(line);
/// assert_eq!(prefix.wrapper, Wrapper::Syslog);
/// assert_eq!(prefix.text(line), b"BUG: something");
/// assert_eq!((prefix.time, prefix.caller), (Some(12.345678), Some(&b"T123"[..])));
/// ```
#[must_use]
pub fn lex(line: &[u8]) -> Prefix<'_> {
    let text = trim_end(line);
    usual(text).or_else(|| cut(text)).unwrap_or_else(|| by_tokens(text))
}

/// As [`lex`], of any form. `text` has no line end.
pub(super) fn by_tokens(text: &[u8]) -> Prefix<'_> {
    let mut lexer = Token::lexer(text);
    let mut prefix = Prefix { end: text.len(), ..Prefix::default() };
    // The wrapper is open to more wrappers until a part of the console form has been read.
    let mut wrapping = true;
    loop {
        let start = lexer.span().end;
        let next = lexer.next();
        let Some(Ok(token)) = next else {
            prefix.message = start;
            if wrapping {
                prompt(text, start, &mut prefix);
            }
            return prefix;
        };
        let end = lexer.span().end;
        let piece = &text[start..end];
        if wrapping
            && prefix.dropped.is_none()
            && let Some(wrapper) = outer(token)
        {
            match token {
                Token::Record => return record(text, start, end, prefix),
                Token::JsonMessage | Token::JournalMessage => {
                    let stop = end + json::string_len(&text[end..]);
                    return Prefix { wrapper, wrapper_len: end, message: end, end: stop, ..prefix };
                }
                Token::JsonObject => return object(text, start, prefix).unwrap_or(Prefix { message: start, ..prefix }),
                Token::Dictionary | Token::Pstore => {
                    return Prefix { wrapper, wrapper_len: text.len(), message: text.len(), ..prefix };
                }
                Token::Export => return Prefix { wrapper, wrapper_len: end, message: end, ..prefix },
                _ => {}
            }
            // Colours alone are a wrapper; inside another they are only its paint.
            if token != Token::Colour || prefix.wrapper == Wrapper::None {
                prefix.wrapper = wrapper;
            }
            prefix.wrapper_len = end;
            match token {
                Token::Decoded => prefix.level = piece.split(|&byte| byte == b':').nth(1).and_then(named_level),
                Token::Delta => prefix.time = bracketed_time(piece),
                Token::Version1 => prefix.level = number(piece).map(level_of),
                Token::Wall => prefix.tag = Some(&b"kernel"[..]),
                Token::Logcat => prefix.tag = of_logcat(piece),
                _ => {}
            }
            if matches!(
                token,
                Token::Classic | Token::Precise | Token::Iso | Token::Epoch | Token::Version1 | Token::Delta
            ) && let Some(tail) = syslog::tail(&text[end..])
            {
                prefix.wrapper = tagged(token);
                prefix.tag = text.get(end + tail.tag.0..end + tail.tag.1);
                prefix.level = tail.level.or(prefix.level);
                if !tail.kernel {
                    prefix.message = end + tail.message;
                    return prefix;
                }
                lexer.bump(tail.message);
                prefix.wrapper_len = end + tail.message;
            }
            continue;
        }
        match token {
            Token::Level if wrapping && prefix.level.is_none_or(|_| prefix.wrapper != Wrapper::None) => {
                prefix.level = number(piece).map(level_of);
            }
            Token::Dropped if wrapping && prefix.dropped.is_none() => prefix.dropped = number(piece),
            Token::Colour => {}
            Token::Time | Token::Caller => return stamped(text, start, prefix),
            Token::Status if wrapping => {
                prefix.message = start;
                prompt(text, start, &mut prefix);
                if prefix.message == start {
                    prefix.message = end;
                }
                return prefix;
            }
            _ => {
                prefix.message = start;
                return prefix;
            }
        }
        wrapping = wrapping && matches!(token, Token::Level | Token::Dropped | Token::Colour);
    }
}

/// The wrapper of which a token is a part; none for the parts of the console form.
fn outer(token: Token) -> Option<Wrapper> {
    Some(match token {
        Token::Quote => Wrapper::MailQuote,
        Token::Colour => Wrapper::Coloured,
        Token::Classic | Token::Iso | Token::Epoch | Token::Stamp | Token::Precise | Token::Go => Wrapper::CiStamp,
        Token::DmesgIso | Token::Human => Wrapper::DmesgHuman,
        Token::Delta => Wrapper::DmesgTimed,
        Token::Version1 => Wrapper::Syslog5424,
        Token::Decoded => Wrapper::DmesgDecoded,
        Token::Record | Token::Dictionary => Wrapper::Kmsg,
        Token::JsonMessage | Token::JsonObject => Wrapper::DmesgJson,
        Token::JournalMessage => Wrapper::JournalJson,
        Token::Export => Wrapper::JournalExport,
        Token::Logcat => Wrapper::Android,
        Token::Pstore => Wrapper::Pstore,
        Token::Wall => Wrapper::Syslog,
        Token::Dropped | Token::Level | Token::Time | Token::Caller | Token::Status => return None,
    })
}

/// The tag that a line of logcat has, `06-04 17:00:18.640   838   847 D agps    : `. Process 0 is the kernel, whatever logcat takes for
/// its tag.
fn of_logcat(piece: &[u8]) -> Option<&[u8]> {
    let mut words = piece.split(|byte| matches!(byte, b' ' | b':')).filter(|word| !word.is_empty());
    // The date, and three numbers of the clock.
    let pid = words.nth(4)?;
    if pid == b"0" { Some(b"kernel") } else { words.nth(2) }
}

/// What a time stamp is a part of when a syslog tag follows it.
fn tagged(token: Token) -> Wrapper {
    match token {
        Token::Classic => Wrapper::Syslog,
        Token::Iso => Wrapper::SyslogIso,
        Token::Version1 => Wrapper::Syslog5424,
        _ => Wrapper::Journal,
    }
}

/// Reads `[time][caller] ` from `at` on; the message follows.
fn stamped<'line>(text: &'line [u8], at: usize, mut prefix: Prefix<'line>) -> Prefix<'line> {
    let mut lexer = Token::lexer(&text[at..]);
    let mut blank = false;
    loop {
        let start = at + lexer.span().end;
        prefix.message = start;
        let Some(Ok(token)) = lexer.next() else { break };
        let piece = &text[start..at + lexer.span().end];
        match token {
            Token::Time if start == at => prefix.time = bracketed_time(piece),
            // A second bracket may name the CPU, `[T1][C0]`; after a blank only dmesg's own caller may come.
            Token::Caller if !blank || (prefix.caller.is_none() && prefix.time.is_some()) => {
                if blank {
                    prefix.wrapper = Wrapper::DmesgTimed;
                    blank = false;
                }
                prefix.caller = prefix.caller.or(Some(piece[1..piece.len() - 1].trim_ascii_start()));
            }
            Token::Colour => {}
            _ => break,
        }
        prefix.message = at + lexer.span().end;
        if !blank && text.get(prefix.message) == Some(&b' ') {
            lexer.bump(1);
            prefix.message += 1;
            blank = true;
            if prefix.time.is_some()
                && prefix.caller.is_none()
                && let Some(tail) = hosts_kernel(&text[prefix.message..])
            {
                // journalctl -o short-monotonic: the time is the journal's, the host follows.
                prefix.wrapper = Wrapper::Journal;
                prefix.tag = text.get(prefix.message + tail.tag.0..prefix.message + tail.tag.1);
                prefix.message += tail.message;
                prefix.wrapper_len = prefix.message;
                break;
            }
        }
    }
    prefix
}

/// Finds a prompt, a status or another program's unfinished line before a stamp in the middle of a line.
fn prompt<'line>(text: &'line [u8], start: usize, prefix: &mut Prefix<'line>) {
    let reach = &text[start..text.len().min(start + PROMPT_REACH)];
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'[', &reach[from..]) {
        let bracket = from + found;
        let before = &reach[..bracket];
        if ["# ", "$ ", "ogin: ", "assword: "].iter().any(|end| before.ends_with(end.as_bytes())) || is_status(before) {
            let mut lexer = Token::lexer(&text[start + bracket..]);
            if let Some(Ok(Token::Time)) = lexer.next() {
                *prefix = stamped(text, start + bracket, *prefix);
                return;
            }
        }
        from = bracket + 1;
    }
    // Without any stamp only a host's own prompt is one: `syzkaller login: Unable to handle …`.
    if let Some(found) = memchr::memmem::find(reach, b" login: ")
        && !reach[..found].contains(&b' ')
    {
        prefix.message = start + found + b" login: ".len();
    } else if reach.starts_with(b"login: ") {
        prefix.message = start + b"login: ".len();
    }
}

/// Whether a text begins with systemd's status, `[  OK  ] …`, in colours or without.
fn is_status(text: &[u8]) -> bool {
    text.starts_with(b"[\x1b[") || matches!(Token::lexer(text).next(), Some(Ok(Token::Status)))
}

/// Reads `[release,]level,sequence,microseconds,flags[,key=value…];` and takes the rest for the message.
fn record<'line>(text: &'line [u8], start: usize, end: usize, prefix: Prefix<'line>) -> Prefix<'line> {
    let mut prefix = Prefix { wrapper: Wrapper::Kmsg, wrapper_len: end, message: end, ..prefix };
    let header = &text[start..end - 1];
    let mut fields = header.split(|&byte| byte == b',');
    let mut level = fields.next().unwrap_or_default();
    if level.contains(&b'.') {
        prefix.wrapper = Wrapper::Netconsole;
        level = fields.next().unwrap_or_default();
    }
    prefix.level = number(level).map(level_of);
    let microseconds = fields.nth(1).and_then(number);
    prefix.time = microseconds.map(seconds);
    for field in fields {
        if let Some(caller) = field.strip_prefix(b"caller=") {
            prefix.caller = Some(caller);
        } else if field.starts_with(b"ncfrag=") {
            prefix.wrapper = Wrapper::Netconsole;
        }
    }
    prefix
}

/// Reads a JSON object: the journal's, dmesg's or LAVA's.
fn object<'line>(text: &'line [u8], start: usize, prefix: Prefix<'line>) -> Option<Prefix<'line>> {
    let lava = text[start..].starts_with(b"- ");
    let first = start + memchr::memchr(b'"', &text[start..])?;
    let mut prefix = prefix;
    let mut message = None;
    let mut source_time = None;
    let mut kept = None;
    for ((from, to), value) in json::fields(text, first) {
        let bytes = value.bytes(text);
        match &text[from..to] {
            b"MESSAGE" => (message, prefix.wrapper) = (Some(value), Wrapper::JournalJson),
            // What containers and log shippers write.
            b"log" | b"message" | b"short_message" if message.is_none() => {
                (message, prefix.wrapper) = (Some(value), Wrapper::DmesgJson)
            }
            b"msg" => (message, prefix.wrapper) = (Some(value), if lava { Wrapper::Lava } else { Wrapper::DmesgJson }),
            b"PRIORITY" | b"pri" => prefix.level = named_level(bytes).or_else(|| number(bytes).map(level_of)),
            b"_SOURCE_MONOTONIC_TIMESTAMP" => source_time = number(bytes).map(seconds),
            b"__MONOTONIC_TIMESTAMP" => prefix.time = number(bytes).map(seconds),
            b"time" => prefix.time = decimal(bytes),
            b"caller" => prefix.caller = Some(bytes.trim_ascii()),
            b"SYSLOG_IDENTIFIER" => prefix.tag = Some(bytes),
            _ => kept = kept.or_else(|| kept_line(text, value, DEEPEST)),
        }
    }
    if let Some(line) = kept.filter(|_| message.is_none()) {
        (message, prefix.wrapper) = (Some(line), Wrapper::DmesgJson);
    }
    prefix.time = source_time.or(prefix.time);
    let (json::Value::Text(from, to) | json::Value::Raw(from, to)) = message?;
    Some(Prefix { wrapper_len: from, message: from, end: to, ..prefix })
}

/// The line that a service keeps in a field with a name of its own, known by its printk stamp, or in an object within the object.
fn kept_line(text: &[u8], value: json::Value, depth: usize) -> Option<json::Value> {
    match value {
        json::Value::Text(from, to) => {
            let line = &text[from..to];
            // With line breaks in it, it is a log.
            let one = |line: &[u8]| memchr::memmem::find(line.strip_suffix(b"\\n").unwrap_or(line), b"\\n").is_none();
            (line.first() == Some(&b'[') && begins_with_stamp(line) && one(line)).then_some(value)
        }
        json::Value::Raw(from, to) if depth > 0 && text.get(from) == Some(&b'{') => {
            let within = |((name, end), value): ((usize, usize), json::Value)| {
                let named = KEPT.contains(&&text[name..end]) && matches!(value, json::Value::Text(..));
                if named { Some(value) } else { kept_line(text, value, depth - 1) }
            };
            json::fields(&text[..to], from + 1).find_map(within)
        }
        json::Value::Raw(..) => None,
    }
}

/// No log server puts a line deeper into objects than this.
const DEEPEST: usize = 4;

/// What log shippers call the line in an object within theirs.
const KEPT: [&[u8]; 5] = [b"message", b"msg", b"log", b"MESSAGE", b"short_message"];

fn named_level(name: &[u8]) -> Option<u8> {
    level_named(name.trim_ascii())
}

/// The level in a syslog priority (`facility * 8 + level`).
fn level_of(priority: u64) -> u8 {
    (priority & 7) as u8
}

/// Microseconds as seconds.
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

/// The first run of digits.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.take(20).try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// `[   12.345678` … as seconds.
fn bracketed_time(stamp: &[u8]) -> Option<f64> {
    let inner = stamp.strip_prefix(b"[")?;
    let end = inner.iter().position(|byte| matches!(byte, b']' | b'<' | b'@'))?;
    decimal(&inner[..end])
}

fn decimal(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok().filter(|time: &f64| time.is_finite())
}
