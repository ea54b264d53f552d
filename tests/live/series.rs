//! Many runs: guests at once, guests that start as they were saved, smaller programs.

use super::{Scene, events, manifest, nothing_is_left, read};
use serde_json::Value;
use std::fs;
use std::process::Command;

fn records(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

#[test]
fn two_guests_at_once_have_folders_of_their_own_and_one_rate() {
    let Some(scene) = Scene::new() else { return };
    let arguments = ["--jobs", "2", "--times", "2", "--keep-going", "--exec", "echo c > /proc/sysrq-trigger"];
    let mut command = scene.run(&arguments);
    command.args(["--format", "jsonl"]);
    let done = scene.finish(&mut command);
    done.exits(1);
    let runs = scene.runs();
    assert_eq!(runs.len(), 2);
    let spans: Vec<(String, String)> = runs
        .iter()
        .map(|run| {
            nothing_is_left(run);
            let manifest = manifest(run);
            assert_eq!(manifest["outcome"]["verdict"], "hit");
            let text = |name: &str| manifest[name].as_str().expect("a time").to_owned();
            (text("started"), text("ended"))
        })
        .collect();
    assert!(spans[0].0 < spans[1].1 && spans[1].0 < spans[0].1, "both at the same time: {spans:?}");
    let records = records(&done.output.stdout);
    let folders: std::collections::BTreeSet<&str> =
        records.iter().filter_map(|record| record["run"].as_str()).collect();
    assert_eq!(folders.len(), 2, "each record names its run");
    let series = records.last().expect("records");
    assert_eq!((&series["schema"], &series["jobs"]), (&"kanalyze.series/1".into(), &2.into()));
    let kernel = &series["kernels"][0];
    assert_eq!((&kernel["telling"], &kernel["hits"], &kernel["rate"]), (&2.into(), &2.into(), &1.0.into()));
    assert!(kernel["interval"][0].as_f64().is_some_and(|low| (0.15..0.17).contains(&low)), "{series}");
    // Memory is asked for before anything starts.
    let done = scene.finish(&mut scene.run(&["--jobs", "256", "--exec", "true"]));
    done.exits(2).says("--jobs 256: guests of 512 MiB each take 196608 MiB").says("fewer --jobs, or less --memory");
}

#[test]
fn the_next_try_starts_as_the_first_guest_was_saved() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("disk.img"), vec![b'.'; 1 << 20]).expect("written");
    // Each try finds the disk as it was when the guest was saved, whatever the tries before wrote.
    let script = "head -c 5 /dev/vda; echo wrote > /dev/vda; sync; cat /tmp/tries 2>/dev/null; echo tried > /tmp/tries";
    let arguments = ["--snapshot", "--times", "3", "--disk", "disk.img", "--exec", script];
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(0)
        .says("the guest is saved for the next tries")
        .says("0 of 3 runs hit (0 %, 95 % interval 0 % to 71 %)");
    let runs = scene.runs();
    assert_eq!(runs.len(), 3);
    let boot = |at: usize| manifest(&runs[at])["boot_seconds"].as_f64().expect("it took commands");
    for (at, run) in runs.iter().enumerate() {
        nothing_is_left(run);
        let said = read(run, "workload.log");
        assert!(said.starts_with(".....") && !said.contains("tried"), "try {at}: {said}");
        assert_eq!(manifest(run)["from_snapshot"].as_bool().unwrap_or(false), at > 0);
        // The log of the boot belongs to each of them, once.
        let serial = read(run, "serial.log");
        assert_eq!(
            (serial.matches("Linux version").count(), serial.matches("workload ended").count()),
            (1, 1),
            "try {at}"
        );
        assert!(manifest(run)["versions"]["guest kernel"].is_string());
    }
    assert!(boot(1) < boot(0) && boot(2) < boot(0), "{} s, {} s, {} s", boot(0), boot(1), boot(2));
    eprintln!(
        "the guest took commands after {:.1} s, from the snapshot after {:.1} and {:.1} s",
        boot(0),
        boot(1),
        boot(2)
    );
    let left = fs::read_dir(scene.path("runs")).expect("there").flatten().count();
    assert_eq!(left, 3, "the snapshot is gone");
    assert!(fs::read(scene.path("disk.img")).expect("read").iter().all(|byte| *byte == b'.'));
}

