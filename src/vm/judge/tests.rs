//! The judge's decisions, with times written by hand.

use super::*;

fn rules() -> Rules {
    Rules {
        boot: 100.0,
        max_time: 1_000.0,
        needs_programs: false,
        no_output: 300.0,
        settle: 10.0,
        stop_on_hit: false,
        boot_counts: false,
        seeks_no_output: false,
        can_dump: true,
    }
}

fn report(title: &str) -> Verdicts {
    Verdicts { title: title.to_owned(), sought: true, panicked: false, hang: false, secondary: false }
}

/// A judge whose workload runs since second 20.
fn running(rules: Rules) -> Judge {
    let mut judge = Judge::new(rules);
    judge.take(Fact::GuestReady, 19.0);
    judge.take(Fact::WorkloadStarted { counts: true }, 20.0);
    judge
}

/// What the judge says in the end; the last flush before it finds nothing here.
fn finished(judge: &mut Judge, now: f64) -> Option<Outcome> {
    let mut orders = judge.tick(now);
    if orders == [Order::Flush] {
        orders = judge.tick(now);
    }
    orders.into_iter().find_map(|order| if let Order::Finish(outcome) = order { Some(outcome) } else { None })
}

#[test]
fn a_workload_that_ends_in_peace_is_clean_after_the_settling_time() {
    let mut judge = running(rules());
    judge.take(Fact::WorkloadEnded(0), 30.0);
    judge.take(Fact::SerialBytes, 31.0);
    assert_eq!(judge.tick(32.0), [], "late lines may still come");
    assert_eq!(finished(&mut judge, 33.5).map(|outcome| outcome.verdict), Some(Verdict::Clean));
    assert_eq!(judge.tick(34.0), [], "it is reported once");
}

#[test]
fn max_time_is_clean_when_the_workload_was_in_sight_and_unseen_when_not() {
    let mut judge = running(Rules { no_output: 0.0, ..rules() });
    assert_eq!(judge.tick(1_019.0), []);
    judge.tick(1_021.0);
    assert_eq!(finished(&mut judge, 1_024.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));

    let mut judge = running(Rules { no_output: 0.0, ..rules() });
    judge.take(Fact::WorkloadOutOfSight("ssh: connection reset".to_owned()), 50.0);
    assert_eq!(judge.tick(500.0), [], "ssh dying is not a verdict");
    judge.tick(1_021.0);
    let outcome = finished(&mut judge, 1_024.0).expect("over");
    assert_eq!(outcome.verdict, Verdict::Unseen);
    assert!(outcome.reason.contains("connection reset"));
}

#[test]
fn a_report_is_closed_when_the_guest_falls_silent_or_the_time_is_up() {
    let mut judge = running(rules());
    judge.take(Fact::SerialBytes, 30.0);
    judge.take(Fact::Opened, 30.0);
    assert_eq!(judge.tick(31.0), []);
    assert_eq!(judge.tick(32.1), [Order::Flush]);

    let mut judge = running(rules());
    judge.take(Fact::Opened, 30.0);
    for second in 31..40 {
        judge.take(Fact::SerialBytes, f64::from(second));
        assert_eq!(judge.tick(f64::from(second)), [], "it still prints");
    }
    assert_eq!(judge.tick(40.0), [Order::Flush]);
}

#[test]
fn without_stop_on_hit_the_run_goes_on_and_with_it_the_run_ends() {
    let mut judge = running(Rules { no_output: 0.0, ..rules() });
    judge.take(Fact::Closed(report("KASAN: a")), 40.0);
    assert_eq!(judge.tick(100.0), []);

    let mut judge = running(Rules { stop_on_hit: true, ..rules() });
    judge.take(Fact::Closed(report("KASAN: a")), 40.0);
    let outcome = finished(&mut judge, 43.0).expect("over");
    assert_eq!((outcome.verdict, outcome.title.as_deref()), (Verdict::Hit, Some("KASAN: a")));
}

#[test]
fn a_hang_is_dumped_before_it_ends_the_run() {
    let mut judge = running(Rules { stop_on_hit: true, ..rules() });
    judge.take(Fact::Closed(Verdicts { hang: true, ..report("INFO: task hung in x") }), 40.0);
    assert_eq!(judge.tick(40.0), [Order::Dump]);
    assert_eq!(judge.tick(60.0), [], "the dump is under way");
    judge.take(Fact::SerialBytes, 61.0);
    judge.take(Fact::DumpDone { answered: true }, 62.0);
    assert_eq!(finished(&mut judge, 63.5).map(|outcome| outcome.verdict), Some(Verdict::Hit));
}

