//! The lines that name the faulting instruction: `RIP:`, `pc :`, `NIP`, `epc`, `Krnl PSW`, `ERA`, and the link register's.

use super::Frame;
use super::frames::{frame_after, of_red_hat, vmcore};
use super::role::StackRole;
use super::scan::{after, find, is_hex, split, text, word};

/// What such a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    /// [`StackRole::Pc`] or [`StackRole::Lr`].
    pub(super) role: StackRole,
    /// The instruction, when it is one of the kernel's.
    pub(super) frame: Option<Frame>,
    /// Whether user space was at work: the registers that follow are its own.
    pub(super) user: bool,
    /// Name and value for the registers.
    pub(super) register: Option<(&'static str, String)>,
    /// Whether the line stands at the end of an oops, where it says once more what its beginning says.
    pub(super) repeated: bool,
}

/// Starts of lines, the role, and the register; the place follows.
const STARTS: [(&str, StackRole, &str); 26] = [
    ("pc : ", StackRole::Pc, "pc"),
    ("lr : ", StackRole::Lr, "lr"),
    ("pc: ", StackRole::Pc, ""),
    ("lr: ", StackRole::Lr, ""),
    ("PC is at ", StackRole::Pc, ""),
    ("LR is at ", StackRole::Lr, ""),
    // m68k and 32-bit sparc
    ("PC: ", StackRole::Pc, "PC"),
    // sh, alpha, ia64
    ("PR is at ", StackRole::Lr, ""),
    ("pc is at ", StackRole::Pc, ""),
    ("ra is at ", StackRole::Lr, ""),
    ("ip is at ", StackRole::Pc, ""),
    ("epc : ", StackRole::Pc, ""),
    ("epc   : ", StackRole::Pc, ""),
    ("ra : ", StackRole::Lr, ""),
    ("ra    : ", StackRole::Lr, ""),
    ("ra: ", StackRole::Lr, ""),
    ("ERA: ", StackRole::Pc, ""),
    ("NIP ", StackRole::Pc, ""),
    ("LR ", StackRole::Lr, ""),
    ("EIP is at ", StackRole::Pc, ""),
    ("RIP is at ", StackRole::Pc, ""),
    ("IP: ", StackRole::Pc, "IP"),
    ("TPC: ", StackRole::Pc, ""),
    ("RPC: ", StackRole::Lr, ""),
    ("IAOQ[0]: ", StackRole::Pc, ""),
    ("RP(r2): ", StackRole::Lr, ""),
];

/// Reads such a line; a mere row of numbers (`pc : [<80>] lr : [<80>]`) is none.
pub(super) fn line(line: &[u8], log_line: u64) -> Option<Exception> {
    if line.first() == Some(&b'[') {
        if let Some(found) = arc(line, log_line) {
            return Some(found);
        }
        let frame = vmcore::exception(line, log_line)?;
        return Some(Exception {
            role: StackRole::Pc,
            frame: Some(frame),
            user: false,
            register: None,
            repeated: false,
        });
    }
    if !matches!(
        line.first()?,
        b'R' | b'E' | b'p' | b'l' | b'P' | b'L' | b'e' | b'r' | b'N' | b'K' | b'I' | b'T' | b'i'
    ) {
        return None;
    }
    if let Some(rest) = after(line, "RIP: ").or_else(|| after(line, "EIP: ")) {
        return Some(x86(rest, log_line));
    }
    // The end of an old oops repeats the place.
    if [&b"RIP  ["[..], b"RIP [<", b"RIP <"].iter().any(|start| line.starts_with(start)) {
        return Some(Exception { role: StackRole::Pc, frame: None, user: false, register: None, repeated: false });
    }
    if let Some(rest) = after(line, "Krnl PSW : ") {
        let (numbers, place) = split(rest, "(")?;
        let place = place.strip_suffix(b")").unwrap_or(place);
        return Some(Exception {
            role: StackRole::Pc,
            frame: frame_after(place, log_line),
            user: false,
            register: Some(("PSW", text(numbers.trim_ascii()))),
            repeated: false,
        });
    }
    let alike = STARTS.iter().filter(|(start, ..)| start.as_bytes()[0] == line[0]);
    let (start, rest, role, register) =
        { alike }.find_map(|(start, role, register)| Some((*start, after(line, start)?, role.clone(), *register)))?;
    let frame = place(rest, log_line)?;
    let value = word(rest).0;
    let value = value.strip_prefix(b"[<").and_then(|inner| inner.strip_suffix(b">]")).unwrap_or(value);
    let register =
        (!register.is_empty() && (!["IP", "PC"].contains(&register) || is_hex(value))).then(|| (register, text(value)));
    // Of user space, or of nothing: what PowerPC shows of who made a system call.
    let low = ["NIP ", "LR "].contains(&start) && is_low(&frame);
    // A kernel that jumped to nowhere is there.
    let user = low && start == "NIP " && frame.address.as_deref() != Some(NOWHERE);
    let frame = Some(frame).filter(|_| !user && (!low || start == "NIP "));
    Some(Exception { role, frame, user, register, repeated: false })
}

