//! The tokens of which prefixes are made, as a logos lexer.

use logos::{Lexer, Logos};

/// One piece of a prefix. A position where none of them fits is where the message begins.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(utf8 = false)]
#[logos(subpattern month = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)")]
#[logos(subpattern weekday = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)")]
#[logos(subpattern clock = r"[0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.,][0-9]+)?")]
#[logos(subpattern date = r"[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]")]
#[logos(subpattern zone = r"(Z|[+-][0-9][0-9]:?[0-9][0-9])")]
#[logos(subpattern facility = r"(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7]|res[0-9]+)")]
#[logos(subpattern severity = r"(emerg|alert|crit|err|warn|notice|info|debug)")]
pub(super) enum Token {
    /// One level of `> `.
    #[token(">", quote)]
    #[token("| ")]
    Quote,

    /// A control sequence of a terminal, colours above all.
    #[regex(r"\x1b\[[0-9;:?]*[@-~]")]
    #[regex(r"\x1b\([AB0]")]
    Colour,

    /// `Nov 21 07:55:11 `: syslog, journalctl short, ts.
    #[regex(r"(?&month) [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] ")]
    #[regex(r"(?&weekday) (?&month) [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9][0-9][0-9][0-9] ")]
    Classic,

    /// `Nov 21 07:55:11.123456 `: journalctl short-precise.
    #[regex(r"(?&month) [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]+ ")]
    /// journalctl short-full.
    #[regex(r"(?&weekday) (?&date) (?&clock) [A-Z][A-Z0-9+-]+ ")]
    Precise,

    /// `2026-11-21T07:55:11.123Z `, with what container runtimes and GitLab put after it.
    #[regex(r"(?&date)[T _](?&clock)(?&zone)?:? ")]
    #[regex(r"(?&date)[T _](?&clock)(?&zone)? (stdout|stderr) [FP] ")]
    #[regex(r"(?&date)[T _](?&clock)(?&zone)? [0-9a-f][0-9a-f][OE][ +]")]
    Iso,

    /// `2026/11/21 07:55:11 `: Go's logger. Before a console line syz-manager put it there; otherwise it is a part of the
    /// fuzzer's own line.
    #[regex("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] ", before_console)]
    Go,

    /// `2026-11-21T07:55:11,123456+00:00 `: dmesg --time-format iso.
    #[regex(r"(?&date)T[0-9][0-9]:[0-9][0-9]:[0-9][0-9],[0-9][0-9][0-9][0-9][0-9][0-9](?&zone) ", priority = 200)]
    DmesgIso,

    /// `1763711711.123456 `: journalctl short-unix, `ts %.s`.
    #[regex(r"[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]\.[0-9]+ ")]
    Epoch,

    /// `[2026-11-21 07:55:11] `, `[07:55:11.123] `, `07:55:11 `, `+0.123 `.
    #[regex(r"\[(?&date)[T _](?&clock) ?(?&zone)?\] *")]
    #[regex(r"\[(?&clock)\] *")]
    #[regex(r"(?&clock) +")]
    #[regex(r"\+ ?[0-9]+\.[0-9]+ ")]
    Stamp,

    /// `[Sat Nov 21 07:55:11 2026] ` and the other times of dmesg for people.
    #[regex(r"\[(?&weekday) (?&month) [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9][0-9][0-9][0-9]( < *[0-9]+\.[0-9]+ *>)?\] ?")]
    #[regex(r"\[(?&month)[ 0-9][0-9] [0-9][0-9]:[0-9][0-9]\] ?")]
    // In some languages the fraction stands behind a comma.
    #[regex(r"\[ *\+[0-9]+[.,][0-9]+\] ?")]
    #[regex(r"\[ *< *[0-9]+\.[0-9]+ *>\] ?")]
    Human,

