//! Register dumps of all architectures: name → value as printed.

use super::scan::{HEX, bytes_of, is_hex, span};
use std::collections::BTreeMap;

/// Names that may begin a line of registers, sorted.
const FIRST: [&str; 96] = [
    "$", "BP", "BadVA", "CFAR", "CR2", "CS", "CTR", "Call", "Cause", "Config", "Control", "DR0", "DR3", "DR6", "DS",
    "EAX", "EBP", "EDX", "EFLAGS", "ESI", "ESP", "FAR", "FP", "FS", "GPR", "GS", "Hi", "IP", "LR", "Lo", "MSR",
    "ORIG_RAX", "PC", "PKRU", "R10", "R13", "RAX", "RBP", "RDX", "RSP", "Status", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "badaddr", "cause", "epc", "far", "fp", "gp", "ip", "lr", "pc", "pmr", "psr", "r0", "r1", "r10", "r11",
    "r12", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "ra", "s1", "s10", "s11", "s2", "s3", "s4", "s5", "s6",
    "s7", "s8", "s9", "sp", "status", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "tp", "x0",
];

/// The longest name of a register, bytes.
const LONGEST: usize = 8;

/// [`FIRST`] as numbers, in the same order.
static FIRST_PACKED: [u64; FIRST.len()] = {
    let mut packed = [0; FIRST.len()];
    let mut at = 0;
    while at < packed.len() {
        packed[at] = pack(FIRST[at].as_bytes());
        at += 1;
    }
    packed
};

/// With which bytes a row of named registers may begin: most other lines end here.
static BEGINS: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < FIRST.len() {
        table[FIRST[at].as_bytes()[0] as usize] = true;
        at += 1;
    }
    table
};

/// What names of registers are made of, by byte.
static IN_NAMES: [bool; 256] = bytes_of(&[(b'a', b'z'), (b'A', b'Z'), (b'0', b'9'), (b'_', b'_')]);

/// Registers whose rows may say more: the place of the fault, or its cause.
static TELLING: [u64; 12] = [
    pack(b"PC"),
    pack(b"LR"),
    pack(b"IP"),
    pack(b"pc"),
    pack(b"lr"),
    pack(b"epc"),
    pack(b"ra"),
    pack(b"NIP"),
    pack(b"ERA"),
    pack(b"cause"),
    pack(b"badaddr"),
    pack(b"CPU"),
];

/// A name of up to [`LONGEST`] bytes as a number; numbers are in the order of their names.
const fn pack(name: &[u8]) -> u64 {
    let (mut packed, mut at) = (0, 0);
    while at < LONGEST {
        packed = packed << 8 | if at < name.len() { name[at] as u64 } else { 0 };
        at += 1;
    }
    packed
}

/// The registers of a report as its rows come.
#[derive(Debug, Default)]
pub(super) struct Registers {
    /// In the order of the log: putting them into order at the end is less work than finding each one's place.
    found: Vec<Register>,
    /// At how many of them those that are there twice go.
    crowded: usize,
}

/// A register: names are made when it is known which of them are needed.
#[derive(Debug)]
struct Register {
    /// Whether it is one of user space.
    user: bool,
    name: u64,
    value: String,
}

impl Register {
    fn name(&self) -> String {
        let mut name = String::with_capacity(OF_USER.len() + LONGEST);
        if self.user {
            name.push_str(OF_USER);
        }
        name.extend(self.name.to_be_bytes().into_iter().take_while(|byte| *byte != 0).map(char::from));
        name
    }
}

/// What stands before the names of registers of user space.
const OF_USER: &str = "user.";
/// Few reports have more registers.
const USUAL: usize = 64;

impl Registers {
    /// A register, its name up to [`LONGEST`] bytes. A value that is there already stays: the first dump is the one of the crash.
    pub(super) fn put(&mut self, user: bool, name: &str, value: &str) {
        self.put_packed(user, pack(name.as_bytes()), value);
    }

    fn put_packed(&mut self, user: bool, name: u64, value: &str) {
        if self.found.len() >= self.crowded.max(USUAL) {
            self.settle();
            self.crowded = self.found.len() * 2;
        }
        if self.found.is_empty() {
            self.found.reserve(USUAL / 2);
        }
        self.found.push(Register { user, name, value: value.to_owned() });
    }

    /// All of them, by name; those of user space have [`OF_USER`] before it.
    pub(super) fn by_name(mut self) -> BTreeMap<String, String> {
        self.settle();
        self.found.into_iter().map(|register| (register.name(), register.value)).collect()
    }

    /// Puts them into order, and keeps the first of each name.
    fn settle(&mut self) {
        self.found.sort_by_key(|register| (register.user, register.name));
        self.found.dedup_by(|later, first| (later.user, later.name) == (first.user, first.name));
    }
}

