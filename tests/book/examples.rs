//! Examples are run, and their answers compared with those shown.

use crate::blocks::{Example, is_shown, lines_of_examples, of_help, of_markdown};
use crate::stage::{Stage, root};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Markdown files below a folder, sorted.
pub(crate) fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the book is there")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    found.sort();
    found
}

/// With this set, answers that differ are written into the pages, unless a `…` stands in them: to be read before they are committed.
const ACCEPT: &str = "KANALYZE_ACCEPT";

/// Puts an answer below its command.
fn accept(page: &Path, example: &Example, answer: &[&str]) {
    let text = std::fs::read_to_string(page).expect("it is there");
    let mut lines: Vec<&str> = text.lines().collect();
    let command = format!("$ {}", example.command);
    let at = lines.iter().position(|line| *line == command).expect("the command is there") + 1;
    let end =
        at + lines[at..].iter().position(|line| line.starts_with("$ ") || line.starts_with("```")).expect("an end");
    lines.splice(at..end, answer.iter().copied());
    std::fs::write(page, lines.join("\n") + "\n").expect("the book can be written");
}

/// Runs examples in their order and says what is not as shown.
fn faults(stage: &Stage, page: Option<&Path>, examples: &[Example]) -> Vec<String> {
    let mut faults = Vec::new();
    for example in examples {
        let done = stage.run(&example.command);
        let Example { place, command, shown } = example;
        let unwanted: Vec<&String> =
            done.statuses.iter().filter(|status| !status.starts_with("0 ") && !status.starts_with("1 ")).collect();
        if !unwanted.is_empty() || done.error.contains("not found") || done.error.contains("yntax error") {
            faults.push(format!("{place}: {command}\n{unwanted:?}\n{}", done.error));
        }
        let Some(shown) = shown else { continue };
        let answer: Vec<&str> = done.output.trim_end().lines().collect();
        let answer = if answer.is_empty() { done.error.trim_end().lines().collect() } else { answer };
        if is_shown(shown, &answer) {
            continue;
        }
        let open = shown.iter().any(|line| line.contains('…'));
        if let (Some(page), false, true) = (page, open, std::env::var_os(ACCEPT).is_some()) {
            accept(page, example, &answer);
        } else {
            faults.push(format!("{place}: {command}\nshown:\n{}\nsaid:\n{}", shown.join("\n"), answer.join("\n")));
        }
    }
    faults
}

#[test]
fn the_readme_shows_what_happens() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let stage = Stage::of(empty.path());
    symlink(root().join("corpus"), stage.place.join("corpus")).expect("a temporary folder");
    symlink(root().join("packaging"), stage.place.join("packaging")).expect("a temporary folder");
    std::fs::copy(root().join("corpus/lab/logs/hang_chain.log"), stage.place.join("console.log")).expect("it is there");
    let text = std::fs::read_to_string(root().join("README.md")).expect("it is there");
    let examples = of_markdown("README.md", &text);
    assert!(examples.len() >= 6, "{} examples", examples.len());
    let faults = faults(&stage, Some(&root().join("README.md")), &examples);
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn the_book_shows_what_happens() {
    let mut all = Vec::new();
    let mut count = 0;
    for path in pages(&root().join("docs")) {
        // Each page begins with the files as they are.
        let stage = Stage::of(&root().join("docs/examples"));
        let text = std::fs::read_to_string(&path).expect("it is there");
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        let examples = of_markdown(&name, &text);
        count += examples.len();
        all.extend(faults(&stage, Some(&path), &examples));
    }
    assert!(count > 20, "{count} examples");
    assert!(all.is_empty(), "{}", all.join("\n\n"));
}

/// A folder with the files that the examples of the help name.
fn files_of_the_help() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let lab = root().join("corpus/lab/logs");
    let copy = |from: &Path, to: &str| {
        let to = at(to);
        std::fs::create_dir_all(to.parent().expect("below the folder")).expect("a temporary folder");
        std::fs::copy(from, to).expect("a file can be copied");
    };
    for name in [
        "console.log",
        "x.log",
        "hang.log",
        "crash.log",
        "logs/1.log",
        "today/1.log",
        "results/1.dmesg",
        "old-results/1.dmesg",
    ] {
        copy(&lab.join("hang_cycle2.log"), name);
    }
    for side in ["old", "new", "runs/old", "runs/new"] {
        for run in ["clean.log", "clean.run2.log"] {
            copy(&lab.join(run), &format!("{side}/{run}"));
        }
    }
    for name in ["before.log", "after.log", "1.log", "2.log", "3.log", "4.log"] {
        copy(&lab.join("clean.log"), name);
    }
    for name in ["bisect.txt", "walks/1.txt"] {
        copy(&root().join("docs/examples/bisect.txt"), name);
    }
    copy(&root().join("docs/examples/known.toml"), "known.toml");
    copy(&root().join("packaging/grammar.toml"), "mine.toml");
    copy(&root().join("docs/examples/report.eml"), "mail");
    copy(&lab.join("oops_many.log"), "my-logs/oops/oops.log");
    let script = "gzip -k logs/1.log && cp logs/1.log.gz logs.zip && mkdir -p runs/2026-11-21T08-26-22 && \
                  cp console.log runs/2026-11-21T08-26-22/serial.log && \
                  printf '#!/bin/sh\\n' > syz-execprog && chmod +x syz-execprog && \
                  { echo 'From x Mon Mar  2 08:15:21 2026'; cat mail; } | gzip > t.mbox.gz";
    let done = Command::new("sh").args(["-c", script]).current_dir(folder.path()).status().expect("a shell runs");
    assert!(done.success());
    folder
}

#[test]
fn the_examples_of_the_help_run_and_fit_a_terminal_of_80_columns() {
    let files = files_of_the_help();
    let stage = Stage::of(files.path());
    let help = |words: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(words).arg("--help").output().expect("it runs");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let verbs = |text: &str| -> Vec<String> {
        let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        listed
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|verb| verb != "help")
            .collect()
    };
    let (mut count, mut all) = (0, Vec::new());
    for verb in verbs(&help(&[])) {
        let text = help(&[&verb]);
        let mut texts = vec![(verb.clone(), text.clone())];
        texts.extend(verbs(&text).iter().map(|below| (format!("{verb} {below}"), help(&[&verb, below]))));
        for (name, text) in texts {
            let examples = of_help(&name, &text);
            count += examples.len();
            let wide = lines_of_examples(&text).into_iter().filter(|line| line.chars().count() > 80);
            all.extend(wide.map(|line| format!("{name} --help: longer than 80 columns: {line}")));
            all.extend(faults(&stage, None, &examples));
        }
    }
    assert!(count > 60, "{count} examples");
    assert!(all.is_empty(), "{}", all.join("\n\n"));
}
