//! A triager's work against a dashboard and an archive on this machine: `syzbot`, `thread`, `note`.

use super::contract::assert_valid;
use super::loopback::{Answer, File, Server, gzip};
use kanalyze::net::Site;
use kanalyze::thread::lore;
use std::path::Path;
use std::process::{Command, Output};

const EXTID: &str = "0123456789abcdef0123";
const OTHER: &str = "1123456789abcdef0123";
const ID: &str = "0123456789abcdef0123456789abcdef01234567";
const TITLE: &str = "INFO: task hung in widget_killed";

const REPORT: &str = "INFO: task widgetd:41 blocked for more than 143 seconds.\n      Not tainted 6.99.0-syzkaller #0\n\
    task:widgetd         state:D stack:0     pid:41    ppid:2      flags:0x00004000\nCall Trace:\n <TASK>\n \
    __schedule+0x1/0x2 kernel/sched/core.c:1\n schedule+0x1/0x2 kernel/sched/core.c:2\n __mutex_lock+0x1/0x2 kernel/locking/mutex.c:3\n \
    widget_killed+0x1/0x2 drivers/widget/core.c:4\n </TASK>\n";

fn kanalyze(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn html(body: impl Into<Vec<u8>>) -> Answer {
    Answer::File(File { content_type: "text/html; charset=utf-8", ..File::new(body) })
}

fn json(body: impl Into<Vec<u8>>) -> Answer {
    Answer::File(File { content_type: "application/json; charset=utf-8", ..File::new(body) })
}

/// The path of a search in the archive, as the program asks for it.
fn search(query: &str) -> String {
    let site: Site = "https://h.example".parse().expect("an address");
    lore::search_address(&site, "all", query).trim_start_matches("https://h.example").to_owned()
}

/// The thread about the bug: syzbot's report and a question.
fn mailbox() -> String {
    format!(
        "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: syzbot <syzbot+{EXTID}@syzkaller.appspotmail.com>\nMessage-ID: <a/b+1@google.com>\nSubject: [syzbot] [widget?] {TITLE}\nDate: Fri, 02 Jan 2026 00:00:00 +0000\n\nHello,\n\nsyzbot found the following issue on:\n\nHEAD commit:    0123456789ab x\n\n{REPORT}\n\
         From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Dan <dan@example.org>\nMessage-ID: <2@example.org>\nIn-Reply-To: <a/b+1@google.com>\nSubject: Re: [syzbot] [widget?] {TITLE}\nDate: Sat, 03 Jan 2026 00:00:00 +0000\n\n> {TITLE}\n\nIs the mutex needed there?\n"
    )
}

/// A dashboard and an archive in one.
fn server() -> Server {
    let server = Server::start();
    let list = format!(
        r#"{{"version":1,"Bugs":[{{"title":"WARNING in other","link":"/bug?extid={OTHER}"}},{{"title":"{TITLE} (2)","link":"/bug?extid={EXTID}"}}]}}"#
    );
    server.put("/upstream?json=1", [json(list)]);
    let page = format!(
        "<table><tr><th>Title</th><th>Rank</th><th>Repro</th><th>Cause bisect</th><th>Fix bisect</th><th>Count</th><th>Last</th><th>Reported</th><th>Discussions</th></tr>\
         <tr><td><a href=\"/bug?extid={OTHER}\">WARNING in other</a></td><td>1</td><td></td><td></td><td></td><td>1</td><td>100d</td><td>300d</td><td><b>PATCH</b> [2d]</td></tr>\
         <tr><td><a href=\"/bug?extid={EXTID}\">{TITLE} (2)</a> <a href=\"/upstream/s/widget\">widget</a></td><td>9</td><td>C</td><td>done</td><td></td><td>120</td><td>1d</td><td>20d</td><td></td></tr></table>"
    );
    server.put("/upstream", [html(page.clone())]);
    server.put("/upstream/s/widget", [html(page)]);
    server.put(
        "/upstream/fixed?json=1",
        [json(format!(r#"{{"version":1,"Bugs":[{{"title":"{TITLE}","link":"/bug?id={ID}"}}]}}"#))],
    );
    server.put("/upstream/invalid?json=1", [json(r#"{"version":1,"Bugs":null}"#)]);
    let bug = format!(
        r#"{{"version":1,"title":"{TITLE} (2)","id":"{ID}","status":"upstream: reported C repro on 2026/01/02","first-crash":"2026-01-01T00:00:00Z","last-crash":"2026-01-20T00:00:00Z",
           "discussions":["https://lore.example.org/all/a%2Fb+1@google.com/T/"],"crashes":[{{"title":"{TITLE}","syz-reproducer":"/text?tag=ReproSyz\u0026x=4","c-reproducer":"/text?tag=ReproC&amp;x=5","crash-report-link":"/text?tag=CrashReport\u0026x=3"}},{{"title":"{TITLE}"}}]}}"#
    );
    for name in [format!("extid={EXTID}"), format!("id={ID}")] {
        server.put(&format!("/bug?{name}&json=1"), [json(bug.clone())]);
        let page = format!(
            "<html><head><title>{TITLE} (2)</title></head><body>Status: reported<br>Subsystems: <span><a href=\"/upstream/s/widget\">widget</a></span><br>Reported-by: syzbot+{EXTID}@syzkaller.appspotmail.com<br>\
             <div class=\"bug-bisection-info\">Cause bisection: introduced by <a href=\"/x/bisect.txt?x=6\">bisect log</a></div>\
             <table><tr><th>Log</th><th>Syz repro</th><th>Report</th><th>Title</th></tr><tr><td></td><td><a href=\"/x/repro.syz?x=4\">syz</a></td><td><a href=\"/x/report.txt?x=3\">report</a></td><td>{TITLE}</td></tr></table></body></html>"
        );
        server.put(&format!("/bug?{name}"), [html(page)]);
    }
    server.file("/text?tag=CrashReport&x=3", REPORT);
    server.file("/x/bisect.txt?x=6", "bisecting cause commit starting from 1111111111111111111111111111111111111111\nbuilding syzkaller on 2222222222222222222222222222222222222222\nerror: the machine burnt\n");
    server.put(&search(&lore::bug_query(EXTID)), [Answer::File(File::new(gzip(mailbox().as_bytes())))]);
    server.put(&search(&lore::title_query(TITLE)), [Answer::File(File::new(gzip(mailbox().as_bytes())))]);
    server.put("/all/a%2Fb+1@google.com/t.mbox.gz", [Answer::File(File::new(gzip(mailbox().as_bytes())))]);
    server
}

/// Arguments that lead to the server, without waiting between requests.
fn there(server: &Server) -> [String; 6] {
    let url = server.url.clone();
    ["--base-url".to_owned(), url.clone(), "--archive-url".to_owned(), url, "--interval".to_owned(), "0".to_owned()]
}

fn asked(folder: &Path, server: &Server, arguments: &[&str]) -> Output {
    let there = there(server);
    kanalyze(folder, &arguments.iter().copied().chain(there.iter().map(String::as_str)).collect::<Vec<_>>())
}

#[test]
fn a_list_joins_the_json_and_the_page() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let output = asked(folder.path(), &server, &["syzbot", "list", "--format", "jsonl"]);
    let records: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), 2, "{}", text(&output.stderr));
    records.iter().for_each(assert_valid);
    assert_eq!(
        (&records[1]["bug"]["key"], &records[1]["bug"]["repro"], &records[1]["bug"]["labels"][0]),
        (&EXTID.into(), &"c".into(), &"widget".into())
    );
    let output = asked(
        folder.path(),
        &server,
        &["syzbot", "list", "--repro", "c", "--no-patch", "--type", "hang", "--seen-within", "7"],
    );
    assert!(text(&output.stdout).contains(EXTID) && !text(&output.stdout).contains(OTHER), "{}", text(&output.stdout));
}

#[test]
fn a_subsystem_has_no_json_and_is_read_from_its_page() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let output = asked(folder.path(), &server, &["syzbot", "list", "-s", "widget"]);
    assert!(text(&output.stdout).contains(EXTID), "{}", text(&output.stderr));
    assert!(server.requests().iter().all(|request| !request.path.contains("json")));
}

#[test]
fn a_list_without_its_page_is_titles_and_says_so() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    server.put("/upstream", [html("<html>maintenance</html>")]);
    let output = asked(folder.path(), &server, &["syzbot", "list"]);
    assert!(text(&output.stdout).contains(EXTID));
    assert!(text(&output.stderr).contains("only titles are known"), "{}", text(&output.stderr));
    // HTML where JSON was asked for is not JSON, whatever the status is.
    server.put("/upstream?json=1", [html("<html>challenge</html>")]);
    let output = asked(tempfile::tempdir().expect("a folder").path(), &server, &["syzbot", "list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a web page came instead of JSON"), "{}", text(&output.stderr));
}