/// Address 0 of 64 bits.
const NOWHERE: &str = "0000000000000000";

/// Whether it is a place below all of a kernel of 64 bits, without a name.
fn is_low(frame: &Frame) -> bool {
    let low = |address: &String| address.len() == NOWHERE.len() && address.starts_with("0000");
    frame.function.is_none() && frame.address.as_ref().is_some_and(low)
}

/// `[ERET  ]: widget_put+0x1c/0x40` of ARC, and its `[BLINK ]: `.
fn arc(line: &[u8], log_line: u64) -> Option<Exception> {
    let (rest, role) = match line.strip_prefix(b"[ERET  ]: ") {
        Some(rest) => (rest, StackRole::Pc),
        None => (line.strip_prefix(b"[BLINK ]: ")?, StackRole::Lr),
    };
    let frame = frame_after(rest, log_line).filter(|frame| frame.function.is_some() && frame.offset.is_some());
    Some(Exception { role, frame, user: false, register: None, repeated: false })
}

/// `0010:f+0x1/0x2`, `0010:[<…>]  [<…>] f+0x1/0x2`, `0033:0x4665f9`.
fn x86(rest: &[u8], log_line: u64) -> Exception {
    // Linux 2.4: `EIP:    0010:[nfs_update_request+447/768]    Not tainted`
    let rest = rest.trim_ascii_start();
    let (segment, rest) = match memchr::memchr(b':', rest) {
        Some(4) if is_hex(&rest[..4]) => (&rest[..4], &rest[5..]),
        _ => (&b""[..], rest),
    };
    let user = matches!(segment, b"0033" | b"0023" | b"0073");
    let null = || Frame { address: Some("(null)".into()), reliable: true, log_line, ..Frame::default() };
    let frame = match rest.trim_ascii_end().ends_with(b"(null)") {
        _ if user => None,
        true => Some(null()),
        false => place(rest, log_line),
    };
    let repeated = find(rest, " SS:ESP ").is_some();
    Exception { role: StackRole::Pc, frame, user, register: Some(("RIP", text(word(rest).0))), repeated }
}

