//! What is known to be said about each file of `corpus/`, by the mechanism of `kanalyze corpus check`.

use crate::{promises, root};
use kanalyze::cli::{Form, Member, members, said};
use kanalyze::engine::Options;
use kanalyze::grammar::Grammar;
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Families whose folders are not named for kinds or events: the logs in them show something else.
const OTHER_FAMILIES: [&str; 6] = ["bisect", "dressing", "lab", "machines", "pasted", "speakers"];

/// One test per log and transcript, and one for snapshots whose log is gone.
pub(crate) fn trials() -> Vec<Trial> {
    let corpus = root().join("corpus");
    let all = members(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    assert!(all.len() > 500, "corpus/ holds {} files", all.len());
    let known: BTreeSet<_> = all.iter().map(|member| member.snapshot.clone()).collect();
    let grammar = Grammar::built_in();
    let ids = grammar.all_kinds().map(|(_, kind)| &kind.id).chain(grammar.events.iter().map(|event| &event.id));
    let ids: Arc<BTreeSet<String>> = Arc::new(ids.cloned().collect());
    let mut trials: Vec<Trial> = all
        .into_iter()
        .map(|member| {
            let name = member.path.strip_prefix(root()).expect("below the root").display().to_string();
            let ids = ids.clone();
            Trial::test(name.clone(), move || check(&name, &member, &ids))
        })
        .collect();
    trials.push(Trial::test("corpus: every snapshot has its log", move || {
        let kept = snapshots_below(&corpus);
        let orphans: Vec<_> = kept.difference(&known).map(|path| path.display().to_string()).collect();
        if orphans.is_empty() { Ok(()) } else { Err(format!("no log is beside {}", orphans.join(", ")).into()) }
    }));
    trials
}

fn snapshots_below(folder: &std::path::Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the corpus can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(snapshots_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "snap") {
            found.insert(path);
        }
    }
    found
}

fn check(name: &str, member: &Member, ids: &BTreeSet<String>) -> Result<(), Failed> {
    let (text, outcome) = said(member, &Options::named("").with_events());
    let text = text.ok_or("neither a log nor a bisection")?;
    if let Some(trouble) = outcome.trouble {
        return Err(trouble.message.into());
    }
    let known = std::fs::read_to_string(&member.snapshot).unwrap_or_default();
    if known != text {
        let diff = similar::TextDiff::from_lines(&known, &text);
        let diff = diff.unified_diff().context_radius(2).header("known", "now").to_string();
        return Err(format!("{diff}where the new text is right: kanalyze corpus accept corpus").into());
    }
    if member.form == Form::Log {
        shows_its_folder(name, &text, ids)?;
        promises::hold(&std::fs::read(&member.path)?)?;
    }
    Ok(())
}

/// `corpus/FAMILY/KIND/WHAT.log` shows a report or an event of that kind.
fn shows_its_folder(name: &str, text: &str, ids: &BTreeSet<String>) -> Result<(), Failed> {
    let parts: Vec<&str> = name.split('/').collect();
    let [_, family, kind, _] = parts[..] else { return Ok(()) };
    if OTHER_FAMILIES.contains(&family) {
        return Ok(());
    }
    if !ids.contains(kind) {
        return Err(format!("'{kind}' is the id of no kind and no event of grammars/").into());
    }
    let heads = text.lines().filter(|line| line.starts_with("report ") || line.starts_with("event "));
    let shown: BTreeSet<&str> = heads.filter_map(|line| line.split(' ').nth(2)?.strip_suffix(':')).collect();
    if shown.contains(kind) { Ok(()) } else { Err(format!("shows {shown:?}, not the '{kind}' of its folder").into()) }
}
