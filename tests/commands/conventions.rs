//! What all verbs share: files of settings, variables of the environment, `--json`, colours, lists for editors, man pages.

use std::path::Path;
use std::process::{Command, Output, Stdio};

const CRASH: &str = "[    9.340501] BUG: KASAN: slab-use-after-free in ring_read+0x43/0x50
[    9.340512] Read of size 4 at addr ffff888012345678 by task reader/57
[    9.340531] Call Trace:
[    9.340541]  dump_stack_lvl+0x66/0x90
[    9.340547]  ring_read+0x43/0x50
";
const TITLE: &str = "KASAN: slab-use-after-free Read in ring_read";

/// A folder with a crash in it, in which nothing else of the user's or the machine's settings holds.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("a,b.log"), CRASH).expect("written");
        std::fs::create_dir_all(folder.path().join("config/kanalyze")).expect("made");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("written");
    }

    fn kanalyze(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
        // What tests/all.sh names for other tests.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KANALYZE_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    fn told(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.kanalyze(arguments, variables);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

#[test]
fn every_verb_takes_settings_from_files_and_the_environment() {
    let place = Place::new();
    let parse = ["parse", "a,b.log"];
    assert!(!place.told(&parse, &[]).starts_with('['), "text, where nothing is set");
    place.write("config/kanalyze/kanalyze.toml", "[all]\nformat = \"jsonl\"\n[bundle]\noutput = \"x\"\n");
    assert!(place.told(&parse, &[]).starts_with("{\"schema\""), "the user's file");
    place.write("kanalyze.toml", "[parse]\nformat = \"json\"\n");
    assert!(place.told(&parse, &[]).starts_with("[\n"), "the project's file is nearer");
    assert!(place.told(&parse, &[("KANALYZE_FORMAT", "quickfix")]).starts_with("a,b.log:1: "), "the environment wins");
    let said = place.told(&["parse", "a,b.log", "--format", "text"], &[("KANALYZE_FORMAT", "quickfix")]);
    assert!(said.contains(TITLE) && !said.starts_with("a,b.log:1: "), "the command line wins: {said}");
    let shown = place.told(&["config", "show"], &[("KANALYZE_COLOR", "never")]);
    for words in [
        "[parse]\n  color = never  $KANALYZE_COLOR\n  format = json  ",
        "kanalyze.toml:2",
        "environment: KANALYZE_COLOR",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let shown = place.told(&["config", "show", "parse", "--format", "text"], &[]);
    assert!(shown.contains("threads = 0  default"), "{shown}");
    let records = place.kanalyze(&["config", "show", "--format", "jsonl"], &[]).stdout;
    for record in String::from_utf8_lossy(&records).lines() {
        super::contract::assert_valid(&serde_json::from_str(record).expect("JSON"));
    }
    place.write("kanalyze.toml", "[parse]\nfromat = \"json\"\n");
    let output = place.kanalyze(&parse, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("kanalyze.toml:2: there is no option 'fromat'"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    place.write("kanalyze.toml", "");
    let said = place.told(&parse, &[("KANALYZE_THREADS", "many")]);
    assert!(said.contains("$KANALYZE_THREADS") && said.contains("'many'"), "{said}");
    assert!(place.told(&["config", "show", "nosuch"], &[]).contains("there is no verb 'nosuch'"));
}

#[test]
fn a_file_that_came_with_a_folder_starts_nothing_and_writes_only_below_it() {
    let place = Place::new();
    let parse = ["parse", "a,b.log"];
    for (verb, text, arguments, words) in [
        ("run", "qemu = \"./evil\"", &["run", "--kernel", "x", "--dry-run"][..], "'qemu' starts a program"),
        ("run", "share = \"/\"", &["run", "--kernel", "x", "--dry-run"], "'share' opens the guest"),
        ("all", "tree = \".\"", &parse, "'tree' names a kernel tree"),
        ("page", "output = \"../x.html\"", &["page", "a,b.log"], "'output' names a place outside of its folder"),
        ("page", "output = \".git/x\"", &["page", "a,b.log"], "'output' names a place outside of its folder"),
    ] {
        place.write("kanalyze.toml", &format!("[{verb}]\n{text}\n"));
        let output = place.kanalyze(arguments, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("kanalyze.toml:2: ") && said.contains(words), "{text}: {said}");
        assert!(said.contains("trusted = ["), "the remedy: {said}");
        assert_eq!(output.status.code(), Some(2));
    }
    // What the command line says is the user's, and so is what the user's own file trusts.
    place.write("kanalyze.toml", "[parse]\ntree = \"nosuch\"\n");
    let said = place.told(&["parse", "a,b.log", "--tree", "elsewhere"], &[]);
    assert!(said.contains("elsewhere") && !said.contains("trusted"), "{said}");
    let trusted = format!("trusted = [{:?}]\n", place.path());
    place.write("config/kanalyze/kanalyze.toml", &trusted);
    let said = place.told(&parse, &[]);
    assert!(said.contains("nosuch") && !said.contains("cannot say"), "{said}");
    place.write("config/kanalyze/kanalyze.toml", "");
    place.write("kanalyze.toml", &trusted);
    assert!(place.told(&parse, &[]).contains("'trusted' is for the file of the user"));
    place.write("kanalyze.toml", "[page]\noutput = \"shown.html\"\n");
    place.told(&["page", "a,b.log"], &[]);
    assert!(place.path().join("shown.html").exists(), "a place below the folder");
}

#[test]
fn json_is_short_for_its_format() {
    let place = Place::new();
    assert_eq!(
        place.told(&["parse", "--json", "a,b.log"], &[]),
        place.told(&["parse", "--format=json", "a,b.log"], &[])
    );
    assert!(place.told(&["parse", "--help"], &[]).contains("--json"));
    assert!(place.told(&["doctor", "--help"], &[]).contains("--json"));
    assert!(place.told(&["parse", "--", "--json"], &[]).contains("--json: no such file"), "behind -- it is a name");
}

#[test]
fn colours_can_be_forced_and_refused() {
    let place = Place::new();
    let coloured = |variables: &[(&str, &str)]| place.told(&["parse", "a,b.log"], variables).contains('\u{1b}');
    assert!(!coloured(&[]) && !coloured(&[("CLICOLOR_FORCE", "0")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn editors_and_workflows_get_their_lists() {
    let place = Place::new();
    for verb in ["parse", "check"] {
        let output = place.kanalyze(&[verb, "--format", "quickfix", "a,b.log"], &[]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("a,b.log:1: {TITLE}\n"));
        assert_eq!(output.status.code(), Some(1));
        let output = place.kanalyze(&[verb, "--format", "github", "a,b.log"], &[]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(shown, format!("::error file=a%2Cb.log,line=1,title=kanalyze::{TITLE}\n"));
    }
}

#[test]
fn man_pages_keep_the_lines_of_examples() {
    let place = Place::new();
    assert!(place.kanalyze(&["generate", "man", "man"], &[]).status.success());
    let page =
        |name: &str| std::fs::read_to_string(place.path().join("man").join(name)).unwrap_or_else(|_| panic!("{name}"));
    let parse = page("kanalyze-parse.1");
    assert!(parse.contains(".SH EXAMPLES\n.nf\n") && parse.contains("\n  kanalyze parse \\-q x.log"), "{parse}");
    assert!(parse.contains(".SH EXIT STATUS\n0 nothing found, 1 something found"), "{parse}");
    assert!(page("kanalyze-image-info.1").contains(".SH SYNOPSIS"));
    let common = page("kanalyze.7");
    for words in [".SH EXIT STATUS", ".SH ENVIRONMENT", ".SH FILES", "\\fBcheck\\fR"] {
        assert!(common.contains(words), "{words}");
    }
    let exits = place.told(&["help", "exit"], &[]);
    assert!(exits.contains("check\n    0 ") && exits.contains("host\n    0 "), "{exits}");
    assert!(place.told(&["help", "environment"], &[]).contains("CLICOLOR_FORCE"));
    assert!(place.told(&["help", "parse"], &[]).contains("Name every crash"), "the help of a verb stays");
}

#[test]
fn quiet_and_verbose_mean_one_thing_for_every_verb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("x.log"), "[    1.0] BUG: KASAN: use-after-free in widget_put+0x1/0x2\n")
        .expect("written");
    std::fs::write(folder.path().join("kanalyze.toml"), "[parse]\ncolor = \"never\"\n").expect("written");
    let said = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanalyze"));
        command.args(words).current_dir(folder.path()).env("XDG_CONFIG_HOME", folder.path());
        let done = command.output().expect("it runs");
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    };
    // Quiet: no notes; what went wrong stays, and the answer where the status is none.
    let (status, out, err) = said(&["runs", "list"]);
    assert!(status == Some(0) && out.is_empty() && err.contains("no run is in runs"), "{out}{err}");
    assert_eq!(said(&["runs", "list", "-q"]), (Some(0), String::new(), String::new()));
    assert_eq!(said(&["parse", "-q", "x.log"]), (Some(1), String::new(), String::new()));
    let (status, out, err) = said(&["table", "-q", "x.log", "-o", "x.csv"]);
    assert!(status == Some(0) && out.is_empty() && err.is_empty(), "{out}{err}");
    let (status, _, err) = said(&["parse", "-q", "absent.log"]);
    assert!(status == Some(2) && err.contains("no such file"), "{err}");
    assert!(said(&["grammar", "explain", "hung-task", "-q"]).1.contains("what to do"));
    // Verbose: why, on standard error; the answer is the full one where there is one.
    let (_, out, err) = said(&["parse", "-v", "x.log"]);
    assert_eq!(out, said(&["parse", "--full", "x.log"]).1);
    for words in ["--color=never, by ", "kanalyze.toml:2", "x.log: read ", " s in all"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    let (_, _, err) = said(&["doctor", "-v"]);
    assert!(err.contains(" s in all"), "{err}");
}

#[test]
fn a_page_has_the_status_of_its_verb_and_quiet_is_quiet_for_pages_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("crash.log"), CRASH).expect("written");
    std::fs::write(folder.path().join("clean.log"), "[    1.0] usb 1-1: new device\n").expect("written");
    let hang = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/logs/hang_chain.log");
    let status = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
        let done = command.args(words).current_dir(folder.path()).output().expect("it runs");
        (done.status.code(), done.stdout)
    };
    for (verb, log, wanted) in [
        ("parse", "crash.log", 1),
        ("parse", "clean.log", 0),
        ("locks", "crash.log", 0),
        ("locks", hang, 1),
        ("bisect", "clean.log", 2),
    ] {
        let (code, page) = status(&[verb, "--format", "html", log]);
        assert!(code == Some(wanted) && page.starts_with(b"<!"), "{verb} {log}: {code:?}");
        assert_eq!(status(&[verb, "-q", "--format", "html", log]), (Some(wanted), Vec::new()), "{verb} {log}");
        assert_eq!(status(&[verb, "-q", log]), (Some(wanted), Vec::new()), "{verb} {log}");
    }
    // Several logs have one page.
    assert_eq!(status(&["parse", "--format", "html", "clean.log", "crash.log"]).0, Some(1));
    assert_eq!(status(&["locks", "--format", "html", "clean.log", "crash.log"]).0, Some(0));
}

#[test]
fn an_answer_that_does_not_come_through_is_a_failure() {
    let place = Place::new();
    for words in
        [&["--help"][..], &["--version"], &["parse", "--help"], &["help"], &["help", "exit"], &["generate", "schema"]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
        let done = command.args(words).current_dir(place.path()).stdout(full).output().expect("it runs");
        assert_eq!(done.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("No space left"), "{words:?}");
        assert_eq!(place.kanalyze(words, &[]).status.code(), Some(0), "{words:?}");
    }
    let told = place.told(&["doctor", "ppq"], &[]);
    assert!(told.contains("ppq: no such file or folder"), "{told}");
    assert_eq!(place.kanalyze(&["doctor", "a,b.log"], &[]).status.code(), Some(2), "a file is not a folder");
}
