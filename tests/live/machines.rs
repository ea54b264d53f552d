//! Runs of real machines: each way in which a run can end.

use super::{Finished, Scene, events, eventually, machines_of, manifest, nothing_is_left, read, signal};
use kanalyze::vm::board::{BOARDS, Board};
use kanalyze::vm::{command::Leash, kvm::try_guest};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_crash_is_named_archived_and_nothing_is_left_running() {
    let Some(scene) = Scene::new() else { return };
    let done = scene.finish(&mut scene.run(&[
        "--tag",
        "crash",
        "--settle",
        "4s",
        "--ftrace",
        "oom:mark_victim",
        "--exec",
        "echo before; sleep 1; echo c > /proc/sysrq-trigger",
    ]));
    done.exits(1).says("opened Kernel panic - not syncing: sysrq triggered crash");
    let manifest = manifest(&done.run);
    assert_eq!(manifest["outcome"]["verdict"], "hit");
    assert_eq!(manifest["outcome"]["title"], "kernel panic: sysrq triggered crash");
    assert_eq!((&manifest["phase"], &manifest["archived"]), (&"ended".into(), &true.into()));
    assert!(manifest["boot_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert!(manifest["versions"]["qemu"].is_string() && manifest["versions"]["guest kernel"].is_string(), "{manifest}");
    let hashed =
        manifest["inputs"].as_array().expect("inputs").iter().filter(|input| input["sha256"].is_string()).count();
    assert_eq!(hashed, 2, "kernel and initramfs");
    let hit = done.run.join("hit-1");
    let report: Value = serde_json::from_str(&read(&hit, "report.json")).expect("a report");
    assert_eq!(report["title"], "kernel panic: sysrq triggered crash");
    assert!(read(&hit, "report.txt").contains("sysrq_handle_crash"), "{}", read(&hit, "report.txt"));
    assert!(read(&hit, "serial.log").contains("Linux version") && read(&hit, "workload.log").contains("before"));
    let serial = read(&done.run, "serial.log");
    assert!(serial.contains("Dumping ftrace buffer"), "ftrace is dumped on an oops\n{serial}\n{}", done.text());
    assert!(done.run.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-crash")));
    let order: Vec<String> =
        events(&done.run).iter().filter_map(|event| event["happening"].as_str().map(str::to_owned)).collect();
    let place =
        |word: &str| order.iter().position(|other| other == word).unwrap_or_else(|| panic!("no {word} in {order:?}"));
    assert!(
        place("begun") < place("opened") && place("opened") < place("closed") && place("archived") < place("ended")
    );
    nothing_is_left(&done.run);
}

#[test]
fn a_hung_task_is_dumped_by_sysrq_before_the_run_ends() {
    let Some(scene) = Scene::new() else { return };
    let script = "echo 5 > /proc/sys/kernel/hung_task_timeout_secs\ndd if=/dev/zero of=/tmp/disk bs=1M count=8 2>/dev/null\n\
                  mke2fs -F /tmp/disk > /dev/null\nmkdir -p /mnt\nmount -t ext4 -o loop /tmp/disk /mnt || exit 9\n\
                  fsfreeze --freeze /mnt\necho data > /mnt/file\n";
    fs::write(scene.path("hang.sh"), script).expect("written");
    let done =
        scene.finish(&mut scene.run(&["--script", "hang.sh", "--stop-on-hit", "--hit", "HANG", "--max-time", "120"]));
    done.exits(1).says("INFO: task hung in mnt_want_write");
    let dump = read(&done.run, "dump-1.txt");
    for answer in ["sysrq: Show Blocked State", "sysrq: Show State"] {
        assert!(dump.contains(answer), "no {answer:?} in the dump\n{dump}");
    }
    let graphs = read(&done.run, "locks-1.jsonl");
    let waits: Vec<Value> = graphs
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"))
        .flat_map(|dump| dump["waits"].as_array().cloned().unwrap_or_default())
        .collect();
    assert!(waits.iter().any(|wait| wait["waiter"]["comm"] == "sh"), "the writer waits: {graphs}");
    done.says("locks dump-1.txt, locks-1.jsonl, locks-1.txt, locks-1.svg");
    let hit = done.run.join("hit-1");
    assert!(read(&hit, "locks-1.txt").contains("sh/"), "the graph goes with the hit: {}", read(&hit, "locks-1.txt"));
    assert!(read(&hit, "locks-1.svg").starts_with("<svg") && read(&hit, "dump-1.txt") == dump);
    // Tasks come by the hundred: they are counted.
    done.says(" tasks, ").says(" in D");
    let events_shown = done.text().lines().filter(|line| line.contains(" event ")).count();
    assert!(events_shown < 40, "{events_shown} events on the terminal\n{}", done.text());
    assert!(read(&hit, "again.sh").contains(" run ") && read(&hit, "script") == script);
    let answered = events(&done.run).iter().any(|event| event["happening"] == "dump" && event["answered"] == "wtd");
    assert!(answered, "{}", done.text());
    nothing_is_left(&done.run);
}

#[test]
fn a_clean_workload_and_the_end_of_the_time_are_no_crash() {
    let Some(scene) = Scene::new() else { return };
    let done = scene.finish(&mut scene.run(&["--exec", "echo all is well"]));
    done.exits(0).says("said all is well").says("clean the workload ended with status 0");
    assert!(read(&done.run, "workload.log").contains("all is well"));
    let done = scene.finish(&mut scene.run(&["--exec", "sleep 1000", "--max-time", "2", "--git-bisect"]));
    done.exits(0).says("nothing happened in 6 s");
    nothing_is_left(&done.run);
}

#[test]
fn the_symbols_of_a_boot_image_are_those_that_the_running_kernel_shows() {
    let Some(scene) = Scene::new() else { return };
    // Megabytes: the disk takes them, the workload's log would leave most of them out.
    let disk = fs::File::create(scene.path("disk")).expect("made");
    disk.set_len(16 << 20).expect("sized");
    let copy = "cat /proc/kallsyms > /dev/vda; sync";
    let done = scene.finish(&mut scene.run(&["--append", "nokaslr", "--disk", "disk", "--persist", "--exec", copy]));
    done.exits(0);
    let shown = fs::read(scene.path("disk")).expect("read");
    let end = shown.iter().position(|byte| *byte == 0).expect("the disk is larger");
    let shown = String::from_utf8(shown[..end].to_vec()).expect("text");
    // What modules and BPF add has its origin in brackets.
    let running: Vec<&str> = shown.lines().filter(|line| line.len() > 19 && !line.contains('[')).collect();
    let image = scene.guest.join("bzImage").display().to_string();
    let found = scene.kanalyze(&["image", "symbols", &image]).output().expect("kanalyze runs");
    let found = String::from_utf8(found.stdout).expect("text");
    let recovered: Vec<&str> = found.lines().collect();
    let set =
        |lines: &[&str]| -> std::collections::BTreeSet<String> { lines.iter().map(|&line| line.to_owned()).collect() };
    let (running_set, recovered_set) = (set(&running), set(&recovered));
    let missing: Vec<&String> = running_set.difference(&recovered_set).take(5).collect();
    let invented: Vec<&String> = recovered_set.difference(&running_set).take(5).collect();
    assert!(running.len() > 50_000, "{} symbols", running.len());
    assert!(missing.is_empty() && invented.is_empty(), "missing {missing:?}, invented {invented:?}");
    assert_eq!(running.len(), recovered.len());
    eprintln!("{} symbols of {} are equal", running.len(), manifest(&done.run)["versions"]["guest kernel"]);
}

#[test]
fn when_ssh_is_cut_the_serial_port_decides() {
    let Some(scene) = Scene::new() else { return };
    let cut = "sleep 1; killall dropbear; sleep 25; echo c > /proc/sysrq-trigger";
    let done = scene.finish(&mut scene.run(&["--exec", cut, "--max-time", "120"]));
    done.exits(1).says("ssh is lost").says("kernel panic: sysrq triggered crash");
    let order: Vec<String> = events(&done.run)
        .iter()
        .filter(|event| event["happening"] == "warning" || event["happening"] == "opened")
        .map(|event| event["text"].as_str().unwrap_or_default().chars().take(11).collect())
        .collect();
    assert_eq!(order[order.len() - 2..], ["ssh is lost", "Kernel pani"], "told when it happened");
    nothing_is_left(&done.run);
}

#[test]
fn a_killed_qemu_is_reported_and_the_run_stays_readable() {
    let Some(scene) = Scene::new() else { return };
    let mut command = scene.run(&["--exec", "echo begun; sleep 1000", "--git-bisect"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kanalyze runs");
    let run = scene.awaited_run();
    eventually("the workload", || read(&run, "workload.log").contains("begun").then_some(()));
    for pid in machines_of(&run) {
        signal(pid, "KILL");
    }
    let done = Finished { output: child.wait_with_output().expect("waited"), run };
    done.exits(125).says("qemu ended with signal 9");
    let manifest = manifest(&done.run);
    assert_eq!((&manifest["outcome"]["verdict"], &manifest["phase"]), (&"machine_lost".into(), &"ended".into()));
    assert!(read(&done.run, "serial.log").contains("Linux version"));
    nothing_is_left(&done.run);
}

#[test]
fn a_killed_supervisor_is_noticed_and_its_machine_stopped() {
    let Some(scene) = Scene::new() else { return };
    let mut child = scene
        .run(&["--exec", "echo begun; sleep 1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("kanalyze runs");
    let run = scene.awaited_run();
    eventually("the workload", || read(&run, "workload.log").contains("begun").then_some(()));
    child.kill().expect("killed with -9");
    child.wait().expect("waited");
    // Everything that was written is whole.
    assert_eq!(manifest(&run)["phase"], "running");
    assert!(!events(&run).is_empty());
    let status = scene.finish(&mut scene.kanalyze(&["runs", "status", "last"]));
    status.exits(2).says("its supervisor was killed while running; still running: qemu");
    assert_eq!(machines_of(&run).len(), 1, "the guest goes on until somebody stops it");
    scene.finish(&mut scene.kanalyze(&["runs", "stop", "last"])).exits(0).says("ended qemu");
    nothing_is_left(&run);
    assert_eq!(manifest(&run)["outcome"]["verdict"], "stopped");
    scene.finish(&mut scene.kanalyze(&["runs", "status"])).exits(0);
    scene.finish(&mut scene.kanalyze(&["runs", "clean"])).exits(0).says("removed");
    assert_eq!(scene.runs(), [] as [PathBuf; 0]);
}

#[test]
fn a_full_disk_is_reported_and_what_was_written_stays() {
    let Some(scene) = Scene::new() else { return };
    let small = scene.path("runs");
    fs::create_dir(&small).expect("made");
    let flood = "i=0; while [ $i -lt 20000 ]; do echo \"line $i of a flood that fills a small disk in no time at all\" > /dev/kmsg; i=$((i+1)); done";
    // A mount of its own, which ends with its process: as root, or as root of a user namespace.
    let script =
        "mount -t tmpfs -o size=512k tmpfs runs && \"$@\"; status=$?; mkdir -p copy; cp -r runs/. copy; exit $status";
    let run = scene.run(&["--exec", flood, "--max-time", "60"]);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(run.get_program()).args(run.get_args());
    let output = command.current_dir(scene.folder.path()).output().expect("unshare runs");
    let run = fs::read_dir(scene.path("copy"))
        .expect("copied")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_dir());
    let done = Finished { output, run: run.expect("a run folder") };
    done.exits(2).says("no space left on the device").says("--runs");
    let manifest = manifest(&done.run);
    assert_eq!(manifest["outcome"]["verdict"], "trouble");
    assert!(read(&done.run, "serial.log").contains("Linux version"), "earlier data is intact");
    assert!(!events(&done.run).is_empty());
}

#[test]
fn execprogs_counts_are_followed() {
    let Some(scene) = Scene::new() else { return };
    let bin = scene.path("bin");
    fs::create_dir(&bin).expect("made");
    // The stand-in goes as the executor, so that the program can be a wrapper that makes it count every second.
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assets/stand-in-syz-execprog");
    fs::copy(stand_in, bin.join("syz-executor")).expect("copied");
    fs::write(bin.join("syz-execprog"), "#!/bin/sh\nSTAND_IN_INTERVAL=1 exec sh ./syz-executor \"$@\"\n")
        .expect("written");
    let program = "#{\"threaded\":true,\"repeat\":true,\"procs\":2,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0}\n\
                   mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n";
    fs::write(scene.path("repro.syz"), program).expect("written");
    let arguments = ["--repro", "repro.syz", "--syz-bin", "bin", "--syz-flag=-repeat=250", "--max-time", "60"];
    let mut command = scene.run(&arguments);
    command.args(["--format", "jsonl"]);
    let done = scene.finish(&mut command);
    done.exits(0);
    let counts: Vec<u64> = String::from_utf8_lossy(&done.output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"))
        .filter(|event| event["happening"] == "progress")
        .filter_map(|event| event["executed"].as_u64())
        .collect();
    assert!(counts.len() >= 3 && counts[0] == 0 && counts.is_sorted() && counts[2] > 0, "{counts:?}");
    assert_eq!(manifest(&done.run)["executed"].as_u64(), counts.last().copied());
    assert!(read(&done.run, "workload.log").contains(" parsed 1 programs\n"), "{}", read(&done.run, "workload.log"));
    nothing_is_left(&done.run);
}

#[test]
fn a_bundle_is_all_that_a_run_needs() {
    let Some(scene) = Scene::new() else { return };
    let bundle = scene.path("ppp");
    fs::create_dir(&bundle).expect("made");
    fs::copy(scene.guest.join("bzImage"), bundle.join("bzImage")).expect("copied");
    let c = "#include <fcntl.h>\n#include <unistd.h>\nint main(void) {\n  int fd = open(\"/proc/sysrq-trigger\", O_WRONLY);\n  \
             write(fd, \"c\", 1);\n  return 0;\n}\n";
    fs::write(bundle.join("repro.c"), c).expect("written");
    let options = "# See https://goo.gl/kgGztJ for information about syzkaller reproducers.\n#{\"threaded\":true,\"repeat\":true,\"procs\":2,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"wifi\":false}\n";
    fs::write(
        bundle.join("repro.syz"),
        format!("{options}mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n"),
    )
    .expect("written");
    fs::write(bundle.join("kernel.config"), "# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_64BIT=y\n")
        .expect("written");
    scene.finish(&mut scene.kanalyze(&["bundle", "adopt", "ppp"])).exits(0);
    let initrd = scene.guest.join("initramfs.cpio").display().to_string();
    let key = scene.guest.join("key").display().to_string();
    let arguments = [
        "run",
        "--bundle",
        "ppp",
        "--initrd",
        &initrd,
        "--key",
        &key,
        "--machine",
        "pc",
        "--accel",
        "tcg",
        "--memory",
        "512",
        "--settle",
        "1s",
        "--boot-timeout",
        "60s",
    ];
    let dry = scene.finish(scene.kanalyze(&arguments).arg("--dry-run"));
    dry.exits(0).says("-sandbox=none").says("-procs=2").says("wifi");
    let done = scene.finish(scene.kanalyze(&arguments).arg("--c-repro"));
    done.exits(1).says("kernel panic: sysrq triggered crash");
    let run = fs::read_dir(bundle.join("runs")).expect("in the bundle").flatten().next().expect("a run").path();
    assert_eq!(manifest(&run)["settings"]["kernel_name"], "bundle");
    // The hit holds what made it: the program, the configuration, the command, and what it ran with.
    let hit = run.join("hit-1");
    assert_eq!(read(&hit, "repro.c"), c);
    assert!(read(&hit, "kernel.config").contains("CONFIG_64BIT=y"));
    let ran: Value = serde_json::from_str(&read(&hit, "run.json")).expect("the run's manifest");
    assert_eq!(ran["outcome"]["title"], "kernel panic: sysrq triggered crash");
    let roles: Vec<&str> = ran["inputs"]
        .as_array()
        .expect("inputs")
        .iter()
        .filter(|input| input["sha256"].is_string())
        .filter_map(|input| input["role"].as_str())
        .collect();
    assert_eq!(roles, ["kernel", "initrd", "c-repro"]);
    let again = Command::new("sh").arg(hit.join("again.sh")).output().expect("sh runs");
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(fs::read_dir(bundle.join("runs")).expect("in the bundle").count(), 2, "it ran again");
    nothing_is_left(&run);
}

#[test]
fn a_console_without_ssh_is_logged_into() {
    let Some(scene) = Scene::new() else { return };
    let script =
        "#!/bin/sh\nsay() { echo \"2026/08/17 10:00:00 executed programs: $1\" >&2; }\nsay 0; sleep 1; say 5; exit 4\n";
    fs::write(scene.path("script"), script).expect("written");
    let arguments = [
        "--transport",
        "console",
        "--append",
        "guest=no-ssh",
        "--script",
        "script",
        "--sysctl",
        "kernel.hung_task_timeout_secs=77",
    ];
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(2).says("workload failure the workload ended with status 4: 2026/08/17 10:00:00 executed programs: 5");
    assert_eq!(manifest(&done.run)["executed"], 5);
    nothing_is_left(&done.run);
}

#[test]
fn a_root_that_is_not_there_is_a_boot_failure_with_its_remedy() {
    let Some(scene) = Scene::new() else { return };
    let guest = scene.guest.join("bzImage").display().to_string();
    let arguments = [
        "run",
        "--machine",
        "pc",
        "--memory",
        "512",
        "--accel",
        "tcg",
        "--settle",
        "1s",
        "--git-bisect",
        "--root",
        "/dev/vda9",
    ];
    let mut command = scene.kanalyze(&arguments);
    command.args(["--kernel", &guest, "--exec", "true", "--boot-timeout", "60"]);
    let done = scene.finish(&mut command);
    done.exits(125).says("blocker the kernel found no root file system").says("--root /dev/vda1");
    let manifest = manifest(&done.run);
    assert_eq!(manifest["outcome"]["verdict"], "boot_failure");
    assert_eq!((&manifest["archived"], done.run.join("hit-1").exists()), (&false.into(), false), "no hit: {manifest}");
}

#[test]
fn a_disk_keeps_what_the_guest_writes_only_when_asked() {
    let Some(scene) = Scene::new() else { return };
    let disk = scene.path("disk.img");
    let empty = vec![0; 1 << 20];
    fs::write(&disk, &empty).expect("written");
    let write = ["--disk", "disk.img", "--exec", "echo written > /dev/vda && sync && head -c 7 /dev/vda"];
    let done = scene.finish(&mut scene.run(&write));
    done.exits(0);
    assert!(read(&done.run, "workload.log").starts_with("written"), "{}", read(&done.run, "workload.log"));
    assert!(fs::read(&disk).expect("read") == empty, "the image is untouched");
    scene.finish(scene.run(&write).arg("--persist")).exits(0);
    assert!(fs::read(&disk).expect("read").starts_with(b"written"));
}

#[test]
fn the_tiny_guest_of_the_kvm_probe_runs() {
    if super::guest().is_some() {
        probed(&BOARDS[0]);
    }
}

#[test]
#[ignore = "needs qemu-system-aarch64, which tests/all.sh does not install"]
fn the_tiny_guest_of_the_kvm_probe_runs_on_arm64() {
    probed(&BOARDS[1]);
}

fn probed(board: &Board) {
    let probe = try_guest(&Leash::default(), Path::new(board.qemu), board, "tcg", Duration::from_secs(60));
    assert!(probe.works, "{}: {}", board.qemu, probe.reason);
}

#[test]
fn a_guest_that_waits_at_its_console_is_no_guest_to_wait_for() {
    let Some(scene) = Scene::new() else { return };
    // An initramfs that says what Debian's says, and sits in its shell.
    let init = "#!/bin/busybox sh\n/bin/busybox mount -t devtmpfs devtmpfs /dev\n\
                exec > /dev/console 2>&1\necho 'ALERT!  /dev/vda1 does not exist.  Dropping to a shell!'\n\
                exec /bin/busybox sh\n";
    let root = scene.path("root");
    fs::create_dir_all(root.join("bin")).expect("made");
    fs::create_dir_all(root.join("dev")).expect("made");
    fs::write(root.join("init"), init).expect("written");
    let pack = "cp \"$(command -v busybox)\" root/bin/busybox && chmod 755 root/init && cd root && \
                find . | cpio --quiet -o -H newc > ../shell.cpio";
    let packed = Command::new("sh").args(["-c", pack]).current_dir(scene.folder.path()).status().expect("sh runs");
    assert!(packed.success(), "busybox and cpio make an initramfs");
    let arguments = ["--initrd", "shell.cpio", "--exec", "true", "--git-bisect", "--boot-timeout", "5m"];
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(125).says("blocker the initrd does not find the root").says("boot failure the initrd does not find");
}

#[test]
fn a_guest_that_reboots_is_reported() {
    let Some(scene) = Scene::new() else { return };
    let done = scene.finish(&mut scene.run(&["--exec", "sleep 1; echo b > /proc/sysrq-trigger"]));
    done.exits(2).says("the guest rebooted");
    nothing_is_left(&done.run);
}

#[test]
fn detached_runs_do_not_collide_and_are_stopped_one_by_one() {
    let Some(scene) = Scene::new() else { return };
    for _ in 0..2 {
        let done = scene.finish(&mut scene.run(&["--detach", "--tag", "twin", "--exec", "echo begun; sleep 1000"]));
        done.exits(0).says("supervisor");
    }
    let runs = scene.runs();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        eventually("the workload", || read(run, "workload.log").contains("begun").then_some(()));
        assert_eq!(machines_of(run).len(), 1);
    }
    scene.finish(&mut scene.kanalyze(&["runs", "list"])).exits(0).says("working");
    let name = |run: &Path| run.file_name().expect("a name").to_string_lossy().into_owned();
    scene.finish(&mut scene.kanalyze(&["runs", "stop", &name(&runs[0])])).exits(0).says("stopped by its supervisor");
    nothing_is_left(&runs[0]);
    assert_eq!(manifest(&runs[0])["outcome"]["verdict"], "stopped");
    scene.finish(&mut scene.kanalyze(&["runs", "status", &name(&runs[1])])).exits(1).says("works (running)");
    scene.finish(&mut scene.kanalyze(&["runs", "stop", &name(&runs[1])])).exits(0);
    nothing_is_left(&runs[1]);
}

#[test]
fn two_kernels_run_in_turn_and_a_hit_ends_repetition() {
    let Some(scene) = Scene::new() else { return };
    let kernel = scene.guest.join("bzImage").display().to_string();
    let crash = "echo c > /proc/sysrq-trigger";
    let done = scene.finish(&mut scene.run(&["--ab", "--kernel", &kernel, "--exec", crash]));
    done.exits(1).says("1 of 1 runs hit");
    assert_eq!(scene.runs().len(), 2);
    let done = scene.finish(&mut scene.run(&["--times", "5", "--exec", crash]));
    // The emulator itself may not come up; what ends the repetition is the first hit.
    done.exits(1).says(" of 5: hit");
    let told = done.text();
    let tried = told.lines().filter(|line| line.starts_with("run ") && line.contains(" of 5: ")).count();
    assert!(told.contains(&format!("run {tried} of 5: hit")), "{told}");
    assert_eq!(scene.runs().len(), 2 + tried);
}
