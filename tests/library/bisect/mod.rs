//! Bisections: every transcript of the corpus with its snapshots, the traps of the formats, and whatever bytes there may be.

mod people;

use kanalyze::bisect::read;
use kanalyze::bisect::record::{Bisection, Kind, Outcome, Role, RunResult, Step, Verdict};
use kanalyze::engine::read_reports;
use kanalyze::render::{self, Look, Width};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/bisect")
}

fn all(log: &str, bytes: &[u8]) -> Vec<Bisection> {
    read(log, bytes, &|crash| read_reports(log, crash))
}

/// The last bisection of a text.
fn parsed(log: &str, bytes: &[u8]) -> Bisection {
    all(log, bytes).pop().unwrap_or_else(|| panic!("{log}: no bisection"))
}

fn sessions(name: &str) -> Vec<Bisection> {
    let path = corpus().join(name).with_extension("txt");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    all(name, &bytes)
}

/// The last bisection of a text of the corpus, by its path below `corpus/bisect`.
fn transcript(name: &str) -> Bisection {
    sessions(name).pop().unwrap_or_else(|| panic!("{name}: no bisection"))
}

fn text(found: &Bisection) -> String {
    let mut out = Vec::new();
    render::bisect::write(found, &Look { width: Width(80), ..Look::default() }, &mut out)
        .expect("memory can be written to");
    String::from_utf8(out).expect("the view is text")
}

fn told(found: &Bisection) -> Vec<(&str, Verdict)> {
    found.steps.iter().filter_map(|step| Some((step.commit.as_str(), step.verdict?))).collect()
}

fn verdicts(found: &Bisection) -> Vec<Verdict> {
    told(found).into_iter().map(|(_, verdict)| verdict).collect()
}

fn step<'a>(found: &'a Bisection, release: &str) -> &'a Step {
    found.steps.iter().find(|step| step.release.as_deref() == Some(release)).expect("the release was tested")
}

fn logs() -> Vec<PathBuf> {
    let mut folders = vec![corpus()];
    let mut logs = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the corpus is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "txt") {
                logs.push(path);
            }
        }
    }
    logs.sort();
    logs
}

#[test]
fn every_text_view_fits_into_eighty_columns_and_begins_with_the_answer() {
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        let found = transcript(&name);
        let shown = text(&found);
        let long: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{name}: {long:?}");
        assert!(!found.answer.is_empty() && shown.lines().next().is_some_and(|line| !line.is_empty()), "{name}");
        assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{name}: control characters");
        let picture = render::svg::walk_svg(&found, render::svg::Setting::Alone);
        assert!(
            !picture.contains("<script") && !picture.contains('\u{1b}'),
            "{name}: markup of the log in the picture"
        );
    }
}

/// A name is never broken, so that it can be copied: it may stand out of the lines.
fn too_long(shown: &str, width: usize) -> Vec<&str> {
    let word = |line: &str| line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    shown.lines().filter(|line| line.chars().count() > width && word(line) + 20 < width).collect()
}

#[test]
fn a_narrow_terminal_gets_narrow_lines_and_all_steps() {
    let mut all = Vec::new();
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        let found = transcript(&name);
        for width in [40, 60, 66] {
            let (mut out, look) = (Vec::new(), Look { width: Width(width), ..Look::default() });
            render::bisect::write(&found, &look, &mut out).expect("memory can be written to");
            let shown = String::from_utf8(out).expect("the view is text");
            assert!(too_long(&shown, width).is_empty(), "{name}, {width}: {:?}", too_long(&shown, width));
            let one = |text: &str| text.split_whitespace().collect::<String>();
            assert!(one(&shown).starts_with(&one(&found.answer)), "{name}, {width}: the answer is cut:\n{shown}");
            let steps = shown.lines().skip_while(|line| !line.starts_with("step  git")).skip(1);
            let numbers = steps.filter(|line| {
                let number = line.get(..4).map_or("", str::trim);
                line.get(4..6) == Some("  ") && number.parse::<u32>().is_ok()
            });
            assert_eq!(numbers.count(), found.steps.len(), "{name}, {width}:\n{shown}");
        }
        all.push(found);
    }
    for width in [40, 60, 100] {
        let (mut out, look) = (Vec::new(), Look { width: Width(width), ..Look::default() });
        render::bisect_table::write_table(&all, &look, &mut out).expect("memory can be written to");
        let shown = String::from_utf8(out).expect("the table is text");
        assert!(too_long(&shown, width).is_empty(), "{width}: {:?}", too_long(&shown, width));
    }
}

