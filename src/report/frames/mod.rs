//! One stack-frame line of any architecture, age and symbolizer.

mod address;
mod arm;
mod misprint;
mod name;
mod named;
mod old;
mod place;
mod usual;
pub(super) mod vmcore;

use super::Frame;
use super::scan::{after, text};
use address::{bare_address, bracketed_address, raw_address};
use arm::{arm, nameless};
use misprint::{lost_address, misread};
use named::named;
use old::{braced, counted, module_before};
pub(super) use old::{frames_behind, of_red_hat};
use place::place;
pub(super) use usual::UsualFrame;

/// What one frame line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLine {
    /// The frame.
    pub frame: Frame,
    /// 32-bit ARM prints `callee from caller+offset`: the callee; its line begins a stack.
    pub callee: Option<String>,
}

/// Reads one stack-frame line; `None` when the line is none.
///
/// Of a line that lists several places (`f (a.c:1 b.c:2)`), the last is the place in `f` itself.
pub fn frame_line(line: &[u8], log_line: u64) -> Option<FrameLine> {
    match UsualFrame::read(line) {
        Some(usual) => Some(FrameLine { frame: usual.frame(log_line), callee: None }),
        None => unusual(line, log_line),
    }
}

/// Whether a line is a stack-frame line.
pub(super) fn is_frame_line(line: &[u8]) -> bool {
    UsualFrame::read(line).is_some() || unusual(line, 0).is_some()
}

/// Reads any stack-frame line, step by step.
pub(super) fn unusual(line: &[u8], log_line: u64) -> Option<FrameLine> {
    if line.trim_ascii_start().starts_with(b"#") {
        return vmcore::frame(line, log_line).map(|frame| FrameLine { frame, callee: None });
    }
    if let Some(inside) = dumped(line) {
        return frame_line(inside, log_line);
    }
    if let Some(read) = misread(line) {
        return frame_line(&read, log_line);
    }
    let mut rest = line.trim_ascii_start();
    let mut frame = Frame { reliable: true, log_line, ..Frame::default() };
    let mut bracketed = false;
    loop {
        if let Some(tail) = after(rest, "? ") {
            frame.reliable = false;
            rest = tail.trim_ascii_start();
        } else if let Some((address, tail)) = bracketed_address(rest) {
            frame.address = Some(text(address));
            bracketed = true;
            rest = tail.trim_ascii_start();
        } else if let Some(tail) = lost_address(rest) {
            rest = tail;
        } else if let Some(tail) = after(rest, "(inlined by)") {
            frame.inline = true;
            rest = tail.trim_ascii_start();
        } else {
            break;
        }
    }
    // PowerPC's xmon: the stack's address in brackets, the instruction's without; or brackets that a tracker took for its own.
    if let Some((address, tail)) = bare_address(rest) {
        frame.address = Some(text(address));
        rest = tail;
    }
    if let Some((frame, callee)) = arm(rest, &frame) {
        return Some(FrameLine { frame, callee: Some(callee) });
    }
    if let Some((found, _)) = braced(rest, &frame).or_else(|| counted(rest, &frame)) {
        return Some(FrameLine { frame: found, callee: None });
    }
    // x86_64 until Linux 2.6.25: `[<ffffffff8802d56a>] :tg3:tg3_poll+0x126/0x200`.
    if bracketed && let Some((module, tail)) = module_before(rest) {
        frame.module = Some(text(module));
        rest = tail;
    }
    if let Some(address) = nameless(rest) {
        return Some(FrameLine { frame: Frame { address: Some(text(address)), ..frame }, callee: None });
    }
    if rest.is_empty() {
        return bracketed.then_some(FrameLine { frame, callee: None });
    }
    if let Some((raw, behind)) = raw_address(rest) {
        frame.address.get_or_insert_with(|| text(raw));
        place(behind, &mut frame);
        return Some(FrameLine { frame, callee: None });
    }
    named(rest, frame, bracketed).map(|frame| FrameLine { frame, callee: None })
}

/// `TPC[name+0x1/0x2] O7[…] I7[…] RPC[…]`: what a CPU of SPARC was at when others asked.
fn dumped(line: &[u8]) -> Option<&[u8]> {
    let inside = line.trim_ascii_start().strip_prefix(b"TPC[")?;
    let end = memchr::memchr(b']', inside)?;
    memchr::memchr(b'+', &inside[..end]).map(|_| &inside[..end])
}

