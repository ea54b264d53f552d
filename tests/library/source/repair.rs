//! Is it fixed: by the bug's name, the title, `Fixes:`, a later change; reverted or not, in which release, in copies.

use super::repository::{Repository, oops};
use super::{page_with, report};
use kanalyze::source::{FixGrade, Fixed, PageOptions, Query, Tree, blame_page, fixed};

const BOX: &str = "int open_box(struct box *box)\n{\n\treturn box->depth;\n}\n\nint lid(void)\n{\n\treturn 1;\n}\n";
const BUG: &str = "00112233445566778899";

/// `drivers/box/box.c` as BUG's kernel, v6.12, had it.
fn crashed() -> (Repository, String) {
    let repository = Repository::begun();
    repository.write("drivers/box/box.c", BOX);
    let first = repository.commit("box: add boxes");
    repository.git(&["tag", "-a", "-m", "v6.12", "v6.12"]);
    (repository, first)
}

fn ask(repository: &Repository, extid: Option<&str>) -> Fixed {
    let options = PageOptions { fixed: true, extid: extid.map(str::to_owned), ..PageOptions::default() };
    page_with(&repository.path(), &oops("6.12.0", "open_box", " drivers/box/box.c:3"), options)
        .fixed
        .expect("it was asked")
}

fn found(fixed: &Fixed) -> Vec<(&str, FixGrade)> {
    fixed.fixes.iter().map(|fix| (fix.commit.commit.as_str(), fix.grade)).collect()
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let (repository, _) = crashed();
    repository.write("drivers/box/box.c", &BOX.replace("return 1", "return 2"));
    repository.commit("box: lids are two");
    let answer = ask(&repository, Some(BUG));
    assert!(!answer.fixed && answer.fixes.is_empty(), "{answer:?}");
    assert_eq!(answer.ends.as_deref(), Some("2026-01-03"));
}

#[test]
fn each_sign_has_its_grade_and_its_release() {
    let (repository, first) = crashed();
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "box ? box->depth : 0"));
    let message = format!(
        "box: boxes may be missing\n\nReported-by: syzbot+{BUG}@syzkaller.appspotmail.com\nFixes: {} (\"box: add boxes\")",
        &first[..12]
    );
    let stated = repository.commit(&message);
    repository.git(&["tag", "v6.13-rc2"]);
    repository.git(&["tag", "other-tag"]);
    repository.write("x", "1");
    let titled = repository.commit("BUG: unable to handle kernel NULL pointer dereference in open_box, the second");
    repository.git(&["tag", "v6.13"]);
    repository.write("y", "1");
    let elsewhere = repository.commit(&format!("docs: tell of it\n\nFixes: {}", &first[..8]));
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "depth_of(box)"));
    let touches = repository.commit("box: depth is a function");
    let answer = ask(&repository, Some(BUG));
    let expected = [
        (stated.as_str(), FixGrade::Stated),
        (titled.as_str(), FixGrade::Likely),
        (elsewhere.as_str(), FixGrade::Possible),
        (touches.as_str(), FixGrade::Possible),
    ];
    assert_eq!(found(&answer), expected);
    assert!(answer.fixed);
    assert_eq!(answer.fixes[0].releases, ["v6.13-rc2", "v6.13"]);
    assert_eq!(answer.fixes[0].because.len(), 3, "{:?}", answer.fixes[0].because);
    assert_eq!(answer.fixes[0].in_base, Some(false));
    assert_eq!(answer.fixes[1].releases, ["v6.13"]);
    assert_eq!(answer.fixes[2].releases, [""; 0]);
    assert_eq!(answer.fixes[3].branches, ["topic"]);
    // Without the bug's name it is likely still: it fixes the commit and touches the file.
    assert_eq!(found(&ask(&repository, None))[0], (stated.as_str(), FixGrade::Likely));
}

