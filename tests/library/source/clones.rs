//! Clones that lack something, and repositories that want to do harm.

use super::repository::{Repository, oops, shown};
use super::{page, page_with, report, unknown};
use kanalyze::source::{BaseKind, PageOptions, SourceError, Tree, blame_page};

const BOX: &str = "int open_box(struct box *box)\n{\n\treturn box->depth;\n}\n";

fn made() -> (Repository, String, String) {
    let repository = Repository::begun();
    repository.write("drivers/box/box.c", BOX);
    let first = repository.commit("box: add boxes");
    for number in 0..3 {
        repository.write("README", &format!("{number}\n"));
        repository.commit("readme");
    }
    repository.git(&["tag", "v6.12"]);
    let last = repository.git(&["rev-parse", "HEAD"]);
    (repository, first, last)
}

fn log() -> String {
    oops("6.12.0", "open_box", " drivers/box/box.c:3")
}

#[test]
fn a_bare_clone_and_a_worktree_answer_as_the_clone_does() {
    let (repository, first, _) = made();
    let whole = page(&repository.path(), &log());
    assert_eq!(whole.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, first);
    let bare = page(&repository.cloned("bare.git", &["--bare"]), &log());
    assert!(bare.tree.bare && !whole.tree.bare);
    assert_eq!(bare.places, whole.places);
    let worktree = repository.beside("worktree");
    repository.git(&["worktree", "add", "-q", &shown(&worktree), "v6.12"]);
    assert_eq!(page(&worktree, &log()).places, whole.places);
    assert_eq!(page(&worktree.join("drivers"), &log()).places, whole.places, "a folder in it");
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let (repository, _, last) = made();
    let page = page(&repository.cloned("shallow", &["--depth=2"]), &log());
    assert!(page.tree.shallow);
    let blame = page.places[0].blame.as_ref().expect("git names the cut");
    assert!(blame.cut && blame.commit.commit != last, "{blame:?}");
    assert_eq!(page.places[0].around.as_ref().expect("a function").touched, []);
    assert!(unknown(&page).contains("fetch --unshallow"), "{}", unknown(&page));
    let options = PageOptions { fixed: true, people: true, ..PageOptions::default() };
    let whole = page_with(&repository.beside("shallow"), &log(), options);
    assert!(whole.fixed.expect("it was asked").unknown.iter().any(|words| words.contains("shallow")));
    // Who was the last one to import everything wrote nothing.
    assert!(whole.people.expect("it was asked").people.is_empty());
}

#[test]
fn a_partial_clone_says_what_it_lacks_and_fetches_nothing() {
    let (repository, ..) = made();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = repository.cloned("partial.git", &["--bare", "--filter=blob:none"]);
    let packs = || std::fs::read_dir(clone.join("objects/pack")).expect("packs").count();
    let before = packs();
    let page = page(&clone, &log());
    assert!(page.tree.partial);
    assert!(unknown(&page).contains("this partial clone lacks drivers/box/box.c"), "{}", unknown(&page));
    assert_eq!(page.places[0].file.as_deref(), Some("drivers/box/box.c"));
    assert!(page.places[0].code.is_empty());
    assert_eq!(packs(), before, "nothing was fetched");
}

#[test]
fn a_dirty_tree_is_read_as_committed_and_said_to_be_dirty() {
    let (repository, ..) = made();
    repository.write("drivers/box/box.c", &BOX.replace("depth", "height"));
    let before = repository.git(&["status", "--porcelain"]);
    let page = page(&repository.path(), &log());
    assert!(page.places[0].code.iter().any(|line| line.text.contains("depth")));
    assert!(unknown(&page).contains("uncommitted changes"), "{}", unknown(&page));
    assert_eq!(repository.git(&["status", "--porcelain"]), before);
}

#[test]
fn what_is_no_tree_is_reported_in_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Tree::open(folder.path(), None).expect_err("no repository");
    assert!(matches!(error, SourceError::NotARepository(_)) && error.to_string().contains("--tree wants a clone"));
    assert!(Tree::open(&folder.path().join("gone"), None).is_err());
    let repository = Repository::new();
    assert!(matches!(Tree::open(&repository.path(), None), Err(SourceError::Empty(_))));
}