#[test]
fn picks_show_their_points_and_reasons() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let output = asked(folder.path(), &server, &["syzbot", "pick", "--format", "jsonl"]);
    let records: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    records.iter().for_each(assert_valid);
    assert_eq!(records[0]["bug"]["key"], EXTID);
    let sum: i64 =
        records[0]["reasons"].as_array().expect("reasons").iter().filter_map(|reason| reason["points"].as_i64()).sum();
    assert_eq!(records[0]["points"], sum);
    let shown = text(&asked(folder.path(), &server, &["syzbot", "pick"]).stdout);
    assert!(shown.contains("+4 a C reproducer") && shown.contains("nobody has answered"), "{shown}");
}

#[test]
fn one_answer_says_whether_somebody_is_on_it() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    for name in [EXTID.to_owned(), ID.to_owned(), format!("https://syzkaller.appspot.com/bug?id={ID}")] {
        let output = asked(folder.path(), &server, &["syzbot", "show", &name]);
        let shown = text(&output.stdout);
        assert!(
            shown.contains("under investigation, no patch, one open question (Dan); last mail\n           2026-01-03")
                || shown.contains("one open question (Dan)"),
            "{shown}{}",
            text(&output.stderr)
        );
        assert!(shown.contains("Dan asks: Is the mutex needed there?"), "{shown}");
        assert!(shown.contains("subsystems widget"), "{shown}");
    }
    let record: serde_json::Value = serde_json::from_str(
        text(&asked(folder.path(), &server, &["syzbot", "show", EXTID, "--format", "jsonl"]).stdout).trim(),
    )
    .expect("JSON");
    assert_valid(&record);
    assert_eq!(record["stage"], "investigated");
}

