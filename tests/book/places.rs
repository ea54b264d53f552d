//! The recipes of `packaging/places`, the formats for lnav and the settings for editors, on folders laid out as their tools do it.

use crate::stage::{copy, root};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const KANALYZE: &str = env!("CARGO_BIN_EXE_kanalyze");

/// A folder with the book's examples in it.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&root().join("docs/examples"), folder.path());
    folder
}

fn recipe(name: &str) -> PathBuf {
    root().join("packaging/places").join(name)
}

/// A recipe's command in a folder.
fn command(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(recipe(name));
    command.current_dir(folder).env("KANALYZE", KANALYZE).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

fn done(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the recipe runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

/// Whether a program of the system is here. In CI it must be.
fn is_here(program: &str) -> bool {
    let found = ["/usr/bin", "/bin", "/usr/local/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    assert!(found || std::env::var_os("CI").is_none(), "{program} is not installed; tests/all.sh installs it");
    if !found {
        eprintln!("not run: {program} is not installed");
    }
    found
}

#[test]
fn xfstests_fails_for_a_warning_that_is_not_known() {
    let files = files();
    let (status, said, _) = done(command(files.path(), "xfstests").arg("results"));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("WARNING in shelf_evict") && said.contains("results/generic/051.dmesg:6"), "{said}");
    let (status, said, _) = done(command(files.path(), "xfstests").args(["results", "--baseline", "known.toml"]));
    assert_eq!(status, Some(0), "{said}");
    // As $RESULT_BASE names it, with options alone.
    let (status, said, _) =
        done(command(files.path(), "xfstests").env("RESULT_BASE", "results").args(["--format", "junit"]));
    assert!(status == Some(1) && said.contains("<testsuite"), "{said}");
}

#[test]
fn xfstests_without_kernel_logs_says_what_to_set() {
    let files = files();
    for name in ["013", "051"] {
        std::fs::remove_file(files.path().join(format!("results/generic/{name}.dmesg"))).expect("it is there");
    }
    let (status, _, told) = done(command(files.path(), "xfstests").arg("results"));
    assert!(status == Some(2) && told.contains("KEEP_DMESG=yes"), "{told}");
}

#[test]
fn blktests_filter_keeps_what_blktests_would_delete() {
    let files = files();
    let log = std::fs::read(files.path().join("hang.log")).expect("it is there");
    let mut child = command(files.path(), "blktests")
        .args(["filter", "all.dmesg"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the recipe runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), &log).expect("it reads");
    assert_eq!(child.wait_with_output().expect("it ends").stdout, log);
    let (status, said, _) = done(command(files.path(), "blktests").args(["check", "all.dmesg"]));
    assert!(status == Some(1) && said.contains("INFO: task hung in shelf_store"), "{said}");
    // results/<device>/<group>/<number>.dmesg
    let (status, said, _) = done(command(files.path(), "blktests").args(["check", "results"]));
    assert!(status == Some(1) && said.contains("WARNING in shelf_evict"), "{said}");
    let (status, _, told) = done(command(files.path(), "blktests").args(["check", "none"]));
    assert!(status == Some(2) && told.contains("DMESG_FILTER"), "{told}");
}

#[test]
fn kselftest_has_one_test_for_the_kernel_log() {
    let files = files();
    let (status, said, _) = done(command(files.path(), "kselftest").args(["--log", "hang.log"]));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.starts_with("TAP version 13\n1..1\n# ") && said.ends_with("\nnot ok 1 kernel log\n"), "{said}");
    assert!(said.contains("INFO: task hung in shelf_store"), "{said}");
    let (status, said, _) = done(command(files.path(), "kselftest").args(["--log", "before/run1.log"]));
    assert_eq!((status, said.as_str()), (Some(0), "TAP version 13\n1..1\nok 1 kernel log\n"));
    // The command's own status stays.
    let (status, said, _) = done(command(files.path(), "kselftest").args(["sh", "-c", "echo ran; exit 3"]));
    assert!(status == Some(3) && said.starts_with("ran\nTAP version 13\n"), "{said}");
}

/// The shell lines below a key of a YAML file that is as simple as ours are.
fn steps(file: &str, below: &str) -> Vec<String> {
    let text = std::fs::read_to_string(recipe(file)).expect("it is there");
    let mut lines = text.lines().skip_while(|line| line.trim() != below).skip(1);
    let mut found = Vec::new();
    for line in lines.by_ref().filter(|line| !line.trim_start().starts_with('#')) {
        match line.trim_start().strip_prefix("- ") {
            Some(step) => found.push(step.to_owned()),
            None => break,
        }
    }
    assert!(!found.is_empty(), "{file}: nothing below {below}");
    found
}

/// Runs steps as a CI runner does: one shell, the first failure ends it. `kanalyze` and stand-ins are on PATH.
fn run_steps(folder: &Path, steps: &[String], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).expect("a temporary folder");
    let put = |name: &str, text: String| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(bin.join(name), text).expect("a temporary folder");
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    };
    put("kanalyze", format!("#!/bin/sh\nexec '{KANALYZE}' \"$@\"\n"));
    put("dmesg", "#!/bin/sh\nexec cat hang.log\n".to_owned());
    put("lava-test-case", "#!/bin/sh\necho \"$*\"\n".to_owned());
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let script = format!("set -e\n{}\n", steps.join("\n"));
    done(
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder)
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .envs(variables.iter().copied())
            .stdin(Stdio::null()),
    )
}

