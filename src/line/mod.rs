//! What precedes a message: printk prefixes and the wrappers that other programs put around them.
//!
//! A line of a kernel log as somebody kept it is *wrapper* + *console form*: what `dmesg -x`, a syslog daemon, a CI
//! system or a mailer put around it, and then what the console would have shown, `[   12.345678][ T123] message`.
//!
//! * `lex` finds both parts without allocating; it takes any bytes.
//! * `unwrap` gives the console form (escapes decoded, `/dev/kmsg` records rewritten); [`Unwrapper`] does so for forms
//!   that spread one record over several lines; [`dominant`] says which wrapper a whole log has.
//! * [`Dressing`] infers what stands around messages from the lines themselves, where no known form does; `plain` undoes
//!   what pages and mail programs do to characters.
//! * `speaker` says who wrote a line: the kernel, firmware, another program, a person.
//! * `gap` reads what the log itself says is missing, [`boot_mark`] where a boot begins.
//!
//! The rule by which syzbot's parser recognises a console prefix is not here but in [`crate::report`]: it is exact and
//! knows fewer forms. Use this module on lines (or logs) that the exact rule leaves without a context.

mod anchors;
mod before;
mod beside;
mod boot;
mod closed;
mod code;
mod dressing;
mod find;
mod gap;
mod heading;
mod host;
mod inverted;
mod json;
mod landmarks;
mod letters;
mod lex;
mod mention;
mod order;
mod other_kernel;
mod parts;
mod plain;
mod speaker;
mod stamp;
mod support;
mod syslog;
mod token;
mod unwrap;
mod unwrapper;
mod usual;
mod wall;

pub use anchors::{BOOT_ANCHORS, EXECUTOR_ANCHOR, GAP_ANCHORS, KERNEL_BOOT_ANCHORS};
pub use beside::{Header, is_caution, speaks_alone};
pub use boot::{BootMark, begins_boot, boot_mark, boot_start, same_boot};
pub(crate) use dressing::stamp_at;
pub use dressing::{Dressing, Shown, Undressed, has_odd_end};
pub(crate) use find::{Wanted, find, find_last, is_same_but_digits};
pub use gap::{Gap, ends_cut, gap};
pub use host::{Host, host_of, is_host_name, names_host};
pub(crate) use landmarks::CUT_HERE;
pub use landmarks::{begins_report_line, is_body};
pub(crate) use letters::Letters;
pub use lex::lex;
pub use order::{is_reversed, upright, upright_within};
pub use parts::parts_upright;
pub use plain::plain;
pub use speaker::{Speaker, speaker};
pub(crate) use stamp::{USUAL_STAMP, all_are_stamped, begins_with_stamp, is_stamp, is_usual_caller, is_usual_stamp};
pub use support::{begins_line, ends_as_title, is_unsupported};
pub(crate) use syslog::level_named;
pub use unwrap::{before_colours, dominant, render, unwrap, without_colours};
pub use unwrapper::Unwrapper;
pub(crate) use usual::lost_its_bracket;
pub use wall::wall_clock;

