//! Shorter programs: calls left out, their results replaced, properties and options taken away.

use super::known::{KNOWN, Kind};
use super::{Program, ProgramError};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a resource is that nobody makes any more, in the text of a program.
const NO_RESOURCE: &[u8] = b"0xffffffffffffffff";

/// One thing that may be left out of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Calls, by their number from 0: from the first to before the last.
    Calls(usize, usize),
    /// What is written behind a call: ` (fail_nth: 3)`, ` (async)`.
    Properties(usize),
    /// An option, set to what does least.
    Option(String, String),
}

impl Cut {
    /// In words, with the names of the calls of `program`.
    #[must_use]
    pub fn words(&self, program: &Program) -> String {
        let name = |at: usize| program.calls.get(at).map_or("", |call| call.name.as_str());
        match self {
            Self::Calls(from, to) if to - from == 1 => format!("without {}", name(*from)),
            Self::Calls(from, to) => format!("without {} calls, {} to {}", to - from, name(*from), name(to - 1)),
            Self::Properties(at) => format!("{} without its properties", name(*at)),
            Self::Option(key, value) => format!("with {key}={value}"),
        }
    }
}

impl Program {
    /// The program without something.
    ///
    /// # Errors
    /// Nothing would be left, or the options line cannot be changed.
    pub fn without(&self, cut: &Cut) -> Result<Self, ProgramError> {
        match cut {
            Cut::Calls(from, to) => self.without_calls(*from, *to),
            Cut::Properties(at) => self.without_properties(*at),
            Cut::Option(key, value) => {
                let mut program = self.clone();
                program.set(key, value).map_err(|_| ProgramError::Nothing)?;
                Self::parse(&program.to_bytes())
            }
        }
    }

    fn without_calls(&self, from: usize, to: usize) -> Result<Self, ProgramError> {
        let dropped: BTreeSet<usize> = self.calls[from..to].iter().map(|call| call.line).collect();
        let text = self.to_bytes();
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let mut made = BTreeSet::new();
        for (at, line) in lines.iter().enumerate() {
            if dropped.contains(&(at + 1)) {
                made.extend(resources(line).filter(|word| word.makes).map(|word| line[word.from..word.to].to_vec()));
            }
        }
        let mut shorter = Vec::with_capacity(text.len());
        for (at, line) in lines.iter().enumerate() {
            if dropped.contains(&(at + 1)) {
                continue;
            }
            let mut copied = 0;
            for word in resources(line) {
                let name = &line[word.from..word.to];
                if word.makes {
                    // Another call makes it anew.
                    made.remove(name);
                } else if made.contains(name) {
                    shorter.extend_from_slice(&line[copied..word.from]);
                    shorter.extend_from_slice(NO_RESOURCE);
                    copied = word.to;
                }
            }
            shorter.extend_from_slice(&line[copied..]);
        }
        Self::parse(&shorter)
    }

    fn without_properties(&self, at: usize) -> Result<Self, ProgramError> {
        let Some(call) = self.calls.get(at) else { return Err(ProgramError::Nothing) };
        let text = self.to_bytes();
        let mut shorter = Vec::with_capacity(text.len());
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let end = if number + 1 == call.line { end_of_call(line) } else { None };
            match end {
                Some(end) => {
                    shorter.extend_from_slice(&line[..end]);
                    shorter.push(b'\n');
                }
                None => shorter.extend_from_slice(line),
            }
        }
        Self::parse(&shorter)
    }

    /// The calls with properties.
    #[must_use]
    pub fn calls_with_properties(&self) -> Vec<usize> {
        let has = |call: &super::Call| call.is_async || call.fail_nth.is_some() || call.rerun.is_some();
        self.calls.iter().enumerate().filter(|(_, call)| has(call)).map(|(at, _)| at).collect()
    }

    /// What each option may be set to so that less is set up.
    #[must_use]
    pub fn lesser_options(&self) -> Vec<Cut> {
        let Some(options) = &self.options else { return Vec::new() };
        let lesser = |key: &str, value: &Value| {
            let known = KNOWN.iter().find(|known| known.key == key)?;
            match (known.kind, value) {
                // Once more or not at all is another reproducer, not a smaller one.
                (Kind::Switch, Value::Bool(true)) if key != "repeat" => Some("false"),
                (Kind::Number, Value::Number(count)) if key == "procs" && count.as_u64() > Some(1) => Some("1"),
                (Kind::Word, Value::String(word)) if key == "sandbox" && !["", "none"].contains(&word.as_str()) => {
                    Some("none")
                }
                _ => None,
            }
        };
        let cut = |(key, value): &(String, Value)| Some(Cut::Option(key.clone(), lesser(key, value)?.to_owned()));
        options.entries.iter().filter_map(cut).collect()
    }
}

