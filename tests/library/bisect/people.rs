//! Bisections of people: plain git logs as they are pasted, quoted, wrapped and commented.

use super::{all, corpus, parsed, program, sessions, text, told, transcript, verdicts};
use kanalyze::bisect::record::{Kind, Origin, Outcome, RevertResult, Verdict};

#[test]
fn trap_13_quoted_terms_custom_terms_and_status_lines() {
    assert_eq!(transcript("cause-2026/quoted-terms").outcome, Outcome::Culprit);
    assert_eq!(transcript("git/quoted-terms").outcome, Outcome::Culprit);
    let found = transcript("git/custom-terms");
    let terms = found.terms.as_ref().expect("the log declares them");
    assert_eq!((terms.old.as_str(), terms.new.as_str()), ("broken", "fixed"));
    assert_eq!(verdicts(&found), [Verdict::Bad, Verdict::Good, Verdict::Good, Verdict::Bad]);
    assert_eq!(transcript("git/start-without-ends").notes.len(), 3);
}

#[test]
fn a_plain_log_needs_no_comments_and_a_prompt_is_no_comment() {
    let found = transcript("git/terminal");
    assert_eq!((found.kind, found.outcome), (Kind::Git, Outcome::Culprit));
    assert_eq!(verdicts(&found), [Verdict::Bad, Verdict::Good, Verdict::Good, Verdict::Bad]);
}

#[test]
fn what_people_write_below_is_no_remark_and_a_sentence_about_a_revert_is_quoted() {
    let found = transcript("git/doubts-below-the-answer");
    assert_eq!(found.remarks, Vec::<String>::new());
    let said: Vec<_> = found.reverts.iter().map(|revert| (revert.result, revert.words.as_str())).collect();
    assert_eq!(said, [(RevertResult::Unknown, "Reverting it on top of v6.2-rc1 does not help, though.")]);
    assert!(found.confidence.is_none(), "nothing was tested in this log");
    let found = transcript("mail/signature-and-trailers");
    assert_eq!((found.remarks.len(), found.reverts.len()), (0, 1), "{:?}", found.reverts);
    assert!(found.reverts[0].words.ends_with("makes the box boot again."), "{:?}", found.reverts);
}

#[test]
fn a_reverted_commit_that_is_good_speaks_for_the_answer_of_0_day() {
    let found = transcript("0-day/reverted-is-good");
    assert_eq!((found.dialect.name, found.outcome), (Origin::ZeroDay, Outcome::Culprit));
    assert_eq!(found.reverts.first().map(|revert| revert.result), Some(RevertResult::Passed));
    assert!(text(&found).contains("for it\n  +     extra test with the commit reverted: good"), "{}", text(&found));
    assert_eq!(found.next_test, None);
    let bad = found.steps.iter().find(|step| step.crashed == 11).expect("its columns are counts");
    assert_eq!(bad.subject.as_deref(), Some("gizmo: loud"));
}

#[test]
fn both_of_two_logs_in_a_mail_are_reported() {
    let found = sessions("git/two-logs");
    let answers: Vec<_> = found.iter().map(|found| (found.session, found.sessions, found.answer.as_str())).collect();
    assert_eq!(answers, [(1, 2, "first bad commit eb4470e754c4"), (2, 2, "first bad commit 627c71d2e88d")]);
}

#[test]
fn two_transcripts_in_one_text_are_both_reported() {
    let one = std::fs::read(corpus().join("cause-2019/hang-becomes-deadlock.txt")).expect("it is there");
    let other = std::fs::read(corpus().join("cause-2020/horizon.txt")).expect("it is there");
    let found = all("-", &[&one[..], b"\n", &other[..]].concat());
    let outcomes: Vec<Outcome> = found.iter().map(|found| found.outcome).collect();
    assert_eq!(outcomes, [Outcome::Culprit, Outcome::Horizon]);
    let alone = parsed("-", &one);
    assert_eq!((&found[0].commits, found[0].confidence), (&alone.commits, alone.confidence));
}

