//! The right line, the right commit: through renames, merges, reverts; and the commit of the log's kernel.

use super::repository::{Repository, oops};
use super::{page, page_with, unknown};
use kanalyze::source::{BaseKind, Hints, PageOptions, PlaceRole};

const FIRST: &str = "\
/* Boxes. */
int open_box(struct box *box)
{
	int depth = 0;

	depth = box->depth;
	return depth;
}

void shut_box(struct box *box)
{
	box->open = 0;
}
";

/// A file that was changed, moved, changed on a branch and merged.
struct History {
    repository: Repository,
    first: String,
    second: String,
    side: String,
    merge: String,
}

fn history() -> History {
    let repository = Repository::begun();
    repository.write("lib/box.c", FIRST);
    repository.write("MAINTAINERS", "BOXES\nM:\tMia Maintainer <mia@example.org>\nS:\tMaintained\nF:\tdrivers/box/\n");
    let first = repository.commit("box: add boxes");
    repository.write("lib/box.c", &FIRST.replace("depth = box->depth;", "depth = box->lid->depth;"));
    let fixes = format!("box: ask the lid\n\nThe lid knows.\n\nFixes: {} (\"box: add boxes\")", &first[..12]);
    let second = repository.commit_by("Ben Böx", "ben@example.org", &fixes);
    std::fs::create_dir_all(repository.path().join("drivers/box")).expect("a folder");
    repository.git(&["mv", "lib/box.c", "drivers/box/box.c"]);
    repository.write("drivers/box/use.c", "int use_box(void)\n{\n\n\n\n\n\treturn 1;\n\treturn open_box(0);\n}\n");
    repository.commit("box: drivers live in drivers");
    repository.git(&["checkout", "-q", "-b", "side"]);
    let text = FIRST.replace("depth = box->depth;", "depth = box->lid->depth;");
    repository.write("drivers/box/box.c", &text.replace("box->open = 0;", "box->open = false;"));
    let side = repository.commit_by("Cat Coder", "cat@example.org", "box: open is a bool");
    repository.git(&["checkout", "-q", "master"]);
    repository.write("README", "Boxes\n");
    repository.commit("readme");
    repository.git(&["merge", "-q", "--no-ff", "-m", "Merge the side", "side"]);
    let merge = repository.git(&["rev-parse", "HEAD"]);
    repository.rest(11);
    repository.write("README", "Boxes!\n");
    repository.commit("readme again");
    repository.git(&["tag", "v6.13"]);
    History { repository, first, second, side, merge }
}

#[test]
fn a_line_is_blamed_through_a_rename() {
    let made = history();
    let page = page(&made.repository.path(), &oops("6.13.0", "open_box", " drivers/box/box.c:6"));
    assert_eq!(page.base.kind, BaseKind::Tag);
    assert_eq!(page.base.doubts, [""; 0]);
    let place = &page.places[0];
    assert_eq!((place.role, place.line), (PlaceRole::Blamed, Some(6)));
    let marked: Vec<&str> = place.code.iter().filter(|line| line.marked).map(|line| line.text.as_str()).collect();
    assert_eq!(marked, ["\tdepth = box->lid->depth;"]);
    assert_eq!(place.code.len(), 5);
    let blame = place.blame.as_ref().expect("somebody wrote it");
    assert_eq!((&blame.commit.commit, blame.commit.author.as_str()), (&made.second, "Ben Böx"));
    assert_eq!((blame.file_then.as_deref(), blame.line_then, blame.cut), (Some("lib/box.c"), 6, false));
    assert_eq!(blame.commit.fixes, [format!("{} (\"box: add boxes\")", &made.first[..12])]);
    assert_eq!((blame.commit.date.as_str(), blame.commit.written.as_str()), ("2026-01-03", "2026-01-03"));
    let around = place.around.as_ref().expect("a function");
    assert_eq!((around.name.as_str(), around.first, around.last), ("open_box", 2, 8));
    let touched: Vec<&str> = around.touched.iter().map(|commit| commit.commit.as_str()).collect();
    assert_eq!(touched, [made.second.as_str(), made.first.as_str()]);
    assert_eq!(unknown(&page), "");
}

#[test]
fn what_a_branch_brought_is_blamed_on_its_commit_and_not_on_the_merge() {
    let made = history();
    let page = page(&made.repository.path(), &oops("6.13.0", "shut_box", " ./drivers/box/box.c:12"));
    let blame = page.places[0].blame.as_ref().expect("somebody wrote it");
    assert_eq!(blame.commit.commit, made.side);
    assert_ne!(blame.commit.commit, made.merge);
    let around = page.places[0].around.as_ref().expect("a function");
    assert_eq!(around.days_before, Some(13), "{around:?}");
    assert_eq!(around.touched[0].commit, made.side);
}

#[test]
fn a_revert_is_what_wrote_the_line() {
    let made = history();
    made.repository.git(&["revert", "--no-edit", &made.side]);
    let revert = made.repository.git(&["rev-parse", "HEAD"]);
    let log = oops(&format!("6.13.0-00001-g{}", &revert[..12]), "shut_box", " /build/linux/drivers/box/box.c:12");
    let page = page(&made.repository.path(), &log);
    assert_eq!((page.base.kind, &page.base.commit), (BaseKind::Release, &revert));
    assert_eq!(page.places[0].file.as_deref(), Some("drivers/box/box.c"));
    assert_eq!(page.places[0].blame.as_ref().expect("somebody wrote it").commit.commit, revert);
}