#[test]
fn a_panicked_kernel_is_not_asked_for_a_dump() {
    let mut judge = running(rules());
    judge.take(Fact::Closed(Verdicts { hang: true, panicked: true, ..report("INFO: task hung in x") }), 40.0);
    assert_eq!(judge.tick(40.0), []);
    assert_eq!(finished(&mut judge, 42.5).map(|outcome| outcome.verdict), Some(Verdict::Hit));
}

#[test]
fn a_guest_without_counts_is_a_hang_and_is_dumped_first() {
    let mut judge = running(rules());
    judge.take(Fact::Counted(0), 100.0);
    judge.take(Fact::SerialBytes, 399.0);
    assert_eq!(judge.tick(399.0), [], "console lines are not progress, but the time is not up");
    assert_eq!(judge.tick(400.0), [Order::Dump]);
    judge.take(Fact::DumpDone { answered: false }, 410.0);
    let outcome = finished(&mut judge, 411.0).expect("over");
    assert_eq!(outcome.verdict, Verdict::Hang);
    assert_eq!(outcome.title.as_deref(), Some("no output from test machine"));
    assert!(outcome.reason.contains("executed programs"));

    let mut judge = running(Rules { seeks_no_output: true, ..rules() });
    judge.tick(320.0);
    judge.take(Fact::DumpDone { answered: true }, 330.0);
    assert_eq!(finished(&mut judge, 331.0).map(|outcome| outcome.verdict), Some(Verdict::Hit));
}

#[test]
fn a_workload_that_counts_nothing_may_be_silent() {
    let mut judge = Judge::new(rules());
    judge.take(Fact::GuestReady, 19.0);
    judge.take(Fact::WorkloadStarted { counts: false }, 20.0);
    assert_eq!(judge.tick(1_000.0), []);
}

#[test]
fn a_deaf_guest_behind_a_dead_ssh_is_a_hang_and_an_answering_one_is_not() {
    for (answered, verdict) in [(false, Some(Verdict::Hang)), (true, None)] {
        let mut judge = running(rules());
        judge.take(Fact::WorkloadOutOfSight("ssh: timed out".to_owned()), 50.0);
        assert_eq!(judge.tick(349.0), []);
        assert_eq!(judge.tick(351.0), [Order::Dump]);
        judge.take(Fact::DumpDone { answered }, 360.0);
        assert_eq!(finished(&mut judge, 363.0).map(|outcome| outcome.verdict), verdict);
    }
}

#[test]
fn a_guest_that_never_comes_up_is_a_boot_failure_with_its_report() {
    let mut judge = Judge::new(rules());
    judge.take(Fact::Closed(report("WARNING in early")), 10.0);
    judge.tick(101.0);
    let outcome = finished(&mut judge, 104.0).expect("over");
    assert_eq!((outcome.verdict, outcome.title.as_deref()), (Verdict::BootFailure, Some("WARNING in early")));

    let mut judge = Judge::new(rules());
    judge.take(Fact::Closed(Verdicts { panicked: true, ..report("kernel panic: VFS") }), 10.0);
    assert_eq!(finished(&mut judge, 12.5).map(|outcome| outcome.verdict), Some(Verdict::BootFailure));
}

#[test]
fn a_warning_while_booting_does_not_make_a_clean_run_a_crash() {
    let mut judge = Judge::new(rules());
    judge.take(Fact::Closed(report("WARNING in early")), 10.0);
    judge.take(Fact::GuestReady, 19.0);
    judge.take(Fact::WorkloadStarted { counts: false }, 20.0);
    judge.take(Fact::WorkloadEnded(0), 30.0);
    assert_eq!(finished(&mut judge, 33.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));
}

#[test]
fn another_crash_is_told_apart_and_a_consequence_is_none() {
    let mut judge = running(rules());
    judge.take(Fact::Closed(Verdicts { sought: false, ..report("BUG: other") }), 40.0);
    judge.take(Fact::WorkloadEnded(1), 50.0);
    let outcome = finished(&mut judge, 53.0).expect("over");
    assert_eq!((outcome.verdict, outcome.title.as_deref()), (Verdict::OtherCrash, Some("BUG: other")));

    let mut judge = running(rules());
    judge.take(Fact::Closed(Verdicts { secondary: true, ..report("kernel panic: after") }), 40.0);
    judge.take(Fact::WorkloadEnded(0), 50.0);
    assert_eq!(finished(&mut judge, 53.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));
}

