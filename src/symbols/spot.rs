//! Finds the places of code that a log line names: `function+0x1/0x2 [module]`, `RIP: 0010:…`, bare addresses.
//!
//! [`crate::report`] reads stack lines as records; what is wanted here is *where in the line* a name stands, in any line,
//! so that the line can be passed on with the source added and everything else untouched.

use std::ops::Range;

/// A place of code in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<'line> {
    /// What is printed.
    pub what: What<'line>,
    /// Where it is printed: name, offset and size, or the address.
    pub range: Range<usize>,
    /// Where the module's bracket ends; the end of `range` if there is none.
    pub end: usize,
    /// The address in brackets before it (`[<ffffffff81000000>] name`).
    pub address: Option<u64>,
    /// Whether it is a program counter. Otherwise it is the address to which a call returns.
    pub exact: bool,
    /// False if the unwinder marked it with `?`.
    pub reliable: bool,
    /// Whether a place in the source follows already.
    pub decoded: bool,
}

/// What a line may print of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What<'line> {
    /// `function+0xoffset/0xsize [module id]`.
    Named {
        /// The function with its compiler suffixes.
        function: &'line str,
        /// Bytes into it.
        offset: u64,
        /// Its size, bytes.
        size: u64,
        /// The module.
        module: Option<&'line str>,
        /// The build id of the module, when printed.
        build_id: Option<&'line str>,
    },
    /// An address alone.
    Raw(u64),
}

impl Spot<'_> {
    /// An address that stands in no line.
    #[must_use]
    pub fn of_address(address: u64) -> Self {
        Self {
            what: What::Raw(address),
            range: 0..0,
            end: 0,
            address: Some(address),
            exact: true,
            reliable: true,
            decoded: false,
        }
    }
}

/// The places in a line, from left to right.
#[must_use]
pub fn spots(line: &[u8]) -> Vec<Spot<'_>> {
    let mut found: Vec<Spot<'_>> =
        memchr::memmem::find_iter(line, b"+0x").filter_map(|plus| named(line, plus)).collect();
    if found.is_empty() {
        found.extend(raw(line));
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$')
}

fn digits(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(bytes.len());
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    Some((u64::from_str_radix(text, 16).ok()?, length))
}

fn named(line: &[u8], plus: usize) -> Option<Spot<'_>> {
    let from = line[..plus].iter().rposition(|byte| !is_name(*byte)).map_or(0, |at| at + 1);
    let function = std::str::from_utf8(&line[from..plus]).ok()?;
    if !function.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '.')) {
        return None;
    }
    let (offset, length) = digits(&line[plus + 3..])?;
    let slash = plus + 3 + length;
    let after = line.get(slash..)?.strip_prefix(b"/0x")?;
    let (size, length) = digits(after)?;
    let end = slash + 3 + length;
    let (module, build_id, last) = module(line, end);
    let before = line[..from].trim_ascii_end();
    let (address, mut before) = bracketed_before(before);
    // Old kernels print it twice after RIP.
    if let (Some(_), once_more) = bracketed_before(before) {
        before = once_more;
    }
    let unsure = before.strip_suffix(b"?");
    Some(Spot {
        what: What::Named { function, offset, size, module, build_id },
        range: from..end,
        end: last,
        address,
        exact: offset == 0 || is_counter(before),
        reliable: unsure.is_none(),
        decoded: is_decoded(&line[last..]),
    })
}

/// ` [module]` or ` [module build-id]` at a position.
fn module(line: &[u8], at: usize) -> (Option<&str>, Option<&str>, usize) {
    let none = (None, None, at);
    let Some(inner) = line[at..].strip_prefix(b" [") else { return none };
    let Some(close) = inner.iter().position(|byte| *byte == b']') else { return none };
    let Ok(text) = std::str::from_utf8(&inner[..close]) else { return none };
    let mut words = text.split(' ');
    let name = words.next().unwrap_or("");
    let plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let build_id = words.next();
    if !plain(name) || name == "inline" || build_id.is_some_and(|id| !plain(id)) || words.next().is_some() {
        return none;
    }
    (Some(name), build_id, at + 3 + close)
}