/// `r0` in a line, and whether the line makes it.
struct Resource {
    from: usize,
    to: usize,
    makes: bool,
}

/// The resources of a line, outside of its strings.
fn resources(line: &[u8]) -> impl Iterator<Item = Resource> {
    let mut found = Vec::new();
    let (mut at, mut quote) = (0, None);
    while at < line.len() {
        let byte = line[at];
        match (quote, byte) {
            (Some(b'\''), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'r') if at == 0 || !is_word(line[at - 1]) => {
                let digits = line[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let to = at + 1 + digits;
                if digits > 0 && !line.get(to).copied().is_some_and(is_word) {
                    let rest = &line[to..];
                    // `r0 = open(…)` and `<r1=>0x0` make one.
                    let makes = rest.starts_with(b" = ") || rest.starts_with(b"=>");
                    found.push(Resource { from: at, to, makes });
                    at = to;
                    continue;
                }
            }
            (None, _) => {}
        }
        at += 1;
    }
    found.into_iter()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// Behind the call's own closing parenthesis.
fn end_of_call(line: &[u8]) -> Option<usize> {
    let (mut depth, mut quote, mut skip) = (0_usize, None, false);
    for (at, &byte) in line.iter().enumerate() {
        match (quote, byte) {
            _ if skip => skip = false,
            (Some(b'\''), b'\\') => skip = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"# a comment\n#{\"threaded\":true,\"repeat\":true,\"procs\":6,\"slowdown\":1,\"sandbox\":\"namespace\",\"sandbox_arg\":0,\"tun\":true,\"close_fds\":false}\n\
        r0 = openat$ppp(0xffffffffffffff9c, &(0x7f0000000000)='./r0\\'r0\\x00', 0x0, 0x0)\n\
        pipe(&(0x7f0000000040)={<r1=>0xffffffffffffffff, <r2=>0xffffffffffffffff})\n\
        write(r1, &(0x7f0000000080)=\"r17230\", 0x2) (async)\n\
        ioctl$PPP(r0, 0xc004743e, &(0x7f0000000040)={r2, r10}) (fail_nth: 3)\n";

    fn text(program: &Program) -> String {
        String::from_utf8(program.to_bytes()).expect("text")
    }

    #[test]
    fn results_of_calls_that_went_are_replaced() {
        let program = Program::parse(TEXT).expect("a program");
        let shorter = text(&program.without(&Cut::Calls(0, 1)).expect("three calls are left"));
        assert!(shorter.starts_with("# a comment\n#{\"threaded\":true,") && !shorter.contains("openat"), "{shorter}");
        assert!(
            shorter.contains("ioctl$PPP(0xffffffffffffffff, 0xc004743e, &(0x7f0000000040)={r2, r10})"),
            "{shorter}"
        );
        let shorter = text(&program.without(&Cut::Calls(1, 2)).expect("three calls are left"));
        assert!(shorter.contains("write(0xffffffffffffffff, &(0x7f0000000080)=\"r17230\", 0x2) (async)"), "{shorter}");
        assert!(shorter.contains("ioctl$PPP(r0,") && shorter.contains("={0xffffffffffffffff, r10}"), "{shorter}");
        assert!(shorter.contains("='./r0\\'r0\\x00'"), "a string is not a resource: {shorter}");
        assert_eq!(program.without(&Cut::Calls(0, 4)).map(drop), Err(ProgramError::Nothing));
        assert_eq!(Cut::Calls(1, 3).words(&program), "without 2 calls, pipe to write");
    }

    #[test]
    fn properties_and_options_go_one_by_one() {
        let program = Program::parse(TEXT).expect("a program");
        assert_eq!(program.calls_with_properties(), [2, 3]);
        let shorter = text(&program.without(&Cut::Properties(3)).expect("a program"));
        assert!(shorter.ends_with("={r2, r10})\n") && shorter.contains("(async)"), "{shorter}");
        let lesser: Vec<String> = program.lesser_options().iter().map(|cut| cut.words(&program)).collect();
        assert_eq!(lesser, ["with threaded=false", "with procs=1", "with sandbox=none", "with tun=false"]);
        let shorter = text(&program.without(&program.lesser_options()[1]).expect("a program"));
        assert_eq!(shorter, String::from_utf8_lossy(TEXT).replace("\"procs\":6", "\"procs\":1"));
    }
}
