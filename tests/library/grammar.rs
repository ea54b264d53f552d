//! The built-in grammars hold what they promise: they compile, carry samples, and recognise them.

use kanalyze::engine::{read_reports, sample_complaints};
use kanalyze::grammar::{Complaint, Events, Grammar, complaints};
use kanalyze::report::{Line, describe};
use std::collections::BTreeSet;
use std::path::Path;

fn told(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("{}: {}\n", complaint.place, complaint.message)).collect()
}

#[test]
fn the_built_in_grammars_are_free_of_faults() {
    let found = complaints(&Grammar::built_in());
    assert!(found.is_empty(), "{}", told(&found));
}

#[test]
fn every_sample_is_recognised_by_its_own_entry_under_its_own_title() {
    let found = sample_complaints(&Grammar::built_in());
    assert!(found.is_empty(), "{}", told(&found));
}

#[test]
fn what_else_a_sample_shows_is_known() {
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().flat_map(|(_, kind)| kind.samples.iter().map(|sample| (&kind.id, sample)));
    let events = grammar.events.iter().flat_map(|event| event.samples.iter().map(|sample| (&event.id, sample)));
    let mut shown = String::new();
    for (id, sample) in kinds.chain(events) {
        let titles: Vec<String> =
            read_reports("sample", sample.log.as_bytes()).into_iter().map(|report| report.title).collect();
        if titles.iter().any(|title| *title != sample.title) {
            shown.push_str(&format!("{id}: {}\n", sample.title));
            titles.iter().for_each(|title| shown.push_str(&format!("  {title}\n")));
        }
    }
    insta::assert_snapshot!("samples", shown);
}

#[test]
fn every_entry_says_what_it_is() {
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().filter(|(_, kind)| kind.about.is_empty()).map(|(_, kind)| kind.id.clone());
    let events = grammar.events.iter().filter(|event| event.about.is_empty()).map(|event| event.id.clone());
    let silent: Vec<String> = kinds.chain(events).collect();
    assert!(silent.is_empty(), "without `about`: {}", silent.join(", "));
}

#[test]
fn the_corpus_has_a_log_for_every_kind_and_every_event() {
    let mut seen = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")), &mut seen);
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().map(|(_, kind)| &kind.id);
    let missing: Vec<&String> =
        kinds.chain(grammar.events.iter().map(|event| &event.id)).filter(|id| !seen.contains(*id)).collect();
    assert!(missing.is_empty(), "no log in corpus/ shows: {missing:?}");
}

#[test]
fn every_entry_says_how_bad_it_is_and_what_to_do() {
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().filter(|(_, kind)| kind.advice.is_empty()).map(|(_, kind)| kind.id.clone());
    let events = grammar.events.iter().filter(|event| event.advice.is_empty()).map(|event| event.id.clone());
    let silent: Vec<String> = kinds.chain(events).collect();
    assert!(silent.is_empty(), "without `advice`: {}", silent.join(", "));
}

/// A file of a user's that is right.
const GOOD: &str = r#"
[[header]]
id = "widget"
text = "widget: BUG"
syzbot = false

[[kind]]
id = "widget-bug"
header = "widget"
gate = 'widget: BUG (?P<what>[a-z]+)'
title = 'widget BUG {what} in {F1}'
frames = ["trace", "stack"]
samples = [{ log = """
widget: BUG stuck
Call Trace:
 widget_kick+0x1/0x20
""", title = "widget BUG stuck in widget_kick" }]

[[event]]
id = "widget-late"
pattern = 'widget: ring (?P<ring>\d+) is late'
title = "ring {ring} is late"
samples = [{ log = "[  1.0] widget: ring 3 is late", title = "ring 3 is late" }]
"#;

/// What is said of a file: `line: message`, nothing if it is right.
fn said_of(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text).expect("it can be written");
    let told = match Grammar::with_files(std::slice::from_ref(&path)) {
        Err(error) => error.to_string(),
        Ok(grammar) => told(&sample_complaints(&grammar)),
    };
    told.trim_end().strip_prefix(&format!("{}:", path.display())).map(str::to_owned)
}

#[test]
fn a_row_of_words_names_a_new_report_of_lockdep() {
    let words = "[[word]]\nlist = 'lockdep-flavours'\nmeaning = 'widget-order'\nnames = ['*widget order lost*']\n\
                 sample = 'WARNING: widget order lost'\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, words).expect("it can be written");
    let grammar = Grammar::with_files(std::slice::from_ref(&path)).unwrap_or_else(|error| panic!("{error}"));
    let line = Line { text: b"WARNING: widget order lost", log_line: 1, offset: 0 };
    let flavour = |grammar: &Grammar| describe(grammar, &[line]).lockdep.map(|lockdep| lockdep.flavour);
    assert_eq!(flavour(&grammar).as_deref(), Some("widget-order"));
    assert_eq!(flavour(&Grammar::built_in()), None);
}