/// `[<ffffffff81000000>]` or powerpc's `[c000000000000000]` at the end, and what comes before.
fn bracketed_before(before: &[u8]) -> (Option<u64>, &[u8]) {
    let mark = before.strip_suffix(b"?").map_or(before, <[u8]>::trim_ascii_end);
    let mark = mark.strip_suffix(b"(").unwrap_or(mark).trim_ascii_end();
    let Some(inner) = mark.strip_suffix(b"]") else { return (None, before) };
    let Some(open) = inner.iter().rposition(|byte| *byte == b'[') else { return (None, before) };
    let text =
        inner[open + 1..].strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")).unwrap_or(&inner[open + 1..]);
    match digits(text) {
        Some((address, length)) if length == text.len() && length >= 8 => {
            // The mark of doubt may stand on either side of the bracket.
            let rest = inner[..open].trim_ascii_end();
            (Some(address), if before.ends_with(b"?") { before } else { rest })
        }
        _ => (None, before),
    }
}

/// Whether what stands before a place says that it is the program counter.
fn is_counter(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    // RIP: 0010:name
    if let Some(colon) = before.strip_suffix(b":") {
        let selector = colon.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if selector == 4
            && (colon[..colon.len() - 4].trim_ascii_end().ends_with(b"RIP:")
                || colon[..colon.len() - 4].trim_ascii_end().ends_with(b"EIP:"))
        {
            return true;
        }
    }
    let words: [&[u8]; 8] = [b"RIP:", b"EIP:", b" IP:", b"pc :", b"PC is at", b"EIP is at", b"NIP", b"epc :"];
    if words.iter().any(|word| before.ends_with(word)) || before == b"IP:" {
        return true;
    }
    // WARNING: CPU: 0 PID: 1 at kernel/a.c:12 name
    memchr::memmem::find(before, b"WARNING: ").is_some_and(|at| memchr::memmem::find(&before[at..], b" at ").is_some())
}

/// Whether a place in the source follows, as this program and others add it.
fn is_decoded(rest: &[u8]) -> bool {
    let word = rest.trim_ascii_start();
    let word = word.strip_prefix(b"(").unwrap_or(word);
    let word = &word[..word.iter().position(|byte| matches!(byte, b' ' | b')' | b'\r')).unwrap_or(word.len())];
    let Some(colon) = word.iter().rposition(|byte| *byte == b':') else { return false };
    word[..colon].contains(&b'.') && word.len() > colon + 1 && word[colon + 1..].iter().all(u8::is_ascii_digit)
}