#[test]
fn a_record_obeys_its_schema() {
    let schema = schemars::schema_for!(Bisection).to_value();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        let record = serde_json::to_value(transcript(&name)).expect("plain data");
        let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

// The traps of FORMATS.md, part G, that concern bisections, in its order.

#[test]
fn trap_1_a_fix_log_gives_git_bad_where_all_is_ok() {
    let found = transcript("fix-2020/inverted");
    assert_eq!((found.kind, found.outcome), (Kind::Fix, Outcome::Culprit));
    assert_eq!(verdicts(&found), [Verdict::Good, Verdict::Bad, Verdict::Good]);
    let fixed = found.steps.iter().find(|step| step.verdict == Some(Verdict::Bad)).expect("the fix was tested");
    assert_eq!((fixed.crashed, fixed.survived), (0, 10));
    assert_eq!(found.commits, std::slice::from_ref(&fixed.commit));
    assert!(found.steps.iter().all(|step| step.contradiction.is_none()), "the rules are inverted too");
    assert!(found.answer.starts_with("first good commit"), "{}", found.answer);
}

#[test]
fn trap_2_a_title_over_four_lines_with_cr_and_binary() {
    let found = transcript("cause-2019/title-over-four-lines");
    let runs = &found.steps[0].runs;
    assert_eq!(runs.len(), 5);
    assert_eq!(runs[3].result, RunResult::BootFailed);
    assert_eq!(runs[3].detail.len(), 3, "{:?}", runs[3].detail);
    assert_eq!(runs[4].result, RunResult::Ok);
    assert!(runs.iter().filter_map(|run| run.title.as_ref()).all(|title| !title.contains('\r')));
}

#[test]
fn trap_3_a_warning_between_position_and_subject() {
    let found = transcript("cause-2022/gcc-label-with-clang");
    let step = found.steps.iter().find(|step| step.left == Some(60)).expect("git asked for it");
    assert_eq!(step.subject.as_deref(), Some("widget: vectorise"));
}

#[test]
fn trap_4_a_build_failure_has_no_runs_and_is_skipped() {
    let found = transcript("cause-2019/build-failure-is-skipped");
    let step = found.steps.iter().find(|step| step.verdict == Some(Verdict::Skip)).expect("it was skipped");
    assert!(step.runs.is_empty());
    assert!(step.notes.iter().any(|note| note.contains("setup.c:77:2: error")), "{:?}", step.notes);
    // A compiler's `error: …` at the beginning of a line does not end the log.
    assert_eq!((found.outcome, found.error.as_deref()), (Outcome::Culprit, None));
}

#[test]
fn trap_5_the_parent_is_built_but_not_tested_and_the_start_is_tested_again() {
    let found = transcript("cause-2020/culprit-without-effect");
    let parent = found.steps.iter().find(|step| step.role == Role::Parent).expect("the parent was built");
    assert!(parent.runs.is_empty() && parent.verdict.is_none() && parent.signature.is_some());
    assert!(found.flags.no_op);
    let found = transcript("cause-2020/config-bisection");
    let again: Vec<Role> = found.steps.iter().take(3).map(|step| step.role).collect();
    assert_eq!(again, [Role::Original, Role::Config, Role::Config]);
    assert_eq!(verdicts(&found), [Verdict::Bad]);
}

#[test]
fn trap_6_all_runs_are_twenty_first_and_when_flaky_else_ten() {
    let found = transcript("cause-2021/flaky-and-twenty-runs");
    assert_eq!(found.steps[0].run_count, Some(20));
    assert_eq!(step(&found, "v5.11").run_count, Some(20), "flagged flaky: every test has twenty runs");
    assert_eq!(step(&transcript("cause-2021/unfit-host"), "v5.12").run_count, Some(10));
    assert_eq!(transcript("cause-2018/still-unfixed").steps[0].run_count, None, "2018 had five, eight and ten");
}

#[test]
fn trap_7_crashes_printed_twice_in_july_2023_count_once() {
    let found = transcript("cause-2023/double-verdicts");
    let last = found.steps.iter().find(|step| step.role == Role::Bisect).expect("git asked for it");
    assert_eq!((last.crashed, last.survived, last.run_count), (2, 8, Some(10)));
}

#[test]
fn trap_7_skipping_this_commit_in_june_2023_means_good() {
    let found = transcript("cause-2023/good-misprinted-as-skipping");
    assert_eq!(step(&found, "v6.3").rules_verdict, Some(Verdict::Good));
    assert_eq!(found.range.as_ref().and_then(|range| range.good_release.as_deref()), Some("v6.3"));
}

#[test]
fn trap_7_picked_tags_misprinted_in_august_2023() {
    let picked = transcript("cause-2023/misprinted-picked").picked.expect("releases were picked");
    assert_eq!((picked.tags, picked.of), (vec!["v6.4".to_owned(), "v6.3".to_owned(), "v5.19".to_owned()], None));
}

#[test]
fn trap_8_answers_quoted_in_a_message_or_in_the_crash_are_not_answers() {
    let found = transcript("cause-2022/answers-quoted-in-message-and-crash");
    assert_eq!(found.outcome, Outcome::Culprit);
    assert_eq!(found.culprit.as_ref().map(|culprit| culprit.subject.as_str()), Some("widget: quote"));
    assert_eq!((found.commits.len(), verdicts(&found).len(), found.error.is_none()), (1, 1, true));
    assert_eq!(found.crash.as_ref().map(|report| report.title.as_str()), found.crash_title.as_deref());
}

#[test]
fn trap_9_the_label_is_gcc_and_the_compiler_clang() {
    let found = transcript("cause-2022/gcc-label-with-clang");
    assert_eq!(found.steps[0].family.as_deref(), Some("gcc"));
    assert!(found.steps[0].compiler.as_deref().is_some_and(|id| id.starts_with("Debian clang")));
    assert!(
        step(&found, "v5.8").compiler.as_deref().is_some_and(|id| id.starts_with("gcc")),
        "it changes at a release"
    );
}

#[test]
fn trap_10_a_merge_base_inside_a_step_and_a_pretended_crash() {
    let found = transcript("fix-2023/merge-base-and-pretend");
    assert_eq!(verdicts(&found), [Verdict::Good, Verdict::Bad]);
    let bases: Vec<&Step> = found.steps.iter().filter(|step| step.role == Role::MergeBase).collect();
    assert_eq!(bases.len(), 2);
    assert!(bases.iter().all(|base| base.verdict.is_none()));
    let pretended = found.steps.iter().find(|step| step.verdict == Some(Verdict::Good)).expect("git was told");
    assert!(pretended.runs.is_empty(), "it has no test of its own");
    assert_eq!(found.tested_commits, 5);
}

#[test]
fn trap_11_a_log_without_its_beginning_its_end_or_with_a_long_error() {
    let found = transcript("truncated/without-beginning");
    assert!(found.truncated && found.outcome == Outcome::Culprit && found.start_commit.is_none());
    let found = transcript("truncated/without-end");
    assert_eq!(found.outcome, Outcome::Culprit, "git had the answer already");
    let found = transcript("truncated/in-the-middle-of-a-test");
    assert_eq!((found.outcome, found.commits.len(), found.confidence), (Outcome::Incomplete, 0, None));
    let found = transcript("truncated/error-of-many-lines");
    assert_eq!(found.outcome, Outcome::Error);
    assert!(found.error.as_deref().is_some_and(|error| error.ends_with("testing is over")), "{:?}", found.error);
}

#[test]
fn trap_12_candidates_listed_twice_count_once() {
    let found = transcript("cause-2020/candidates-listed-twice");
    assert_eq!((found.outcome, found.commits.len()), (Outcome::Candidates, 3));
    assert_eq!(verdicts(&found), [Verdict::Skip; 3]);
}

#[test]
fn trap_12_two_candidates_that_git_never_named() {
    let found = transcript("cause-2020/two-candidates-that-git-never-named");
    assert_eq!((found.outcome, found.commits.len(), found.range.is_none()), (Outcome::Candidates, 2, true));
}

#[test]
fn the_reasons_shown_add_up_to_the_per_cent_shown() {
    let mut judged = 0;
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        for found in sessions(&name).iter().filter(|found| found.confidence.is_some()) {
            let shown = text(found);
            let terms = terms(&shown);
            let (sum, parts) = terms.split_last().expect("a sum");
            assert_eq!(parts.iter().sum::<i64>(), *sum, "{name}: {shown}");
            let odds: f64 = found.reasons.iter().map(|reason| reason.weight).sum();
            let chance = (1.0 / (1.0 + (-odds).exp())).clamp(0.01, 0.97);
            assert!((chance - found.confidence.unwrap_or_default()).abs() < 0.005, "{name}: {chance}");
            assert!((odds * 10.0 - *sum as f64).abs() <= 0.51, "{name}: {odds} {sum}");
            judged += 1;
        }
    }
    assert!(judged > 5, "{judged}");
}