/// A frame that a bare address may precede.
fn place(rest: &[u8], log_line: u64) -> Option<Frame> {
    // sparc: `TPC: <f+0x1/0x2>`
    let rest = rest.strip_prefix(b"<").and_then(|inner| inner.trim_ascii_end().strip_suffix(b">")).unwrap_or(rest);
    let (first, tail) = word(rest);
    // PowerPC's xmon: `c000000000022148: f+0x1/0x2`
    let first = first.strip_suffix(b":").unwrap_or(first);
    if is_hex(first) && first.len() >= 8 {
        let mut frame = frame_after(tail, log_line)?;
        // A kernel without symbols repeats the address: `epc   : 803cf5a4 0x803cf5a4`.
        if frame.function.is_none() && !tail.starts_with(b"0x") {
            return None;
        }
        frame.address.get_or_insert_with(|| text(first));
        return Some(frame);
    }
    let marks = || Frame { reliable: true, log_line, ..Frame::default() };
    let frame = frame_after(rest, log_line).or_else(|| of_red_hat(first, tail, &marks()))?;
    // `0x0` and other bare addresses are frames of x86 only; elsewhere they are rows of registers.
    // PowerPC repeats the address where there is no name: `NIP [be86b710] 0xbe86b710`.
    (frame.function.is_some() || first.starts_with(b"0x") || tail.starts_with(b"0x")).then_some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faulting_instruction_is_found_on_every_architecture() {
        for (text, role, function) in [
            ("RIP: 0010:foo+0x1/0x20 [mod]", "pc", "foo"),
            ("RIP: 0010:[<ffffffff81234567>]  [<ffffffff81234567>] foo+0x1/0x20", "pc", "foo"),
            ("RIP: 0010:__list_del include/linux/list.h:117 [inline]", "pc", "__list_del"),
            ("EIP: foo+0x1/0x20", "pc", "foo"),
            ("EIP is at foo [nfs] 0x42 (2.4.21-4.ELsmp/i686)", "pc", "foo"),
            ("EIP:    0010:[foo+447/768]    Not tainted", "pc", "foo"),
            ("pc : foo+0x1/0x20 fs/foo.c:1", "pc", "foo"),
            ("lr : foo include/a.h:1 [inline]", "lr", "foo"),
            ("PC is at foo+0x1/0x20", "pc", "foo"),
            ("pc is at foo+0x1/0x20", "pc", "foo"),
            ("ip is at foo+0x1/0x20 [mod]", "pc", "foo"),
            ("NIP [c000000000b0a1c4] foo+0x1/0x20", "pc", "foo"),
            ("LR [c000000000b0a1c4] foo+0x1/0x20", "lr", "foo"),
            ("Krnl PSW : 0704c00180000000 00000000001121e4 (foo+0x1/0x20)", "pc", "foo"),
            ("epc : foo+0x1/0x20 drivers/a.c:21", "pc", "foo"),
            ("epc   : 80101234 foo+0x1/0x20", "pc", "foo"),
            ("IP: [<ffffffff81234567>] foo+0x1/0x20 [mod]", "pc", "foo"),
            ("TPC: <foo+0x1c/0x100>", "pc", "foo"),
            ("PC: [<0019b5b4>] foo+0x4/0x20", "pc", "foo"),
            ("ERA: 9000000004023e4c foo+0x1/0x20", "pc", "foo"),
            ("ra: 9000000004023e50 foo+0x1/0x20", "lr", "foo"),
        ] {
            let found = line(text.as_bytes(), 1).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (found.role.word().as_ref(), found.frame.and_then(|frame| frame.function).as_deref()),
                (role, Some(function)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_jump_to_null_is_a_frame() {
        for text in ["RIP: 0010:0x0", "RIP: 0010:[<          (null)>]           (null)", "RIP: 0010:          (null)"] {
            let frame = line(text.as_bytes(), 1).and_then(|found| found.frame);
            assert!(frame.is_some_and(|frame| frame.address.is_some() && frame.function.is_none()), "{text}");
        }
    }

    #[test]
    fn user_space_and_rows_of_numbers_are_no_frames() {
        let found = line(b"ra    : 83178634 0x83178634 [mt76_usb@83178000+0x2290]", 1).and_then(|found| found.frame);
        assert_eq!(found.and_then(|frame| frame.module).as_deref(), Some("mt76_usb"));
        let found = line(b"RIP: 0033:0x4665f9", 1).map(|found| (found.user, found.frame));
        assert_eq!(found, Some((true, None)));
        for text in [
            "pc : [<8028bd5c>]    lr : [<8028bd50>]    psr: 20030013",
            "epc : ffffffff8020 ra : ffffffff8021 sp : ff",
            "NIP:  c000000000b0a1c4 LR: c000000000b0a1c0 CTR: 0",
        ] {
            assert_eq!(line(text.as_bytes(), 1), None, "{text}");
        }
    }
}
