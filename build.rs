//! Lists the grammar files, so that the program carries them without naming each, and lays out the words that are needed
//! before there is a grammar.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=grammars");
    println!("cargo::rerun-if-changed=.git/HEAD");
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
