//! Completion: what a shell offers, by what this program prints for it and answers to it.

use std::path::Path;
use std::process::Command;

/// A folder with a run, a bundle, logs and other files; it is the program's folder, and its home.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = "[    1.0] BUG: KASAN: use-after-free in widget_put+0x1/0x2\n";
    for name in ["console.log", "old.log.gz", "notes.md"] {
        std::fs::write(folder.path().join(name), log).expect("written");
    }
    std::fs::create_dir_all(folder.path().join("ppp")).expect("made");
    std::fs::create_dir_all(folder.path().join("photos")).expect("made");
    std::fs::write(folder.path().join("ppp/bundle.json"), "{}").expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["run", "--replay", "console.log", "--runs", "runs", "--tag", "widget"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    folder
}

/// What bash offers for the last of these words, by the script that packages install.
fn bash(folder: &Path, words: &[&str]) -> Vec<String> {
    let script = "
        . <(kanalyze generate completions bash)
        made=$(complete -p kanalyze); made=${made#*-F }
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_LINE=\"$*\"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
        ${made%% *} kanalyze \"${@: -1}\" \"${@: -2:1}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"
    ";
    let program = Path::new(env!("CARGO_BIN_EXE_kanalyze")).parent().expect("a folder");
    let path = std::env::join_paths(
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let done = Command::new("bash")
        .args(["-c", script, "bash"])
        .args(words)
        .current_dir(folder)
        .env("PATH", path.expect("a path"))
        .output()
        .expect("bash runs");
    assert!(done.status.success() && done.stderr.is_empty(), "{words:?}: {done:?}");
    String::from_utf8(done.stdout).expect("text").lines().map(str::to_owned).filter(|word| !word.is_empty()).collect()
}

#[test]
fn bash_offers_verbs_kinds_runs_bundles_and_logs() {
    let folder = made();
    let offers = |words: &[&str]| bash(folder.path(), words);
    assert_eq!(offers(&["kanalyze", "symb"]), ["symbolize"]);
    assert_eq!(offers(&["kanalyze", "cons"]), ["console.log"], "the short form of parse");
    assert_eq!(offers(&["kanalyze", "parse", "--form"]), ["--format"]);
    assert_eq!(offers(&["kanalyze", "parse", "--format", "json"]), ["json", "jsonl"]);
    assert_eq!(offers(&["kanalyze", "grammar", "explain", "hung-t"])[0], "hung-task");
    assert!(offers(&["kanalyze", "run", "--hit", "KCSAN-D"]).iter().any(|word| word == "KCSAN-DATARACE"));
    let runs = offers(&["kanalyze", "runs", "show", "2"]);
    assert!(matches!(&runs[..], [run] if run.ends_with("-widget")), "{runs:?}");
    assert_eq!(offers(&["kanalyze", "runs", "--runs", "nowhere", "show", "l"]), ["last"]);
    assert_eq!(offers(&["kanalyze", "run", "--bundle", "p"]), ["ppp/"], "a folder that is not a bundle is not offered");
    let logs = offers(&["kanalyze", "locks", ""]);
    assert!(["console.log", "old.log.gz"].iter().all(|log| logs.iter().any(|word| word == log)), "{logs:?}");
    assert!(logs.iter().all(|word| word != "notes.md"), "{logs:?}");
    assert_eq!(offers(&["kanalyze", "locks", "no"]), ["notes.md"], "where nothing looks like a log, any file");
}

#[test]
fn every_shell_is_answered() {
    let folder = made();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let answered = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
            command
                .current_dir(folder.path())
                .env("COMPLETE", shell)
                .env("_CLAP_COMPLETE_INDEX", "3")
                .env("_CLAP_IFS", "\n");
            let done = command.arg("--").args(words).output().expect("it runs");
            assert!(done.status.success(), "{shell}: {done:?}");
            String::from_utf8(done.stdout).expect("text")
        };
        assert!(answered(&["kanalyze", "grammar", "explain", "hung-t"]).starts_with("hung-task"), "{shell}");
        let script = Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(["generate", "completions", shell]).output();
        let script = String::from_utf8(script.expect("it runs").stdout).expect("text");
        assert!(script.contains("COMPLETE") && script.contains("kanalyze"), "{shell}: {script}");
    }
}