#[test]
fn title_drift_is_shown_with_how_often_it_was_right_and_never_as_another_bug() {
    let found = transcript("cause-2019/hang-becomes-deadlock");
    let drift = found.title_drift.as_ref().expect("its titles change");
    let later: Vec<&str> = found.steps[drift.step..].iter().flat_map(Step::titles).collect();
    assert!(!later.is_empty() && later.iter().all(|title| title.contains("deadlock")), "{later:?}");
    assert!(drift.near && drift.drifted.of > 20 && drift.drifted.right > 0 && drift.kept.of > 100);
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        let shown: String = sessions(&name).iter().map(text).collect();
        assert!(!shown.contains("close relative") && !shown.contains("not the bug of"), "{name}: {shown}");
    }
}

#[test]
fn the_final_crash_joins_a_function_only_with_the_file_of_its_frame() {
    let log = std::fs::read_to_string(corpus().join("cause-2019/hang-becomes-deadlock.txt")).expect("it is there");
    let head = &log[..log.find("\ncrash: ").expect("a crash at the end") + 1];
    let report = "crash: BUG: unable to handle kernel NULL pointer dereference in gizmo_rx\n\
BUG: kernel NULL pointer dereference, address: 0000000000000010\n#PF: supervisor read access in kernel mode\n\
CPU: 0 PID: 7 Comm: syz Not tainted 5.0.0 #1\nRIP: 0010:gizmo_rx+0x10/0x20 FILE\nCall Trace:\n\
 gizmo_poll+0x10/0x20 drivers/gizmo/poll.c:7\n gizmo_irq+0x10/0x20 drivers/gizmo/irq.c:9\n";
    let shown = |file: &str| {
        let log = format!("{head}{}", report.replace(" FILE", file));
        text(&parsed("-", log.as_bytes()))
    };
    let of_its_frame = shown(" drivers/gizmo/rx.c:5");
    assert!(of_its_frame.contains("function: gizmo_rx at drivers/gizmo/rx.c:5\n"), "{of_its_frame}");
    let apart = shown("");
    assert!(apart.contains("function: gizmo_rx\n  file to blame: drivers/gizmo/poll.c\n"), "{apart}");
}

