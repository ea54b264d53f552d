//! Register dumps of all architectures: name → value as printed.

use super::scan::{after, is_hex, text, word, words};
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

/// A row that is registers from end to end and says nothing else.
#[derive(Debug, Default)]
pub(super) struct Row<'l> {
    pairs: [(&'l [u8], &'l [u8]); WIDEST],
    count: usize,
}

/// No row is wider.
const WIDEST: usize = 8;
/// Registers whose rows may say more: the place of the fault, or its cause.
const TELLING: [&[u8]; 12] =
    [b"PC", b"LR", b"IP", b"pc", b"lr", b"epc", b"ra", b"NIP", b"ERA", b"cause", b"badaddr", b"CPU"];

/// Reads such a row. It is recognised at a glance: a third of many reports are such rows.
pub(super) fn row(line: &[u8]) -> Option<Row<'_>> {
    let mut row = Row::default();
    let mut rest = line;
    while !rest.is_empty() {
        let (name, value, tail) = pair(rest)?;
        if TELLING.contains(&name) {
            return None;
        }
        *row.pairs.get_mut(row.count)? = (name, value);
        row.count += 1;
        rest = tail;
    }
    (row.count > 0 && is_first(row.pairs[0].0)).then_some(row)
}

impl Row<'_> {
    /// Puts the registers into `registers` under `prefix` + name. Values that are there already stay.
    pub(super) fn put(&self, prefix: &str, registers: &mut BTreeMap<String, String>) {
        self.pairs[..self.count].iter().for_each(|(name, value)| put(prefix, name, value, registers));
    }
}

fn put(prefix: &str, name: &[u8], value: &[u8], registers: &mut BTreeMap<String, String>) {
    let name = text(name);
    let name = if prefix.is_empty() { name } else { [prefix, &name].concat() };
    registers.entry(name).or_insert_with(|| text(value));
}

/// Whether a register of that name may begin a line.
fn is_first(name: &[u8]) -> bool {
    let arm64 = name.len() > 1 && name[0] == b'x' && name[1..].iter().all(u8::is_ascii_digit);
    arm64 || FIRST.binary_search_by(|first| first.as_bytes().cmp(name)).is_ok()
}

/// Whether the line looks like a row of registers; if so, they go into `registers` under `prefix` + name. Values that are
/// there already stay: the first dump is the one of the crash.
pub(super) fn read(line: &[u8], prefix: &str, registers: &mut BTreeMap<String, String>) -> bool {
    let Some((name, value, mut rest)) = pair(line) else {
        return numbered_row(line, prefix, registers);
    };
    if !is_first(name) {
        return numbered_row(line, prefix, registers);
    }
    put(prefix, name, value, registers);
    while let Some((name, value, tail)) = pair(rest) {
        put(prefix, name, value, registers);
        rest = tail;
    }
    true
}

/// `NAME: VALUE`, `NAME : VALUE`, `NAME:VALUE`; the value is hexadecimal, a segment before and a selector after it allowed.
fn pair(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    let name = &bytes[..end];
    if name.is_empty() || name.len() > 8 {
        return None;
    }
    let rest = bytes[end..].trim_ascii_start().strip_prefix(b":")?;
    let (value, rest) = word(rest);
    // Most values are digits and nothing else.
    if is_hex(value) {
        return Some((name, value, rest));
    }
    let bare = value.split(|byte| *byte == b'(').next().unwrap_or_default();
    let bare = bare.strip_prefix(b"[<").and_then(|inner| inner.strip_suffix(b">]")).unwrap_or(bare);
    let bare = after(bare, "0x").unwrap_or(bare);
    let hexadecimal = match memchr::memchr(b':', bare) {
        Some(at) => is_hex(&bare[..at]) && is_hex(&bare[at + 1..]),
        None => is_hex(bare),
    };
    hexadecimal.then_some((
        name,
        value.strip_prefix(b"[<").and_then(|inner| inner.strip_suffix(b">]")).unwrap_or(value),
        rest,
    ))
}

/// Rows of unnamed registers: `GPR04: …`, `Krnl GPRS: …`, `$ 4   : …`, `r4: … …` of LoongArch.
fn numbered_row(line: &[u8], prefix: &str, registers: &mut BTreeMap<String, String>) -> bool {
    let line = line.trim_ascii();
    let (stem, rest) = if let Some(rest) = after(line, "Krnl GPRS:") {
        ("r", [b"0: ", rest].concat())
    } else if let Some(rest) = after(line, "GPR") {
        ("r", rest.to_vec())
    } else if let Some(rest) = after(line, "$") {
        ("$", rest.to_vec())
    } else {
        return false;
    };
    let Some(colon) = memchr::memchr(b':', &rest) else { return false };
    let Some(first) = super::scan::number(rest[..colon].trim_ascii()) else { return false };
    if first > 64 {
        return false;
    }
    for (value, index) in words(&rest[colon + 1..]).take_while(|value| is_hex(value)).take(8).zip(first..) {
        registers.entry(format!("{prefix}{stem}{index}")).or_insert_with(|| text(value));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Vec<String> {
        let mut registers = BTreeMap::new();
        let is = read(line.as_bytes(), "", &mut registers);
        assert_eq!(is, !registers.is_empty(), "{line}");
        registers.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn the_names_are_sorted() {
        assert!(FIRST.is_sorted());
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
    }
}
