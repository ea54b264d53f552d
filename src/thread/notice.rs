//! syzbot's own mails: what each says, and the labels of its table.

use super::message::{Message, one_line};
use crate::syzbot::dashboard::BugName;
use schemars::JsonSchema;
use serde::Serialize;

/// What a mail of syzbot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// A new bug.
    Found,
    /// A reproducer for it.
    Reproducer,
    /// The commit that introduced it, as a bisection says.
    Bisected,
    /// The commit that fixed it, as a bisection says.
    FixSuspected,
    /// With the patch the reproducer did nothing.
    TestPassed,
    /// With the patch it still crashes.
    TestFailed,
    /// The patch could not be tested.
    TestImpossible,
    /// A commit that older kernels lack.
    Backport,
    /// Anything else: a reminder, an answer to a command.
    Other,
}

/// What a mail of syzbot says and about which bug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Notice {
    /// What it says.
    pub saying: Saying,
    /// The bug's key, as in its mail address.
    pub extid: Option<String>,
    /// `HEAD commit` or `commit`, as written: the hash, and the title if it has one.
    pub commit: Option<String>,
    /// `git tree`.
    pub tree: Option<String>,
    /// `dashboard link`.
    pub dashboard: Option<String>,
    /// `console output` of the report; that of a bisection is another one.
    pub console: Option<String>,
    /// `C reproducer`.
    pub repro_c: Option<String>,
    /// `syz repro`.
    pub repro_syz: Option<String>,
    /// The commit that the bisection in this mail names: hash and title.
    pub bisected: Option<String>,
    /// Whether its bisection came to no single commit.
    pub inconclusive: bool,
}

/// Openings of syzbot's mails, of every year.
const SAYINGS: [(&str, Saying); 14] = [
    ("found a reproducer for the following", Saying::Reproducer),
    ("has tested the proposed patch and the reproducer did not trigger", Saying::TestPassed),
    ("has tested the proposed patch but the reproducer is still triggering", Saying::TestFailed),
    ("has tested the proposed patch but the reproducer still triggered", Saying::TestFailed),
    ("has tested the proposed patch, but the reproducer still triggered", Saying::TestFailed),
    ("tried to test the proposed patch but", Saying::TestImpossible),
    ("tried to test the proposed patch, but", Saying::TestImpossible),
    ("has bisected this issue to", Saying::Bisected),
    ("has bisected this bug to", Saying::Bisected),
    ("suspects this issue was fixed by commit", Saying::FixSuspected),
    ("suspects this bug was fixed by commit", Saying::FixSuspected),
    ("suspects this issue could be fixed by backporting", Saying::Backport),
    ("found the following", Saying::Found),
    ("hit the following", Saying::Found),
];

/// The notice in a message; `None` if it is not syzbot's.
#[must_use]
pub(super) fn notice(message: &Message) -> Option<Notice> {
    let address = message.from.address.as_str();
    let own = address.starts_with("syzbot") && address.contains('@');
    if !own {
        return None;
    }
    let text: Vec<&str> = message.own().map(|line| line.text.trim_end()).collect();
    let opening = one_line(&text.iter().take(8).copied().collect::<Vec<_>>().join(" "));
    let saying = SAYINGS.iter().find(|(words, _)| opening.contains(words)).map_or(Saying::Other, |(_, saying)| *saying);
    let extid = BugName::parse(address).ok().map(|name| name.key().to_owned());
    let bisection = text.iter().position(|line| {
        line.starts_with("The issue was bisected to")
            || line.starts_with("Bisection is inconclusive")
            || line.contains("bisected this ")
    });
    // The table ends where the bisection's own begins, which has a `console output` of its own.
    let table = &text[..bisection.filter(|_| !matches!(saying, Saying::Bisected)).unwrap_or(text.len())];
    let label = |names: &[&str]| {
        let value = table.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            names.contains(&name).then(|| value.trim().trim_start_matches("[OBSOLETE] ").to_owned())
        });
        value.filter(|value| !value.is_empty())
    };
    let tail = text.get(bisection.unwrap_or(text.len())..).unwrap_or_default();
    Some(Notice {
        saying,
        extid: extid.or_else(|| {
            label(&["dashboard link"]).and_then(|link| BugName::parse(&link).ok()).map(|name| name.key().to_owned())
        }),
        commit: label(&["HEAD commit", "commit"]),
        tree: label(&["git tree"]),
        dashboard: label(&["dashboard link"]),
        console: label(&["console output", "console+strace"]),
        repro_c: label(&["C reproducer"]),
        repro_syz: label(&["syz repro", "syzkaller repro"]),
        bisected: bisected(tail).or_else(|| bisected(if saying == Saying::FixSuspected { &text } else { &[] })),
        inconclusive: tail.first().is_some_and(|line| line.contains("inconclusive")),
    })
}

