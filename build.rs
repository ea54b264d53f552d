//! Reads and checks the grammar files and lays out what the program needs of them at its start, the words that are needed
//! before there is a grammar, and what ordinary lines hold.

// What the library does with a user's files is done here with the built-in ones.
#[expect(unreachable_pub, reason = "public in the library")]
#[path = "src/line/anchors.rs"]
mod anchors;
#[path = "src/line/letters.rs"]
mod letters;
#[expect(dead_code, unreachable_pub, unused_imports, reason = "the library needs more of it")]
#[path = "src/grammar/plan/mod.rs"]
mod plan;
#[path = "build/shapes.rs"]
mod shapes;

/// As it is named in the library.
mod line {
    pub(crate) use crate::letters::Letters;
}

use plan::Plan;
use plan::rarity::{Rarity, slot, windows};
use plan::sought::{Events, Marks, Variant, texts};
use plan::windows::layout;
use std::path::{Path, PathBuf};

/// Lines as kernels print them when all is well.
const ORDINARY: &str = "src/grammar/ordinary-lines.txt";
/// How many lines of the corpus weigh as much as one ordinary line: most of them belong to reports.
const REPORTS_WEIGH: f64 = 10.0;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=grammars");
    println!("cargo::rerun-if-changed=src/grammar/plan");
    println!("cargo::rerun-if-changed=src/line/anchors.rs");
    println!("cargo::rerun-if-changed=src/line/letters.rs");
    println!("cargo::rerun-if-changed={ORDINARY}");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    // A work tree has it elsewhere, a published crate not at all: a file that is missing would have everything built at each call.
    if let Some(head) = git(&root, &["rev-parse", "--git-path", "HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(out.join(name), bytes).expect("the build folder can be written");
    write("landmarks.rs", landmarks(&root).as_bytes());
    let ordinary = std::fs::read(root.join(ORDINARY)).expect("it is there");
    // A new log in the corpus alone is no reason to build everything again.
    let mut logs = Vec::new();
    collect_logs(&root.join("corpus"), &mut logs);
    let levels = levels(&ordinary, &logs);
    write("rarity.bin", &levels);
    let rarity = Rarity(&levels);
    let plan = plan(&root, rarity);
    write("grammar.bin", &postcard::to_allocvec(&plan).expect("a plan is plain data"));
    write("shapes.rs", shapes::tables(&plan).as_bytes());
    let marks = Marks {
        kernel_boots: anchors::KERNEL_BOOT_ANCHORS,
        boots: anchors::BOOT_ANCHORS,
        gaps: anchors::GAP_ANCHORS,
        executor: anchors::EXECUTOR_ANCHOR,
    };
    let sought = plan.sought(marks);
    let mut layouts = [const { String::new() }; Variant::COUNT];
    let both = [false, true];
    let variants = Events::ALL.into_iter().flat_map(|events| both.map(|gaps| (events, gaps)));
    for (events, gaps, as_syzbot) in variants.flat_map(|(events, gaps)| both.map(|as_syzbot| (events, gaps, as_syzbot)))
    {
        let variant = Variant { events, gaps, as_syzbot };
        let name = format!("layout-{}.bin", variant.number());
        let texts: Vec<&str> = texts(&sought, variant).into_keys().collect();
        write(&name, &postcard::to_allocvec(&layout(&texts, rarity)).expect("a layout is plain data"));
        layouts[variant.number()] = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
    }
    write("layouts.rs", format!("[{}]\n", layouts.join(", ")).as_bytes());
    println!("cargo::rustc-env=BUILT_FROM_COMMIT={}", commit(&root).unwrap_or_else(|| "unknown commit".into()));
}

/// The plan of the files of `grammars/`.
fn plan(root: &Path, rarity: Rarity<'_>) -> Plan {
    let mut files = Vec::new();
    collect(&root.join("grammars"), &mut files);
    files.sort();
    let mut plan = Plan::default();
    let read = |file: PathBuf| {
        let name = file.strip_prefix(root).expect("it was found below").display().to_string();
        plan.take(&name, &std::fs::read_to_string(&file).expect("a grammar file is text"), rarity)
    };
    if let Err(fault) = files.into_iter().try_for_each(read).and_then(|()| plan.arrange()) {
        panic!("{}: {}", fault.place, fault.message);
    }
    plan
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
            let beginning = beginning.unwrap_or_else(|| panic!("{}: '{name}' is not a beginning", path.display()));
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
    git(root, &["describe", "--always", "--dirty", "--abbrev=12"])
}

/// What git says, if it is there and the folder is in a repository.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = std::process::Command::new("git").args(arguments).current_dir(root).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The logs below a folder, one after the other. The corpus is not part of the published crate.
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

/// For each slot of four bytes, its level in ordinary lines and in lines of reports (see `Rarity`).
fn levels(ordinary: &[u8], reports: &[u8]) -> Vec<u8> {
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
        for slot in windows(line).map(slot) {
            if last[slot] != number {
                last[slot] = number;
                counts[slot] += 1;
            }
        }
    }
    counts.into_iter().map(|count| f64::from(count) / lines.len().max(1) as f64).collect()
}