#[test]
fn a_mailed_transcript_reads_as_the_plain_one() {
    let plain = transcript("cause-2022/gcc-label-with-clang");
    for name in ["mail/quoted-transcript", "mail/wrapped-at-72", "mail/quoted-printable"] {
        let mailed = transcript(name);
        assert!(mailed.dialect.mailed, "{name}");
        assert_eq!(told(&mailed), told(&plain), "{name}");
        assert_eq!(mailed.commits, plain.commits, "{name}");
        let compilers = |found: &Bisection| -> Vec<Option<String>> {
            found.steps.iter().map(|step| step.compiler.clone()).collect()
        };
        assert_eq!(compilers(&mailed), compilers(&plain), "{name}");
        let titles = |found: &Bisection| -> Vec<String> {
            found.steps.iter().flat_map(|step| step.titles().map(str::to_owned).collect::<Vec<_>>()).collect()
        };
        assert_eq!(titles(&mailed), titles(&plain), "{name}");
        assert_eq!(mailed.recipients_to, plain.recipients_to, "{name}");
        assert_eq!(mailed.confidence, plain.confidence, "{name}");
    }
}

#[test]
fn one_crash_is_no_verdict_since_july_2024() {
    let found = transcript("cause-2024/one-crash-is-no-verdict");
    assert_eq!(step(&found, "v6.10").rules_verdict, Some(Verdict::Skip));
    assert_eq!(found.repro_chance, Some(0.35));
    assert!(found.config.iter().any(|line| line.starts_with("minimized to 400")));
}