#[test]
fn the_settings_of_a_repository_run_nothing() {
    let (repository, first, _) = made();
    let trap = repository.beside("trap");
    let sprung = repository.beside("sprung");
    std::fs::write(&trap, format!("#!/bin/sh\ntouch {}\ncat\n", shown(&sprung))).expect("a file");
    std::process::Command::new("chmod").arg("+x").arg(&trap).status().expect("chmod is there");
    let trap = shown(&trap);
    repository.write(".gitattributes", "*.c diff=evil filter=evil\n");
    repository.write("MAINTAINERS", "BOXES\nM:\tMia <mia@example.org>\nS:\tMaintained\nF:\tdrivers/box/\nK:\tdepth\n");
    let attributed = repository.commit(&format!("box: attributes\n\nFixes: {first}"));
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "filter.evil.clean",
        "gpg.program",
        "core.sshCommand",
        "uploadpack.packObjectsHook",
        "core.editor",
        "pager.log",
        "pager.blame",
        "core.askPass",
        "credential.helper",
        "alias.log",
        "alias.blame",
    ] {
        repository.git(&["config", setting, &format!("!{trap}")]);
        repository.git(&["config", setting, &trap]);
    }
    for (setting, value) in [
        ("log.showSignature", "true"),
        ("blame.ignoreRevsFile", "/nonexistent"),
        ("log.follow", "true"),
        ("color.ui", "always"),
        ("grep.patternType", "perl"),
        ("core.quotePath", "true"),
    ] {
        repository.git(&["config", setting, value]);
    }
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        std::fs::create_dir_all(repository.path().join(".git/hooks")).expect("a folder");
        std::fs::copy(&trap, repository.path().join(".git/hooks").join(hook)).expect("a file");
    }
    let _ = std::fs::remove_file(&sprung);
    let log = oops(&format!("6.12.0-g{}", &attributed[..12]), "open_box", " drivers/box/box.c:3");
    let options = PageOptions { fixed: true, people: true, ..PageOptions::default() };
    let page = page_with(&repository.path(), &log, options.clone());
    assert_eq!(page.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, first);
    page_with(&repository.path(), &oops("6.12.0", "open_box", ""), options);
    assert!(!sprung.exists(), "something was run");
}

#[test]
fn hostile_names_and_subjects_stay_text() {
    let repository = Repository::begun();
    let evil = "drivers/box/-x $(touch gone) \u{1b}[31m.c";
    repository.write(evil, BOX);
    repository.write("--output=gone", "x");
    let subject = "box: \u{1b}]0;owned\u{7} <script> \u{202e}evil";
    let first = repository.commit_by("Mallory \u{1b}[2J, Bob", "mallory@example.org", subject);
    repository.git(&["tag", "v6.12"]);
    let mut crash = report(&oops("6.12.0", "open_box", " drivers/box/box.c:3"));
    for stack in &mut crash.stacks {
        stack.frames.iter_mut().filter(|frame| frame.line == Some(3)).for_each(|frame| frame.file = Some(evil.into()));
    }
    let tree = Tree::open(&repository.path(), None).expect("a tree");
    let options = PageOptions { fixed: true, people: true, ..PageOptions::default() };
    let page = blame_page(&tree, &crash, &options).expect("a page");
    assert_eq!(page.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, first);
    let text = kanalyze::render::blame_text(&page, &kanalyze::render::Look::default());
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    let people = page.people.expect("it was asked");
    assert_eq!(people.cc, ["Cc: \"Mallory [2J, Bob\" <mallory@example.org>"], "{people:?}");
    for name in ["--output=gone", "-n1", "--", "v6.12\n", "HEAD:x", ":/box", "@{-1}", "a\0b"] {
        assert!(tree.commit(name).is_err() || name == ":/box", "{name}");
    }
    // A file and a release out of a log are not options either.
    for file in ["--output=gone:3", "../../../../etc/passwd:3", "/:3", "a\nb:3"] {
        let (name, _) = file.rsplit_once(':').expect("a line");
        for stack in &mut crash.stacks {
            stack
                .frames
                .iter_mut()
                .filter(|frame| frame.line == Some(3))
                .for_each(|frame| frame.file = Some(name.into()));
        }
        blame_page(&tree, &crash, &options).expect("a page");
    }
    assert!(!repository.path().join("gone").exists());
    crash.kernel_version = Some("6.12.0-rc1-next-../../x --all".into());
    assert_eq!(blame_page(&tree, &crash, &options).expect("a page").base.kind, BaseKind::Head);
}

#[test]
fn the_environment_of_git_does_not_lead_elsewhere() {
    let (repository, first, _) = made();
    let other = Repository::begun();
    other.write("x", "x");
    other.commit("x");
    // Replacing objects is a way to change what a history says.
    repository.git(&["replace", &first, &repository.git(&["rev-parse", "HEAD"])]);
    let page = page(&repository.path(), &log());
    assert_eq!(page.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, first);
}
