//! `kanalyze run`, `runs`, `watch` and `doctor` with real parts: QEMU under TCG, Debian's kernel, an initramfs of busybox and dropbear.
//!
//! The guest is made by `tests/guest/build.sh`. Without it or without QEMU the tests fail where `CI` is set; elsewhere they
//! pass, and `--nocapture` shows what was skipped.

#![expect(clippy::print_stderr, reason = "tests print what they skip and what they measured")]

mod ends;
mod failures;
mod live;
mod machines;
mod rows;
mod series;
mod settings;
mod shapes;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const KANALYZE: &str = env!("CARGO_BIN_EXE_kanalyze");

/// Bzimage, initramfs and key; none when the machine cannot run them.
fn guest() -> Option<PathBuf> {
    let folder = std::env::var_os("KANALYZE_GUEST").map(PathBuf::from).unwrap_or_else(|| {
        // target/debug/kanalyze → target/guest
        Path::new(KANALYZE).ancestors().nth(2).expect("a target folder").join("guest")
    });
    let qemu = Command::new("qemu-system-x86_64").arg("--version").output().is_ok();
    let whole = ["bzImage", "initramfs.cpio", "key", "stamp"].iter().all(|name| folder.join(name).is_file());
    if qemu && whole {
        return Some(folder);
    }
    let missing = if qemu {
        format!("no guest in {}: run tests/guest/build.sh", folder.display())
    } else {
        "no qemu-system-x86_64".to_owned()
    };
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// One test's folder and the way to start kanalyze in it.
struct Scene {
    folder: tempfile::TempDir,
    guest: PathBuf,
}

impl Scene {
    fn new() -> Option<Self> {
        Some(Self { guest: guest()?, folder: tempfile::tempdir().expect("a temporary folder") })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn kanalyze(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(KANALYZE);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// `kanalyze run` of the guest, quick to settle.
    fn run(&self, arguments: &[&str]) -> Command {
        let guest = |name: &str| self.guest.join(name).display().to_string();
        let mut command =
            self.kanalyze(&["run", "--machine", "pc", "--memory", "512", "--accel", "tcg", "--key", &guest("key")]);
        for (option, value) in
            [("--settle", "1s"), ("--boot-timeout", "60s"), ("--initrd", guest("initramfs.cpio").as_str())]
        {
            if !arguments.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(["--kernel", &guest("bzImage")]);
        command.args(arguments);
        command
    }

    fn finish(&self, command: &mut Command) -> Finished {
        let output = command.output().expect("kanalyze runs");
        let run = self.last_run();
        Finished { output, run }
    }

    fn runs(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.path("runs"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
            .unwrap_or_default();
        found.sort();
        found
    }

    fn last_run(&self) -> PathBuf {
        self.runs().pop().unwrap_or_default()
    }

    /// Waits for the only run's folder.
    fn awaited_run(&self) -> PathBuf {
        eventually("a run folder", || self.runs().pop().filter(|path| path.join("manifest.json").is_file()))
    }
}

impl Drop for Scene {
    /// A test that failed leaves nothing running, and says how far its runs came.
    fn drop(&mut self) {
        for run in self.runs() {
            if std::thread::panicking() {
                let events = read(&run, "events.jsonl");
                eprintln!("{}:\n{}", run.display(), events.get(events.len().saturating_sub(3000)..).unwrap_or(&events));
                let _ = self.kanalyze(&["runs", "stop"]).arg(&run).output();
            }
        }
    }
}

struct Finished {
    output: Output,
    run: PathBuf,
}

impl Finished {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned() + &String::from_utf8_lossy(&self.output.stderr)
    }

    #[track_caller]
    fn exits(&self, status: i32) -> &Self {
        assert_eq!(self.output.status.code(), Some(status), "{}\n{}", self.text(), read(&self.run, "serial.log"));
        self
    }

    #[track_caller]
    fn says(&self, words: &str) -> &Self {
        assert!(self.text().contains(words), "no {words:?} in\n{}", self.text());
        self
    }
}

fn read(run: &Path, name: &str) -> String {
    fs::read(run.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn manifest(run: &Path) -> Value {
    serde_json::from_str(&read(run, "manifest.json")).expect("a manifest that is whole")
}

fn events(run: &Path) -> Vec<Value> {
    read(run, "events.jsonl").lines().map(|line| serde_json::from_str(line).expect("whole lines of JSON")).collect()
}

/// Asks again until there is an answer; a minute is far beyond what a loaded machine needs.
#[track_caller]
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Pids of QEMUs whose command line names this run's sockets.
fn machines_of(run: &Path) -> Vec<i32> {
    let sockets = manifest(run)["sockets"].as_str().unwrap_or("no sockets").to_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains(&format!("{sockets}/"))
            && line.contains("qemu-system")
            && let Ok(pid) = entry.file_name().to_string_lossy().parse()
        {
            found.push(pid);
        }
    }
    found
}

#[track_caller]
fn nothing_is_left(run: &Path) {
    assert_eq!(machines_of(run), [] as [i32; 0], "a machine was left behind");
    let sockets = manifest(run)["sockets"].as_str().map(PathBuf::from);
    assert!(sockets.is_none_or(|folder| !folder.exists()), "sockets were left behind");
}

fn signal(pid: i32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs").success());
}