/// An address without a name: `[<ffffffff81000000>]` or `? 0xffffffff81000000` at the end of a line, `RIP: 0010:0x…`.
fn raw(line: &[u8]) -> Option<Spot<'_>> {
    let text = line.trim_ascii_end();
    let (inner, close) = match text.strip_suffix(b">]") {
        Some(inner) => (inner, 2),
        None => (text, 0),
    };
    let length = inner.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let start = inner.len() - length;
    let (address, used) = digits(&inner[start..])?;
    // Kernel addresses of 64-bit machines; anything else may be any number.
    if used != length || length != 16 || address >> 48 != 0xffff {
        return None;
    }
    let opening: &[u8] = if close > 0 { b"[<" } else { b"0x" };
    let before = inner[..start].strip_suffix(opening)?;
    let trimmed = before.trim_ascii_end();
    let exact = is_counter(trimmed);
    let unsure = trimmed.strip_suffix(b"?");
    // In a stack nothing else is on the line but its prefix; elsewhere a number may be any pointer.
    let prefix = unsure.unwrap_or(trimmed).trim_ascii_end();
    let alone = prefix.is_empty() || prefix.ends_with(b"]") || prefix.ends_with(b"at:");
    if !exact && !alone || before.len() == trimmed.len() && !exact && !trimmed.is_empty() {
        return None;
    }
    let from = before.len();
    Some(Spot {
        what: What::Raw(address),
        range: from..text.len(),
        end: text.len(),
        address: Some(address),
        exact,
        reliable: unsure.is_none(),
        decoded: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<String> {
        spots(line.as_bytes())
            .iter()
            .map(|spot| {
                let what = match &spot.what {
                    What::Named { function, offset, size, module, build_id } => {
                        format!("{function} {offset:x}/{size:x} {} {}", module.unwrap_or("-"), build_id.unwrap_or("-"))
                    }
                    What::Raw(address) => format!("{address:x}"),
                };
                let mark = |set: bool, mark: &'static str| if set { mark } else { "" };
                format!(
                    "{what}{}{}{}",
                    mark(spot.exact, " exact"),
                    mark(!spot.reliable, " ?"),
                    mark(spot.decoded, " decoded")
                )
            })
            .collect()
    }

    #[test]
    fn every_form_of_a_place_is_found() {
        for (line, expected) in [
            ("[   10.1][   T57]  vfs_write+0x233/0x1220", "vfs_write 233/1220 - -"),
            ("[   10.1]  ? find_held_lock+0x2d/0x110\r", "find_held_lock 2d/110 - - ?"),
            ("  lab_write+0xa1/0x100 [lab_raw]", "lab_write a1/100 lab_raw -"),
            ("  lab_write+0xa1/0x100 [lab_raw 0a1b2c]", "lab_write a1/100 lab_raw 0a1b2c"),
            ("RIP: 0010:raw_state+0x5/0x10 [lab_raw]", "raw_state 5/10 lab_raw - exact"),
            ("RIP: 0010:[<ffffffff81234567>]  [<ffffffff81234567>] foo+0x1/0x2", "foo 1/2 - - exact"),
            (" [<ffffffff81234567>] ? foo.isra.0+0x1/0x2", "foo.isra.0 1/2 - - ?"),
            (" [<ffffffff81234567>] foo.cold+0x1/0x2", "foo.cold 1/2 - -"),
            ("pc : do_thing+0x10/0x20", "do_thing 10/20 - - exact"),
            ("lr : do_thing+0x10/0x20", "do_thing 10/20 - -"),
            ("NIP [c000000000012345] foo+0x8/0x20", "foo 8/20 - - exact"),
            ("LR [c000000000012345] foo+0x8/0x20", "foo 8/20 - -"),
            ("WARNING: CPU: 1 PID: 9 at kernel/a.c:12 foo+0x8/0x20", "foo 8/20 - - exact"),
            (" #0: ff110000 (&x){+.+.}-{4:4}, at: foo+0x8/0x20 [m]", "foo 8/20 m -"),
            (" foo+0x8/0x20 net/core/dev.c:123", "foo 8/20 - - decoded"),
            (" foo+0x8/0x20 [m] net/core/dev.c:123 [inline]", "foo 8/20 m - decoded"),
            ("ret_from_fork_asm+0x0/0x20", "ret_from_fork_asm 0/20 - - exact"),
            (" [<ffffffff81234567>]", "ffffffff81234567"),
            (" ? 0xffffffffa0000123", "ffffffffa0000123 ?"),
            ("RIP: 0010:0xffffffffa0000123", "ffffffffa0000123 exact"),
        ] {
            assert_eq!(told(line), [expected], "{line}");
        }
        let both = told("epc : foo+0x1/0x2 ra : bar+0x3/0x4");
        assert_eq!(both, ["foo 1/2 - - exact", "bar 3/4 - -"]);
    }

    #[test]
    fn what_only_looks_like_a_place_is_left_alone() {
        for line in [
            "RAX: ffffffffffffffda RBX: 0000000000000001",
            "R10: ffffffff952f3927",
            "RIP: 0033:0x47b7a0",
            "Code: Unable to access opcode bytes at 0xffffffffbfffffeb.",
            "clocksource: mask: 0xffffffffffffffff",
            "e820: [mem 0x0000000000000000+0x1000/0x2000]",
            "a +0x10/0x20",
            "CR2: ffffffffbfffffeb CR3: 00000000014f8000",
        ] {
            assert_eq!(told(line), Vec::<String>::new(), "{line}");
        }
    }
}
