//! The address and the kind of a faulting access, as each architecture prints them.

use super::Access;
use super::access::AccessKind;
use super::scan::{after, find, hex, split, text, word};
use crate::line::{Letters, Wanted};

/// The access of a fault's header or of the line that names its address; `letters` are those of the line.
pub(super) fn fault(line: &[u8], letters: Letters) -> Option<Access> {
    const WORDS: [Wanted; 4] = [
        Wanted::new("nable to handle "),
        Wanted::new("NULL pointer dereference"),
        Wanted::new("non-canonical address "),
        Wanted::new("Failing address: "),
    ];
    let at = |kind: AccessKind, rest: &[u8]| {
        let address = word(rest).0;
        let end = address.iter().rposition(|byte| !b",.:;!".contains(byte)).map_or(0, |last| last + 1);
        let bare = after(&address[..end], "0x").unwrap_or(&address[..end]);
        let known = hex(bare).is_some() || bare == b"(null)";
        known.then(|| Access { kind, size: None, address: Some(text(&address[..end])) })
    };
    // Every form has one of these words.
    if !WORDS.into_iter().any(|word| word.find(line, letters).is_some()) {
        return None;
    }
    // x86
    for prefix in [
        "BUG: unable to handle page fault for address: ",
        "BUG: unable to handle kernel paging request at ",
        "BUG: unable to handle kernel NULL pointer dereference at ",
        "BUG: kernel NULL pointer dereference, address: ",
    ] {
        if let Some((_, rest)) = split(line, prefix) {
            return at(AccessKind::Fault, rest);
        }
    }
    // s390, which marks stores in what it says of the translation.
    if let Some(rest) = after(line, "Failing address: ") {
        let stores =
            split(rest, "TEID: ").and_then(|(_, teid)| hex(word(teid).0)).is_some_and(|teid| teid & 0xc00 == 0x400);
        return at(if stores { AccessKind::Write } else { AccessKind::Fault }, rest);
    }
    if let Some((_, rest)) = split(line, "non-canonical address ") {
        return at(AccessKind::Fault, rest);
    }
    let headed =
        find(line, "nable to handle kernel ").is_some() || find(line, "ernel NULL pointer dereference").is_some();
    if headed {
        // arm, arm64, mips, riscv, sparc, loongarch
        if let Some((_, rest)) = split(line, " at virtual address ") {
            // Since Linux 5.19 32-bit ARM says what was tried: `at virtual address 00000010 when read`.
            let kind = match split(rest, " when ").map(|(_, tried)| tried.trim_ascii_end()) {
                Some(b"read") => AccessKind::Read,
                Some(b"write") => AccessKind::Write,
                Some(b"execute") => AccessKind::Execute,
                _ => AccessKind::Fault,
            };
            return at(kind, rest);
        }
        // PowerPC
        for (words, kind) in [
            (" on read at ", AccessKind::Read),
            (" on write at ", AccessKind::Write),
            ("instruction fetch at ", AccessKind::Execute),
            (" for instruction fetch", AccessKind::Execute),
            (" at address ", AccessKind::Fault),
            (" at ", AccessKind::Fault),
        ] {
            if let Some((_, rest)) = split(line, words) {
                return at(kind, rest);
            }
        }
    }
    None
}

/// Whether the line is the header of a page fault of x86, whose oops line gives the kind.
pub(super) fn is_x86(line: &[u8]) -> bool {
    find(line, "BUG: unable to handle ").is_some() || find(line, "BUG: kernel NULL pointer dereference").is_some()
}

