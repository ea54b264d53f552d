//! Little memory, a small stack, few descriptors: every verb gives the answer that it gives without the limit.

use super::{kanalyze, place, told};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Every verb that ends by itself and needs neither a network nor a virtual machine; of the others their help.
const VERBS: [&[&str]; 35] = [
    &["parse", "a.log"],
    &["parse", "--format", "jsonl", "logs"],
    &["locks", "a.log"],
    &["bisect", "walk.txt"],
    &["symbolize", "-k", "System.map", "a.log"],
    &["blame", "a.log"],
    &["fixed", "a.log"],
    &["image", "info", "Image"],
    &["image", "extract", "Image", "-o", "out.bin"],
    &["diff", "a.log", "b.log"],
    &["check", "a.log"],
    &["page", "a.log"],
    &["page", "logs"],
    &["table", "--cluster", "logs"],
    &["table", "logs", "-o", super::TABLE],
    &["query", "titles", "logs"],
    &["runs", "list"],
    &["syzbot", "show", "nobody"],
    &["thread", "--mbox", "mails"],
    &["note", "a.log"],
    &["bundle", "show", "logs"],
    &["repro", "show", "program.syz"],
    &["kernel", "config"],
    &["doctor", "--help"],
    &["grammar", "list"],
    &["grammar", "check", "mine.toml"],
    &["corpus", "check", "logs"],
    &["generate", "schema"],
    &["generate", "man"],
    &["generate", "completions", "bash"],
    &["run", "--help"],
    &["watch", "--help"],
    &["host", "--help"],
    &["config"],
    &["mcp"],
];

/// Verbs whose answers hold times: they end as they do without the limit, and say what they found.
const TIMED: [(&[&str], &str); 3] =
    [(&["run", "--replay", "a.log", "--runs", "runs"], "INFO: task hung in"), (&["watch", "-"], ""), (&["doctor"], "")];

fn limited(folder: &Path, limit: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limit}; exec \"$@\""), "bash", env!("CARGO_BIN_EXE_kanalyze")]).args(arguments);
    command.current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).env("HOME", folder).stdin(Stdio::null());
    // The C library reserves 64 MiB for each thread that finds another at its heap, as the load of the machine has it.
    command.env("MALLOC_ARENA_MAX", "2");
    command.output().expect("bash")
}

fn furnished() -> tempfile::TempDir {
    let folder = place();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("System.map", "ffffffff81000000 T _text\nffffffff81000010 T widget_put\n");
    write(
        "walk.txt",
        "git bisect start\n# bad: [1111111111111111111111111111111111111111] one\n\
         git bisect bad 1111111111111111111111111111111111111111\n\
         # good: [2222222222222222222222222222222222222222] two\ngit bisect good 2222222222222222222222222222222222222222\n",
    );
    write(
        "mails",
        "From: a@example.org\nSubject: widget\nDate: Fri, 2 Jan 2026 10:00:00 +0000\nMessage-ID: <a@b>\n\nhello\n",
    );
    write("program.syz", "r0 = openat$ppp(0xffffffffffffff9c, &(0x7f0000000000), 0x0, 0x0)\nsync()\n");
    write("mine.toml", "# empty\n");
    folder
}

fn same_under(limit: &str) {
    let folder = furnished();
    for arguments in VERBS {
        // With tables, polars decides how much it takes.
        if cfg!(feature = "tables") && limit.contains("-v") && arguments[0] == "query" {
            continue;
        }
        let _ = std::fs::remove_file(folder.path().join("out.bin"));
        let plain = kanalyze(folder.path(), arguments).output().expect("the program runs");
        let _ = std::fs::remove_file(folder.path().join("out.bin"));
        let output = limited(folder.path(), limit, arguments);
        assert_eq!(output.status, plain.status, "{limit}: {arguments:?}: {}", told(&output));
        assert!(output.stdout == plain.stdout, "{limit}: {arguments:?} says something else");
    }
    for (arguments, words) in TIMED {
        let plain = kanalyze(folder.path(), arguments).output().expect("the program runs");
        let output = limited(folder.path(), limit, arguments);
        assert_eq!(output.status, plain.status, "{limit}: {arguments:?}: {}", told(&output));
        assert!(told(&output).contains(words), "{limit}: {arguments:?}: {}", told(&output));
    }
}

#[test]
fn every_verb_runs_in_400_megabytes() {
    same_under("ulimit -v 400000");
}

#[test]
fn every_verb_runs_on_a_small_stack() {
    // Unoptimised, clap's tables of `run` need more; tests/all.sh tries the optimised program with 256.
    same_under(if cfg!(debug_assertions) { "ulimit -s 1024" } else { "ulimit -s 256" });
}

#[test]
fn folders_of_many_logs_need_few_descriptors() {
    let folder = place();
    for number in 0..600 {
        std::fs::write(
            folder.path().join(format!("logs/{number}.log")),
            "[    1.0] BUG: KASAN: use-after-free in widget_put+0x1/0x2\n",
        )
        .expect("a log");
    }
    for arguments in [
        &["parse", "--brief", "logs"][..],
        &["check", "logs"],
        &["diff", "logs", "a.log"],
        &["page", "logs"],
        &["table", "--cluster", "logs"],
        &["locks", "logs"],
        &["corpus", "check", "logs"],
    ] {
        let plain = kanalyze(folder.path(), arguments).output().expect("the program runs");
        let output = limited(folder.path(), "ulimit -n 64", arguments);
        assert_eq!((output.status, &output.stdout), (plain.status, &plain.stdout), "{arguments:?}: {}", told(&output));
    }
}