#[test]
fn lava_reports_the_kernel_log_and_each_kind() {
    let files = files();
    let (status, said, told) = run_steps(files.path(), &steps("lava.yaml", "steps:"), &[]);
    assert_eq!(status, Some(0), "{told}");
    assert!(
        said.contains("kernel-hung-task --result fail\n") && said.ends_with("kernel-log --result fail\n"),
        "{said}"
    );
}

#[test]
fn gitlab_fails_the_job_and_leaves_junit() {
    let files = files();
    let steps = steps("gitlab/kanalyze.yml", "script:");
    let (status, said, told) = run_steps(files.path(), &steps, &[("KANALYZE_LOGS", "results/generic/051.dmesg")]);
    assert!(status == Some(1) && said.contains("WARNING in shelf_evict"), "{said}{told}");
    let junit = std::fs::read_to_string(files.path().join("kanalyze.xml")).expect("it was written");
    assert!(junit.contains("<testsuite") && junit.contains("<failure"), "{junit}");
    let known = [("KANALYZE_LOGS", "results/generic/051.dmesg"), ("KANALYZE_BASELINE", "known.toml")];
    assert_eq!(run_steps(files.path(), &steps, &known).0, Some(0));
}

#[test]
fn the_github_action_sets_its_output_and_writes_a_summary() {
    let files = files();
    let run = |baseline: &str| {
        done(
            command(files.path(), "github/check.sh")
                .env("LOGS", "results/generic/051.dmesg results/generic/013.dmesg")
                .env("BASELINE", baseline)
                .env("GITHUB_OUTPUT", files.path().join("output"))
                .env("GITHUB_STEP_SUMMARY", files.path().join("summary.md")),
        )
    };
    assert_eq!(run("").0, Some(1));
    let read = |name: &str| std::fs::read_to_string(files.path().join(name)).expect("it was written");
    assert_eq!(read("output"), "status=1\n");
    assert!(read("summary.md").contains("    WARNING in shelf_evict"), "{}", read("summary.md"));
    let sarif: serde_json::Value = serde_json::from_str(&read("kanalyze.sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(run("known.toml").0, Some(0));
    // What an input says is never run.
    assert_eq!(run("$(touch owned)").0, Some(2));
    assert!(!files.path().join("owned").exists());
}

#[test]
fn kcidb_gets_a_test_an_issue_and_an_incident_that_its_schema_accepts() {
    let files = files();
    let (_, records, _) = done(
        Command::new(KANALYZE).args(["parse", "--format", "jsonl", "results", "hang.log"]).current_dir(files.path()),
    );
    std::fs::write(files.path().join("records"), records).expect("a temporary folder");
    let input = std::fs::File::open(files.path().join("records")).expect("it is there");
    let (status, said, told) = done(
        command(files.path(), "kcidb")
            .args(["--origin", "lab", "--build", "lab:4711", "--passed", "results/generic/013.dmesg"])
            .stdin(input),
    );
    assert_eq!(status, Some(0), "{told}");
    let made: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let tests: Vec<_> = made["tests"].as_array().into_iter().flatten().map(|test| &test["status"]).collect();
    assert_eq!(tests, ["FAIL", "PASS", "FAIL"].iter().collect::<Vec<_>>(), "{said}");
    assert_eq!(made["incidents"].as_array().map(Vec::len), made["issues"].as_array().map(Vec::len));
    // KernelCI's own library, by packaging/tools.sh.
    let python = std::env::var_os("KANALYZE_TOOLS").map(|tools| PathBuf::from(tools).join("python/bin/python"));
    let Some(python) = python else {
        assert!(std::env::var_os("CI").is_none(), "KANALYZE_TOOLS names no tools; tests/all.sh gets them");
        eprintln!("not run: KANALYZE_TOOLS is not set, so kcidb-io did not validate");
        return;
    };
    std::fs::write(files.path().join("made.json"), said).expect("a temporary folder");
    let check = "import json, kcidb_io; kcidb_io.schema.V5_3.validate(json.load(open('made.json')))";
    let (status, _, told) = done(Command::new(python).args(["-c", check]).current_dir(files.path()));
    assert_eq!(status, Some(0), "{told}");
}

#[test]
fn lnav_reads_consoles_and_records_by_our_formats() {
    if !is_here("lnav") {
        return;
    }
    let files = files();
    let formats = files.path().join("formats/kanalyze");
    copy(&root().join("packaging/lnav"), &formats);
    let lnav = |arguments: &[&str]| {
        done(
            Command::new("lnav")
                .arg("-I")
                .arg(files.path())
                .args(arguments)
                .current_dir(files.path())
                .env("HOME", files.path())
                .env("TERM", "dumb")
                .stdin(Stdio::null()),
        )
    };
    // Formats with their samples, as lnav judges them.
    let (status, said, told) = lnav(&["-C"]);
    assert!(status == Some(0) && said.is_empty() && told.is_empty(), "{said}{told}");
    let query = ";SELECT log_line, log_level, caller FROM kernel_console WHERE log_level = 'critical'";
    let (_, said, told) = lnav(&["-n", "-c", query, "-c", ":write-csv-to -", "hang.log"]);
    assert_eq!(said.trim_end(), "log_line,log_level,caller\n1,critical,T31\n15,critical,T31", "{told}");
    let (_, records, _) =
        done(Command::new(KANALYZE).args(["parse", "--format", "jsonl", "hang.log"]).current_dir(files.path()));
    std::fs::write(files.path().join("reports.jsonl"), records).expect("a temporary folder");
    let (_, said, told) = lnav(&["-n", "reports.jsonl"]);
    assert!(said.starts_with("hang.log:2 hang   INFO: task hung in shelf_store\n"), "{said}{told}");
}

#[test]
fn vim_goes_from_report_to_report() {
    if !is_here("vim") {
        return;
    }
    let files = files();
    let bin = files.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a temporary folder");
    let quickfix = root().join("packaging/editors/kanalyze-quickfix");
    std::os::unix::fs::symlink(quickfix, bin.join("kanalyze-quickfix")).expect("a temporary folder");
    let vim = root().join("packaging/editors/vim");
    let script = "compiler kanalyze\nsilent make hang.log\ncopen\nlet list = getqflist()\n\
                  call writefile([len(list), bufname(list[0].bufnr) . ':' . list[0].lnum . ':' . list[0].text], 'found')\nqall!\n";
    std::fs::write(files.path().join("script.vim"), script).expect("a temporary folder");
    let (_, said, told) = done(
        Command::new("/usr/bin/timeout")
            .args(["60", "vim", "-u", "NONE", "-N", "-i", "NONE", "-es", "--cmd"])
            .arg(format!("set runtimepath^={}", vim.display()))
            .args(["-S", "script.vim"])
            .current_dir(files.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", files.path())
            .env("KANALYZE", KANALYZE)
            .stdin(Stdio::null()),
    );
    let found = std::fs::read_to_string(files.path().join("found")).unwrap_or_default();
    let lines: Vec<&str> = found.lines().collect();
    assert!(
        lines.len() == 2 && lines[1].starts_with("hang.log:2:") && lines[1].contains("INFO: task hung in shelf_store"),
        "{found}{said}{told}"
    );
}