#[test]
fn a_reverted_fix_is_none_and_a_reverted_revert_is_one() {
    let (repository, _) = crashed();
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    let fix = repository.commit(&format!("box: no depth\n\nCloses: https://syzkaller.appspot.com/bug?extid={BUG}"));
    repository.write("drivers/box/box.c", BOX);
    let revert = repository.commit(&format!("Revert \"box: no depth\"\n\nThis reverts commit {fix}.\n\nIt was wrong."));
    let answer = ask(&repository, Some(BUG));
    let of_fix = answer.fixes.iter().find(|one| one.commit.commit == fix).expect("it is found");
    assert_eq!(of_fix.reverted.as_ref().map(|revert| &revert.commit), Some(&revert));
    assert!(!answer.fixed);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    repository.commit(&format!("Reapply \"box: no depth\"\n\nThis reverts commit {revert}."));
    let answer = ask(&repository, Some(BUG));
    assert!(answer.fixed);
    assert_eq!(answer.fixes[0].reverted, None);
}

#[test]
fn copies_in_stable_kernels_are_reported_and_count_for_the_kernel_that_crashed() {
    let (repository, _) = crashed();
    repository.git(&["branch", "linux-6.12.y"]);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    let fix = repository.commit(&format!("box: no depth\n\nReported-by: syzbot+{BUG}@syzkaller.appspotmail.com"));
    repository.git(&["checkout", "-q", "linux-6.12.y"]);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    let message =
        format!("box: no depth\n\ncommit {fix} upstream.\n\nReported-by: syzbot+{BUG}@syzkaller.appspotmail.com");
    let copy = repository.commit(&message);
    repository.git(&["tag", "v6.12.3"]);
    let answer = ask(&repository, Some(BUG));
    assert_eq!(found(&answer), [(fix.as_str(), FixGrade::Stated)], "the copy is named with it");
    let copies: Vec<_> =
        answer.fixes[0].copies.iter().map(|copy| (copy.commit.as_str(), copy.release.as_deref())).collect();
    assert_eq!(copies, [(copy.as_str(), Some("v6.12.3"))]);
    assert!(answer.fixed);
    // A kernel that has the copy crashed all the same.
    let options = PageOptions { fixed: true, extid: Some(BUG.into()), ..PageOptions::default() };
    let later = page_with(&repository.path(), &oops("6.12.3", "open_box", " drivers/box/box.c:3"), options);
    let answer = later.fixed.expect("it was asked");
    assert_eq!(answer.fixes[0].in_base, Some(true));
    assert!(!answer.fixed);
}

#[test]
fn a_chain_of_fixes_is_followed_from_the_commit_that_wrote_the_line() {
    let (repository, first) = crashed();
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "box->lid->depth"));
    let second = repository.commit(&format!("box: the lid knows\n\nFixes: {} (\"box: add boxes\")", &first[..12]));
    repository.git(&["tag", "v6.13"]);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "box->lid ? box->lid->depth : 0"));
    let third =
        repository.commit(&format!("box: some have no lid\n\nFixes: {} (\"box: the lid knows\")", &second[..10]));
    let tree = Tree::open(&repository.path(), None).expect("a tree");
    let options = PageOptions { fixed: true, ..PageOptions::default() };
    let page =
        blame_page(&tree, &report(&oops("6.13.0", "open_box", " drivers/box/box.c:3")), &options).expect("a page");
    assert_eq!(page.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, second);
    assert_eq!(found(page.fixed.as_ref().expect("it was asked")), [(third.as_str(), FixGrade::Likely)]);
}

#[test]
fn remotes_are_searched_and_what_was_rewritten_is_forgotten() {
    let (repository, _) = crashed();
    let clone = repository.cloned("clone", &[]);
    repository.git(&["checkout", "-q", "-b", "next"]);
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    let fix = repository.commit(&format!("box: no depth\n\nReported-by: syzbot+{BUG}@syzkaller.appspotmail.com"));
    let at = clone.display().to_string();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let ask = || {
        let tree = Tree::open(&clone, Some(cache.path())).expect("a tree");
        fixed(&tree, &Query { extid: Some(BUG.into()), ..Query::default() }).expect("an answer")
    };
    assert!(ask().fixes.is_empty());
    repository.git(&["-C", &at, "fetch", "-q", "origin"]);
    let answer = ask();
    assert_eq!(found(&answer), [(fix.as_str(), FixGrade::Stated)]);
    assert_eq!(answer.fixes[0].branches, ["origin/next"]);
    repository.git(&["reset", "-q", "--hard", "master"]);
    repository.git(&["-C", &at, "fetch", "-q", "--force", "origin"]);
    assert!(ask().fixes.is_empty(), "no branch has it any more");
}