#[test]
fn a_guest_that_cannot_be_saved_is_reported_and_boots_each_time() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("disk.img"), vec![0; 1 << 20]).expect("written");
    // A machine without qemu-img: all else is where it was.
    let bin = scene.path("bin");
    fs::create_dir(&bin).expect("made");
    let tools = "for tool in qemu-system-x86_64 ssh; do ln -s \"$(command -v $tool)\" bin/$tool; done";
    assert!(Command::new("sh").args(["-c", tools]).current_dir(scene.folder.path()).status().expect("sh").success());
    let mut command = scene.run(&["--snapshot", "--disk", "disk.img", "--exec", "true"]);
    let done = scene.finish(command.env("PATH", &bin));
    done.exits(0).says("no snapshot, each try boots: qemu-img").says("apt-get install qemu-utils");
    assert!(events(&done.run).iter().all(|event| event["text"] != "the guest is saved"));
}

/// A syz-execprog that crashes the kernel if the program has both calls, one of them with what the other made.
const PICKY: &str = "#!/bin/sh\nfor file; do :; done\necho '2026/08/17 10:00:00 parsed 1 programs' >&2\n\
    echo '2026/08/17 10:00:00 executed programs: 0' >&2\necho '2026/08/17 10:00:01 executed programs: 5' >&2\n\
    grep -q '^r1 = openat$ppp' $file && grep -q '^ioctl$PPPIOCNEWUNIT(r1,' $file && echo c > /proc/sysrq-trigger\nexit 0\n";

#[test]
fn two_of_eight_calls_are_left() {
    let Some(scene) = Scene::new() else { return };
    let bin = scene.path("bin");
    fs::create_dir(&bin).expect("made");
    for name in ["syz-execprog", "syz-executor"] {
        fs::write(bin.join(name), PICKY).expect("written");
    }
    let program = "#{\"threaded\":true,\"repeat\":true,\"procs\":1,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0}\n\
        r0 = socket$inet(0x2, 0x1, 0x0)\nr1 = openat$ppp(0xffffffffffffff9c, &(0x7f0000000000), 0x0, 0x0)\n\
        bind$inet(r0, &(0x7f0000000040), 0x10)\nlisten(r0, 0x5)\n\
        mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n\
        ioctl$PPPIOCNEWUNIT(r1, 0xc004743e, &(0x7f0000000040)=0xffffffffffffffff)\nclose(r0)\nsync()\n";
    fs::write(scene.path("repro.syz"), program).expect("written");
    let guest = |name: &str| scene.guest.join(name).display().to_string();
    let minimize = |more: &[&str]| {
        let mut command =
            scene.kanalyze(&["repro", "minimize", "--machine", "pc", "--memory", "512", "--accel", "tcg"]);
        command.args(["--key", &guest("key"), "--initrd", &guest("initramfs.cpio"), "--kernel", &guest("bzImage")]);
        command.args(["--settle", "1s", "--boot-timeout", "60s", "--repro", "repro.syz", "--syz-bin", "bin"]);
        // One run is enough: this crash is not flaky, and the test is not to take minutes.
        command.args(["--base-runs", "1", "--risk", "0.5"]).args(more);
        command.output().expect("kanalyze runs")
    };
    let output = minimize(&[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("crashed in 1 of 1 runs") && text.contains("2 of 8 calls are left"), "{text}");
    let work = scene.path("minimize");
    let smallest = read(&work, "smallest.syz");
    let calls: Vec<&str> = smallest.lines().filter(|line| !line.starts_with('#')).map(|line| &line[..12]).collect();
    assert_eq!(calls, ["r1 = openat$", "ioctl$PPPIOC"], "{smallest}");
    assert!(smallest.contains("\"threaded\":false"), "options go, too: {smallest}");
    let ledger: Value = serde_json::from_str(&read(&work, "minimize.json")).expect("a ledger");
    let steps = ledger["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| work.join(step["file"].as_str().expect("a name")).is_file()), "every step is kept");
    assert_eq!(ledger["titles"][0], "kernel panic: sysrq triggered crash");
    // The same command knows everything already.
    let runs = fs::read_dir(work.join("runs")).expect("there").count();
    let output = minimize(&["--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_dir(work.join("runs")).expect("there").count(), runs, "nothing was run again");
    assert_eq!(records(&output.stdout).last().expect("the ledger")["schema"], "kanalyze.minimize/1");
    eprintln!("{} programs tried in {runs} runs", steps.len());
}
