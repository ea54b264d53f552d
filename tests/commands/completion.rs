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
    // readline breaks words at `=` and `:`, too.
    let script = r#"
        . <(kanalyze generate completions bash)
        made=$(complete -p kanalyze); made=${made#*-F }
        COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_WORDS=()
        for word; do
            while [[ $word == ?*[=:]* ]]; do
                part=${word%%[=:]*}; COMP_WORDS+=("$part" "${word:${#part}:1}"); word=${word:${#part}+1}
            done
            COMP_WORDS+=("$word")
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        ${made%% *} kanalyze "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    shell("bash", &["-c", script, "bash"], folder, words).expect("bash runs")
}

/// What a shell prints that runs these words and sees them as its arguments; none where it is not installed.
fn shell(name: &str, script: &[&str], folder: &Path, words: &[&str]) -> Option<Vec<String>> {
    let program = Path::new(env!("CARGO_BIN_EXE_kanalyze")).parent().expect("a folder");
    let path = std::env::join_paths(
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut command = Command::new(name);
    command.args(script).args(words).current_dir(folder).env("PATH", path.expect("a path")).env("HOME", folder);
    let done = match command.env("LC_ALL", "C.UTF-8").output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {name} is not installed");
            return None;
        }
        done => done.expect("the shell runs"),
    };
    assert!(done.status.success() && done.stderr.is_empty(), "{words:?}: {done:?}");
    let text = String::from_utf8(done.stdout).expect("text");
    Some(text.lines().map(str::to_owned).filter(|word| !word.is_empty()).collect())
}

/// Names that a shell would take apart.
const AWKWARD: [&str; 4] = ["q b.log", "q$y.log", "q'z.log", "q:w.log"];

#[test]
fn bash_is_given_names_that_it_reads_back() {
    let folder = made();
    for name in AWKWARD {
        std::fs::write(folder.path().join(name), "x").expect("written");
    }
    let offers = |words: &[&str]| bash(folder.path(), words);
    let mut names = offers(&["kanalyze", "parse", "q"]);
    names.sort();
    assert_eq!(names, ["q:w.log", "q\\ b.log", "q\\$y.log", "q\\'z.log"]);
    assert_eq!(offers(&["kanalyze", "parse", "q\\ "]), ["q\\ b.log"]);
    assert_eq!(offers(&["kanalyze", "parse", "'q "]), ["q b.log"], "the quote stays and is closed by readline");
    assert_eq!(offers(&["kanalyze", "parse", "q:"]), ["w.log"], "what stands before a colon stays");
    assert_eq!(offers(&["kanalyze", "parse", "--format=json"]), ["json", "jsonl"], "so does what stands before =");
    assert_eq!(offers(&["kanalyze", "parse", "--format="]).len(), 6);
    assert_eq!(offers(&["kanalyze", "parse", "--color=never", "cons"]), ["console.log"]);
    assert_eq!(offers(&["kanalyze", "parse", "~/cons"]), ["~/console.log"], "a home is no name");
}

/// What zsh is told to offer: here its own functions only show what they are given.
const ZSH: &str = r#"
    compdef() { true }
    compset() { true }
    _describe() { print -rl -- "${(@P)3}" }
    eval "$(kanalyze generate completions zsh)"
    words=("$@"); CURRENT=$#; PREFIX=${words[CURRENT]#[\"\']}
    _kanalyze
"#;

#[test]
fn zsh_and_fish_hand_over_names_as_they_are_meant() {
    let folder = made();
    for name in AWKWARD {
        std::fs::write(folder.path().join(name), "x").expect("written");
    }
    let zsh = |word: &str| shell("zsh", &["-f", "-c", ZSH, "zsh"], folder.path(), &["kanalyze", "parse", word]);
    let fish = |word: &str| {
        let script = "kanalyze generate completions fish | source; complete -C \"kanalyze parse $argv[1]\"";
        shell("fish", &["--no-config", "-c", script], folder.path(), &[word])
    };
    for (word, name) in [("q\\ ", "q b.log"), ("'q ", "q b.log"), ("\"q'", "q'z.log"), ("cons", "console.log")] {
        for found in [zsh(word), fish(word)].into_iter().flatten() {
            assert_eq!(found, [name], "{word}");
        }
    }
    // A folder is completed with a slash by zsh itself; a home is a prefix that it keeps.
    for (word, name) in [("pho", "photos"), ("~/cons", "console.log")] {
        assert!(zsh(word).is_none_or(|found| found == [name]), "{word}: {:?}", zsh(word));
    }
    assert!(fish("~/cons").is_none_or(|found| found == ["~/console.log"]), "{:?}", fish("~/cons"));
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
