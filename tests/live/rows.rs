//! The ways in which a reproduction said nothing and was called clean: each by the texts of the real tools, without a machine,
//! with the verdict and the exit status for `git bisect run`.

use kanalyze::render::{Palette, live_line};
use kanalyze::runs::{Outcome, Verdict};
use kanalyze::vm::Happening;
use kanalyze::vm::blockers::Source;
use kanalyze::vm::happening::{Audience, Status};
use kanalyze::vm::hit::Patterns;
use kanalyze::vm::judge::{Fact, Rules};
use kanalyze::vm::record::Recorder;
use kanalyze::vm::watcher::{Watcher, Wish};
use std::io;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Notes(String);

impl Audience for Notes {
    fn hear(&mut self, at: f64, happening: &Happening) -> io::Result<()> {
        if let Some((_, line)) = live_line(at, happening, &Palette::plain()) {
            self.0.push_str(&line);
            self.0.push('\n');
        }
        Ok(())
    }

    fn glance(&mut self, _: &Status) {}
}

/// What happens in a row, in order.
enum Act {
    /// syz-execprog begins.
    Syz,
    /// A command begins.
    Command,
    /// The workload prints.
    Prints(&'static str),
    /// It ends with a status.
    Ends(i32),
    /// The guest's console prints.
    Console(&'static str),
    /// ssh says.
    Ssh(&'static str),
    /// The session is lost.
    Lost,
    /// QEMU goes.
    Gone,
    /// Somebody presses Ctrl-C.
    Stopped,
    /// The disk is full.
    Full,
}

fn rules() -> Rules {
    Rules {
        boot: 0.6,
        max_time: 0.6,
        needs_programs: false,
        no_output: 0.0,
        settle: 0.1,
        stop_on_hit: false,
        boot_counts: false,
        seeks_no_output: false,
        can_dump: false,
    }
}

fn play(acts: &[Act], hits: &[&str], rules: Rules) -> (Outcome, String) {
    let mut notes = Notes::default();
    let hits: Vec<String> = hits.iter().map(|hit| (*hit).to_owned()).collect();
    let patterns = Patterns::new(&hits, &[]).expect("patterns");
    let needs_programs = acts.iter().any(|act| matches!(act, Act::Syz));
    let rules = Rules { needs_programs, ..rules };
    let recorder = Recorder::new(None, &mut notes).expect("it writes nothing");
    let mut watcher = Watcher::new("serial.log", patterns, rules, None, recorder);
    watcher.workload_is_followed(true);
    for act in acts {
        match act {
            Act::Syz | Act::Command => {
                watcher.fact(Fact::GuestReady);
                watcher.fact(Fact::WorkloadStarted { counts: matches!(act, Act::Syz) });
            }
            Act::Prints(text) => watcher.workload(text.as_bytes()),
            Act::Ends(status) => watcher.workload_ended(*status),
            Act::Console(text) => watcher.serial(text.as_bytes()),
            Act::Ssh(words) => watcher.words(Source::Ssh, words),
            Act::Lost => watcher.fact(Fact::WorkloadOutOfSight("Connection timed out".to_owned())),
            Act::Gone => {
                watcher.fact(Fact::MachineEnded { reason: "qemu ended with signal 9".to_owned(), expected: false });
            }
            Act::Stopped => watcher.fact(Fact::Interrupted("stopped by signal 2".to_owned())),
            Act::Full => watcher.fact(Fact::Trouble("no space left on the device".to_owned())),
        }
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let outcome = loop {
        let finished = watcher.tick().into_iter().find_map(|wish| match wish {
            Wish::Finish(outcome) => Some(outcome),
            Wish::Dump => None,
        });
        if let Some(outcome) = finished {
            break outcome;
        }
        assert!(Instant::now() < deadline, "the run does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    watcher.conclude(&outcome);
    drop(watcher);
    (outcome, notes.0)
}

/// Its name, acts, what is sought, verdict, status for git, what is reported.
type Row<'a> = (&'a str, Vec<Act>, &'a [&'a str], Verdict, u8, &'a [&'a str]);

#[test]
fn each_row_of_the_table_has_its_verdict() {
    use Act::{Command, Console, Ends, Full, Gone, Lost, Prints, Ssh, Stopped, Syz};
    let panic = "[   30.1] Kernel panic - not syncing: sysrq triggered crash\n[   30.2] CPU: 0 PID: 1 Comm: sh\n";
    let warning = "[   30.1] WARNING: CPU: 0 PID: 7 at mm/slub.c:1 kfree+0x1/0x2\n[   30.2] ---[ end trace 0 ]---\n";
    let usage = "2025/01/25 10:00:00 parsed 0 programs\nusage: execprog [flags] file-with-programs-or-corpus.db+\n  -arch string\n";
    let mismatch = "2025/01/25 10:00:00 parsed 1 programs\n2025/01/25 10:00:01 executed programs: 0\n\
                    2025/01/25 10:00:02 [FATAL] mismatching manager/executor git revisions: 475a4c203afb vs 175a4c203afb\n";
    let newer =
        "2026/08/17 10:00:02 [FATAL] mismatching manager/executor system call descriptions for VM 0: aa vs bb\n";
    let binfmt = "2025/01/25 10:00:00 parsed 1 programs\n2025/01/25 10:00:05 [FATAL] check failed: execution of simple program fails: mount(binfmt_misc) failed (errno 2)\n";
    let none = "kanalyze: syz-execprog is not in the guest: give --syz-bin DIR\n";
    let flag = "flag provided but not defined: -nosuchflag\nUsage of ./syz-execprog:\n  -arch string\n";
    let nothing = "2025/01/25 10:00:00 parsed 1 programs\n2025/01/25 10:00:05 executed programs: 0\n";
    let some = "2025/01/25 10:00:00 parsed 1 programs\n2025/01/25 10:00:05 executed programs: 0\n2025/01/25 10:00:09 executed programs: 142\n";
    let alert = "Begin: Running /scripts/local-block ... done.\nGave up waiting for root file system device.  Common problems:\nALERT!  /dev/vda1 does not exist.  Dropping to a shell!\n(initramfs) ";
    let dracut = "[  190.1] dracut-initqueue[300]: Warning: dracut-initqueue: timeout, still waiting for following initqueue hooks:\nEntering emergency mode. Exit the shell to continue.\n:/# ";
    let emergency = "You are in emergency mode. After logging in, type \"journalctl -xb\" to view\nsystem logs, \"systemctl reboot\" to reboot.\nPress Enter for maintenance\n";
    let root = "[    2.4] VFS: Cannot open root device \"vda9\" or unknown-block(0,0): error -6\n[    2.5] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n";
    let rows: Vec<Row<'_>> = vec![
        (
            "no syz-execprog",
            vec![Syz, Prints(none), Ends(127)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["status 127: kanalyze: syz-execprog is not in the guest", "blocker neither this host nor the guest has"],
        ),
        (
            "unknown flag",
            vec![Syz, Prints(flag), Ends(2)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["status 2: flag provided but not defined: -nosuchflag"],
        ),
        (
            "unknown calls only",
            vec![Syz, Prints(usage), Ends(1)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["status 1: 2025/01/25 10:00:00 parsed 0 programs", "blocker syz-execprog found no program"],
        ),
        (
            "executor of another revision",
            vec![Syz, Prints(mismatch), Ends(1)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["blocker syz-execprog and syz-executor are of different revisions", "475a4c203afb vs 175a4c203afb"],
        ),
        (
            "executor of another revision, newer words",
            vec![Syz, Prints(newer), Ends(1)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["are of different revisions"],
        ),
        (
            "binfmt_misc is mounted",
            vec![Syz, Prints(binfmt), Ends(1)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["status 1: 2025/01/25 10:00:05 [FATAL] check failed", "said 2025/01/25 10:00:05 [FATAL]"],
        ),
        (
            "only parsed when the time is up",
            vec![Syz, Prints("2025/01/25 10:00:00 parsed 1 programs\n")],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["no program was executed in 1 s"],
        ),
        (
            "no program executed when the time is up",
            vec![Syz, Prints(nothing)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["no program was executed in 1 s", "--max-time"],
        ),
        (
            "ended well without a count",
            vec![Syz, Prints("2025/01/25 10:00:00 parsed 1 programs\n"), Ends(0)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["no program was executed"],
        ),
        (
            "a script that fails",
            vec![Command, Prints("ls: cannot access 'x'\n"), Ends(2)],
            &[],
            Verdict::WorkloadFailure,
            125,
            &["said ls: cannot access 'x'"],
        ),
        ("programs, and the time is up", vec![Syz, Prints(some)], &[], Verdict::Clean, 0, &["nothing happened in 1 s"]),
        (
            "programs, and a good end",
            vec![Syz, Prints(some), Ends(0)],
            &[],
            Verdict::Clean,
            0,
            &["ended with status 0"],
        ),
        (
            "a good command",
            vec![Command, Prints("Linux guest\n"), Ends(0)],
            &[],
            Verdict::Clean,
            0,
            &["said Linux guest"],
        ),
        (
            "a crash",
            vec![Syz, Prints(some), Console(panic)],
            &[],
            Verdict::Hit,
            1,
            &["kernel panic: sysrq triggered crash"],
        ),
        (
            "another crash than the one that is sought",
            vec![Syz, Prints(some), Console(warning), Ends(0)],
            &["KASAN"],
            Verdict::OtherCrash,
            125,
            &["opened WARNING"],
        ),
        (
            "a crash and a failure of the workload",
            vec![Syz, Console(panic), Ends(1)],
            &[],
            Verdict::Hit,
            1,
            &["sysrq triggered crash"],
        ),
        ("ssh is lost and nothing is seen", vec![Command, Lost], &[], Verdict::Unseen, 125, &["out of sight"]),
        ("qemu is killed", vec![Command, Gone], &[], Verdict::MachineLost, 125, &["signal 9"]),
        ("qemu is killed while booting", vec![Gone], &[], Verdict::BootFailure, 125, &["signal 9"]),
        ("stopped", vec![Command, Stopped], &[], Verdict::Stopped, 130, &["signal 2"]),
        ("the disk is full", vec![Command, Full], &[], Verdict::Trouble, 125, &["no space left"]),
        (
            "an initrd without its root",
            vec![Console(alert)],
            &[],
            Verdict::BootFailure,
            125,
            &["blocker the initrd does not find the root file system", "--root /dev/vda1"],
        ),
        (
            "dracut's shell",
            vec![Console(dracut)],
            &[],
            Verdict::BootFailure,
            125,
            &["blocker the initrd does not find the root file system"],
        ),
        (
            "systemd's emergency mode",
            vec![Console(emergency)],
            &[],
            Verdict::BootFailure,
            125,
            &["blocker systemd stopped the boot in its emergency mode", "fstab"],
        ),
        (
            "the wrong root device",
            vec![Console(root)],
            &[],
            Verdict::BootFailure,
            125,
            &["blocker the kernel found no root file system"],
        ),
        (
            "a panic of the emulator while booting",
            vec![Console("[    0.5] Kernel panic - not syncing: IO-APIC + timer doesn't work!\n")],
            &[],
            Verdict::BootFailure,
            125,
            &["boot failure"],
        ),
        (
            "no ssh server",
            vec![Ssh("Connection timed out during banner exchange")],
            &[],
            Verdict::BootFailure,
            125,
            &["blocker the port is open, but no ssh server answers", "took no commands within"],
        ),
    ];
    for (name, acts, hits, verdict, status, told) in rows {
        let (outcome, text) = play(&acts, hits, rules());
        assert_eq!((outcome.verdict, outcome.bisect_status()), (verdict, status), "{name}: {outcome:?}\n{text}");
        for words in told {
            assert!(text.contains(words), "{name}: no {words:?} in\n{text}");
        }
    }
}

#[test]
fn a_workload_that_counts_no_more_is_a_hang_and_cannot_tell() {
    let some = "2025/01/25 10:00:05 executed programs: 142\n";
    let rules = Rules { no_output: 0.3, max_time: 100.0, ..rules() };
    let (outcome, _) = play(&[Act::Syz, Act::Prints(some)], &[], rules.clone());
    assert_eq!((outcome.verdict, outcome.exit_status(), outcome.bisect_status()), (Verdict::Hang, 1, 125));
    let rules = Rules { seeks_no_output: true, ..rules };
    let (outcome, _) = play(&[Act::Syz, Act::Prints(some)], &["no-output"], rules);
    assert_eq!((outcome.verdict, outcome.bisect_status()), (Verdict::Hit, 1), "it is what was sought");
}
