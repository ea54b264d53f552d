//! Kernel text out of mails: quoting, encodings, wrapped lines.

use kanalyze::input::{read_mail, unquote_mail};
use proptest::prelude::*;

fn unquoted(mail: &str) -> String {
    String::from_utf8_lossy(&unquote_mail(mail.as_bytes()).unwrap_or_else(|| panic!("no mail: {mail}"))).into_owned()
}

#[test]
fn a_raw_log_is_no_mail() {
    for log in [
        "",
        "[    1.000000] Linux version 6.12\n[    2.000000] BUG: something\n",
        "BUG: KASAN: use-after-free in foo+0x1/0x2\n>ffff88810a1b2c00: fb fb\n ffff88810a1b2c80: fb fb\n",
        "WARNING: CPU: 0 PID: 1 at fs/a.c:1\nRIP: 0010:foo+0x1/0x2\nCode: 90\n\n",
        "> one\n> two\n[ 1.0] three\n",
    ] {
        assert_eq!(unquote_mail(log.as_bytes()), None, "{log}");
    }
}

#[test]
fn quoting_of_any_depth_comes_off_and_the_guilty_row_stays() {
    let mail = "On Saturday somebody wrote:\n> > BUG: KASAN: use-after-free in foo+0x1/0x2\n>> Read of size 8 at addr ffff8881 by task a/1\n> > >ffff88810a1b2c00: fb fb\n>\n> yes\n";
    assert_eq!(
        unquoted(mail),
        "On Saturday somebody wrote:\nBUG: KASAN: use-after-free in foo+0x1/0x2\nRead of size 8 at addr ffff8881 by task a/1\n>ffff88810a1b2c00: fb fb\n\nyes\n"
    );
}

#[test]
fn headers_go_and_every_message_of_an_mbox_stays() {
    let mbox = "From mboxrd@z Thu Jan  1 00:00:00 1970\r\nFrom: a@b\r\nSubject: INFO: task hung in foo\r\n folded\r\n\r\nfirst\r\n>From here on\r\n\r\nFrom a@b Sat Nov 21 07:55:11 2026\r\nFrom: c@d\r\nDate: today\r\n\r\nsecond\r\n";
    assert_eq!(unquoted(mbox), "first\nFrom here on\n\n\nsecond\n");
}

#[test]
fn quoted_printable_and_base64_are_decoded() {
    let mail = "From: a@b\nSubject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n> [   12.000000] a=3Db c=\nontinued\n=46rom\n";
    assert_eq!(unquoted(mail), "[   12.000000] a=b continued\nFrom\n");
    let mail = "From: a@b\nSubject: x\nContent-Transfer-Encoding: base64\n\nWyAgIDEyLjAwMDAwMF0gQlVH\nOiB4Cg==\n";
    assert_eq!(unquoted(mail), "[   12.000000] BUG: x\n");
}

#[test]
fn parts_that_are_text_are_read_and_others_left_out() {
    let mail = "From: a@b\nSubject: x\nContent-Type: multipart/mixed;\n boundary=\"=_b\"\n\npreamble\n--=_b\nContent-Type: text/plain\n\nhello\n--=_b\nContent-Type: text/html\n\n<p>hello\n--=_b\nContent-Type: application/octet-stream; name=\"dmesg.log\"\n\n[    1.0] attached\n--=_b--\nepilogue\n";
    assert_eq!(unquoted(mail), "hello\n[    1.0] attached\n");
}

#[test]
fn flowed_lines_flow_together() {
    let mail = "From: a@b\nSubject: x\nContent-Type: text/plain; format=flowed\n\n[    1.0] INFO: task a:1 blocked \nfor more than 143 seconds.\n foo+0x1/0x2\n-- \nme\n";
    assert_eq!(unquoted(mail), "[    1.0] INFO: task a:1 blocked for more than 143 seconds.\nfoo+0x1/0x2\n-- \nme\n");
}