#[test]
fn a_fault_of_a_file_is_reported_with_its_line_and_a_remedy() {
    assert_eq!(said_of(GOOD), None);
    for (right, wrong, said) in [
        (
            "{what} in {F1}",
            "{wat} in {F1}",
            "11: the title 'widget BUG {wat} in {F1}' of kind 'widget-bug' uses {wat}, which nothing gives; it may be one of: what, F1",
        ),
        ("\"trace\", \"stack\"", "\"trase\", \"stack\"", "12: there is no step 'trase'; a step is"),
        (
            "[\"trace\", \"stack\"]",
            "\"call-trase\"",
            "7: kind 'widget-bug' wants the recipe 'call-trase', which no file defines; name one of: ",
        ),
        (
            "header = \"widget\"",
            "header = \"gadget\"",
            "7: kind 'widget-bug' names the header 'gadget', which no file defines",
        ),
        (
            "(?P<what>[a-z]+)",
            "(?P<what>[a-z]+",
            "10: the pattern 'widget: BUG (?P<what>[a-z]+' of kind 'widget-bug' does not compile: unclosed group",
        ),
        (
            "id = \"widget-late\"",
            "id = \"hung-task\"",
            "20: 'hung-task' is defined twice; the other one is at grammars/crash/stalls.toml:",
        ),
        (
            "'widget: ring (?P<ring>\\d+) is late'",
            "'.*(?P<ring>\\d+)'",
            "event 'widget-late' needs a `trigger`: its pattern demands no plain text",
        ),
        (
            "ring 3 is late\" }",
            "ring three is late\" }",
            "a sample of 'widget-late' is titled 'ring 3 is late', not 'ring three is late'; mend one of them",
        ),
        ("id = \"widget-bug\"", "id = \"widget-bug\"\nrank = 10", "9: `rank` is gone: "),
        (
            "id = \"widget-bug\"",
            "id = \"widget-bug\"\nafter = \"hung-task\"",
            "7: kind 'widget-bug' comes after 'hung-task', but header 'widget' has no such kind",
        ),
        (
            "[[header]]",
            "[[word]]\nlist = 'waits'\nmeaning = 'rcu'\nnames = ['widget_*']\nsample = 'widget_sync'\n[[header]]",
            "2: the words of this list are built in; a row of your own may be of lockdep-flavours",
        ),
        (
            "[[header]]",
            "[[word]]\nlist = 'finders'\nmeaning = 'finder'\nnames = ['widget_*']\nsample = 'gadget'\n[[header]]",
            "2: no name of the row fits its sample 'gadget'",
        ),
        ("widget: BUG", "BUG: widget", "a sample of 'widget-bug' is taken by"),
    ] {
        assert!(GOOD.contains(right), "{right}");
        let told = said_of(&GOOD.replace(right, wrong)).unwrap_or_else(|| panic!("nothing is said of {wrong}"));
        assert!(told.contains(said), "{wrong}: {told}");
    }
}

#[test]
fn no_search_falls_back_to_an_automaton() {
    let most = |events: Events| if events == Events::None { 2 } else { 4 };
    all_packed(&Grammar::built_in(), most);
}

#[test]
fn five_hundred_kinds_of_ones_own_are_searched_for_as_fast_as_the_built_in_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    // Plain triggers, triggers that ordinary lines hold, patterns without a trigger, crashes.
    let entry = |number: usize| {
        let (sign, log) = match number % 4 {
            0 => (format!("trigger = 'drv{number}: ring'"), format!("drv{number}: ring {number} stuck")),
            1 => ("trigger = 'usb '".to_owned(), format!("usb 1-1: gadget {number} stuck")),
            2 => (String::new(), format!("widget{number} ring {number} stuck")),
            _ => (
                format!("trigger = 'unit {number} lost'\ncrash = true"),
                format!("unit {number} lost, ring {number} stuck"),
            ),
        };
        let words = log.replace(&format!("{number} stuck"), "(?P<ring>\\d+) stuck");
        format!(
            "[[event]]\nid = 'own-{number}'\n{sign}\npattern = '{words}'\ntitle = 'ring stuck'\n\
             samples = [{{ log = '[    1.000000] {log}', title = 'ring stuck' }}]\n"
        )
    };
    std::fs::write(&path, (1000..1500).map(entry).collect::<String>()).expect("it can be written");
    let grammar = Grammar::with_files(std::slice::from_ref(&path)).unwrap_or_else(|error| panic!("{error}"));
    let found = sample_complaints(&grammar);
    assert!(found.is_empty(), "{}", told(&found));
    // All texts of eight bytes and more are one pass.
    all_packed(&grammar, |_| 4);
}

/// Asserts that each pass of each search is a packed one, and that there are no more of them than that, with and without events.
fn all_packed(grammar: &Grammar, most: impl Fn(Events) -> usize) {
    for which in 0..4 * Events::ALL.len() {
        let events = Events::ALL[which / 4];
        let (gaps, as_syzbot) = (which & 1 != 0, which & 2 != 0);
        let scanner = grammar.scanner(events, gaps, as_syzbot);
        let (literals, passes) = scanner.breadth();
        assert!(scanner.is_packed() || cfg!(not(target_arch = "x86_64")), "{literals} literals in {passes} passes");
        assert!(passes <= most(events), "{literals} literals in {passes} passes");
    }
}

/// The ids in the heads of all snapshots below a folder: `report 0 kasan-access: title`, `event 3 oom-kill: title`.
fn collect(folder: &Path, seen: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, seen);
        } else if path.extension().is_some_and(|ending| ending == "snap") {
            let text = std::fs::read_to_string(&path).expect("a snapshot can be read");
            let heads = text.lines().filter(|line| line.starts_with("report ") || line.starts_with("event "));
            seen.extend(heads.filter_map(|line| Some(line.split(' ').nth(2)?.strip_suffix(':')?.to_owned())));
        }
    }
}
