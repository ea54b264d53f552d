//! `kanalyze thread`: mailboxes from files and pipes, threads from an archive.

use super::contract::assert_valid;
use super::fed::fed;
use super::loopback::gzip;
use std::process::{Command, Output};

const MAILBOX: &str = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Ann <ann@example.org>\nMessage-ID: <1@x>\nSubject: WARNING in f\nDate: Thu, 01 Jan 2026 10:00:00 +0000\n\nIt warns:\n\nWARNING: CPU: 0 PID: 12 at init/main.c:20 outer+0x1/0x2\nCPU: 0 PID: 12 Comm: widgetd Not tainted 6.99.0 #7\nRIP: 0010:outer+0x1/0x2\nCall Trace:\n <TASK>\n outer+0x1/0x2\n kernel_init+0x1/0x2\n </TASK>\n\n\
    From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Ben <ben@example.org>\nMessage-ID: <2@x>\nIn-Reply-To: <1@x>\nSubject: Re: WARNING in f\nDate: Thu, 01 Jan 2026 11:00:00 +0000\n\n> It warns:\n\nWhich compiler is that?\n\n\
    From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Zoe <zoe@example.org>\nMessage-ID: <9@x>\nSubject: something else\nDate: Thu, 01 Jan 2026 11:00:00 +0000\n\nhello\n";

fn kanalyze(arguments: &[&str], stdin: &[u8]) -> Output {
    fed(Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(arguments), stdin)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn a_packed_mailbox_from_a_pipe_is_read() {
    let output = kanalyze(&["thread", "--mbox", "-", "--brief"], &gzip(MAILBOX.as_bytes()));
    assert_eq!(
        text(&output.stdout),
        "WARNING in f: under investigation, no patch, one open question (Ben)\nsomething else: unknown: no report and no patch in these messages, no open question\n"
    );
    assert!(output.status.success());
}

#[test]
fn records_are_what_the_schema_says() {
    let output = kanalyze(&["thread", "--mbox", "-", "--format", "jsonl"], MAILBOX.as_bytes());
    let records: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), 2);
    records.iter().for_each(assert_valid);
    assert_eq!(records[0]["messages"][0]["findings"][0]["title"], "WARNING in outer");
}

#[test]
fn one_message_names_its_thread() {
    for id in ["2@x", "<2@x>", "https://lore.example.org/all/2@x/"] {
        let output = kanalyze(&["thread", "--mbox", "-", "--mid", id, "--show-bodies", "2"], MAILBOX.as_bytes());
        let shown = text(&output.stdout);
        assert!(shown.contains("      Which compiler is that?\n"), "{shown}");
        assert!(!shown.contains("something else"), "{shown}");
    }
}

#[test]
fn a_page_is_whole_and_a_mail_in_it_is_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.html");
    let mailbox = MAILBOX.replace("Which compiler", "<script>alert(1)</script> \u{1b}[31m which compiler");
    let name = path.to_str().expect("text");
    let output = kanalyze(&["thread", "--mbox", "-", "--brief", "--html", name], mailbox.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(path).expect("a page");
    assert!(page.contains("one open question (Ben)") && page.contains("default-src 'none'"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}'));
}

#[test]
fn what_is_not_there_is_said_in_one_sentence() {
    for (arguments, stdin, words) in [
        (&["thread", "--mbox", "-", "--mid", "7@x"][..], MAILBOX, "-: no message 7@x in it"),
        (&["thread", "--mbox", "-"][..], "\n", "-: there is no message in it"),
        (&["thread"][..], "", "no thread is named"),
    ] {
        let output = kanalyze(arguments, stdin.as_bytes());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[test]
fn a_text_that_is_not_mail_is_not_shown_as_a_message() {
    // `git log` and syzbot's transcripts have dates, too.
    let walk = &b"bisecting cause commit\nbisect bad\n\ncommit 0123456789ab\nAuthor: Ann <a@b>\nDate:   Mon Jan 5 10:00:00 2026 +0000\n"[..];
    for other in [&b"[    1.000000] hello\n"[..], b"\x7fELF\x02\x01\x01\0\0\0\0", walk] {
        let done = kanalyze(&["thread", "--mbox", "-"], other);
        assert_eq!((done.status.code(), text(&done.stdout)), (Some(2), String::new()));
        assert!(text(&done.stderr).contains("this text is not a mail or mailbox"), "{}", text(&done.stderr));
    }
}

#[test]
fn a_folder_of_mails_is_a_mailbox_and_an_archive_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().to_str().expect("text");
    let whole = kanalyze(&["thread", "--mbox", "-"], MAILBOX.as_bytes());
    let (current, new) = (folder.path().join("cur"), folder.path().join("new"));
    [&current, &new].into_iter().for_each(|folder| std::fs::create_dir(folder).expect("made"));
    std::fs::write(new.join("note"), "no mail\n").expect("written");
    std::fs::write(new.join("empty"), "").expect("written");
    for (at, mail) in MAILBOX.split("From mboxrd@z Thu Jan  1 00:00:00 1970\n").skip(1).enumerate() {
        std::fs::write(current.join(format!("{at}.host:2,S")), mail).expect("written");
    }
    assert_eq!(text(&kanalyze(&["thread", name], b"").stdout), text(&whole.stdout));
    let archive = kanalyze(&["thread", "--mbox", "-"], b"PK\x03\x04 and more");
    assert_eq!(archive.status.code(), Some(2));
    assert!(text(&archive.stderr).contains("is an archive: unpack it"), "{}", text(&archive.stderr));
}