#[test]
fn a_hang_that_becomes_a_deadlock_of_the_same_lock_is_believed_more_than_a_stranger() {
    let found = transcript("cause-2019/hang-becomes-deadlock");
    let bytes = std::fs::read(corpus().join("cause-2019/hang-becomes-deadlock.txt")).expect("it is there");
    let strange = String::from_utf8(bytes)
        .expect("text")
        .replace("possible deadlock in gizmo_process_iotlb_msg", "WARNING in sprocket_open");
    let strange = parsed("strange", strange.as_bytes());
    assert!(found.confidence > strange.confidence, "{:?} {:?}", found.confidence, strange.confidence);
    assert!(found.unreliable_from.is_none() && strange.unreliable_from.is_some());
    assert!(strange.trust.is_some_and(|trust| trust.words.starts_with("trust only")));
}

#[test]
fn every_reason_is_a_term_and_answers_without_commits_have_none() {
    for path in logs() {
        let name = path.strip_prefix(corpus()).expect("below the corpus").with_extension("").display().to_string();
        let found = transcript(&name);
        assert!(found.reasons.iter().all(|reason| !reason.words.is_empty() && reason.weight.is_finite()), "{name}");
        assert!(!found.commits.is_empty() || (found.confidence.is_none() && found.reasons.is_empty()), "{name}");
        assert!(found.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)), "{name}");
    }
}

#[test]
fn an_unfit_host_is_reported() {
    let found = transcript("cause-2021/unfit-host");
    assert!(
        found.infrastructure.iter().any(|nuisance| nuisance.title.contains("read-only") && nuisance.runs == 7),
        "{:?}",
        found.infrastructure
    );
    assert!(found.infrastructure.iter().any(|nuisance| nuisance.title.contains("image")));
}

