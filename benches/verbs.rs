//! How long each verb takes from its start to its end, its answer checked: `cargo bench --bench verbs`.

#[path = "written/sizes.rs"]
mod sizes;
mod written;

use divan::Bencher;
use divan::counter::BytesCount;
use sizes::sizes;
use std::path::PathBuf;
use std::process::{Command, Output};

fn main() {
    divan::main();
}

fn mib() -> Vec<usize> {
    sizes("KANALYZE_BENCH_MIB", &[1, 16])
}

/// A file that is gone afterwards.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("kanalyze-bench-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("the folder for temporary files can be written");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Whoever cleans the folder may have been quicker.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What the program answers, and that its status is the expected one.
fn kanalyze(words: &[&str], files: &[&File], status: i32) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    let output = command.args(words).args(files.iter().map(|file| &file.0)).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(status), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn lines(output: &Output) -> usize {
    memchr::memchr_iter(b'\n', &output.stdout).count()
}

/// One line: what it takes to start.
#[divan::bench(args = [&["--version"][..], &["parse"], &["parse", "--format", "jsonl"], &["locks"]])]
fn start(bencher: Bencher, words: &[&str]) {
    let file = File::new("start.log", b"[    1.000000] BUG: KASAN: use-after-free in widget_take+0x1/0x2\n");
    let files: &[&File] = if words == ["--version"] { &[] } else { &[&file] };
    bencher.bench(|| kanalyze(words, files, i32::from(words[0] == "parse")));
}

#[divan::bench(args = mib())]
fn parse_text_boring(bencher: Bencher, mib: usize) {
    let file = File::new(&format!("text-{mib}.log"), &written::boring(mib << 20));
    bencher.counter(BytesCount::new(mib << 20)).bench(|| kanalyze(&["parse"], &[&file], 0));
}

#[divan::bench(args = mib())]
fn parse_jsonl_boring(bencher: Bencher, mib: usize) {
    let file = File::new(&format!("jsonl-{mib}.log"), &written::boring(mib << 20));
    bencher
        .counter(BytesCount::new(mib << 20))
        .bench(|| assert_eq!(lines(&kanalyze(&["parse", "--format", "jsonl"], &[&file], 0)), 0));
}

#[divan::bench(args = sizes("KANALYZE_BENCH_REPORTS", &[1, 1000]))]
fn parse_jsonl_dense(bencher: Bencher, count: usize) {
    let file = File::new(&format!("dense-{count}.log"), &written::reports(count, 20));
    bencher.bench(|| assert_eq!(lines(&kanalyze(&["parse", "--format", "jsonl"], &[&file], 1)), count));
}

#[divan::bench(args = [1, 1000])]
fn diff(bencher: Bencher, count: usize) {
    let a = File::new(&format!("a-{count}.log"), &written::reports(count, 2));
    let b = File::new(&format!("b-{count}.log"), &written::boring(1 << 10));
    bencher.bench(|| kanalyze(&["diff"], &[&a, &b], 1));
}

#[divan::bench(args = [10, 300])]
fn locks(bencher: Bencher, count: usize) {
    let file = File::new(&format!("hangs-{count}.log"), &written::hangs(count));
    bencher.bench(|| assert_eq!(lines(&kanalyze(&["locks", "--format", "jsonl"], &[&file], 1)), 1));
}

#[divan::bench(args = [10, 1000])]
fn bisect(bencher: Bencher, commits: usize) {
    let file = File::new(&format!("bisect-{commits}.txt"), &written::bisection(commits));
    bencher.bench(|| kanalyze(&["bisect"], &[&file], 0));
}

#[divan::bench(args = [1, 500])]
fn grammar_check(bencher: Bencher, count: usize) {
    let file = File::new(&format!("kinds-{count}.toml"), written::kinds(count).as_bytes());
    bencher.bench(|| assert_eq!(lines(&kanalyze(&["grammar", "check"], &[&file], 0)), count + 1));
}

/// Many small logs: what each costs besides its bytes.
#[divan::bench(args = [10, 1000])]
fn small_files(bencher: Bencher, count: usize) {
    let files: Vec<File> =
        (0..count).map(|at| File::new(&format!("small-{count}-{at}.log"), &written::boring(5 << 10))).collect();
    let files: Vec<&File> = files.iter().collect();
    bencher.counter(BytesCount::new(count * (5 << 10))).bench(|| kanalyze(&["parse"], &files, 0));
}