#[test]
fn the_commit_is_the_logs_then_the_bundles_then_the_images_then_a_tag_then_head() {
    let made = history();
    let path = made.repository.path();
    let base = |release: &str, hints: Hints| {
        let log = oops(release, "open_box", " lib/box.c:6");
        page_with(&path, &log, PageOptions { hints, ..PageOptions::default() }).base
    };
    let none = Hints::default;
    let of = base(&format!("6.12.0-g{}-dirty", &made.first[..12]), none());
    assert_eq!((of.kind, &of.commit), (BaseKind::Release, &made.first));
    assert!(of.doubts.iter().any(|doubt| doubt.contains("uncommitted")), "{:?}", of.doubts);
    let of = base("6.13.0", Hints { bundle: Some(made.second.clone()), ..none() });
    assert_eq!((of.kind, &of.commit), (BaseKind::Bundle, &made.second));
    let of = base("6.13.0", Hints { vmlinux: Some(format!("6.12.0-g{}", &made.second[..12])), ..none() });
    assert_eq!((of.kind, &of.commit), (BaseKind::Vmlinux, &made.second));
    let of = base("6.13.0-g0123456789ab", none());
    assert_eq!(of.kind, BaseKind::Tag);
    assert!(of.doubts[0].contains("0123456789ab is not in this tree"), "{:?}", of.doubts);
    let of = base("6.13.0-7-generic", none());
    assert!(of.kind == BaseKind::Tag && of.doubts[0].contains("on top of v6.13"), "{of:?}");
    let of = base("5.0.0", none());
    assert!(of.kind == BaseKind::Head && of.doubts[0].contains("5.0.0"), "{of:?}");
    let of = base("5.0.0", Hints { commit: Some("side".into()), ..none() });
    assert_eq!((of.kind, &of.commit), (BaseKind::Given, &made.side));
}

#[test]
fn a_line_that_is_not_in_the_function_is_said_to_be_of_another_state_of_the_file() {
    let made = history();
    let tree = made.repository.path();
    let told = |place: &str| unknown(&page(&tree, &oops("6.13.0", "open_box", place)));
    assert!(told(" drivers/box/box.c:12").contains("line 12 is not in open_box, which stands in lines 2 to 8"));
    assert!(told(" drivers/box/box.c:900").contains("has 13 lines at"));
    assert!(told(" drivers/box/gone.c:1").contains("no file drivers/box/gone.c"));
}

#[test]
fn a_log_without_lines_gets_the_function() {
    let made = history();
    let page = page(&made.repository.path(), &oops("6.13.0", "open_box", ""));
    let place = &page.places[0];
    assert_eq!((place.file.as_deref(), place.line), (Some("drivers/box/box.c"), None));
    assert_eq!(place.code[0].text, "int open_box(struct box *box)");
    assert!(place.code.iter().all(|line| !line.marked) && place.blame.is_none());
    assert!(unknown(&page).contains("names no line"), "{}", unknown(&page));
}

#[test]
fn commits_of_a_range_that_touched_the_function_are_reported() {
    let made = history();
    let range = Some((made.first.clone(), "v6.13".to_owned()));
    let options = PageOptions { hints: Hints { range, ..Hints::default() }, ..PageOptions::default() };
    let page = page_with(&made.repository.path(), &oops("6.13.0", "open_box", " drivers/box/box.c:6"), options);
    let found: Vec<&str> = page.places[0]
        .around
        .as_ref()
        .expect("a function")
        .in_range
        .iter()
        .map(|commit| commit.commit.as_str())
        .collect();
    assert_eq!(found, [made.second.as_str()]);
}

#[test]
fn an_answer_from_the_cache_is_the_same() {
    let made = history();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let log = oops("6.13.0", "open_box", " drivers/box/box.c:6");
    let ask = || {
        let tree = kanalyze::source::Tree::open(&made.repository.path(), Some(cache.path())).expect("a tree");
        let options = PageOptions { fixed: true, people: true, ..PageOptions::default() };
        kanalyze::source::blame_page(&tree, &super::report(&log), &options).expect("a page")
    };
    let first = ask();
    assert_eq!(ask(), first);
    // Damage is a miss.
    for folder in ["answers", "history"] {
        for file in std::fs::read_dir(cache.path().join("source").join(folder)).expect("a cache").flatten() {
            std::fs::write(file.path(), b"damaged").expect("writable");
        }
    }
    assert_eq!(ask(), first);
    // What is new is found.
    made.repository.write("x", "");
    let message = format!("box: again\n\nFixes: {} (\"box: ask the lid\")", &made.second[..12]);
    made.repository.write("drivers/box/box.c", &FIRST.replace("int depth = 0;", "int depth = 1;"));
    let fix = made.repository.commit(&message);
    let found = ask().fixed.expect("it was asked");
    assert_eq!(found.fixes.iter().map(|one| one.commit.commit.as_str()).collect::<Vec<_>>(), [fix.as_str()]);
    assert!(found.fixed);
}

#[test]
fn what_a_history_begins_with_wrote_nothing() {
    let repository = Repository::new();
    repository.write("drivers/box/box.c", FIRST);
    let first = repository.commit("everything");
    repository.git(&["tag", "v6.12"]);
    repository.write("x", "x");
    repository.commit(&format!("x: unlike\n\nFixes: {} (\"everything\")", &first[..12]));
    let options = PageOptions { fixed: true, people: true, ..PageOptions::default() };
    let page = page_with(&repository.path(), &oops("6.12.0", "open_box", " drivers/box/box.c:6"), options);
    assert!(!page.places[0].blame.as_ref().expect("git names it").is_telling());
    assert_eq!(page.fixed.as_ref().expect("it was asked").fixes, []);
    assert_eq!(page.people.as_ref().expect("it was asked").people, []);
    let text = kanalyze::render::blame_text(&page, &kanalyze::render::Look::default());
    assert!(text.contains("line 6: as old as this history"), "{text}");
}