/// `commit <hash>`, and the title four blanks in below it.
fn bisected(lines: &[&str]) -> Option<String> {
    let at = lines.iter().position(|line| {
        line.strip_prefix("commit ")
            .is_some_and(|hash| hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })?;
    let hash = lines[at].trim_start_matches("commit ");
    let title = lines[at + 1..].iter().take(8).find(|line| line.starts_with("    ") && !line.trim().is_empty());
    Some(title.map_or_else(|| hash.to_owned(), |title| format!("{hash} {}", title.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "From: syzbot <syzbot+0123456789abcdef0123@syzkaller.appspotmail.com>\nSubject: [syzbot] [net?] WARNING in f (2)\n\nHello,\n\nsyzbot found the following issue on:\n\nHEAD commit:    0123456789ab Linux 6.12\ngit tree:       upstream\nconsole+strace: https://s.example/x/log.txt?x=1\nkernel config:  https://s.example/x/.config?x=2\ndashboard link: https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123\nsyz repro:      [OBSOLETE] https://s.example/x/repro.syz?x=3\nC reproducer:   https://s.example/x/repro.c?x=4\n\nThe issue was bisected to:\n\ncommit 0123456789abcdef0123456789abcdef01234567\nAuthor: A <a@b>\nDate:   Mon Jan 1 00:00:00 2026 +0000\n\n    net: break it\n\nbisection log:  https://s.example/x/bisect.txt?x=5\nfinal oops:     https://s.example/x/report.txt?x=5\nconsole output: https://s.example/x/log.txt?x=5\n\nIMPORTANT: if you fix the issue, please add the following tag to the commit:\nReported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com\nFixes: 0123456789ab (\"net: break it\")\n";

    #[test]
    fn the_second_console_output_is_the_bisections() {
        let notice = notice(&Message::read(REPORT.as_bytes())).expect("syzbot's");
        assert_eq!(notice.saying, Saying::Found);
        assert_eq!(notice.console.as_deref(), Some("https://s.example/x/log.txt?x=1"));
        assert_eq!(notice.repro_syz.as_deref(), Some("https://s.example/x/repro.syz?x=3"));
        assert_eq!(notice.extid.as_deref(), Some("0123456789abcdef0123"));
        assert_eq!(notice.bisected.as_deref(), Some("0123456789abcdef0123456789abcdef01234567 net: break it"));
    }

    #[test]
    fn openings_of_every_year_are_known() {
        for (words, saying) in [
            ("syzkaller hit the following crash on 0123", Saying::Found),
            ("syzbot found the following crash on:", Saying::Found),
            ("syzbot has found a reproducer for the following issue on:", Saying::Reproducer),
            (
                "syzbot has tested the proposed patch but the reproducer is still triggering an issue:",
                Saying::TestFailed,
            ),
            ("syzbot tried to test the proposed patch but the build/boot failed:", Saying::TestImpossible),
            ("syzbot has tested the proposed patch and the reproducer did not trigger any issue:", Saying::TestPassed),
            ("syzbot suspects this issue was fixed by commit:", Saying::FixSuspected),
            ("This bug is marked as fixed by commit:", Saying::Other),
        ] {
            let raw = format!("From: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com\n\nHello,\n\n{words}\n");
            assert_eq!(notice(&Message::read(raw.as_bytes())).map(|notice| notice.saying), Some(saying), "{words}");
        }
        assert_eq!(notice(&Message::read(b"From: a@b\n\nsyzbot found the following issue on:\n")), None);
    }
}
