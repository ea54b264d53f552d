//! Workloads that fail or do nothing, by a stand-in that prints what the real tools print: never clean, never "good".

use super::{Finished, Scene, manifest, nothing_is_left, read};
use std::fs;

/// A program that is executed until the time is up.
const PROGRAM: &str = "#{\"threaded\":true,\"repeat\":true,\"procs\":2,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0}\n\
                       mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n";

impl Scene {
    /// Lays out a program and syzkaller's binaries: the stand-in, started with these variables.
    fn with_stand_in(self, program: &str, variables: &str) -> Self {
        let bin = self.path("bin");
        fs::create_dir(&bin).expect("made");
        // The stand-in goes as the executor, so that the program can be a wrapper that sets its variables.
        let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assets/stand-in-syz-execprog");
        fs::copy(stand_in, bin.join("syz-executor")).expect("copied");
        let wrapper = format!("#!/bin/sh\n{variables} exec sh ./syz-executor \"$@\"\n");
        fs::write(bin.join("syz-execprog"), wrapper).expect("written");
        fs::write(self.path("repro.syz"), program).expect("written");
        self
    }

    /// A run for `git bisect run` of what was laid out.
    fn bisected(&self, arguments: &[&str]) -> Finished {
        let mut command = self.run(&["--repro", "repro.syz", "--git-bisect"]);
        self.finish(command.args(arguments))
    }
}

#[track_caller]
fn is_failure(done: &Finished, words: &str) {
    done.exits(125).says("workload failure").says(words);
    let manifest = manifest(&done.run);
    assert_eq!(manifest["outcome"]["verdict"], "workload_failure");
    assert!(manifest["outcome"]["reason"].as_str().is_some_and(|reason| reason.contains(words)), "{manifest}");
    nothing_is_left(&done.run);
}

#[test]
fn a_guest_without_execprog_shows_nothing_about_its_kernel() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("repro.syz"), PROGRAM).expect("written");
    let done = scene.bisected(&["--max-time", "60s"]);
    is_failure(&done, "kanalyze: syz-execprog is not in the guest");
}

#[test]
fn a_flag_that_execprog_does_not_know_is_a_failure() {
    let Some(scene) = Scene::new() else { return };
    let scene = scene.with_stand_in(PROGRAM, "");
    let done = scene.bisected(&["--syz-bin", "bin", "--syz-flag=-nosuchflag=1"]);
    is_failure(&done, "status 2: flag provided but not defined: -nosuchflag");
    done.says("blocker this syz-execprog does not know a flag").says("said ");
}

#[test]
fn what_execprog_gives_up_for_is_shown() {
    let Some(scene) = Scene::new() else { return };
    let fatal =
        "2026/08/17 10:00:00 [FATAL] check failed: execution of simple program fails: mount(binfmt_misc) failed";
    let scene = scene.with_stand_in(PROGRAM, &format!("STAND_IN_AFTER=0 STAND_IN_LAST='{fatal}'"));
    let done = scene.bisected(&["--syz-bin", "bin"]);
    is_failure(&done, &format!("status 1: {fatal}"));
    done.says("blocker syz-execprog gave up");
}

#[test]
fn the_end_of_a_long_output_is_shown_and_the_rest_is_named() {
    let Some(scene) = Scene::new() else { return };
    let arguments =
        ["--exec", "for i in $(seq 1 30); do echo \"line $i\"; done; ls /mnt/host", "--share", ".", "--git-bisect"];
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(125)
        .says("said line 30")
        .says("lines before it are in")
        .says("workload failure the workload ended with status 1");
    assert!(!done.text().contains("said line 3\n"), "only the end\n{}", done.text());
    // Debian's cloud kernel has no 9p.
    done.says("warning the guest has no 9p").says("mount -t 9p -o trans=virtio,version=9p2000.L host /mnt/host");
    let last = done.text();
    assert!(last.contains("everything is in "), "{last}");
}

#[test]
fn a_program_that_ends_without_a_count_executed_nothing() {
    let Some(scene) = Scene::new() else { return };
    // Calls that this revision does not know: execprog parses nothing, prints its usage and ends with 1.
    let none = "echo '2026/08/17 10:00:00 parsed 0 programs' >&2; echo 'usage: execprog' >&2; exit 1;";
    let scene = scene.with_stand_in(PROGRAM, none);
    let done = scene.bisected(&["--syz-bin", "bin"]);
    is_failure(&done, "status 1: 2026/08/17 10:00:00 parsed 0 programs");
    let scene = Scene::new().expect("as above").with_stand_in(PROGRAM, "exit 0;");
    let done = scene.bisected(&["--syz-bin", "bin"]);
    is_failure(&done, "status 0, but no program was executed");
}

#[test]
fn time_without_an_executed_program_is_a_failure() {
    let Some(scene) = Scene::new() else { return };
    // It counts, and the count stays 0: an executor whose set-up never ends.
    let scene = scene.with_stand_in(PROGRAM, "STAND_IN_INTERVAL=1 STAND_IN_RATE=0");
    let done = scene.bisected(&["--syz-bin", "bin", "--max-time", "2s", "--no-output", "3s"]);
    is_failure(&done, "no program was executed in 9 s");
    assert!(read(&done.run, "workload.log").contains("executed programs: 0"));
}

#[test]
fn the_set_up_of_execprog_is_no_time_of_its_programs() {
    let Some(scene) = Scene::new() else { return };
    // The first program comes when --max-time would be over; there are ten seconds of programs after it.
    let scene = scene.with_stand_in(PROGRAM, "sleep 8; STAND_IN_INTERVAL=1");
    let done = scene.bisected(&["--syz-bin", "bin", "--max-time", "2s", "--no-output", "20s"]);
    done.exits(0).says("clean nothing happened in 6 s");
    assert!(manifest(&done.run)["executed"].as_u64().is_some_and(|count| count > 0));
}