#[test]
fn a_tree_that_names_the_bug_has_the_fix() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let script = format!(
        "set -e; git init -q tree; cd tree; mkdir kernel include; touch Makefile Kconfig MAINTAINERS kernel/x include/x; git add -A\n\
         git -c user.name=Dan -c user.email=dan@example.org commit -qm 'widget: flush first\n\nReported-by: syzbot+{EXTID}@syzkaller.appspotmail.com\n'\n"
    );
    let made = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().expect("a shell");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let output = asked(folder.path(), &server, &["syzbot", "show", EXTID, "--tree", "tree", "--format", "jsonl"]);
    let record: serde_json::Value = serde_json::from_str(text(&output.stdout).trim()).expect("JSON");
    assert_valid(&record);
    assert_eq!((&record["stage"], &record["in_tree"]["fixed"]), (&"fix_known".into(), &true.into()), "{record:#}");
}

#[test]
fn a_title_is_found_with_its_recurrences_and_threads() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    std::fs::write(folder.path().join("x.log"), REPORT).expect("written");
    for what in [TITLE, "x.log"] {
        let output = asked(folder.path(), &server, &["syzbot", "find", what, "--format", "jsonl"]);
        let records: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        records.iter().for_each(assert_valid);
        let found: Vec<(&str, &str)> = records
            .iter()
            .map(|one| (one["place"].as_str().expect("text"), one["key"].as_str().expect("text")))
            .collect();
        assert_eq!(found, [("open", EXTID), ("fixed", ID), ("thread", "a/b+1@google.com")], "{}", text(&output.stderr));
    }
    let output = asked(folder.path(), &server, &["syzbot", "find", "INFO: task hung in nothing"]);
    assert_eq!(output.status.code(), Some(1));
}

