//! MAINTAINERS: every kind of pattern, and the kernel's own script as the judge.

use super::page_with;
use super::repository::{Repository, oops};
use kanalyze::source::{Maintainers, PageOptions, People, Person, WhoSays};
use std::path::{Path, PathBuf};
use std::process::Command;

const TEXT: &str = "\
List of maintainers
===================

Descriptions of section entries:

	M: *Mail* patches to: FullName <address@domain>

# A remark
BOXES AND LIDS AND EVERYTHING THAT HAS TO DO WITH THEM, ALWAYS
M:	Mia Maintainer <mia@example.org>
M:	\"Joe Q. Public\" <joe@example.org>
R:	Rae Reviewer <rae@example.org>
L:	boxes@lists.example.org (moderated for non-subscribers)
L:	box-team@lists.example.org (subscribers-only)
L:	linux-boxes@example.org
S:	Supported
F:	drivers/box/
F:	include/linux/box*.h
X:	drivers/box/old/
N:	[^a-z]crate

OLD BOXES
M:	Mia Maintainer <mia@elsewhere.example>
M:	Old Hand <old@example.org>
S:	Odd Fixes
F:	drivers/box/old
K:	\\bstruct\\ \\s* crate_of_old\\b

LID.C
R:	lid@example.org
S:	Maintained
F:	drivers/box/lid.?

BROKEN
M:	Bro Ken <bro@example.org>
S:	Orphan
F:	drivers/(
N:	broken(

THE REST
M:	Big Chief <chief@example.org>
L:	linux-kernel@example.org
S:	Buried alive in reporters
F:	*
F:	*/
";

fn of(files: &[&str], text: Option<&str>) -> Vec<String> {
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let read = Maintainers::parse(TEXT);
    let told = |person: Person| format!("{} ({})", person.address, person.role);
    read.of(&files, text.map(str::as_bytes), &|path| path == "drivers/box/old").into_iter().map(told).collect()
}

const SECTION: &str = "BOXES AND LIDS AND EVERYTHING THAT HAS TO DO WI...";

#[test]
fn people_and_lists_of_a_file_are_those_of_its_sections() {
    let section = SECTION;
    assert_eq!(
        of(&["drivers/box/box.c"], None),
        [
            format!("Mia Maintainer <mia@example.org> (supporter:{section})"),
            format!("\"Joe Q. Public\" <joe@example.org> (supporter:{section})"),
            format!("Rae Reviewer <rae@example.org> (reviewer:{section})"),
            format!("boxes@lists.example.org (moderated list:{section})"),
            format!("linux-boxes@example.org (open list:{section})"),
            "linux-kernel@example.org (open list)".to_owned(),
        ]
    );
    // The section that names the file most closely comes first; a person is reported once, by name and by address.
    let lid = of(&["drivers/box/lid.c"], None);
    assert_eq!(lid[0], "lid@example.org (reviewer:LID.C)");
    assert_eq!(lid.iter().filter(|line| line.contains("Mia")).count(), 1);
    let old = of(&["drivers/box/old/a.c"], None);
    assert_eq!(old[0], "Mia Maintainer <mia@elsewhere.example> (odd fixer:OLD BOXES)");
    assert!(!old.iter().any(|line| line.contains("Rae")), "X: takes it out: {old:?}");
    assert!(of(&["drivers/box/older.c"], None).iter().all(|line| !line.contains("Old Hand")), "a folder is meant");
    assert!(of(&["include/linux/boxes.h"], None)[0].contains("Mia"));
    assert!(of(&["fs/a_crate.c"], None)[0].contains("Mia"), "N: names it");
    assert_eq!(of(&["fs/crate/x/y.c"], None)[0], format!("Mia Maintainer <mia@example.org> (supporter:{section})"));
    assert_eq!(of(&["Makefile"], None), ["linux-kernel@example.org (open list)"]);
    assert_eq!(of(&[], None), [""; 0]);
}

#[test]
fn keywords_are_looked_for_in_text() {
    let found = of(&["fs/x.c"], Some("+\tstruct  crate_of_old one;\n"));
    assert!(
        found.contains(
            &"Old Hand <old@example.org> (odd fixer:OLD BOXES:Keyword:\\bstruct\\ \\s* crate_of_old\\b)".to_owned()
        ),
        "{found:?}"
    );
    assert!(!of(&["fs/x.c"], Some("struct crate_of_older\n")).iter().any(|line| line.contains("Old Hand")));
}

#[test]
fn what_is_no_pattern_is_reported_and_harms_nothing() {
    assert_eq!(Maintainers::parse(TEXT).unreadable, ["BROKEN: N: broken("]);
    assert!(!of(&["drivers/x.c"], None).iter().any(|line| line.contains("Bro Ken")));
}

/// A tree with MAINTAINERS, a stand-in for the script if `script` says what it prints.
fn people(script: Option<&str>) -> People {
    let repository = Repository::begun();
    repository.write("MAINTAINERS", TEXT);
    repository.write("drivers/box/box.c", "int open_box(struct box *box)\n{\n\treturn 0;\n}\n");
    repository.write(".get_maintainer.ignore", "Sam Silent <sam@example.org>\n");
    if let Some(script) = script {
        repository.write("scripts/get_maintainer.pl", script);
    }
    repository.commit("box: add");
    repository.write("drivers/box/box.c", "int open_box(struct box *box)\n{\n\treturn 1;\n}\n");
    repository.write("drivers/box/lid.h", "/* struct crate_of_old */\n");
    let message = "box: one\n\nReviewed-by: Sam Silent <sam@example.org>\nAcked-by: Ava <ava@example.org>\n\
        Signed-off-by: Big Chief <chief@example.org>\nSigned-off-by: Broken <no address>";
    repository.commit_by("Nora New", "nora@example.org", message);
    repository.git(&["tag", "v6.12"]);
    let options = PageOptions { people: true, ..PageOptions::default() };
    let page = page_with(&repository.path(), &oops("6.12.0", "open_box", " drivers/box/box.c:3"), options);
    page.people.expect("it was asked")
}

#[test]
fn those_of_the_file_and_of_the_blamed_commit_are_reported() {
    let found = people(None);
    assert_eq!(found.by, WhoSays::Kanalyze);
    let expected = [
        "Cc: Mia Maintainer <mia@example.org>",
        "Cc: \"Joe Q. Public\" <joe@example.org>",
        "Cc: Rae Reviewer <rae@example.org>",
        "Cc: Nora New <nora@example.org>",
        "Cc: Ava <ava@example.org>",
        "Cc: lid@example.org",
        "Cc: Old Hand <old@example.org>",
        "Cc: boxes@lists.example.org",
        "Cc: linux-boxes@example.org",
        "Cc: linux-kernel@example.org",
    ];
    assert_eq!(found.cc, expected);
}

#[test]
fn the_trees_own_script_is_asked_where_it_runs() {
    let perl = Command::new("perl").arg("-v").output().is_ok_and(|said| said.status.success());
    assert!(perl, "perl is not here, though git's Debian package needs it");
    let found =
        people(Some("print \"A B <a\\@example.org> (maintainer:X (Y))\\nx\\@lists.example.org (open list:X)\\n\";"));
    assert_eq!(found.by, WhoSays::Script);
    assert_eq!(found.cc[0], "Cc: A B <a@example.org>");
    assert_eq!(found.people[0].role, "maintainer:X (Y)");
    assert!(found.people.iter().any(|person| person.list && person.address == "x@lists.example.org"));
    // One that fails is not believed.
    assert_eq!(people(Some("die \"no\";")).by, WhoSays::Kanalyze);
}

/// 200 files of an unpacked kernel, spread over it.
fn sample(top: &Path) -> Vec<String> {
    fn collect(folder: &Path, top: &Path, found: &mut Vec<String>) {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                collect(&path, top, found);
            } else if let Some(name) = path.strip_prefix(top).expect("below the top").to_str() {
                found.push(name.to_owned());
            }
        }
    }
    let mut all = Vec::new();
    collect(top, top, &mut all);
    // The script also reads addresses out of device tree bindings.
    all.retain(|file| !file.ends_with(".yaml") && !file.ends_with("MAINTAINERS"));
    let step = all.len() / 200;
    all.into_iter().step_by(step.max(1)).take(200).collect()
}

