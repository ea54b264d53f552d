//! Files of settings, profiles, a run that is repeated, a program's options for one run: shown by --dry-run, no machine needed.

use super::{KANALYZE, manifest, read};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Place {
    folder: tempfile::TempDir,
}

const PROGRAM: &str = "#{\"threaded\":true,\"repeat\":true,\"procs\":6,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"wifi\":true,\"close_fds\":true}\n\
                       mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n";

impl Place {
    /// A bundle `bugs/ppp` with a kernel that does not boot, and a program.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let bundle = place.path("bugs/ppp");
        fs::create_dir_all(&bundle).expect("made");
        let mut kernel = vec![0; 4096];
        kernel[514..518].copy_from_slice(b"HdrS");
        fs::write(bundle.join("bzImage"), kernel).expect("written");
        fs::write(bundle.join("repro.syz"), PROGRAM).expect("written");
        place.kanalyze(&["bundle", "adopt", "bugs/ppp"], 0);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn kanalyze(&self, arguments: &[&str], status: i32) -> String {
        let output = Command::new(KANALYZE).args(arguments).current_dir(self.folder.path()).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        text
    }

    #[track_caller]
    fn dry(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> =
            ["run", "--bundle", "bugs/ppp", "--dry-run", "--accel", "tcg"].iter().chain(arguments).copied().collect();
        self.kanalyze(&all, 0)
    }
}

#[track_caller]
fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in\n{text}");
    }
}

#[test]
fn what_one_types_each_time_stands_in_a_file() {
    let place = Place::new();
    let settings = "[run]\nmemory = 3000\nappend = [\"slub_debug=FZ\", \"quiet it\"]\nmax-time = \"2h\"\n\n\
                    [run.profile.stress]\ncpus = 7\nprocs = 16\nappend = [\"nokaslr\"]\n";
    fs::write(place.path("bugs/kanalyze.toml"), settings).expect("written");
    let text = place.dry(&[]);
    holds(
        &text,
        &["-m 3000 -smp 2", "slub_debug=FZ quiet it'", "-procs=6", "# --memory=3000 (", "bugs/kanalyze.toml:2)"],
    );
    let text = place.dry(&["--profile", "stress"]);
    holds(&text, &["-m 3000 -smp 7", "nokaslr'", "-procs=16"]);
    assert!(!text.contains("slub_debug"), "a list is replaced as a whole\n{text}");
    let text = place.dry(&["--profile", "stress", "--memory", "555", "--procs", "2"]);
    holds(&text, &["-m 555 -smp 7", "-procs=2"]);
    holds(&place.dry(&["--no-config"]), &["-m 2048 -smp 2"]);
    let text = place.kanalyze(&["run", "--bundle", "bugs/ppp", "--profile", "calm", "--dry-run"], 2);
    holds(&text, &["--profile calm: no such profile, there are stress"]);
    fs::write(place.path("bugs/ppp/kanalyze.toml"), "[run]\nmemroy = 1\n").expect("written");
    let text = place.kanalyze(&["run", "--bundle", "bugs/ppp", "--git-bisect"], 125);
    holds(&text, &["bugs/ppp/kanalyze.toml:2: there is no option 'memroy'"]);
}

#[test]
fn an_option_of_the_program_is_changed_for_one_run() {
    let place = Place::new();
    let program = place.path("bugs/ppp/repro.syz");
    let text = place.dry(&["--set", "wifi=false", "--set", "procs=3"]);
    holds(&text, &["-disable=wifi", "-procs=3"]);
    assert_eq!(fs::read_to_string(&program).expect("read"), PROGRAM, "the bundle stays");
    let text = place.kanalyze(&["run", "--bundle", "bugs/ppp", "--set", "wifi=maybe", "--dry-run"], 2);
    holds(&text, &["--set wifi=maybe"]);
    let text = place.kanalyze(&["run", "--bundle", "bugs/ppp", "--exec", "true", "--set", "wifi=false"], 2);
    holds(&text, &["none is run"]);
}

#[test]
fn a_run_is_repeated_from_its_manifest_whatever_was_edited_since() {
    let place = Place::new();
    fs::write(place.path("kanalyze.toml"), "[run]\nmemory = 777\n").expect("written");
    // A QEMU that is not there: the run is trouble, and its manifest is whole.
    let bundle = ["run", "--bundle", "bugs/ppp", "--accel", "tcg", "--tag", "first", "--set", "wifi=false"];
    let run = [&bundle[..], &["--qemu", "/nonexistent/qemu", "--sysctl", "kernel.hung_task_timeout_secs=30"]].concat();
    place.kanalyze(&run, 2);
    let runs = place.path("bugs/ppp/runs");
    let first = fs::read_dir(&runs).expect("made").flatten().next().expect("a run").path();
    assert_eq!(read(&first, "repro.syz"), PROGRAM.replace("\"wifi\":true", "\"wifi\":false"));
    holds(&read(&first, "again.sh"), &["--no-config", "--memory=777", "--set wifi=false"]);
    fs::remove_file(place.path("kanalyze.toml")).expect("removed");
    fs::write(place.path("bugs/ppp/repro.syz"), PROGRAM.replace("0x1000", "0x2000")).expect("edited");
    let name = first.file_name().expect("a name").to_string_lossy().into_owned();
    let again = |more: &[&str], status| {
        let all: Vec<&str> = ["run", "--again", &name, "--runs", "bugs/ppp/runs"].iter().chain(more).copied().collect();
        place.kanalyze(&all, status)
    };
    let text = again(&["--dry-run"], 0);
    holds(&text, &["-m 777", "-disable=wifi", "/nonexistent/qemu", "# "]);
    let text = again(&["--dry-run", "--memory", "888", "--set", "procs=1"], 0);
    holds(&text, &["-m 888", "-procs=1", "-disable=wifi"]);
    // The folder may be a stranger's: what reaches this machine is said again, or the folder is trusted.
    holds(&again(&[], 2), &["the manifest says 'qemu', which starts a program", "say --qemu here", "trusted = ["]);
    assert_eq!(fs::read_dir(&runs).expect("made").count(), 1, "nothing was run");
    again(&["--qemu", "/nonexistent/qemu"], 2);
    let second = fs::read_dir(&runs).expect("made").flatten().map(|entry| entry.path()).find(|path| *path != first);
    let second = second.expect("another run");
    assert!(second.to_string_lossy().contains("-first"), "the tag, too: {}", second.display());
    assert_eq!(read(&second, "repro.syz"), read(&first, "repro.syz"), "the program as it was, not as it is");
    assert_eq!(manifest(&second)["settings"]["sysctls"], manifest(&first)["settings"]["sysctls"]);
    // The folder itself is a name, too, and a kernel that was built anew is reported.
    fs::write(place.path("bugs/ppp/bzImage"), b"\x7fELFanother one").expect("written");
    let direct = place.kanalyze(&["run", "--again", &path_text(&first), "--dry-run"], 0);
    assert!(direct.contains("-m 777"), "{direct}");
    holds(&place.kanalyze(&["run", "--again", "nosuch", "--dry-run"], 2), &["no run \"nosuch\""]);
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