/// FORMATS.md, part E: the id is escaped, a search is posted, gzip is known by its first bytes.
#[test]
fn a_thread_comes_by_the_id_of_any_of_its_messages() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let url = ["--base-url", &server.url, "--interval", "0"];
    let output = kanalyze(folder.path(), &[&["thread", "--mid", "<a/b+1@google.com>", "--brief"][..], &url].concat());
    assert_eq!(
        text(&output.stdout),
        format!("[syzbot] [widget?] {TITLE}: under investigation, no patch, one open question (Dan)\n"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(server.requests()[0].path, "/all/a%2Fb+1@google.com/t.mbox.gz");
    let output = kanalyze(folder.path(), &[&["thread", "--extid", EXTID, "--brief"][..], &url].concat());
    assert!(text(&output.stdout).contains("one open question (Dan)"), "{}", text(&output.stderr));
    let posted = server.requests().into_iter().find(|request| request.path.contains("x=m")).expect("a search");
    assert_eq!(posted.method, "POST");
}

/// FORMATS.md, trap G16.
#[test]
fn a_challenge_page_is_no_mailbox() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    server.put("/all/1@x/t.mbox.gz", [html("<html>Making sure you're not a bot!</html>")]);
    server.put("/all/2@x/t.mbox.gz", [Answer::Status(300, Vec::new(), "<html>did you mean</html>".to_owned())]);
    for (id, words) in [
        ("1@x", "a web page came instead of a mailbox"),
        ("2@x", "the archive knows no message 2@x"),
        ("3@x", "the archive knows no message 3@x"),
    ] {
        let output = kanalyze(folder.path(), &["thread", "--mid", id, "--base-url", &server.url, "--interval", "0"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[test]
fn what_was_kept_is_read_offline_and_what_was_not_is_named() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let before = text(&asked(folder.path(), &server, &["syzbot", "show", EXTID]).stdout);
    let count = server.requests().len();
    let after = text(&asked(folder.path(), &server, &["syzbot", "show", EXTID, "--offline"]).stdout);
    assert_eq!((after, server.requests().len()), (before, count));
    let output = asked(folder.path(), &server, &["syzbot", "show", OTHER, "--offline"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("offline"), "{}", text(&output.stderr));
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let busy = Answer::Status(
        429,
        vec![("Retry-After", "0".to_owned())],
        "Allowed rate is 1 requests per 1 seconds.".to_owned(),
    );
    server.put(
        "/all/1@x/t.mbox.gz",
        [busy, Answer::File(File::new(gzip(mailbox().replace("2@example.org", "1@x").as_bytes())))],
    );
    let output =
        kanalyze(folder.path(), &["thread", "--mid", "1@x", "--brief", "--base-url", &server.url, "--interval", "0"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(server.requests_for("/all/1@x/t.mbox.gz").len(), 2);
}

#[test]
fn names_that_are_none_are_refused_before_anything_is_asked() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    for arguments in [
        &["syzbot", "list", "-n", "../admin"][..],
        &["syzbot", "list", "-s", "a/b"],
        &["syzbot", "show", "xyz"],
        &["syzbot", "find", ""],
    ] {
        let output = asked(folder.path(), &server, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_note_of_a_bug_has_trailers_and_leaves_the_thinking_open() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let shown = text(&asked(folder.path(), &server, &["note", EXTID, "--as", "mail"]).stdout);
    assert!(shown.starts_with(&format!("Subject: {TITLE}\n")), "{shown}");
    assert!(shown.contains("\nHypothesis:\n\n\nNext action:\n"), "{shown}");
    assert!(shown.contains("\n widget_killed+0x1/0x2 drivers/widget/core.c:4\n"), "{shown}");
    assert!(shown.ends_with(&format!("Reported-by: syzbot+{EXTID}@syzkaller.appspotmail.com\nCloses: https://syzkaller.appspot.com/bug?extid={EXTID}\n")), "{shown}");
}

#[test]
fn a_note_of_a_log_is_valid_and_redacts() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("x.log"), REPORT).expect("written");
    let output = kanalyze(folder.path(), &["note", "x.log", "--format", "jsonl"]);
    let record: serde_json::Value = serde_json::from_str(text(&output.stdout).trim()).expect("JSON");
    assert_valid(&record);
    assert_eq!(record["title"], TITLE);
    let path = folder.path().join("x.log");
    let shown = text(&kanalyze(folder.path(), &["note", path.to_str().expect("text"), "--redact"]).stdout);
    assert!(shown.contains("## Hypothesis"), "{shown}");
    let output = kanalyze(folder.path(), &["note", "no-such-thing"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("neither a run in runs, a bundle, a log, nor the key of a bug"),
        "{}",
        text(&output.stderr)
    );
}

/// A triager's morning, in one script with four commands: pick, fetch, run, note. The machine is a console log that is replayed.
#[test]
fn a_morning_is_four_commands() {
    let (server, folder) = (server(), tempfile::tempdir().expect("a folder"));
    let console: String = REPORT.lines().map(|line| format!("[  246.929313][   T31] {line}\n")).collect();
    std::fs::write(
        folder.path().join("console.log"),
        format!("[    0.000000][    T0] Linux version 6.99.0-syzkaller (ann@buildbox) (gcc 12) #0 SMP\n{console}"),
    )
    .expect("written");
    let script = format!(
        "set -e\n\
         $K syzbot pick --type hang --no-patch --top 1 --format jsonl --base-url {url} --archive-url {url} --interval 0 > pick.jsonl\n\
         extid=$(sed -n 's/.*\"key\":\"\\([0-9a-f]*\\)\".*/\\1/p' pick.jsonl)\n\
         $K bundle fetch --extid \"$extid\" --into bug --base-url {url} --interval 0 || test $? = 1\n\
         $K run --replay console.log --runs runs --tag morning || test $? = 1\n\
         $K note morning --redact > note.md\n",
        url = server.url
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("K", env!("CARGO_BIN_EXE_kanalyze"))
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let note = std::fs::read_to_string(folder.path().join("note.md")).expect("a note");
    assert!(note.starts_with("# INFO: task hung in widget\\_killed\n"), "{note}");
    for part in [
        "## Settings",
        "## Signature",
        "## First stack",
        "## Locks",
        "## To repeat",
        "kanalyze parse runs/",
        "## Hypothesis\n\n\n## Next action",
    ] {
        assert!(note.contains(part), "{part}: {note}");
    }
    assert!(folder.path().join("bug/bundle.json").is_file());
}
