//! The lab's crashes in a repository of the lab's modules: the right line and the right commit.

use super::report;
use super::repository::Repository;
use kanalyze::source::{PageOptions, PlaceRole, Tree, blame_page};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each commit of the repository adds so many lines to every file.
const LINES: usize = 30;

/// The modules in a repository, where each commit wrote the next lines of every file; the commits, oldest first.
fn modules(folder: &Path) -> (Repository, Vec<String>) {
    let repository = Repository::begun();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the modules").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let texts: Vec<(String, Vec<String>)> = files
        .iter()
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(path).expect("text");
            (name, text.split_inclusive('\n').map(str::to_owned).collect())
        })
        .collect();
    let longest = texts.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    let mut commits = Vec::new();
    for end in (LINES..longest + LINES).step_by(LINES) {
        for (name, lines) in &texts {
            repository.write(&format!("drivers/lab/{name}"), &lines[..lines.len().min(end)].concat());
        }
        commits.push(repository.commit(&format!("lab: lines up to {end}")));
    }
    repository.git(&["mv", "drivers/lab", "modules"]);
    repository.commit("lab: modules live in modules");
    repository.git(&["tag", "v6.12.117"]);
    (repository, commits)
}

/// The log with the lines of the compiled code behind its frames, as truth has them from binutils.
fn decoded(log: &str, truth: &Value) -> String {
    let mut places: BTreeMap<u64, &Value> = BTreeMap::new();
    for frame in truth["stacks"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|stack| stack["frames"].as_array().into_iter().flatten())
    {
        if let Some(line) = frame["log_line"].as_u64() {
            places.insert(line, frame);
        }
    }
    let mut out = String::new();
    for (line, number) in log.lines().zip(1..) {
        let frame = places.get(&number).copied();
        let name = frame.and_then(|frame| frame["func"].as_str());
        let sites = frame.and_then(|frame| frame["call_site"].as_array()).filter(|sites| !sites.is_empty());
        if let (Some(name), Some(sites)) = (name, sites)
            && let Some(at) = line.find(&format!("{name}+0x"))
        {
            let place = |site: &Value| site["loc"].as_str().unwrap_or_default().to_owned();
            let (outer, inner) = sites.split_last().expect("it is not empty");
            for site in inner {
                let inlined = site["func"].as_str().unwrap_or_default();
                out.push_str(&format!("{}{inlined} {} [inline]\n", &line[..at], place(site)));
            }
            out.push_str(&format!("{} {}\n", line.trim_end(), place(outer)));
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[test]
fn the_line_and_the_commit_of_the_labs_crashes_are_right() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lab");
    let (repository, commits) = modules(&lab.join("modules"));
    let tree = Tree::open(&repository.path(), None).expect("a tree");
    let mut truths: Vec<PathBuf> =
        std::fs::read_dir(lab.join("truth")).expect("truth").flatten().map(|entry| entry.path()).collect();
    truths.sort();
    let (mut right, mut faults) = (Vec::new(), Vec::new());
    for path in truths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let truth: Value = serde_json::from_slice(&std::fs::read(&path).expect("truth")).expect("JSON");
        if truth["expected_title_by_design"].as_str().is_none() {
            continue;
        }
        let log = std::fs::read(lab.join(format!("logs/{name}.log"))).expect("a log");
        let crash = report(&decoded(&String::from_utf8_lossy(&log), &truth));
        let Some(frames) = truth["first_report_stack"].as_array() else { continue };
        let bare =
            |frame: &Value| frame["func"].as_str().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
        let Some(frame) = frames.iter().find(|frame| bare(frame) == crash.frame) else { continue };
        let outer = frame["call_site"].as_array().and_then(|sites| sites.last()).and_then(|site| site["loc"].as_str());
        let Some((file, line)) = outer.and_then(|place| place.split_once(':')) else { continue };
        if !file.starts_with("modules/") {
            continue;
        }
        let line: usize = line.parse().expect("a line");
        let page = blame_page(&tree, &crash, &PageOptions::default()).expect("a page");
        let blamed = page.places.iter().find(|place| matches!(place.role, PlaceRole::Blamed | PlaceRole::Waits));
        let found = blamed.map(|place| {
            let commit = place.blame.as_ref().map(|blame| blame.commit.commit.clone());
            let function = place.around.as_ref().map(|around| around.name.clone());
            (place.file.clone(), place.line, commit, function)
        });
        let expected = (
            Some(file.to_owned()),
            Some(line as u32),
            Some(commits[(line - 1) / LINES].clone()),
            Some(crash.frame.clone()),
        );
        if found.as_ref() == Some(&expected) {
            right.push(name)
        } else {
            faults.push(format!("{name}: {found:?} instead of {expected:?}"))
        }
    }
    assert!(faults.is_empty(), "{} right, wrong:\n{}", right.len(), faults.join("\n"));
    assert!(right.len() >= 20, "only {}: {right:?}", right.len());
}