/// A row that is registers from end to end and says nothing else.
#[derive(Debug, Default)]
pub(super) struct Row<'l> {
    pairs: [(u64, &'l str); WIDEST],
    count: usize,
}

/// The kernel prints registers with a fixed width: none has fewer digits. `status: add` are words.
const NARROWEST: usize = 4;
/// No row is wider.
const WIDEST: usize = 8;

/// Reads such a row. It is recognised at a glance: a third of many reports are such rows.
pub(super) fn row(line: &[u8]) -> Option<Row<'_>> {
    let first = first_name(line)?;
    let mut rest = std::str::from_utf8(line).ok().filter(|_| is_first(first))?;
    let mut row = Row::default();
    while !rest.is_empty() {
        let (name, value, tail) = pair(rest)?;
        if TELLING.contains(&name) {
            return None;
        }
        *row.pairs.get_mut(row.count)? = (name, value);
        row.count += 1;
        rest = tail;
    }
    Some(row)
}

impl Row<'_> {
    /// Puts the registers into `registers`.
    pub(super) fn put(&self, user: bool, registers: &mut Registers) {
        self.pairs[..self.count].iter().for_each(|(name, value)| registers.put_packed(user, *name, value));
    }
}

/// The name at the beginning of a text, and its length.
fn name(text: &[u8]) -> Option<(u64, usize)> {
    let (mut packed, mut length) = (0, 0);
    while text.get(length).is_some_and(|byte| IN_NAMES[usize::from(*byte)]) {
        if length == LONGEST {
            return None;
        }
        packed = packed << 8 | u64::from(text[length]);
        length += 1;
    }
    // The text goes on: a name stands before a colon.
    (length > 0 && length < text.len()).then(|| (packed << (8 * (LONGEST - length)), length))
}

/// The name of the register with which a line may begin.
fn first_name(line: &[u8]) -> Option<u64> {
    BEGINS[usize::from(*line.first()?)].then_some(())?;
    let (name, length) = name(line)?;
    line[length..].trim_ascii_start().starts_with(b":").then_some(name)
}

/// Whether a register of that name may begin a line.
fn is_first(name: u64) -> bool {
    FIRST_PACKED.binary_search(&name).is_ok() || is_of_arm64(name)
}

/// Whether it is `x0`, `x29` …
fn is_of_arm64(name: u64) -> bool {
    let bytes = name.to_be_bytes();
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
    bytes[0] == b'x' && length > 1 && bytes[1..length].iter().all(u8::is_ascii_digit)
}

/// Whether the line looks like a row of registers, whatever stands behind them; if so, they go into `registers`.
pub(super) fn read(line: &[u8], user: bool, registers: &mut Registers) -> bool {
    if !first_name(line.trim_ascii_start()).is_some_and(is_first) {
        return numbered_row(line, user, registers);
    }
    let line = String::from_utf8_lossy(line);
    let Some((name, value, mut rest)) = pair(&line).filter(|(_, value, _)| value.len() >= NARROWEST) else {
        return false;
    };
    registers.put_packed(user, name, value);
    while let Some((name, value, tail)) = pair(rest) {
        registers.put_packed(user, name, value);
        rest = tail;
    }
    true
}

/// `NAME: VALUE`, `NAME : VALUE`, `NAME:VALUE`; the value is hexadecimal, a segment before and a selector after it allowed.
fn pair(text: &str) -> Option<(u64, &str, &str)> {
    let text = text.trim_ascii_start();
    let (name, length) = name(text.as_bytes())?;
    let rest = text[length..].trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
    // Most values are digits and nothing else.
    let digits = span(rest.as_bytes(), &HEX);
    let (value, tail) = rest.split_at(digits);
    if digits > 0 && tail.bytes().next().is_none_or(|byte| byte.is_ascii_whitespace()) {
        return Some((name, value, tail.trim_ascii_start()));
    }
    let end = rest.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
    let (value, tail) = rest.split_at(end);
    let bare = value.split('(').next().unwrap_or_default();
    let bare = without_brackets(bare);
    let bare = bare.strip_prefix("0x").unwrap_or(bare);
    let hexadecimal = match bare.split_once(':') {
        Some((segment, bare)) => is_hex(segment.as_bytes()) && is_hex(bare.as_bytes()),
        None => is_hex(bare.as_bytes()),
    };
    hexadecimal.then_some((name, without_brackets(value), tail.trim_ascii_start()))
}

/// The inside of `[<8028bd5c>]`.
fn without_brackets(value: &str) -> &str {
    value.strip_prefix("[<").and_then(|inner| inner.strip_suffix(">]")).unwrap_or(value)
}

