//! Faults of the machine, injected: a disk that fails or is full, a folder that is read-only, a log that is cut while it is
//! read, a kill at each step, little memory, a small stack, few descriptors. Each ends with a sentence, and nothing is lost.

mod disk;
mod ends;
mod fetch;
mod limits;
mod shared_use;
mod watching;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// A log with a crash, a hang and lock lists: about 24 KB.
const HANG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/logs/hang_chain.log");
/// A disk that fails, for LD_PRELOAD; see there.
const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assets/stand-in-faulty-disk.c");

/// The table that a build writes: Parquet, if it can.
const TABLE: &str = if cfg!(feature = "arrow") { "out.parquet" } else { "out.csv" };

/// The stand-in, compiled once.
static FAULTY: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("faulty-disk.so");
    let made =
        Command::new("gcc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(STAND_IN).arg("-ldl").status();
    assert!(made.expect("gcc, which these tests need").success(), "the stand-in compiles");
    (folder, library)
});

/// The program in a folder of its own, with caches there.
fn kanalyze(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache")).env("HOME", folder);
    command.stdin(std::process::Stdio::null());
    command
}

/// What the stand-in does to files whose path holds `path`.
struct Fault {
    kind: &'static str,
    path: &'static str,
    number: i32,
    after: usize,
}

const EIO: i32 = 5;
const EROFS: i32 = 30;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

fn with_fault(folder: &Path, arguments: &[&str], fault: &Fault) -> Output {
    faulty(folder, arguments, fault).output().expect("the program runs")
}

/// The same on a file system that knows files without a name.
fn with_fault_unnamed(folder: &Path, arguments: &[&str], fault: &Fault) -> Output {
    faulty(folder, arguments, fault).env("FAULT_UNNAMED", "1").output().expect("the program runs")
}

fn faulty(folder: &Path, arguments: &[&str], fault: &Fault) -> Command {
    let mut command = kanalyze(folder, arguments);
    command
        .env("LD_PRELOAD", &FAULTY.1)
        .env("FAULT", fault.kind)
        .env("FAULT_PATH", fault.path)
        .env("FAULT_ERRNO", fault.number.to_string())
        .env("FAULT_AFTER", fault.after.to_string());
    command
}

/// What people read: sentences on stderr, and the verdicts of `grammar check` and `corpus check` on stdout.
fn told(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).expect("text");
    said + &String::from_utf8_lossy(&output.stdout[..output.stdout.len().min(4_000)])
}

/// The command ended by itself, without a panic, and said at least one of the words.
fn ends_with_a_sentence(arguments: &[&str], output: &Output, words: &[&str]) {
    let told = told(output);
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?}: {}: {told}", output.status));
    assert!(code != 101 && !told.contains("panicked"), "{arguments:?}: {told}");
    assert!(words.iter().any(|word| told.contains(word)), "{arguments:?}: {code}: '{told}' has none of {words:?}");
}

/// A folder with two logs and what the verbs write over.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = std::fs::read(HANG).expect("a log of the lab");
    for name in ["a.log", "b.log", "logs/c.log", "logs/d.log"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, &log).expect("a log");
    }
    std::fs::write(folder.path().join("Image"), image()).expect("an image");
    folder
}

/// A flat arm64 image without symbols, which `image extract` wraps into an ELF file.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 4 << 20];
    bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
    bytes[0x10..0x18].copy_from_slice(&(4_u64 << 20).to_le_bytes());
    bytes
}

/// A folder with a small `vmlinux` that has lines and a build id, and a log that names its function.
fn kernel() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write(
        "kernel.c",
        "int widget_put(int x)\n{\n\treturn x + 1;\n}\nint start(int x)\n{\n\treturn widget_put(x);\n}\n",
    );
    write("calls.log", "[    1.000000]  widget_put+0x4/0x10\n[    1.000000]  start+0x4/0x20\n");
    let flags = ["-g", "-O0", "-nostdlib", "-static", "-Wl,--build-id", "-Wl,-e,start", "-o", "vmlinux", "kernel.c"];
    let made =
        Command::new("gcc").args(flags).current_dir(folder.path()).status().expect("gcc, which these tests need");
    assert!(made.success(), "the small kernel compiles");
    folder
}

/// All files below a folder with their contents, caches left out.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("cache") {
                folders.push(path);
            } else if path.is_file() {
                found.push((
                    path.strip_prefix(folder).expect("below it").to_owned(),
                    std::fs::read(&path).expect("a file"),
                ));
            }
        }
    }
    found.sort();
    found
}

/// A log of so many bytes whose first part holds more reports than a pipe takes the records of.
fn large_log(bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 200);
    for number in 0..3_000 {
        let _ = writeln!(text, "[   10.{number:06}][   T42] BUG: KASAN: use-after-free in widget_{number}+0x1f/0x40");
    }
    while text.len() < bytes {
        text.push_str("[   20.000000][    T1] usb 1-1: a hub with four ports was found in the usual place\n");
    }
    text.into_bytes()
}
