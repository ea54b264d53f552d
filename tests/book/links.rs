//! Links of README, CONTRIBUTING and the book lead to files and headings that are there.

use crate::examples::pages;
use crate::stage::root;
use std::collections::BTreeSet;
use std::path::Path;

/// Pages that `kanalyze generate reference` writes when the book is built.
const GENERATED: [&str; 4] = ["commands.md", "kinds.md", "json.md", "bisect-model.md"];

/// Targets of `[text](target)`, outside of fenced blocks.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            if let Some(end) = part.find(')') {
                found.push(part[..end].to_owned());
            }
        }
    }
    found
}

/// The anchors of a page, as mdBook makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        })
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            words
                .chars()
                .filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'))
                .map(|char| if char == ' ' { '-' } else { char })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_in_the_summary() {
    let docs = root().join("docs");
    let read = |path: &Path| std::fs::read_to_string(path).expect("it is there");
    let mut checked: Vec<_> = pages(&docs);
    checked.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut faults = Vec::new();
    for path in &checked {
        let text = read(path);
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let to = if file.is_empty() { path.clone() } else { path.parent().expect("in a folder").join(file) };
            let made = to.parent().is_some_and(|folder| folder.ends_with("reference"))
                && to.file_name().is_some_and(|name| GENERATED.iter().any(|made| name == *made));
            if made {
                continue;
            }
            if !to.exists() {
                faults.push(format!("{}: {target} is not there", path.display()));
            } else if !anchor.is_empty() && !anchors(&read(&to)).contains(anchor) {
                faults.push(format!("{}: {target}: no such heading", path.display()));
            }
        }
    }
    let summary = read(&docs.join("SUMMARY.md"));
    let listed: BTreeSet<String> = targets(&summary).into_iter().collect();
    for page in pages(&docs) {
        let name = page.file_name().expect("a file").to_string_lossy().into_owned();
        if name != "SUMMARY.md" && !listed.contains(&name) {
            faults.push(format!("docs/SUMMARY.md does not list {name}"));
        }
    }
    for page in GENERATED {
        assert!(listed.contains(&format!("reference/{page}")), "docs/SUMMARY.md does not list reference/{page}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