/// Who put something around the console form of a line. Where wrappers are nested (a mail that quotes a syslog), the
/// innermost one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Wrapper {
    /// Nothing: the console form itself, possibly without any prefix.
    #[default]
    None,
    /// `> `, `>> `, `| `.
    MailQuote,
    /// ANSI colours around or before the prefix: `dmesg --color`, `journalctl`, CI.
    Coloured,
    /// `Nov 21 07:55:11 host kernel: `, also without host, with `kern.info`, with a year.
    Syslog,
    /// `2026-11-21T07:55:11.123456+00:00 host kernel: `; also what `journalctl -o short-iso` prints.
    SyslogIso,
    /// RFC 5424: `<6>1 2026-11-21T07:55:11Z host kernel - - - `.
    Syslog5424,
    /// The other short forms of journalctl: `short-precise`, `short-monotonic`, `short-delta`, `short-full`, `short-unix`.
    Journal,
    /// `journalctl -o json`: one object per line; the `"MESSAGE"` line of `-o json-pretty`.
    JournalJson,
    /// `journalctl -o export`: a `MESSAGE=` line.
    JournalExport,
    /// `dmesg -T`, `-H`, `--time-format iso`: `[Sat Nov 21 07:55:11 2026] `.
    DmesgHuman,
    /// `dmesg -x`: `kern  :info  : `.
    DmesgDecoded,
    /// dmesg with the boot time in a shape that the console does not have: `-d` (`[   12.345678 <    0.000012>] `), or
    /// with callers (util-linux ≥ 2.39: `[   12.345678] [      T1] `).
    DmesgTimed,
    /// `dmesg -J`: the `"msg": "…"` line, or a whole record on one line.
    DmesgJson,
    /// A `/dev/kmsg` record, `6,339,5140900,-,caller=T1;`, or the ` KEY=value` line after one.
    Kmsg,
    /// netconsole extended: as `/dev/kmsg` with `ncfrag=` or the kernel release in front.
    Netconsole,
    /// The header of a pstore record, `Panic#1 Part1`. It has no message.
    Pstore,
    /// `logcat -v threadtime`: `11-21 07:55:11.123     0     0 I kernel  : `.
    Android,
    /// A record of LAVA's `output.yaml`: `- {"dt": "…", "lvl": "target", "msg": "…"}`.
    Lava,
    /// A time that a terminal program, `ts` or a CI system put before each line.
    CiStamp,
}

impl Wrapper {
    /// Whether it names the program that wrote the line.
    #[must_use]
    pub fn has_tag(self) -> bool {
        matches!(self, Self::Syslog | Self::SyslogIso | Self::Syslog5424 | Self::Journal)
    }

    /// Whether only messages of the kernel are shown so.
    #[must_use]
    pub fn is_of_kernel(self) -> bool {
        matches!(
            self,
            Self::DmesgHuman | Self::DmesgDecoded | Self::DmesgTimed | Self::DmesgJson | Self::Kmsg | Self::Netconsole
        )
    }

    /// Whether what is inside is simply the rest of the line: `&line[wrapper_len..]` is the console form then. Otherwise
    /// only [`unwrap`] gives it.
    #[must_use]
    pub fn is_slice(self) -> bool {
        matches!(
            self,
            Self::None
                | Self::MailQuote
                | Self::Syslog
                | Self::SyslogIso
                | Self::Syslog5424
                | Self::DmesgHuman
                | Self::DmesgDecoded
                | Self::Android
                | Self::JournalExport
                | Self::CiStamp
        )
    }
}

/// What stands before a message. Offsets are bytes from the start of the line given to `lex` and lie on
/// `wrapper_len ≤ message ≤ end ≤ line.len()`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prefix<'line> {
    /// Who wrapped it.
    pub wrapper: Wrapper,
    /// Length of the wrapper alone. `&line[wrapper_len..]` is the console form if [`Wrapper::is_slice`].
    pub wrapper_len: usize,
    /// Where the message begins, after all prefixes. In JSON, where its (still escaped) string begins.
    pub message: usize,
    /// Where the message ends: before CR and LF, before the closing quote.
    pub end: usize,
    /// printk's level, 0 (emergency) to 7 (debug).
    pub level: Option<u8>,
    /// Seconds since boot: printk's, or the wrapper's if that is monotonic. Never wall-clock time.
    pub time: Option<f64>,
    /// Who printed: `T123` (task) or `C0` (CPU), without padding; also `T1@C0`.
    pub caller: Option<&'line [u8]>,
    /// How many messages printk says it dropped before this one.
    pub dropped: Option<u64>,
    /// Syslog's or the journal's identifier, without pid: `kernel`, `sshd`. A line whose tag is something else does not
    /// come from the kernel; its wrapper then ends before the host's name, so nothing is lost.
    pub tag: Option<&'line [u8]>,
}

impl Prefix<'_> {
    /// The message of the line that this prefix was read from.
    #[must_use]
    pub fn text<'text>(&self, line: &'text [u8]) -> &'text [u8] {
        line.get(self.message..self.end).unwrap_or_default()
    }

    /// Whether the wrapper says that something else than the kernel wrote this line.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.tag.is_some_and(|tag| !tag.eq_ignore_ascii_case(b"kernel"))
    }
}

/// A line without its CR and LF.
pub(crate) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let kept = line.iter().rposition(|&byte| byte != b'\r').map_or(0, |last| last + 1);
    &line[..kept]
}