/// Lines of all dialects, in any order: what a parser that keeps state must survive.
fn any_lines() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = logs()
        .iter()
        .flat_map(|path| {
            std::fs::read(path)
                .expect("it is there")
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    prop::collection::vec(prop::sample::select(lines), 0..60).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_order_of_lines_is_survived_and_shown(bytes in any_lines()) {
        for found in all("-", &bytes) {
            prop_assert!(text(&found).lines().all(|line| line.chars().count() <= 80));
            prop_assert!(render::svg::walk_svg(&found, render::svg::Setting::Alone).ends_with("</svg>\n"));
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for found in all("-", &bytes) {
            prop_assert!(text(&found).chars().all(|letter| !letter.is_control() || letter == '\n'));
        }
    }

    #[test]
    fn a_log_cut_anywhere_is_survived(log in prop::sample::select(logs()), share in 0.0..1.0_f64) {
        let bytes = std::fs::read(log).expect("it is there");
        let end = (bytes.len() as f64 * share) as usize;
        prop_assert!(all("-", &bytes[..end]).iter().all(|found| !found.answer.is_empty()));
    }
}

/// Runs the program on logs of the corpus.
fn program(arguments: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command
        .arg("bisect")
        .args(arguments)
        .current_dir(corpus())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("it runs")
}

#[test]
fn a_table_is_sorted_by_confidence_with_the_unanswered_last() {
    let done = program(&[
        "--sort",
        "confidence",
        "git/two-logs.txt",
        "cause-2020/merge-culprit.txt",
        "cause-2019/build-failure-is-skipped.txt",
    ]);
    assert_eq!(done.status.code(), Some(0));
    let shown = String::from_utf8(done.stdout).expect("text");
    let place = |name: &str| shown.find(name).unwrap_or_else(|| panic!("{name} is not in {shown}"));
    assert!(place("build-failure") < place("merge-culprit") && place("merge-culprit") < place("two-logs"), "{shown}");
}

#[test]
fn a_log_that_cannot_be_read_is_trouble_and_the_others_are_reported() {
    let done = program(&["--format", "jsonl", "nowhere.txt", "git/two-logs.txt"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("nowhere.txt"));
    assert_eq!(done.stdout.iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn json_is_one_array_of_the_records_of_jsonl() {
    let logs = ["git/two-logs.txt", "cause-2020/horizon.txt"];
    let lines = program(&["--format", "jsonl", logs[0], logs[1]]).stdout;
    let array = program(&["--format", "json", logs[0], logs[1]]).stdout;
    let lines: Vec<serde_json::Value> = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a record"))
        .collect();
    let array: Vec<serde_json::Value> = serde_json::from_slice(&array).expect("an array");
    assert_eq!(array, lines);
    assert_eq!(program(&["--format", "json", "--check-steps", logs[0]]).stdout, b"[]\n");
}

#[test]
fn a_verdict_against_its_runs_is_listed() {
    let log = std::fs::read_to_string(corpus().join("cause-2019/build-failure-is-skipped.txt")).expect("it is there");
    let wrong = log.replace("# git bisect bad ", "# git bisect good ");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.txt");
    std::fs::write(&path, wrong).expect("it can be written");
    let path = path.display().to_string();
    let shown = String::from_utf8(program(&["--check-steps", &path]).stdout).expect("text");
    assert!(shown.contains("told git good, its runs say bad"), "{shown}");
    assert!(shown.ends_with("1 of 3 verdicts contradict their runs\n"), "{shown}");
}

#[test]
fn one_log_is_drawn_and_several_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("walk.svg").display().to_string();
    assert_eq!(program(&["--svg", &picture, "cause-2019/hang-becomes-deadlock.txt"]).status.code(), Some(0));
    let drawn = std::fs::read_to_string(&picture).expect("the picture is there");
    assert!(drawn.starts_with("<svg") && drawn.contains("v4.20") && drawn.matches("<circle").count() >= 4, "{drawn}");
    assert_eq!(program(&["--svg", &picture, "git/two-logs.txt", "git/terminal.txt"]).status.code(), Some(2));
}

#[test]
fn time_grows_with_the_lines_of_any_kind_and_not_with_their_square() {
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let kinds = [
        format!("testing commit {hash} gcc\nrun #0: crashed: A in b\n"),
        format!("run #0: crashed: INFO: task hung in {hash}\n"),
        format!("# git bisect skip {hash}\n"),
        format!("git bisect good {hash}\n"),
        format!("git bisect bad {hash}  # 11:24  4294967295- 4294967295 x\n"),
        format!("# possible first bad commit: [{hash}] x\n"),
        format!("The first bad commit could be any of:\n{hash}\n"),
        format!("> [{hash}] Merge\n> git://git.example.org/long/enough/to/have/been/wrapped/by/a/mail/program\n"),
        "determining the merge base between a and b\n".to_owned(),
        "kernel signature: \nerror: x\ntrying half: y\n".to_owned(),
    ];
    for kind in kinds {
        // Every hash is another one.
        let varied = |at: usize| kind.replace(hash, &format!("{at:040x}"));
        let log: String = std::iter::once(
            "bisecting cause commit starting from 0123456789abcdef0123456789abcdef01234567\n".to_owned(),
        )
        .take(usize::from(!kind.starts_with("git") && !kind.starts_with("# possible")))
        .chain((0..20_000).map(varied))
        .collect();
        assert!(all("-", log.as_bytes()).iter().all(|found| !text(found).is_empty()));
    }
}

/// The signed tenths at the beginning of the lines of a view, in its order.
fn terms(shown: &str) -> Vec<i64> {
    let tenths = |line: &str| -> Option<i64> {
        let word = line.strip_prefix("  ")?.split(' ').next()?;
        let (sign, digits) = (word.get(..1)?, word.get(1..)?);
        let value: i64 = digits.replace('.', "").parse().ok()?;
        ["+", "-"].contains(&sign).then_some(if sign == "-" { -value } else { value })
    };
    shown.lines().filter_map(tenths).collect()
}