/// `name+0x1/0x2`, with everything that may follow, without the line's marks: for `RIP: 0010:…`, `at: …`.
pub fn frame_after(bytes: &[u8], log_line: u64) -> Option<Frame> {
    frame_line(bytes, log_line).map(|found| found.frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Frame {
        frame_line(line.as_bytes(), 7).unwrap_or_else(|| panic!("no frame: {line}")).frame
    }

    fn brief(line: &str) -> String {
        let frame = read(line);
        let mut out = frame.function.clone().unwrap_or_else(|| "-".into());
        if let Some(offset) = frame.offset {
            out += &format!("+{offset:#x}/{:#x}", frame.size.unwrap_or(0));
        }
        if let Some(module) = &frame.module {
            out += &format!(" [{module}]");
        }
        if let Some(address) = &frame.address {
            out += &format!(" <{address}>");
        }
        if let (Some(file), Some(line)) = (&frame.file, frame.line) {
            out += &format!(" {file}:{line}");
        }
        if frame.inline {
            out += " inline";
        }
        if !frame.reliable {
            out += " ?";
        }
        out
    }

    #[test]
    fn a_line_may_hold_several_frames() {
        let line = b"<ffffffff80130b13>{__wake_up+67} <ffffffff803a1c45>{net_rx_action+165}";
        let behind: Vec<_> = frames_behind(line, 1).into_iter().filter_map(|frame| frame.function).collect();
        assert_eq!(behind, ["net_rx_action"]);
        let behind = |line: &[u8]| frames_behind(line, 1).into_iter().map(|frame| (frame.function, frame.module));
        let named = |name: &str, module: Option<&str>| (Some(name.into()), module.map(str::to_owned));
        let line = b"[<c012d4e6>] a+0x16/0x70 [<c0106b8c>] ? b+0x1/0x2 [nfs] [<c0106b8d>] c+0x1/0x2";
        assert!(behind(line).eq([named("b", Some("nfs")), named("c", None)]));
        assert!(behind(b"[a+155/288] [nfs:b+56/80] [c+51/56]").eq([named("b", Some("nfs")), named("c", None)]));
        assert!(frames_behind(b" foo+0x1/0x20", 1).is_empty());
    }

    #[test]
    fn every_shape_of_a_frame_line_is_read() {
        for (line, want) in [
            (" schedule+0xec/0x320", "schedule+0xec/0x320"),
            (" ? schedule+0xec/0x320", "schedule+0xec/0x320 ?"),
            (" [<ffffffff81234567>] ? foo.isra.0+0x1/0x20", "foo.isra.0+0x1/0x20 <ffffffff81234567> ?"),
            (" foo.cold+0x1/0x20 [mod]", "foo.cold+0x1/0x20 [mod]"),
            (" foo+0x1/0x20 [mod 0123456789abcdef0123456789abcdef01234567]", "foo+0x1/0x20 [mod]"),
            (" foo+0x1/0x20 (P)", "foo+0x1/0x20"),
            ("[<ffffffff8802d56a>] :tg3:tg3_poll+0x126/0x200", "tg3_poll+0x126/0x200 [tg3] <ffffffff8802d56a>"),
            ("<ffffffff8802d56a>{:tg3:tg3_poll+294}", "tg3_poll+0x126/0x0 [tg3] <ffffffff8802d56a>"),
            ("[nfs_update_request+447/768] [nfs_updatepage+155/288]", "nfs_update_request+0x1bf/0x300"),
            ("[usbcore:usb_submit+12/40]", "usb_submit+0xc/0x28 [usbcore]"),
            ("[<c0119048>] __run_timers [kernel] 0xc8 (0xc0303f54)", "__run_timers+0xc8/0x0 <c0119048>"),
            ("[<e0a4d048>] nfs_commit [nfs] 0x1c (0xc0303f54))", "nfs_commit+0x1c/0x0 [nfs] <e0a4d048>"),
            ("[<c012d4e6>] foo+0x16/0x70 [<c0106b8c>] bar+0x1/0x2", "foo+0x16/0x70 <c012d4e6>"),
            ("       <ffffffff80130b13>{__wake_up+67} <ff", "__wake_up+0x43/0x0 <ffffffff80130b13>"),
            (" foo+0x1/0x20 [mod] (PT)", "foo+0x1/0x20 [mod]"),
            ("[c000000003a0f9d0] [c000000000b0a1c4] foo+0x1/0x20 (unreliable)", "foo+0x1/0x20 <c000000000b0a1c4> ?"),
            ("c000000000b0a1c4 foo+0x1/0x20 (unreliable)", "foo+0x1/0x20 <c000000000b0a1c4> ?"),
            ("c0b0a1c4 foo+0x1/0x20", "foo+0x1/0x20 <c0b0a1c4>"),
            (
                "[<80111308>] (dump_backtrace) from [<8011162c>] (show_stack+0x18/0x1c)",
                "show_stack+0x18/0x1c <8011162c>",
            ),
            (" dump_backtrace from show_stack+0x18/0x1c", "show_stack+0x18/0x1c"),
            (" foo [widget] from bar+0x18/0x1c [widget]", "bar+0x18/0x1c [widget]"),
            (" foo from bar+0x18/0x1c arch/arm/kernel/traps.c:254", "bar+0x18/0x1c arch/arm/kernel/traps.c:254"),
            ("([<000000000010a4c4>] foo+0x1/0x20)", "foo+0x1/0x20 <000000000010a4c4>"),
            (" [<000003ffe0c9c0b2>] foo+0x1/0x20 ", "foo+0x1/0x20 <000003ffe0c9c0b2>"),
            ("[<ffffffe00020383c>] walk+0x0/0xaa", "walk+0x0/0xaa <ffffffe00020383c>"),
            ("Function entered at [<c030f1b0>] from [<c030b5d4>]", "- <c030b5d4>"),
            (" 0xffffffffc0001234", "- <0xffffffffc0001234>"),
            (" [<ffffffffc0001234>] 0xffffffffc0001234", "- <ffffffffc0001234>"),
            (" 0xffffffc000c81e2c [netatop@000000006b7888f1+0x12000]", "- [netatop] <0xffffffc000c81e2c>"),
            ("[<c010a95c>] (dump+0x0/0x114) from [<c09d7e0c>] (show+0x20/0x24)", "show+0x20/0x24 <c09d7e0c>"),
            (" foo+0x1/0x20 net/core/dev.c:123", "foo+0x1/0x20 net/core/dev.c:123"),
            (" foo+0x1/0x20 [mod] net/core/dev.c:123", "foo+0x1/0x20 [mod] net/core/dev.c:123"),
            (" foo+0x1/0x20 net/core/dev.c:123 [mod]", "foo+0x1/0x20 [mod] net/core/dev.c:123"),
            (" foo+0x1/0x20 net/core/dev.c:123:9 (discriminator 3)", "foo+0x1/0x20 net/core/dev.c:123"),
            (" inlined_fn include/net/x.h:12 [inline]", "inlined_fn include/net/x.h:12 inline"),
            (
                " [<000000004fdd6c16>] inlined_fn include/net/x.h:12 [inline]",
                "inlined_fn <000000004fdd6c16> include/net/x.h:12 inline",
            ),
            (" foo (net/core/dev.c:123 (discriminator 3))", "foo net/core/dev.c:123"),
            (" ? foo (net/core/dev.c:123 net/core/dev.c:456) mod", "foo [mod] net/core/dev.c:456 ?"),
            (" foo (net/core/dev.c:?) mod", "foo [mod]"),
            ("foo (??:?) ", "foo"),
            (" (inlined by) foo net/core/dev.c:123", "foo net/core/dev.c:123 inline"),
            (" _RNvMs_0NtC4kern4page+0x1/0x20", "_RNvMs_0NtC4kern4page+0x1/0x20"),
            (" <kernel::Page as Drop>::drop+0x1/0x20", "<kernel::Page as Drop>::drop+0x1/0x20"),
            (" foo.llvm.123456+0x1/0x20", "foo.llvm.123456+0x1/0x20"),
        ] {
            assert_eq!(brief(line), want, "{line}");
        }
    }

    #[test]
    fn prose_and_registers_are_no_frames() {
        for line in [
            "",
            "RAX: 0000000000000000 RBX: ffff888012345678",
            "hardirqs last  enabled at (12): [<ffffffff81>] foo+0x1/0x2",
            " ffff8801d8f0f8a8 ffffffff81c8fcad 0000000000000000",
            "Modules linked in: a b c",
            "initcall foo+0x0/0x20 returned 0",
            "#0: ffff (x){+.+.}, at: foo+0x1/0x2",
            "[   12.345678] foo",
            "usb 1-1: new device",
            "[12+3/4] done",
            "[sda+1] 3/4",
        ] {
            assert_eq!(frame_line(line.as_bytes(), 1), None, "{line}");
        }
    }

    #[test]
    fn an_arm_line_names_callee_and_caller() {
        let found = frame_line(b"[<80111308>] (dump_backtrace) from [<8011162c>] (show_stack+0x18/0x1c)", 3);
        assert_eq!(found.and_then(|found| found.callee).as_deref(), Some("dump_backtrace"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_at_a_glance_is_what_is_read_step_by_step(
            line in r" ?(\[<[0-9a-f]{0,9}>\] )?(\? )? ?[a-f_.x0]{1,5}(\+0x[0-9a-fA-F]{1,3})?(/0x[0-9a-f]{1,17})?( ?\[[a-z_.-]{0,3}\])? ?"
        ) {
            let usual = UsualFrame::read(line.as_bytes()).map(|usual| usual.frame(7));
            if let Some(frame) = usual {
                proptest::prop_assert_eq!(unusual(line.as_bytes(), 7), Some(FrameLine { frame, callee: None }));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = frame_line(&bytes, 1);
        }

        #[test]
        fn frame_like_bytes_are_read_without_panic(line in "[ ?\\[<(a-f0-9x+/>\\])c.:]{0,60}") {
            let _ = frame_line(line.as_bytes(), 1);
        }
    }
}