/// What a line below a fault's header says of its kind. `x86` says whether the header was x86's.
pub(super) fn kind(line: &[u8], letters: Letters, x86: bool) -> Option<AccessKind> {
    const WNR: Wanted = Wanted::new("WnR = ");
    const IABT: Wanted = Wanted::new(": IABT");
    const BADADDR: Wanted = Wanted::new("badaddr: ");
    const OOPS: Wanted = Wanted::new("Oops: ");
    const DSISR: Wanted = Wanted::new(" DSISR: ");
    // arm64: `CM = 0, WnR = 1, TnD = 0`
    if let Some((_, rest)) = WNR.split(line, letters) {
        return match rest.first()? {
            b'0' => Some(AccessKind::Read),
            b'1' => Some(AccessKind::Write),
            _ => None,
        };
    }
    if IABT.find(line, letters).is_some() && find(line, "EC = 0x").is_some() {
        return Some(AccessKind::Execute);
    }
    // riscv: `status: … badaddr: … cause: 000000000000000d`
    if BADADDR.find(line, letters).is_some()
        && let Some((_, cause)) = split(line, "cause: ")
    {
        return match hex(word(cause).0)? {
            1 | 12 => Some(AccessKind::Execute),
            5 | 13 => Some(AccessKind::Read),
            7 | 15 => Some(AccessKind::Write),
            _ => None,
        };
    }
    // mips: `Cause : 4080000c (ExcCode 03)`; what reads may be an instruction fetch, too
    if let Some(cause) = after(line, "Cause : ") {
        return match (hex(word(cause).0)? >> 2) & 0x1f {
            1 | 3 | 5 => Some(AccessKind::Write),
            _ => None,
        };
    }
    // LoongArch: `ESTAT: 00010000 [PIL] (IS= ECode=1 EsubCode=0)`
    if let Some(state) = after(line, "ESTAT: ") {
        return match (hex(word(state).0)? >> 16) & 0x3f {
            1 | 5 => Some(AccessKind::Read),
            2 | 4 => Some(AccessKind::Write),
            3 | 6 => Some(AccessKind::Execute),
            _ => None,
        };
    }
    // PowerPC: `DAR: 0000000000000000 DSISR: 40000000`, xmon's `dsisr: 40000000`; other interrupts leave it empty
    if let Some(dsisr) = DSISR.split(line, letters).map(|(_, rest)| rest).or_else(|| after(line, "dsisr: ")) {
        return match hex(word(dsisr).0)? {
            dsisr if dsisr & 0x0200_0000 != 0 => Some(AccessKind::Write),
            dsisr if dsisr & 0x4800_0000 != 0 => Some(AccessKind::Read),
            _ => None,
        };
    }
    // `Oops: 0002 [#1] SMP`, `Internal error: Oops: 96000045 [#1] SMP`, `Internal error: Oops: 817 [#1] ARM`
    let (head, rest) = OOPS.split(line, letters)?;
    let digits = word(rest).0;
    let code = hex(after(digits, "0x").unwrap_or(digits))?;
    if x86 && head.is_empty() && digits.len() == 4 {
        return Some(match code {
            code if code & 0x10 != 0 => AccessKind::Execute,
            code if code & 0x2 != 0 => AccessKind::Write,
            _ => AccessKind::Read,
        });
    }
    if !head.ends_with(b"Internal error: ") {
        return None;
    }
    match code >> 26 {
        0x24 | 0x25 => Some(if code & 0x40 != 0 { AccessKind::Write } else { AccessKind::Read }),
        0x20 | 0x21 => Some(AccessKind::Execute),
        // 32-bit ARM before v6 leaves the bit clear, so that only writes are reported.
        0 if code & 0x800 != 0 && code < 0x4000 => Some(AccessKind::Write),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &[u8]) -> Option<Access> {
        super::fault(line, Letters::of(line))
    }

    fn kind(line: &[u8], x86: bool) -> Option<AccessKind> {
        super::kind(line, Letters::of(line), x86)
    }

    #[test]
    fn every_architecture_names_its_address() {
        for (line, kind, address) in [
            ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000010", "fault", "0000000000000010"),
            ("BUG: unable to handle kernel NULL pointer dereference at           (null)", "fault", "(null)"),
            ("Unable to handle kernel NULL pointer dereference at virtual address 000000a0", "fault", "000000a0"),
            (
                "CPU 0 Unable to handle kernel paging request at virtual address 00c03849, epc == 80",
                "fault",
                "00c03849",
            ),
            ("BUG: Kernel NULL pointer dereference on read at 0x00000010", "read", "0x00000010"),
            ("BUG: Unable to handle kernel data access on write at 0xc00a", "write", "0xc00a"),
            ("Unable to handle kernel paging request for data at address 0x00000030", "fault", "0x00000030"),
            ("Failing address: 000000000133b000 TEID: 000000000133b407", "write", "000000000133b000"),
            ("Failing address: 000000000133b000 TEID: 000000000133b803", "fault", "000000000133b000"),
            ("Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1]", "fault", "0xdead"),
        ] {
            let found = fault(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.kind.word(), found.address.as_deref()), (kind, Some(address)), "{line}");
        }
        assert_eq!(fault(b"Unable to handle kernel pointer dereference in virtual kernel address space"), None);
    }

    #[test]
    fn the_kind_is_given_where_the_log_has_it() {
        for (line, x86, want) in [
            ("  CM = 0, WnR = 1, TnD = 0, TagAccess = 0", false, Some("write")),
            ("  EC = 0x21: IABT (current EL), IL = 32 bits", false, Some("execute")),
            ("status: 0000000200000120 badaddr: 0000000000000008 cause: 000000000000000f", false, Some("write")),
            ("Cause : 4080000c (ExcCode 03)", false, Some("write")),
            ("Cause : 80800008", false, None),
            ("ESTAT: 00010000 [PIL] (IS= ECode=1 EsubCode=0)", false, Some("read")),
            ("ESTAT: 00020000 [PIS] (IS= ECode=2 EsubCode=0)", false, Some("write")),
            ("ESTAT: 000c0000 [BRK] (IS= ECode=12 EsubCode=0)", false, None),
            ("CFAR: c000000000337208 DAR: 0000000000000000 DSISR: 40000000 SOFTE: 1", false, Some("read")),
            ("CFAR: c000000000337208 DAR: 0000000000000008 DSISR: 42000000 IRQMASK: 0", false, Some("write")),
            ("CFAR: c000000000337208 DAR: 0000000000000008 DSISR: 00000000 IRQMASK: 0", false, None),
            ("Oops: 0000 [#1] SMP", true, Some("read")),
            ("Oops: 0002 [#1] SMP", true, Some("write")),
            ("Oops: 0010 [#1] SMP", true, Some("execute")),
            ("Oops: 0004 ilc:2 [#1] SMP", false, None),
            ("Internal error: Oops: 96000045 [#1] SMP", false, Some("write")),
            ("Internal error: Oops: 96000005 [#1] SMP", false, Some("read")),
            ("Internal error: Oops: 817 [#1] SMP ARM", false, Some("write")),
            ("Internal error: Oops: 5 [#1] SMP ARM", false, None),
        ] {
            assert_eq!(kind(line.as_bytes(), x86).as_ref().map(AccessKind::word), want, "{line}");
        }
    }
}