#[test]
fn lines_that_a_mailer_cut_are_joined() {
    let rows = [
        // With times, the rest lost its quoting or kept it.
        (
            "> [  246.929313] INFO: task kworker/u8:1:24 blocked for more than 143\n> seconds.\n> [  246.930000] next\n",
            "[  246.929313] INFO: task kworker/u8:1:24 blocked for more than 143 seconds.\n[  246.930000] next\n",
        ),
        (
            "> [  246.929313][   T31] INFO: task kworker/u8:1:24 blocked for more than\n143 seconds.\n> [  246.930000] next\n> end\n",
            "[  246.929313][   T31] INFO: task kworker/u8:1:24 blocked for more than 143 seconds.\n[  246.930000] next\nend\n",
        ),
        // Without times.
        (
            "> WARNING: CPU: 1 PID: 6576 at fs/overlayfs/dir.c:212\n> ovl_create_real+0x272/0x520 fs/overlayfs/dir.c:212\n> Modules linked in:\n",
            "WARNING: CPU: 1 PID: 6576 at fs/overlayfs/dir.c:212 ovl_create_real+0x272/0x520 fs/overlayfs/dir.c:212\nModules linked in:\n",
        ),
        (
            ">  ext4_mb_good_group_with_a_long_name_nolock+0x123/0x456\n> fs/ext4/mballoc.c:123\n>  next+0x1/0x2\n",
            " ext4_mb_good_group_with_a_long_name_nolock+0x123/0x456 fs/ext4/mballoc.c:123\n next+0x1/0x2\n",
        ),
        (
            ">  __dump_stack_of_a_function_with_a_long_name lib/dump_stack.c:88\n> [inline]\n> end\n",
            " __dump_stack_of_a_function_with_a_long_name lib/dump_stack.c:88 [inline]\nend\n",
        ),
        (
            ">  WARNING: CPU: 7 PID: 1092 at fs/widget.c:227\n>  widget_evict+0x875/0xc60\n>  ...\n",
            " WARNING: CPU: 7 PID: 1092 at fs/widget.c:227  widget_evict+0x875/0xc60\n ...\n",
        ),
        (
            "> Making a widget (8 rows): [   35.502102] BUG: kernel NULL\n> pointer dereference, address: 000000c8\n> end\n",
            "Making a widget (8 rows): [   35.502102] BUG: kernel NULL pointer dereference, address: 000000c8\nend\n",
        ),
        (
            "> # git bisect good\n> 0123456789abcdef0123456789abcdef01234567\n> git bisect\n",
            "# git bisect good 0123456789abcdef0123456789abcdef01234567\ngit bisect\n",
        ),
    ];
    for (mail, expected) in rows {
        assert_eq!(unquoted(mail), expected);
    }
}

#[test]
fn lines_that_are_whole_stay_apart() {
    for text in [
        "=====================================================================\nWARNING: possible circular locking dependency detected\n6.12.0-rc1-syzkaller-00144-g84368d882b96 #0 Not tainted\n",
        "R13: 0000000000000000 R14: 0000000000000000 R15: 0000000000000000 a:\nnothing follows the colon\n",
        "RAX: 0000000000000000 RBX: 0000000000000000 RCX: 0000000000000000\nRDX: 0000000000000000 RSI: 1\n",
        "CPU: 0 PID: 6576 Comm: syz-executor Not tainted 6.12.0-rc1-syzkaller #0\nHardware name: Google\n",
        "RIP: 0010:ovl_create_real+0x272/0x520 fs/overlayfs/dir.c:212 and some more\nfoo+0x1/0x2\n",
        "[c000000038643600] [c00000000081202c] .widget_schedule+0x7c/0x840\n[c0000000386436d0] [c00000000081293c] .foo+0x28/0x48\n",
        " foo+0x1/0x2 fs/a.c:1\n bar+0x1/0x2 fs/a.c:2\n",
        "[   12.000000] short\nI think that this is wrong.\nend\n",
    ] {
        let mail: String = text.lines().map(|line| format!("> {line}\n")).collect();
        let mail = format!("{mail}> x\n> y\n");
        assert_eq!(unquoted(&mail), format!("{text}x\ny\n"));
    }
}

#[test]
fn a_place_in_the_text_is_a_place_in_the_mail() {
    let text = "> first\n> [  246.929313] INFO: task kworker/u8:1:24 blocked for more than 143\n> seconds.\n> last\n";
    let mail = read_mail(text.as_bytes()).expect("quoted");
    for word in ["first", "INFO", "seconds.", "last"] {
        let at = String::from_utf8_lossy(&mail.text).find(word).expect("is there");
        assert_eq!(mail.origin(at), text.find(word).expect("is there"), "{word}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_text_is_read_without_harm(parts in prop::collection::vec(prop::sample::select(vec![
        "From: a@b\n", "Subject: x\n", "\n", "> ", ">", "[  1.0] x", "Content-Type: multipart/mixed; boundary=b\n", "--b\n", "--b--\n",
        "Content-Transfer-Encoding: base64\n", "Content-Transfer-Encoding: quoted-printable\n", "=", "=3", "foo+0x1/0x2", "a.c:1\n", "From a@b Sat Nov 21 07:55:11 2026\n",
        "Content-Type: text/plain; format=flowed; delsp=yes\n", "word \n", "\r\n", "\u{e9}", "WARNING: ",
    ]), 0..40)) {
        let text = parts.concat();
        if let Some(mail) = read_mail(text.as_bytes()) {
            for offset in 0..=mail.text.len() {
                prop_assert!(mail.origin(offset) <= text.len() + mail.text.len());
            }
            let second = unquote_mail(&mail.text).unwrap_or_default();
            prop_assert!(second.len() <= mail.text.len() + 1);
        }
    }
}