#[test]
fn any_run_of_quote_marks_bars_and_blanks_stands_before_a_log() {
    let name = "git/custom-terms";
    let plain = std::fs::read_to_string(corpus().join(name).with_extension("txt")).expect("it is there");
    for marks in ["> ", ">   ", "> > | ", "|", "    ", "\t", ">>> \u{a0}"] {
        let quoted: String = plain.lines().map(|line| format!("{marks}{line}\n")).collect();
        let found = parsed(name, format!("Somebody wrote:\n{quoted}\nThanks.\n").as_bytes());
        assert_eq!(found.dialect.name, Origin::Git, "{marks:?}");
        assert_eq!((told(&found), &found.commits), (told(&transcript(name)), &transcript(name).commits), "{marks:?}");
    }
}

#[test]
fn broken_subjects_of_pasted_text_are_whole_and_prose_below_is_not_theirs() {
    let found = transcript("git/pasted-and-wrapped");
    let subjects: Vec<&str> = found.steps.iter().filter_map(|step| step.subject.as_deref()).collect();
    assert!(subjects.contains(&"Merge tag 'gizmo-6.2-rc1' of git://git.example.org/gizmo into next"), "{subjects:?}");
    assert_eq!(
        found.culprit.as_ref().map(|culprit| culprit.subject.as_str()),
        Some("gizmo: introduce gizmo_speed.flags to track what the device can do")
    );
}

#[test]
fn a_text_without_a_bisection_is_exit_2_and_no_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts = [
        ("empty", ""),
        ("passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("prose", "git bisect points to the merge, she starts bisection again\ntesting commit messages is fun\n"),
        ("boot", "[    0.000000] Linux version 6.1.0 (x@y) #2 SMP\n[    1.0] Run /init as init process\n"),
    ];
    for (name, text) in texts {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        let done = program(&["--format", "jsonl", &path.display().to_string()]);
        assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{name}");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let wanted = if name == "empty" { "is empty" } else { "no bisection in this text" };
        assert!(said.contains(wanted) && !said.contains("unfinished"), "{said}");
    }
}

#[test]
fn the_candidate_that_was_skipped_is_to_be_tested() {
    let found = transcript("git/only-skipped-left");
    let next = found.next_test.expect("something is open");
    assert_eq!(next.commit.as_deref(), Some("77cc6f229098f4caf508260cc72ba3661cfa12d0"));
    assert!(next.words.contains("if it is good, the answer is eb4470e754c4"), "{}", next.words);
}

#[test]
fn of_a_merge_the_parents_are_good_and_one_side_is_rebased() {
    for name in ["git/merge-is-first-bad", "cause-2020/merge-culprit"] {
        let words = transcript(name).next_test.map(|test| test.words).unwrap_or_default();
        assert!(!words.contains("both sides"), "{name}: {words}");
    }
    let words = transcript("git/merge-is-first-bad").next_test.map(|test| test.words).unwrap_or_default();
    assert!(words.contains("sides interact") && words.contains("Rebase b2c3d4e5f6a7 on a1b2c3d4e5f6"), "{words}");
}

#[test]
fn hundreds_of_commits_given_at_the_start_are_one_line() {
    let found = transcript("git/many-given");
    assert_eq!((found.steps.len(), found.given.len()), (4, 11));
    let shown = text(&found);
    assert!(shown.contains("12 good commits given at the start"), "{shown}");
    assert!(shown.lines().count() < 15, "{shown}");
}

#[test]
fn what_git_shows_of_the_suspects_is_read() {
    let found = transcript("git-visualize/suspects");
    assert_eq!(found.dialect.name, Origin::GitVisualize);
    assert_eq!(found.steps[0].subject.as_deref(), Some("gizmo: speed up"));
    assert_eq!(verdicts(&found), [Verdict::Bad, Verdict::Skip, Verdict::Good]);
}

#[test]
fn a_hash_alone_on_its_line_belongs_to_the_command_before() {
    assert_eq!(
        verdicts(&transcript("mail/hash-alone-on-its-line")),
        [Verdict::Bad, Verdict::Good, Verdict::Bad, Verdict::Good]
    );
}