/// Rows of unnamed registers: `GPR04: …`, `Krnl GPRS: …`, `$ 4   : …`, `r4: … …` of LoongArch.
fn numbered_row(line: &[u8], user: bool, registers: &mut Registers) -> bool {
    if !matches!(line.trim_ascii_start().first(), Some(b'K' | b'G' | b'$')) {
        return false;
    }
    let line = String::from_utf8_lossy(line.trim_ascii());
    let (stem, rest) = if let Some(rest) = line.strip_prefix("Krnl GPRS:") {
        ("r", ["0: ", rest].concat())
    } else if let Some(rest) = line.strip_prefix("GPR") {
        ("r", rest.to_owned())
    } else if let Some(rest) = line.strip_prefix('$') {
        ("$", rest.to_owned())
    } else {
        return false;
    };
    let Some((first, values)) = rest.split_once(':') else { return false };
    let Some(first) = super::scan::number(first.as_bytes().trim_ascii()).filter(|first| *first <= 64) else {
        return false;
    };
    let values = values.split_ascii_whitespace().take_while(|value| is_hex(value.as_bytes())).take(8);
    for (value, index) in values.zip(first..) {
        registers.put(user, &format!("{stem}{index}"), value);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Vec<String> {
        let mut registers = Registers::default();
        let is = read(line.as_bytes(), false, &mut registers);
        assert_eq!(is, !registers.found.is_empty(), "{line}");
        registers.by_name().into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn the_names_are_sorted() {
        assert!(FIRST.is_sorted() && FIRST_PACKED.is_sorted());
        assert!(FIRST.iter().all(|name| name.len() <= LONGEST && is_first(pack(name.as_bytes()))));
        let first = |name: &str| is_first(pack(name.as_bytes()));
        assert!(!first("Modules") && !first("x") && !first("x2a") && !first("") && first("x29") && first("ORIG_RAX"));
    }

    #[test]
    fn the_first_value_of_a_register_stays_however_many_come() {
        let mut registers = Registers::default();
        for number in 0..1000 {
            registers.put(false, &format!("r{}", number % 7), &number.to_string());
            assert!(registers.found.len() <= USUAL);
        }
        registers.put(true, "r1", "a");
        let names: Vec<String> =
            registers.by_name().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(names.join(" "), "r0=0 r1=1 r2=2 r3=3 r4=4 r5=5 r6=6 user.r1=a");
    }

    #[test]
    fn a_row_is_registers_from_end_to_end() {
        let of = |line: &str| row(line.as_bytes()).map(|row| row.count);
        assert_eq!(of("RAX: 0000000000000001 RBX: ffff888012345678 RCX: 0000000000000000"), Some(3));
        assert_eq!(of("RSP: 0018:ffffc90000d67a10 EFLAGS: 00010246"), Some(2));
        assert_eq!(of("sp : 9ec4fea0  ip : 00000000  fp : 9f6a3700"), Some(3));
        for line in ["RAX: 00 then", "RIP: 00", "sp : 00 pc : 00", "CPU: 0", "RAX 00", "RAX: ", "", "fea0: 9eaea800"] {
            assert_eq!(of(line), None, "{line}");
        }
        assert_eq!(row(b"RAX: 00(\xff)").map(|row| row.count), None);
    }

    #[test]
    fn registers_of_every_architecture_are_read() {
        for (line, want) in [
            (
                "RAX: 0000000000000001 RBX: ffff888012345678 RCX: 0000000000000000",
                "RAX=0000000000000001 RBX=ffff888012345678 RCX=0000000000000000",
            ),
            ("RSP: 0018:ffffc90000d67a10 EFLAGS: 00010246", "EFLAGS=00010246 RSP=0018:ffffc90000d67a10"),
            (
                "FS:  00007f1234567700(0000) GS:ffff8880b9b00000(0000) knlGS:0000000000000000",
                "FS=00007f1234567700(0000) GS=ffff8880b9b00000(0000) knlGS=0000000000000000",
            ),
            ("CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033", "CR0=0000000080050033 CS=0010 DS=0000 ES=0000"),
            ("x29: ffff80008f937a50 x28: 1fffe0001a", "x28=1fffe0001a x29=ffff80008f937a50"),
            ("sp : 9ec4fea0  ip : 00000000  fp : 9f6a3700", "fp=9f6a3700 ip=00000000 sp=9ec4fea0"),
            ("pc : [<8028bd5c>]    lr : [<8028bd50>]    psr: 20030013", "lr=8028bd50 pc=8028bd5c psr=20030013"),
            ("epc: ffffffe000207654 ra : ffffffe000207654", "epc=ffffffe000207654 ra=ffffffe000207654"),
            (" s11: ffffffffffffffff t3 : ffffffe00384c4e8", "s11=ffffffffffffffff t3=ffffffe00384c4e8"),
            ("GPR04: c000000003a0f9d0 0000000000000001", "r4=c000000003a0f9d0 r5=0000000000000001"),
            ("$ 4   : 00000000 00000001", "$4=00000000 $5=00000001"),
            ("Krnl GPRS: 0000000000000000 000003ff", "r0=0000000000000000 r1=000003ff"),
        ] {
            assert_eq!(of(line).join(" "), want, "{line}");
        }
        assert!(of("Modules linked in:").is_empty());
        assert!(of("fea0: 9eaea800 9f6a3800").is_empty());
        assert!(of("Code: 48 89 e5").is_empty());
        assert!(of("status: add a column").is_empty());
    }
}