#[test]
fn when_the_machine_goes_open_reports_are_closed_first_and_nothing_is_waited_for() {
    let mut judge = running(rules());
    judge.take(Fact::Opened, 40.0);
    judge.take(Fact::MachineEnded { reason: "qemu ended with signal 9".to_owned(), expected: false }, 40.1);
    assert_eq!(judge.tick(40.1), [Order::Flush]);
    judge.take(Fact::Closed(Verdicts { hang: true, ..report("INFO: task hung in x") }), 40.1);
    assert_eq!(
        finished(&mut judge, 40.1).map(|outcome| outcome.verdict),
        Some(Verdict::Hit),
        "no dump of a dead machine"
    );

    let mut judge = running(rules());
    judge.take(Fact::MachineEnded { reason: "qemu ended with signal 9".to_owned(), expected: false }, 40.1);
    assert_eq!(finished(&mut judge, 40.1).map(|outcome| outcome.verdict), Some(Verdict::MachineLost));

    let mut judge = Judge::new(rules());
    judge.take(Fact::MachineEnded { reason: "qemu ended".to_owned(), expected: false }, 4.0);
    assert_eq!(finished(&mut judge, 4.0).map(|outcome| outcome.verdict), Some(Verdict::BootFailure));
}

#[test]
fn an_interrupt_ends_at_once_and_keeps_a_hit() {
    let mut judge = running(rules());
    judge.take(Fact::Interrupted("SIGINT".to_owned()), 40.0);
    assert_eq!(finished(&mut judge, 40.0).map(|outcome| outcome.verdict), Some(Verdict::Stopped));

    let mut judge = running(rules());
    judge.take(Fact::Closed(report("KASAN: a")), 39.0);
    judge.take(Fact::Interrupted("SIGINT".to_owned()), 40.0);
    assert_eq!(finished(&mut judge, 40.0).map(|outcome| outcome.verdict), Some(Verdict::Hit));
}

#[test]
fn a_hang_that_never_ends_is_dumped_once_and_a_run_at_most_three_times() {
    for (titles, expected) in [(1, 1), (2, 2), (10, 3)] {
        let mut judge = running(Rules { no_output: 0.0, ..rules() });
        let mut dumps = 0;
        for round in 0..20 {
            let now = 40.0 + f64::from(round);
            let title = format!("INFO: task hung in function {}", round % titles);
            judge.take(Fact::Closed(Verdicts { hang: true, ..report(&title) }), now);
            dumps += judge.tick(now).len();
            judge.take(Fact::DumpDone { answered: true }, now + 0.5);
        }
        assert_eq!(dumps, expected, "{titles} titles");
    }
}

/// A judge of syz-execprog, which runs since second 20.
fn executing() -> Judge {
    running(Rules { needs_programs: true, ..rules() })
}

#[test]
fn a_workload_that_failed_is_never_clean() {
    for status in [1, 2, 126, 127, 137] {
        for mut judge in [running(rules()), executing()] {
            judge.take(Fact::WorkloadEnded(status), 30.0);
            let outcome = finished(&mut judge, 40.0).expect("over");
            assert_eq!(outcome.verdict, Verdict::WorkloadFailure, "{status}");
            assert_eq!((outcome.exit_status(), outcome.bisect_status()), (2, 125));
            assert!(outcome.reason.contains(&format!("status {status}")), "{}", outcome.reason);
        }
    }
    let mut judge = executing();
    judge.take(Fact::Counted(500), 25.0);
    judge.take(Fact::WorkloadEnded(1), 30.0);
    assert_eq!(finished(&mut judge, 40.0).map(|outcome| outcome.verdict), Some(Verdict::WorkloadFailure));
}

#[test]
fn an_end_in_peace_needs_a_program() {
    let mut judge = executing();
    judge.take(Fact::WorkloadEnded(0), 30.0);
    let outcome = finished(&mut judge, 40.0).expect("over");
    assert_eq!((outcome.verdict, outcome.bisect_status()), (Verdict::WorkloadFailure, 125));
    // A program that is executed once is over before the second count.
    let mut judge = executing();
    judge.take(Fact::Counted(0), 25.0);
    judge.take(Fact::WorkloadEnded(0), 30.0);
    assert_eq!(finished(&mut judge, 40.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));
}

