//! Lists the grammar files, so that the program carries them without naming each, lays out the words that are needed before
//! there is a grammar, and counts what ordinary lines hold.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Lines as kernels print them when all is well.
const ORDINARY: &str = "src/grammar/ordinary-lines.txt";
/// How many lines of the corpus weigh as much as one ordinary line: most of them belong to reports.
const REPORTS_WEIGH: f64 = 10.0;

fn main() {
    println!("cargo::rerun-if-changed=grammars");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed={ORDINARY}");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    collect(&root.join("grammars"), &mut files);
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("it was found below").display().to_string();
        writeln!(
            text,
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))),",
            format!("/{name}")
        )
        .expect("a string grows");
    }
    text.push_str("]\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("grammars.rs"), text).expect("the build folder can be written");
    std::fs::write(out.join("landmarks.rs"), landmarks(&root)).expect("the build folder can be written");
    let ordinary = std::fs::read(root.join(ORDINARY)).expect("it is there");
    // A new log in the corpus alone is no reason to build everything again.
    let mut logs = Vec::new();
    collect_logs(&root.join("corpus"), &mut logs);
    std::fs::write(out.join("rarity.bin"), rarity(&ordinary, &logs)).expect("the build folder can be written");
    println!("cargo::rustc-env=KANALYZE_COMMIT={}", commit(&root).unwrap_or_else(|| "unknown commit".into()));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("grammars/ is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
}

/// The rows of `vocabulary/lines.toml` as `[(beginning, Landmark::Meaning)]`, the longest first.
fn landmarks(root: &Path) -> String {
    let path = root.join("grammars/vocabulary/lines.toml");
    let file: toml::Table = std::fs::read_to_string(&path)
        .expect("vocabulary/lines.toml is there")
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows = Vec::new();
    for word in file["word"].as_array().expect("the file has rows") {
        let meaning = word["meaning"].as_str().expect("a row has a meaning");
        let (first, rest) = meaning.split_at(1);
        for name in word["names"].as_array().expect("a row has names") {
            let name = name.as_str().expect("a name is a text");
            let beginning = name.strip_suffix('*').filter(|text| !text.is_empty() && !text.contains('*'));
            let beginning = beginning.unwrap_or_else(|| panic!("{}: '{name}' is no beginning", path.display()));
            rows.push((beginning.to_owned(), format!("{}{rest}", first.to_uppercase())));
        }
    }
    rows.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
    let rows: Vec<String> =
        rows.iter().map(|(beginning, meaning)| format!("    ({beginning:?}, Landmark::{meaning}),\n")).collect();
    format!("&[\n{}]\n", rows.concat())
}

/// The commit that is built, for `--version`.
fn commit(root: &Path) -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .current_dir(root)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The logs below a folder, one after the other. The corpus is no part of the published crate.
fn collect_logs(folder: &Path, text: &mut Vec<u8>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect_logs(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            text.extend(std::fs::read(&path).expect("a log can be read"));
            text.push(b'\n');
        }
    }
}

/// For each slot of four bytes (see `Rarity::slot` of src/grammar/rarity.rs): 0 where no line holds them, else the binary
/// logarithm of how many of 65,536 lines do, plus one.
fn rarity(ordinary: &[u8], reports: &[u8]) -> Vec<u8> {
    let (ordinary, reports) = (shares(ordinary), shares(reports));
    let level = |share: f64| if share > 0.0 { (share * 65536.0).max(1.0).log2().round() as u8 + 1 } else { 0 };
    ordinary.iter().zip(&reports).map(|(one, other)| level(one.max(other / REPORTS_WEIGH))).collect()
}

/// Which share of the lines holds each slot's four bytes.
fn shares(text: &[u8]) -> Vec<f64> {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut counts = vec![0_u32; 1 << 16];
    let mut last = vec![usize::MAX; 1 << 16];
    for (number, line) in lines.iter().enumerate() {
        for four in line.windows(4) {
            let word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            let slot = (word.wrapping_mul(0x9E37_79B1) >> 16) as usize;
            if last[slot] != number {
                last[slot] = number;
                counts[slot] += 1;
            }
        }
    }
    counts.into_iter().map(|count| f64::from(count) / lines.len().max(1) as f64).collect()
}