#[test]
#[ignore = "wants an unpacked kernel: KANALYZE_LINUX=DIR (Debian's linux-source) and perl"]
fn the_kernels_own_script_names_the_same_for_200_files() {
    let top = PathBuf::from(std::env::var_os("KANALYZE_LINUX").expect("KANALYZE_LINUX names an unpacked kernel"));
    let text = String::from_utf8_lossy(&std::fs::read(top.join("MAINTAINERS")).expect("MAINTAINERS")).into_owned();
    let mailmap = String::from_utf8_lossy(&std::fs::read(top.join(".mailmap")).expect(".mailmap")).into_owned();
    let read = Maintainers::parse(&text).with_mailmap(&mailmap);
    let files = sample(&top);
    assert_eq!(files.len(), 200);
    let mut faults = Vec::new();
    for (number, file) in files.iter().enumerate() {
        // Every fourth file with the keywords in it, too.
        let keywords = number % 4 == 0;
        let said = Command::new("perl")
            .current_dir(&top)
            .args(["scripts/get_maintainer.pl", "--no-git", "--no-git-fallback", "--no-rolestats", "--no-roles"])
            .args(keywords.then_some("--keywords-in-file"))
            .args(["-f", file])
            .output()
            .expect("perl runs");
        assert!(said.status.success(), "{file}: {}", String::from_utf8_lossy(&said.stderr));
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let mut expected: Vec<String> = said.lines().map(str::to_owned).collect();
        let content = std::fs::read(top.join(file)).expect("the file");
        let found = read
            .of(std::slice::from_ref(file), keywords.then_some(content.as_slice()), &|path| top.join(path).is_dir());
        let mut found: Vec<String> = found.into_iter().map(|person| person.address).collect();
        expected.sort();
        found.sort();
        if found != expected {
            faults.push(format!("{file} (keywords {keywords}):\n  script   {expected:?}\n  kanalyze {found:?}"));
        }
    }
    assert!(faults.is_empty(), "{} of 200:\n{}\n{:?}", faults.len(), faults.join("\n"), read.unreadable);
}