#[test]
fn the_time_of_execprog_begins_with_its_first_program() {
    let mut judge = executing();
    judge.take(Fact::Counted(0), 200.0);
    judge.take(Fact::Counted(10), 400.0);
    for second in (500..1_400).step_by(100) {
        judge.take(Fact::Counted(20), f64::from(second));
        assert_eq!(judge.tick(f64::from(second)), []);
    }
    judge.tick(1_400.0);
    let outcome = finished(&mut judge, 1_403.0).expect("over");
    assert_eq!((outcome.verdict, outcome.reason.as_str()), (Verdict::Clean, "nothing happened in 1000 s"));
}

#[test]
fn time_without_a_program_is_a_failure() {
    // It says 0 again and again.
    let mut judge = executing();
    for second in (30..1_030).step_by(100) {
        judge.take(Fact::Counted(0), f64::from(second));
        assert_eq!(judge.tick(f64::from(second)), []);
    }
    judge.tick(1_021.0);
    let outcome = finished(&mut judge, 1_024.0).expect("over");
    assert_eq!((outcome.verdict, outcome.bisect_status()), (Verdict::WorkloadFailure, 125));
    assert!(outcome.reason.contains("no program was executed in 1000 s"), "{}", outcome.reason);

    // Little time for programs does not mean little time for the set-up.
    let mut judge = running(Rules { needs_programs: true, max_time: 60.0, ..rules() });
    assert_eq!(judge.tick(300.0), []);
    judge.take(Fact::Counted(7), 301.0);
    assert_eq!(judge.tick(360.0), []);
    judge.tick(361.0);
    assert_eq!(finished(&mut judge, 364.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));

    // Out of sight before the first program: nobody knows.
    let mut judge = running(Rules { needs_programs: true, no_output: 0.0, ..rules() });
    judge.take(Fact::WorkloadOutOfSight("ssh: connection reset".to_owned()), 50.0);
    judge.tick(1_021.0);
    let outcome = finished(&mut judge, 1_024.0).expect("over");
    assert_eq!(outcome.verdict, Verdict::WorkloadFailure);
    assert!(outcome.reason.contains("connection reset"), "{}", outcome.reason);
}

#[test]
fn a_living_guest_without_a_first_count_is_no_hang() {
    for (counted, answered, verdict) in [
        (false, true, Verdict::WorkloadFailure),
        (false, false, Verdict::Hang),
        (true, true, Verdict::Hang),
        (true, false, Verdict::Hang),
    ] {
        let mut judge = running(Rules { needs_programs: true, max_time: 10_000.0, ..rules() });
        if counted {
            judge.take(Fact::Counted(0), 20.0);
        }
        assert_eq!(judge.tick(320.0), [Order::Dump]);
        judge.take(Fact::DumpDone { answered }, 330.0);
        assert_eq!(finished(&mut judge, 333.0).map(|outcome| outcome.verdict), Some(verdict), "{counted} {answered}");
    }
}

#[test]
fn a_report_that_is_taken_back_leaves_nothing_open() {
    let mut judge = running(rules());
    judge.take(Fact::Opened, 40.0);
    assert_eq!(judge.tick(42.5), [Order::Flush], "it was another speaker's: nothing comes of it");
    assert_eq!(judge.tick(42.5), []);
    judge.take(Fact::WorkloadEnded(0), 50.0);
    assert_eq!(finished(&mut judge, 53.0).map(|outcome| outcome.verdict), Some(Verdict::Clean));
}

#[test]
fn a_guest_that_waits_at_its_console_does_not_come_up() {
    let mut judge = Judge::new(rules());
    judge.take(Fact::SerialBytes, 10.0);
    judge.take(Fact::BootStuck("systemd stopped the boot in its emergency mode".to_owned()), 10.0);
    judge.take(Fact::SerialBytes, 15.0);
    assert_eq!(judge.tick(20.0), [], "it may go on");
    judge.tick(25.0);
    let outcome = finished(&mut judge, 28.0).expect("over, long before the boot's time");
    assert_eq!((outcome.verdict, outcome.bisect_status()), (Verdict::BootFailure, 125));
    assert!(outcome.reason.contains("emergency mode"), "{}", outcome.reason);

    let mut judge = Judge::new(rules());
    judge.take(Fact::BootStuck("an initrd's shell".to_owned()), 10.0);
    judge.take(Fact::GuestReady, 12.0);
    assert_eq!(judge.tick(90.0), [], "it went on");
}
