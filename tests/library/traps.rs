//! Traps of syzbot's dashboard and mails and of mail archives, each by its name: what real servers and lists do to a reader.

use kanalyze::syzbot::dashboard::{BugName, parse_bug, text_key};
use kanalyze::syzbot::listing::{bare_title, parse_list, parse_list_page};
use kanalyze::syzbot::page::parse_page;
use kanalyze::thread::{Mailbox, Notice, Saying, Thread};

fn threads(mbox: &str) -> Vec<Thread> {
    Mailbox::read("t.mbox", mbox.as_bytes(), 1).threads(1)
}

/// A mail of syzbot's with this body.
fn notice(body: &str) -> Notice {
    let raw = format!(
        "From: syzbot <syzbot+0123456789abcdef0123@syzkaller.appspotmail.com>\nMessage-ID: <1@google.com>\nSubject: [syzbot] x\n\n{body}"
    );
    threads(&raw)[0].messages[0].notice.clone().expect("a notice")
}

#[test]
fn trap_b1_a_bug_has_one_id_and_an_extid_per_stage() {
    let bug =
        parse_bug(br#"{"version":1,"title":"x","id":"0123456789abcdef0123456789abcdef01234567"}"#).expect("a bug");
    let rows = parse_list(br#"{"version":1,"Bugs":[{"title":"x","link":"/bug?extid=0123456789abcdef0123"}]}"#)
        .expect("a list");
    assert_ne!(bug.id, rows[0].key);
    // Extids of the first years were as long as ids.
    assert_eq!(BugName::parse(&bug.id), Ok(BugName::Extid(bug.id.clone())));
}

#[test]
fn trap_b1_a_number_at_the_end_of_a_title_is_its_recurrence() {
    assert_eq!(bare_title("WARNING in f (3)"), bare_title("WARNING in f"));
}

#[test]
fn trap_b2_keys_that_an_old_server_did_not_send_are_empty() {
    let bug = parse_bug(
        br#"{"version":1,"title":"x","fix-commits":[{"title":"only a title"}],"cause-commit":null,"crashes":null}"#,
    )
    .expect("a bug");
    assert_eq!((bug.fix_commits[0].title.as_str(), bug.fix_commits[0].hash.as_str()), ("only a title", ""));
    assert!(
        bug.cause_commit.is_none() && bug.crashes.is_empty() && bug.last_crash.is_empty() && bug.discussions.is_empty()
    );
}

#[test]
fn trap_b2_a_crash_without_reproducer_lacks_both_keys() {
    let bug = parse_bug(br#"{"version":1,"title":"x","crashes":[{"title":"x"}]}"#).expect("a bug");
    assert!(bug.crashes[0].syz_reproducer.is_empty() && bug.crashes[0].c_reproducer.is_empty());
}

#[test]
fn trap_b3_the_list_is_spelt_with_a_capital_and_may_be_null() {
    assert_eq!(
        parse_list(br#"{"version":1,"Bugs":[{"title":"x","link":"/bug?extid=0123456789abcdef0123"}]}"#)
            .expect("a list")
            .len(),
        1
    );
    assert!(parse_list(br#"{"version":1,"Bugs":null}"#).expect("none").is_empty());
}

#[test]
fn trap_b4_texts_have_hex_keys_and_old_ones_negative_numbers() {
    assert_eq!(text_key("/text?tag=Log&x=ffff00001234abcd"), Some("ffff00001234abcd"));
    assert_eq!(text_key("/x/bisect.txt?x=17"), Some("17"));
    assert_eq!(text_key("/text?tag=Log&id=-4611686018427387904"), Some("-4611686018427387904"));
}

#[test]
fn trap_b5_struck_through_reproducers_are_revoked() {
    let page = parse_page(
        "<table><tr><th>Log</th><th>Syz repro</th><th>C repro</th></tr><tr><td></td><td class=\"repro stale_repro\"><a href=\"/x/repro.syz?x=1\">syz</a></td><td></td></tr></table>",
    );
    assert!(page.crashes[0].revoked);
}

#[test]
fn trap_b5_headings_carry_links_and_help() {
    let page = "<table><tr><th><a href=\"#\">Title</a></th><th><a href=\"#\">Repro</a> (<a href=\"/x\">help?</a>)</th><th>Count</th></tr><tr><td><a href=\"/bug?extid=0123456789abcdef0123\">x</a></td><td>C</td><td>4</td></tr></table>";
    assert_eq!(parse_list_page(page)[0].count, Some(4));
}

#[test]
fn trap_b6_labels_of_every_year_are_read() {
    let old = notice(
        "Hello,\n\nsyzbot hit the following crash on upstream commit\n\ngit tree:       net-next\nsyzkaller repro: https://s.example/x/repro.syz?x=1\n",
    );
    assert_eq!(
        (old.saying, old.repro_syz.as_deref(), old.tree.as_deref()),
        (Saying::Found, Some("https://s.example/x/repro.syz?x=1"), Some("net-next"))
    );
    let new = notice(
        "syzbot found the following issue on:\n\nHEAD commit:    0123456789ab A title that was cut at forty-seven charac..\nconsole+strace: https://s.example/x/log.txt?x=2\nC reproducer:   [OBSOLETE] https://s.example/x/repro.c?x=3\n",
    );
    assert_eq!(new.commit.as_deref(), Some("0123456789ab A title that was cut at forty-seven charac.."));
    assert_eq!(
        (new.console.as_deref(), new.repro_c.as_deref()),
        (Some("https://s.example/x/log.txt?x=2"), Some("https://s.example/x/repro.c?x=3"))
    );
}

#[test]
fn trap_b6_an_inconclusive_bisection_names_no_commit() {
    for words in ["any of:\n0123456789ab one\n1123456789ab two\n", "no\n"] {
        let found = notice(&format!(
            "syzbot found the following issue on:\n\nHEAD commit:    0123456789ab x\n\nBisection is inconclusive: the first bad commit could be {words}"
        ));
        assert!(found.inconclusive);
        assert_eq!(found.bisected, None);
    }
}

#[test]
fn trap_b6_fixes_in_a_report_is_the_bisected_commit_and_no_fix() {
    let mbox = "From: syzbot <syzbot+0123456789abcdef0123@syzkaller.appspotmail.com>\nMessage-ID: <1@google.com>\nSubject: [syzbot] x\n\nsyzbot found the following issue on:\n\nReported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com\nFixes: 0123456789ab (\"f: break it\")\n";
    let thread = &threads(mbox)[0];
    assert!(thread.messages[0].trailers.is_empty());
    assert!(!thread.digest.sentence.contains("fixed"), "{}", thread.digest.sentence);
}

#[test]
fn trap_b6_results_of_patch_tests_and_backports_are_told_apart() {
    for (words, saying) in [
        ("syzbot has tested the proposed patch and the reproducer did not trigger any issue:", Saying::TestPassed),
        ("syzbot has tested the proposed patch but the reproducer is still triggering an issue:", Saying::TestFailed),
        ("syzbot tried to test the proposed patch but the build/boot failed:", Saying::TestImpossible),
        ("syzbot suspects this issue could be fixed by backporting the following commit:", Saying::Backport),
        ("syzbot has bisected this issue to:", Saying::Bisected),
    ] {
        assert_eq!(notice(&format!("Hello,\n\n{words}\n")).saying, saying, "{words}");
    }
}

#[test]
fn trap_e2_every_dialect_of_mbox_is_read() {
    let hash = "a".repeat(40);
    for separator in [
        "From mboxrd@z Thu Jan  1 00:00:00 1970".to_owned(),
        "From a@b Sat Nov 21 07:55:11 2026".to_owned(),
        format!("From {hash} Mon Sep 17 00:00:00 2001"),
        "From git@z Thu Jan  1 00:00:00 1970".to_owned(),
    ] {
        for end in ["\n", "\r\n"] {
            let text = format!("{separator}\nFrom: a@b\nMessage-ID: <1@x>\nSubject: one\n\nfirst\n\n{separator}\nFrom: c@d\nMessage-ID: <2@x>\nSubject: two\n\nsecond\n").replace('\n', end);
            let subjects: Vec<String> = threads(&text).into_iter().map(|thread| thread.subject).collect();
            assert_eq!(subjects, ["one", "two"], "{separator}");
        }
    }
}

#[test]
fn trap_e2_a_git_log_in_a_body_does_not_separate() {
    let text = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\nMessage-ID: <1@x>\nSubject: one\n\nthe patch was\n\nFrom 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n\nand so on\n";
    assert_eq!(threads(text).len(), 1);
}

#[test]
fn trap_e2_the_last_known_id_of_several_is_the_parent() {
    let mbox = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\nMessage-ID: <1@x>\nSubject: s\n\nx\n\n\
                From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: c@d\nMessage-ID: <2@x>\nIn-Reply-To: <gone@x> (a@b's message of Monday) <1@x>\nReferences: <other@x>\nSubject: Re: s\n\ny\n";
    let thread = &threads(mbox)[0];
    assert_eq!(thread.messages[1].parent, Some(1));
}

#[test]
fn trap_e2_an_answer_without_in_reply_to_is_placed_by_its_references() {
    let mbox = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\nMessage-ID: <1@x>\nSubject: s\n\nx\n\n\
                From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: c@d\nMessage-ID: <2@x>\nReferences: <0@x>\n <1@x>\nSubject: Re: s\n\ny\n";
    assert_eq!(threads(mbox)[0].messages[1].parent, Some(1));
}

#[test]
fn trap_e2_a_mail_without_an_id_is_not_lost() {
    let mbox = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\nSubject: s\n\nx\n\nFrom mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b\nSubject: s\n\nx\n";
    assert_eq!(threads(mbox).len(), 2);
}

#[test]
fn trap_e1_an_id_of_syzbots_is_kept_whole() {
    assert_eq!(
        kanalyze::thread::message_id("<695b796e.050a0220.1c9965.002a.GAE@google.com>").as_deref(),
        Some("695b796e.050a0220.1c9965.002a.GAE@google.com")
    );
    assert_eq!(kanalyze::thread::message_id("https://lore.kernel.org/all/a%2Fb+1@x/T/#u").as_deref(), Some("a/b+1@x"));
    for bad in ["", "no id", "https://lore.kernel.org/all/", "a\n@x"] {
        assert_eq!(kanalyze::thread::message_id(bad), None, "{bad:?}");
    }
}
