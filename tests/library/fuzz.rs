//! The fuzz targets as plain tests: every committed input, and a fixed sequence of changes to them and to logs of the corpus.

#[expect(unreachable_pub, reason = "public in the crate of the targets")]
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;
#[expect(unreachable_pub, reason = "public in the crate of the targets")]
#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use mutate::{Random, by_bytes, by_lines, corpus_files, corpus_folder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// No changed input is longer, bytes.
const LONGEST: usize = 12_000;
/// So many changed inputs each target gets here; the campaigns of `fuzz/run.sh` give it millions, and `KANALYZE_CHANGES=FROM..TO`
/// other ones without libFuzzer.
const CHANGED: usize = 60;

/// The numbers of the changes to try.
fn changes() -> std::ops::Range<u32> {
    let Ok(wished) = std::env::var("KANALYZE_CHANGES") else { return 0..CHANGED as u32 };
    let (from, to) = wished.split_once("..").expect("KANALYZE_CHANGES=FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

/// The committed inputs of a target: what was written by hand, what a campaign found worth keeping, every past fault.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<(PathBuf, Vec<u8>)> = entries
        .flatten()
        .map(|entry| entry.path())
        .map(|path| (path.clone(), std::fs::read(path).expect("a seed")))
        .collect();
    all.sort();
    all
}

/// Logs of the corpus, if the target reads logs.
fn logs(target: &str) -> Vec<Vec<u8>> {
    if ["grammar", "image", "symbols", "syzbot", "mail", "thread"].contains(&target) {
        return Vec::new();
    }
    let mut files = Vec::new();
    let folder = corpus_folder();
    corpus_files(&if target == "bisect" { folder.join("bisect") } else { folder }, &mut files);
    files.sort();
    let every = files.len().div_ceil(CHANGED).max(1);
    let texts = files.iter().step_by(every).map(|path| std::fs::read(path).expect("a log"));
    texts.filter(|text| text.len() < LONGEST).collect()
}

fn holds(target: &str, check: fn(&[u8]), data: &[u8], what: &dyn std::fmt::Display) {
    if catch_unwind(AssertUnwindSafe(|| check(data))).is_err() {
        // Kept, since the sequence of changes moves on with the corpus.
        let kept = std::env::temp_dir().join(format!("kanalyze-fuzz-{target}-fault"));
        let _ = std::fs::write(&kept, data);
        panic!("{target}: {what} breaks a promise: see above; the input is {}", kept.display());
    }
}

#[test]
fn every_committed_input_keeps_the_promises() {
    for (target, check) in targets::ALL {
        for (path, data) in seeds(target) {
            holds(target, check, &data, &path.display());
        }
    }
}

#[test]
fn changed_inputs_keep_the_promises() {
    let only = std::env::var("KANALYZE_TARGET").ok();
    for (target, check) in
        targets::ALL.into_iter().filter(|(target, _)| only.as_deref().is_none_or(|only| only == *target))
    {
        let mut bases: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, data)| data).collect();
        bases.extend(logs(target));
        assert!(!bases.is_empty(), "{target} has nothing to begin with");
        for number in changes() {
            let mut random = Random::new(number + 1);
            let base = &bases[random.below(bases.len())];
            let changed = if std::str::from_utf8(base).is_ok() && number % 3 != 0 {
                by_lines(base, LONGEST, &mut random)
            } else {
                by_bytes(base, &mut random)
            };
            holds(target, check, &changed, &format!("change {number}"));
        }
    }
}
