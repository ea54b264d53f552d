//! What precedes a message: every wrapper that keeps kernel lines, one row each.

use kanalyze::line::{
    BootMark, Gap, Unwrapper, Wrapper, begins_boot, boot_mark, boot_start, dominant, ends_cut, gap, lex, unwrap,
};
use proptest::prelude::*;

/// A line, its wrapper, its console form, its message.
type Row = (&'static str, Wrapper, &'static str, &'static str);

const CONSOLE: &[Row] = &[
    ("plain text", Wrapper::None, "plain text", "plain text"),
    ("", Wrapper::None, "", ""),
    ("[   12.345678] msg", Wrapper::None, "[   12.345678] msg", "msg"),
    ("[   12.345678][  T123] msg", Wrapper::None, "[   12.345678][  T123] msg", "msg"),
    ("[   12.345678][    C1]  two blanks", Wrapper::None, "[   12.345678][    C1]  two blanks", " two blanks"),
    ("[   12.345678][T1@C0] msg", Wrapper::None, "[   12.345678][T1@C0] msg", "msg"),
    ("[   12.345678][T1][C0] msg", Wrapper::None, "[   12.345678][T1][C0] msg", "msg"),
    ("[   T57] msg", Wrapper::None, "[   T57] msg", "msg"),
    ("[    C1] msg", Wrapper::None, "[    C1] msg", "msg"),
    ("[   12.345678]msg", Wrapper::None, "[   12.345678]msg", "msg"),
    ("<6>[   12.345678] msg", Wrapper::None, "<6>[   12.345678] msg", "msg"),
    ("<4>msg", Wrapper::None, "<4>msg", "msg"),
    (
        "** 93 printk messages dropped ** [  322.962139] msg",
        Wrapper::None,
        "** 93 printk messages dropped ** [  322.962139] msg",
        "msg",
    ),
    ("syzkaller login: [   16.305150] msg", Wrapper::None, "syzkaller login: [   16.305150] msg", "msg"),
    ("syzkaller login: Unable to handle", Wrapper::None, "syzkaller login: Unable to handle", "Unable to handle"),
    ("audit: root login: denied", Wrapper::None, "audit: root login: denied", "audit: root login: denied"),
    ("[  OK  ] host login: [   12.3] msg", Wrapper::None, "[  OK  ] host login: [   12.3] msg", "msg"),
    (
        "[  OK  ] Started Journal.[   12.3][    T1] msg",
        Wrapper::None,
        "[  OK  ] Started Journal.[   12.3][    T1] msg",
        "msg",
    ),
    ("[  OK  ] Started Journal.", Wrapper::None, "[  OK  ] Started Journal.", "Started Journal."),
    ("root@host:~# [   12.345678] msg", Wrapper::None, "root@host:~# [   12.345678] msg", "msg"),
    (">ffff88810a1b2c00: fb fb fb", Wrapper::None, ">ffff88810a1b2c00: fb fb fb", ">ffff88810a1b2c00: fb fb fb"),
    (
        "[<ffffffff81234567>] foo+0x1/0x2",
        Wrapper::None,
        "[<ffffffff81234567>] foo+0x1/0x2",
        "[<ffffffff81234567>] foo+0x1/0x2",
    ),
    (" foo+0x1/0x2 fs/a.c:12", Wrapper::None, " foo+0x1/0x2 fs/a.c:12", " foo+0x1/0x2 fs/a.c:12"),
];

const WRAPPED: &[Row] = &[
    ("> [   12.3] msg", Wrapper::MailQuote, "[   12.3] msg", "msg"),
    (">> > [   12.3] msg", Wrapper::MailQuote, "[   12.3] msg", "msg"),
    (">[   12.3] msg", Wrapper::MailQuote, "[   12.3] msg", "msg"),
    ("> >ffff88810a1b2c00: fb fb", Wrapper::MailQuote, ">ffff88810a1b2c00: fb fb", ">ffff88810a1b2c00: fb fb"),
    (">", Wrapper::MailQuote, "", ""),
    ("| [   12.3][    T1] msg", Wrapper::MailQuote, "[   12.3][    T1] msg", "msg"),
    ("Nov 21 07:55:11 host kernel: [   12.3] msg", Wrapper::Syslog, "[   12.3] msg", "msg"),
    ("Nov  1 07:55:11 host kernel: msg", Wrapper::Syslog, "msg", "msg"),
    ("Nov 21 07:55:11 host kernel[0]: [   12.3][    T1] msg", Wrapper::Syslog, "[   12.3][    T1] msg", "msg"),
    ("Nov 21 07:55:11 kernel: msg", Wrapper::Syslog, "msg", "msg"),
    ("Jan  1 00:00:10 (none) kern.warn kernel: [    5.1] msg", Wrapper::Syslog, "[    5.1] msg", "msg"),
    (
        "Jan  1 00:00:10 host KERN.INFO KERNEL: [   64.026827][ T6950] msg",
        Wrapper::Syslog,
        "[   64.026827][ T6950] msg",
        "msg",
    ),
    ("Sat Nov 21 07:55:11 2026 kern.info kernel: [   12.3] msg", Wrapper::Syslog, "[   12.3] msg", "msg"),
    ("<6>Nov 21 07:55:11 host kernel: [   12.3] msg", Wrapper::Syslog, "[   12.3] msg", "msg"),
    ("Nov 21 07:55:11 host kernel: [   12.3] a#011b", Wrapper::Syslog, "[   12.3] a\tb", "a#011b"),
    (" kernel:[   12.3] msg", Wrapper::Syslog, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11.123456+00:00 host kernel: [   12.3] msg", Wrapper::SyslogIso, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11+0000 host kernel: msg", Wrapper::SyslogIso, "msg", "msg"),
    ("<6>1 2026-11-21T07:55:11.003Z host kernel - - - [   12.3] msg", Wrapper::Syslog5424, "[   12.3] msg", "msg"),
    ("<6>1 2026-11-21T07:55:11Z host kernel - - [timeQuality tzKnown=\"1\"] msg", Wrapper::Syslog5424, "msg", "msg"),
    ("2026-11-21T07:55:11Z host kernel - - - msg", Wrapper::SyslogIso, "msg", "msg"),
    ("Nov 21 07:55:11.123456 host kernel: msg", Wrapper::Journal, "msg", "msg"),
    ("[    5.140900] host kernel: msg", Wrapper::Journal, "[    5.140900] msg", "msg"),
    ("[    5.140900 <    0.000012 >] host kernel: msg", Wrapper::Journal, "[    5.140900] msg", "msg"),
    ("[    5.140900                ] host kernel: msg", Wrapper::Journal, "[    5.140900] msg", "msg"),
    ("Sat 2026-11-21 07:55:11 UTC host kernel: msg", Wrapper::Journal, "msg", "msg"),
    ("1763711711.123456 host kernel: msg", Wrapper::Journal, "msg", "msg"),
    ("[Sat Nov 21 07:55:11 2026] msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("[Sat Nov 21 07:55:11 2026] [    T1] msg", Wrapper::DmesgHuman, "[    T1] msg", "msg"),
    ("[Sat Nov 21 07:55:11 2026 <    0.000022>] msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("[<    0.000022>] msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("[Nov21 07:55] msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("[  +0.000012] msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("2026-11-21T07:55:11,123456+00:00 msg", Wrapper::DmesgHuman, "msg", "msg"),
    ("[    1.234567 <    0.000012>] msg", Wrapper::DmesgTimed, "[    1.234567] msg", "msg"),
    ("[    1.234567] [      T1] msg", Wrapper::DmesgTimed, "[    1.234567][    T1] msg", "msg"),
    ("kern  :info  : [   12.345678] msg", Wrapper::DmesgDecoded, "[   12.345678] msg", "msg"),
    ("daemon:notice: [   12.345678] msg", Wrapper::DmesgDecoded, "[   12.345678] msg", "msg"),
    ("kern  :warn  : [Sat Nov 21 07:55:11 2026] msg", Wrapper::DmesgHuman, "msg", "msg"),
    (
        "         \"msg\": \"say \\\"hi\\\" \\u00e9\\ud83d\\ude00\"",
        Wrapper::DmesgJson,
        "say \"hi\" é😀",
        "say \\\"hi\\\" \\u00e9\\ud83d\\ude00",
    ),
    ("{\"pri\":5,\"time\":0.5,\"msg\":\"a\\nb\"}", Wrapper::DmesgJson, "[    0.500000] a\n[    0.500000] b", "a\\nb"),
    ("6,339,5140900,-,caller=T1;msg", Wrapper::Kmsg, "[    5.140900][    T1] msg", "msg"),
    ("6,339,5140900,-;a\\x0ab\\x5c", Wrapper::Kmsg, "[    5.140900] a\n[    5.140900] b\\", "a\\x0ab\\x5c"),
    ("Nov 21 07:55:11 host kernel: \x1b[31mmsg\x1b[0m", Wrapper::Syslog, "msg", "msg\x1b[0m"),
    (" SUBSYSTEM=acpi", Wrapper::Kmsg, "", ""),
    ("6,416,1758426,-,ncfrag=0/33;msg", Wrapper::Netconsole, "[    1.758426] msg", "msg"),
    ("6.12.0-rc1,6,416,1758426,-,caller=C0;msg", Wrapper::Netconsole, "[    1.758426][    C0] msg", "msg"),
    (
        "{\"PRIORITY\":\"4\",\"__MONOTONIC_TIMESTAMP\":\"99\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"5140900\",\"MESSAGE\":\"m \\\\ n\",\"X\":[1,{\"MESSAGE\":\"no\"}]}",
        Wrapper::JournalJson,
        "[    5.140900] m \\ n",
        "m \\\\ n",
    ),
    ("{\"MESSAGE\":[104, 105],\"SYSLOG_IDENTIFIER\":\"kernel\"}", Wrapper::JournalJson, "hi", "[104, 105]"),
    ("MESSAGE=msg", Wrapper::JournalExport, "msg", "msg"),
    (
        "- {\"dt\": \"2026-11-21T07:55:11\", \"lvl\": \"target\", \"msg\": \"[   12.3] msg\"}",
        Wrapper::Lava,
        "[   12.3] msg",
        "[   12.3] msg",
    ),
    ("Panic#1 Part1", Wrapper::Pstore, "", ""),
    ("11-21 07:55:11.123     0     0 I kernel  : msg", Wrapper::Android, "msg", "msg"),
    ("[2026-11-21 07:55:11] [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11.123Z [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11.1234567Z [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11.123456Z 01O [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("2026-11-21T07:55:11.123456Z stdout F [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("07:55:11.123 [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("[07:55:11] [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("+0.123 [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("2026/11/21 07:55:11 [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("Nov 21 07:55:11 [   12.3] msg", Wrapper::CiStamp, "[   12.3] msg", "msg"),
    ("Nov 21 07:55:11 Internal error: Oops: 5", Wrapper::CiStamp, "Internal error: Oops: 5", "Internal error: Oops: 5"),
    ("> Nov 21 07:55:11 host kernel: [   12.3] msg", Wrapper::Syslog, "[   12.3] msg", "msg"),
    (
        "\x1b[32m[   12.345678] \x1b[0m\x1b[33mmsg\x1b[0m: x",
        Wrapper::Coloured,
        "[   12.345678] msg: x",
        "msg\x1b[0m: x",
    ),
];

#[test]
fn every_wrapper_is_recognised_and_taken_off() {
    let mut wrong = Vec::new();
    for &(line, wrapper, console, message) in CONSOLE.iter().chain(WRAPPED) {
        let prefix = lex(line.as_bytes());
        let got = (
            prefix.wrapper,
            String::from_utf8_lossy(&unwrap(line.as_bytes())).into_owned(),
            String::from_utf8_lossy(prefix.text(line.as_bytes())).into_owned(),
        );
        if got != (wrapper, console.to_owned(), message.to_owned()) {
            wrong.push(format!("{line:?}: {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_carriage_return_at_the_end_changes_nothing() {
    for &(line, wrapper, console, message) in CONSOLE.iter().chain(WRAPPED) {
        for end in ["\n", "\r\n", "\r\r\n"] {
            let line = format!("{line}{end}");
            let prefix = lex(line.as_bytes());
            assert_eq!((prefix.wrapper, prefix.text(line.as_bytes())), (wrapper, message.as_bytes()), "{line:?}");
            if !console.is_empty() && wrapper != Wrapper::DmesgJson {
                assert_eq!(String::from_utf8_lossy(&unwrap(line.as_bytes())), format!("{console}{end}"), "{line:?}");
            }
        }
    }
}

#[test]
fn a_console_form_is_unwrapped_no_further() {
    for &(_, _, console, _) in CONSOLE.iter().chain(WRAPPED) {
        for line in console.lines() {
            assert_eq!(unwrap(line.as_bytes()), line.as_bytes());
        }
    }
}

#[test]
fn level_time_caller_and_drops_are_read() {
    let prefix = lex(b"<6>[   12.345678][  T123] msg");
    assert_eq!((prefix.level, prefix.time, prefix.caller), (Some(6), Some(12.345678), Some(&b"T123"[..])));
    assert_eq!(lex(b"kern  :warn  : [    1.0] x").level, Some(4));
    assert_eq!(lex(b"Jan  1 00:00:10 host kern.err kernel: x").level, Some(3));
    assert_eq!(lex(b"<165>1 2026-11-21T07:55:11.003Z host kernel - - - x").level, Some(5));
    assert_eq!(lex(b"** 93 printk messages dropped ** [  322.9] x").dropped, Some(93));
    let record = lex(b"4,339,5140900,-,caller=C0;x");
    assert_eq!((record.level, record.time, record.caller), (Some(4), Some(5.1409), Some(&b"C0"[..])));
    assert_eq!(lex(b"[T1@C0] x").caller, Some(&b"T1@C0"[..]));
    assert_eq!(lex(b"[Sat Nov 21 07:55:11 2026] x").time, None);
}

#[test]
fn a_line_of_another_program_is_foreign_and_stays_whole() {
    let line = b"Nov 21 07:55:11 host sshd[812]: BUG: not mine";
    let prefix = lex(line);
    assert!(prefix.is_foreign());
    assert_eq!(prefix.tag, Some(&b"sshd"[..]));
    assert_eq!(&unwrap(line)[..], b"host sshd[812]: BUG: not mine");
    assert!(!lex(b"Nov 21 07:55:11 host kernel: x").is_foreign());
}

#[test]
fn gaps_are_typed() {
    let rows: &[(&str, Option<Gap<'_>>)] = &[
        ("** 93 printk messages dropped **", Some(Gap::Dropped { messages: Some(93) })),
        ("** 2 printk messages dropped ** [  322.9] x", Some(Gap::Dropped { messages: Some(2) })),
        ("** replaying previous printk message **", Some(Gap::Replayed)),
        ("[   12.3] nla_parse: 5 callbacks suppressed", Some(Gap::Ratelimited { who: b"nla_parse", messages: 5 })),
        (
            "[   12.3] usb 1-1: reset: 7 output lines suppressed due to ratelimiting",
            Some(Gap::Ratelimited { who: b"usb 1-1: reset", messages: 7 }),
        ),
        ("[   12.3] printk: 12 messages suppressed.", Some(Gap::Suppressed { messages: 12 })),
        (
            "Nov 21 07:55:11 host systemd-journald[9]: Suppressed 44 messages from /system.slice/a.service",
            Some(Gap::Suppressed { messages: 44 }),
        ),
        (
            "[  500.1] Future hung task reports are suppressed, see sysctl kernel.hung_task_warnings",
            Some(Gap::HungTasks),
        ),
        (
            "Nov 21 07:55:11 host systemd-journald[9]: Missed 52 kernel messages",
            Some(Gap::Missed { messages: Some(52) }),
        ),
        ("imjournal: 300 messages lost due to rate-limiting", Some(Gap::Missed { messages: Some(300) })),
        ("CPU:1 [LOST 12 EVENTS]", Some(Gap::Events { events: 12 })),
        ("[   1.0] audit: audit_lost=3 audit_rate_limit=0 audit_backlog_limit=64", Some(Gap::Audit { records: 3 })),
        ("<<cut 1234 bytes out>>", Some(Gap::Cut { bytes: Some(1234) })),
        ("> [snip]", Some(Gap::Cut { bytes: None })),
        ("[   12.3] file truncated to 0 bytes", None),
        ("[   12.3] this warning is suppressed", None),
        ("[   12.3] Missed an interrupt", None),
    ];
    for (line, expected) in rows {
        assert_eq!(gap(line.as_bytes()), *expected, "{line:?}");
    }
    assert!(ends_cut(b"a\nb") && !ends_cut(b"a\n") && !ends_cut(b""));
}

#[test]
fn a_boot_begins_once() {
    assert_eq!(boot_mark(b"[    0.000000][    T0] Linux version 6.12.0 (a@b)"), Some(BootMark::Version));
    assert_eq!(boot_mark(b"Nov 21 07:55:11 host kernel: Linux version 6.12.0 (a@b)"), Some(BootMark::Version));
    assert_eq!(
        boot_mark(b"[    0.000000][    T0] Booting Linux on physical CPU 0x0000000000"),
        Some(BootMark::FirstLine)
    );
    assert_eq!(boot_mark(b"Booting the kernel."), Some(BootMark::Loader));
    assert!(!boot_start(b"[   99.0] Linux version 6.12.0 (a@b)"), "too late");
    assert!(!boot_start(b"[   99.0] Unknown parameter '   Decompressing Linux...   Booting the kernel.   "));
    assert!(!boot_start(b"Linux version of the driver"));
    use BootMark::{Firmware, FirstLine, Loader, Version};
    let marks = [
        (Firmware, true, true),
        (Loader, true, false),
        (Loader, true, false),
        (FirstLine, true, false),
        (Version, false, false),
        (Version, false, true),
        (Loader, false, true),
        (Version, false, false),
        (FirstLine, false, true),
        (Version, false, false),
    ];
    let mut last = None;
    for (index, (mark, quiet, begins)) in marks.into_iter().enumerate() {
        assert_eq!(begins_boot(last, mark, quiet), begins, "mark {index}");
        last = Some(mark);
    }
}

fn unwrapped(log: &[u8]) -> String {
    let mut unwrapper = Unwrapper::new();
    let mut out = Vec::new();
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(&unwrapper.line(line).unwrap_or_default());
    }
    out.extend(unwrapper.finish().unwrap_or_default());
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn dmesg_json_gives_times_and_callers_to_its_messages() {
    let log = b"{\n   \"dmesg\": [\n      {\n         \"pri\": 5,\n         \"time\":     0.000000,\n         \"msg\": \"first\"\n      },{\n         \"pri\": 3,\n         \"time\":    12.345678,\n         \"caller\": \"T57\",\n         \"msg\": \"second \\\"x\\\"\"\n      }\n   ]\n}\n";
    assert_eq!(unwrapped(log), "[    0.000000] first\n[   12.345678][   T57] second \"x\"\n");
}

#[test]
fn pretty_journal_json_gives_its_messages() {
    let log = b"{\n\t\"PRIORITY\" : \"6\",\n\t\"MESSAGE\" : \"one \\\"x\\\"\",\n\t\"_TRANSPORT\" : \"kernel\"\n}\n";
    assert_eq!(unwrapped(log), "one \"x\"\n");
}

#[test]
fn journal_export_gives_source_times_and_binary_messages() {
    let mut log = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1763711711000000\n__MONOTONIC_TIMESTAMP=7000000\nPRIORITY=4\n_SOURCE_MONOTONIC_TIMESTAMP=5140900\nMESSAGE=one\n\n__CURSOR=s=2\n__MONOTONIC_TIMESTAMP=8000000\nMESSAGE\n".to_vec();
    log.extend_from_slice(&10u64.to_le_bytes());
    log.extend_from_slice(b"two\n three\nPRIORITY=6\n\n");
    assert_eq!(unwrapped(&log), "[    5.140900] one\n[    8.000000] two\n[    8.000000]  three\n");
}

#[test]
fn kmsg_dictionaries_vanish_and_netconsole_fragments_are_joined() {
    let log = b"6,1,1000000,-,caller=T1;usb 1-1: new\n SUBSYSTEM=usb\n DRIVER=x\n6,2,2000000,-;next\n";
    assert_eq!(unwrapped(log), "[    1.000000][    T1] usb 1-1: new\n[    2.000000] next\n");
    let log = b"6,416,1758426,-,ncfrag=0/10;hello\n6,416,1758426,-,ncfrag=5/10;world\n6,417,1758427,-,ncfrag=0/9;cut\n";
    assert_eq!(unwrapped(log), "[    1.758426] helloworld\n[    1.758427] cut\n");
}

#[test]
fn a_log_has_the_wrapper_of_most_of_its_lines() {
    assert_eq!(dominant(b"Nov 21 07:55:11 host kernel: a\nNov 21 07:55:11 host kernel: b\nstray\n"), Wrapper::Syslog);
    assert_eq!(dominant(b"[    1.0] a\n[    1.1] b\n> c\n"), Wrapper::None);
    assert_eq!(dominant(b""), Wrapper::None);
    assert_eq!(dominant(b"{\n   \"dmesg\": [\n      {\n         \"pri\": 5,\n"), Wrapper::DmesgJson);
    assert_eq!(dominant(b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n"), Wrapper::JournalExport);
}

/// Lines made of pieces of real prefixes in any order, so that the lexer gets deep into its tokens.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        prop::sample::select(CONSOLE.iter().chain(WRAPPED).map(|row| row.0.as_bytes().to_vec()).collect::<Vec<_>>()),
        (
            prop::sample::select(CONSOLE.iter().chain(WRAPPED).map(|row| row.0.as_bytes()).collect::<Vec<_>>()),
            0usize..80
        )
            .prop_map(|(line, cut)| line[..cut.min(line.len())].to_vec()),
        prop::sample::select(vec![&b"\r"[..], b"\n", b" ", b"[", b"]", b"\"", b"\\", b"\x1b[", b">", b"\\u", b"\\x0"])
            .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_give_offsets_within_the_line(line in pieces()) {
        let prefix = lex(&line);
        prop_assert!(prefix.wrapper_len <= prefix.message, "{prefix:?}");
        prop_assert!(prefix.message <= prefix.end && prefix.end <= line.len(), "{prefix:?}");
        if prefix.wrapper == Wrapper::None {
            prop_assert_eq!(prefix.wrapper_len, 0);
            prop_assert_eq!(&unwrap(&line)[..], &line[..]);
        }
        let _ = (gap(&line), boot_start(&line), dominant(&line), unwrapped(&line));
    }

    #[test]
    fn a_stamped_line_comes_back_out_of_any_wrapper(seconds in 0u32..99_999, micros in 0u32..1_000_000, task in 1u32..99_999, message in "[a-z][ -Z^-~]{0,40}[a-z]") {
        let console = format!("[{seconds:5}.{micros:06}][{:>6}] {message}", format!("T{task}"));
        for wrapper in ["> ", "Nov 21 07:55:11 host kernel: ", "kern  :info  : ", "[2026-11-21 07:55:11] ", "\x1b[0m", "2026-11-21T07:55:11Z host kernel: "] {
            let line = format!("{wrapper}{console}");
            prop_assert_eq!(&unwrap(line.as_bytes())[..], console.as_bytes());
        }
        let record = format!("6,1,{}{micros:06},-,caller=T{task};{message}", seconds);
        prop_assert_eq!(&unwrap(record.as_bytes())[..], console.as_bytes());
        prop_assert_eq!(&unwrap(console.as_bytes())[..], console.as_bytes());
    }
}