    /// `[   12.345678 <    0.000012>] `: dmesg -d, journalctl short-delta.
    #[regex(r"\[ *[0-9]+\.[0-9]+ < *[0-9]+\.[0-9]+ *>\] ?")]
    #[regex(r"\[ *[0-9]+\.[0-9]+ +\] ?")]
    Delta,

    /// `<6>1 2026-11-21T07:55:11Z `: RFC 5424.
    #[regex(r"<[0-9][0-9]?[0-9]?>1 (?&date)T(?&clock)(?&zone)? ")]
    Version1,

    /// `kern  :info  : `.
    #[regex(r" *(?&facility) *:(?&severity) *: ")]
    Decoded,

    /// `6,339,5140900,-,caller=T1;`, with netconsole's release `6.12.0-rc1,` in front.
    #[regex(r"[0-9][0-9]?[0-9]?,[0-9]+,[0-9]+,[-c+](,(?-u:[^;\r\n])*)?;")]
    #[regex(r"[0-9]+\.(?-u:[^,; \r\n])*,[0-9][0-9]?[0-9]?,[0-9]+,[0-9]+,[-c+](,(?-u:[^;\r\n])*)?;")]
    Record,

    /// The line after a record that names the device.
    #[regex(" (SUBSYSTEM|DEVICE)=")]
    Dictionary,

    /// The `"msg"` line of `dmesg -J`.
    #[regex("[ \t]*\"msg\": *\"")]
    JsonMessage,

    /// The `"MESSAGE"` line of `journalctl -o json-pretty`.
    #[regex("[ \t]*\"MESSAGE\" *: *\"")]
    JournalMessage,

    /// A JSON object that fills the line.
    #[regex("(- )?[{] *\"")]
    JsonObject,

    /// journalctl's export form.
    #[token("MESSAGE=")]
    Export,

    /// `logcat -v threadtime`.
    #[regex(
        r"[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]+ +[0-9]+ +[0-9]+ [VDIWEF] [A-Za-z0-9_.-]+ *: ?"
    )]
    Logcat,

    /// `Panic#1 Part1`.
    #[regex("(Panic|Oops|Emerg|Emergency|Shutdown|Restart|Halt|Poweroff|Reboot|Unknown)#[0-9]+ Part[0-9]+[ \r\n]*")]
    Pstore,

    /// ` kernel:`: what syslogd writes to every terminal.
    #[regex(" ?kernel: ?")]
    Wall,

    /// `** 93 printk messages dropped ** `.
    #[regex(r"\*\* [0-9]+ printk messages dropped \*\* ?")]
    Dropped,

    /// `<6>`.
    #[regex("<[0-9][0-9]?[0-9]?>")]
    Level,

    /// `[   12.345678]`; with the core, `[   12.345678@0]`, on kernels of Amlogic.
    #[regex(r"\[ *[0-9]+\.[0-9]+(@[0-9]+)?\]")]
    Time,

    /// `[ T123]`, `[    C1]`, `[T1@C0]`.
    #[regex(r"\[ *[TC][0-9]+(@[TC][0-9]+)?\]")]
    Caller,

    /// `[  OK  ] `: systemd on the console.
    #[regex(r"\[(  OK  |FAILED|DEPEND| WARN | INFO | SKIP | TIME |  \*\*\*  |\*     | \*    |  \*   |   \*  |    \* |     \*)\] ")]
    Status,
}

/// A `>` is a mail's mark unless it marks the guilty row of a KASAN dump (`>ffff88810…: fb fb`).
fn quote(lexer: &mut Lexer<'_, Token>) -> bool {
    match lexer.remainder() {
        [b' ', ..] => {
            lexer.bump(1);
            true
        }
        [] | [b'>' | b'[' | b'<' | b'\r' | b'\n', ..] => true,
        _ => false,
    }
}

fn before_console(lexer: &mut Lexer<'_, Token>) -> bool {
    matches!(lexer.remainder(), [b'[', ..] | [b'<', b'0'..=b'9', ..])
}
