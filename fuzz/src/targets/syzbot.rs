//! What syzbot's servers and bundles say: JSON, pages, lists, programs, manifests.

use super::{choice, harmless};
use kanalyze::grammar::Grammar;
use kanalyze::render::{Look, bugs_text, picks_text};
use kanalyze::syzbot::bundle::Bundle;
use kanalyze::syzbot::dashboard::{BugName, commit_hash, parse_bug, text_key};
use kanalyze::syzbot::fetch::sanitise;
use kanalyze::syzbot::listing::{bare_title, parse_list, parse_list_page};
use kanalyze::syzbot::page::parse_page;
use kanalyze::syzbot::plan::{best, candidates};
use kanalyze::syzbot::rank::rank;
use kanalyze::syzbot::repro::Program;
use kanalyze::syzbot::{content, kernel_config};

/// Tries one answer.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let page = parse_page(&text);
    let bug = parse_bug(data);
    let empty = kanalyze::syzbot::dashboard::Bug::default();
    let choices = candidates(bug.as_ref().unwrap_or(&empty), &page);
    let _ = best(&choices);
    let mut listed = parse_list_page(&text);
    listed.extend(parse_list(data).unwrap_or_default());
    let grammar = Grammar::built_in();
    let picks: Vec<_> = listed.iter().take(50).map(|bug| rank(&grammar, bug)).collect();
    harmless(&bugs_text(&listed, &Look::default()), "a list of bugs");
    harmless(&picks_text(&picks, &Look::default()), "picks");
    for line in text.lines().take(40) {
        let name = sanitise(line);
        let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | '+');
        assert!(name.chars().all(plain) && name != ".." && name != ".", "{line:?} became {name:?}");
        let _ = (bare_title(line), BugName::parse(line), commit_hash(line), text_key(line));
    }
    let _ = (content::identify(data), kernel_config::wishes(&text));
    program(data);
    if data.first() == Some(&b'{') && choice(data).is_multiple_of(4) {
        bundle(data);
    }
}

fn program(data: &[u8]) {
    let Ok(program) = Program::parse(data) else { return };
    assert_eq!(program.to_bytes(), data, "a program that nobody edited changed");
    let mut edited = program.clone();
    if edited.set("procs", "3").is_ok() {
        let again = Program::parse(&edited.to_bytes()).expect("an edited program is a program");
        assert_eq!(again.calls.len(), program.calls.len(), "an edit of the options changed the calls");
    }
    for cut in program.lesser_options() {
        let _ = program.without(&cut);
    }
    let count = program.calls.len();
    if count > 1 {
        let cut = kanalyze::syzbot::repro::Cut::Calls(count / 2, count);
        if let Ok(shorter) = program.without(&cut) {
            assert!(shorter.calls.len() < count, "a program got no shorter");
        }
        let _ = cut.words(&program);
    }
}

fn bundle(data: &[u8]) {
    let file = super::Scrap::new(b"", ".bundle");
    let folder = file.0.with_extension("folder");
    if std::fs::create_dir(&folder).is_err() {
        return;
    }
    let _ = std::fs::write(folder.join("bundle.json"), data);
    if let Ok(bundle) = Bundle::open(&folder) {
        for path in [&bundle.kernel, &bundle.disk, &bundle.vmlinux, &bundle.repro_syz].into_iter().flatten() {
            let inside = path.canonicalize().is_ok_and(|path| path.starts_with(&folder));
            assert!(inside, "{} is outside of the bundle", path.display());
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}
