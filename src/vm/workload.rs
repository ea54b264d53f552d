//! What the guest is to do, as shell text, and the binaries that it needs.

use super::command::{self, Leash};
use super::guest::quote;
use super::settings::{Settings, Workload};
use crate::architecture::Architecture;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Settings after which an oops does not end the guest and the dumps are complete. `panic_on_oops=0` is a sysctl and
/// no parameter of the kernel's command line.
pub const SYSCTLS: [&str; 8] = [
    "kernel.panic_on_oops=0",
    "kernel.panic_on_warn=0",
    "kernel.hung_task_panic=0",
    "kernel.softlockup_panic=0",
    "kernel.panic=86400",
    "kernel.sysrq=1",
    "kernel.hung_task_warnings=-1",
    "kernel.printk=7 4 1 7",
];

/// Why a workload cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// Nothing compiles C here.
    #[error("{compiler}: {source}: install a C compiler (gcc, libc6-dev) or set CC, or give a binary with --program")]
    NoCompiler {
        /// What was tried.
        compiler: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The C program is wrong.
    #[error("{program}: does not compile with {compiler}: {words}")]
    DoesNotCompile {
        /// Its file.
        program: PathBuf,
        /// What was tried.
        compiler: String,
        /// The compiler's words.
        words: String,
    },
}

/// What a syz program is called in the guest, and among what a run keeps.
pub const PROGRAM: &str = "repro.syz";

/// A file to copy into the guest's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its name there.
    pub name: &'static str,
    /// Where it lies here.
    pub path: PathBuf,
    /// Whether it is run.
    pub executable: bool,
    /// Whether the next try may want another one: it is copied after the guest was saved, not before.
    pub varies: bool,
}

/// A workload, ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Files to copy.
    pub files: Vec<Staged>,
    /// The command, run by the guest's `sh` in the folder of the files; absent: nothing is to be run.
    pub command: Option<String>,
    /// Whether syz-execprog counts.
    pub counts: bool,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

/// Prepares a workload: compiles what is C, checks revisions.
///
/// # Errors
/// A sentence: it does not compile.
pub fn prepare(
    leash: &Leash,
    workload: &Workload,
    architecture: Architecture,
    folder: &Path,
) -> Result<Prepared, WorkloadError> {
    let mut prepared = Prepared { files: Vec::new(), command: None, counts: false, warnings: Vec::new() };
    let mut stage = |name, path: &Path, executable| {
        prepared.files.push(Staged { name, path: path.to_owned(), executable, varies: name == PROGRAM })
    };
    match workload {
        Workload::BootOnly => {}
        Workload::Command { command } => prepared.command = Some(command.clone()),
        Workload::Script { path } => {
            stage("script", path, true);
            let has_interpreter = fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!"));
            prepared.command = Some(if has_interpreter { "./script" } else { "sh ./script" }.to_owned());
        }
        Workload::Program { path } => {
            stage("program", path, true);
            prepared.command = Some("./program".to_owned());
        }
        Workload::CSource { path } => {
            let binary = folder.join("repro");
            compile(leash, path, architecture, &binary)?;
            stage("repro", &binary, true);
            prepared.command = Some("./repro".to_owned());
        }
        Workload::Syz { program, execprog, executor, flags, revision } => {
            stage(PROGRAM, program, false);
            for (name, path) in [("syz-execprog", execprog), ("syz-executor", executor)] {
                if let Some(path) = path {
                    stage(name, path, true);
                }
            }
            prepared.counts = true;
            let unchecked = revision.as_deref().filter(|_| execprog.is_none());
            prepared.command = Some(execprog_command(flags, architecture, unchecked));
            if let (Some(path), Some(wanted)) = (execprog, revision)
                && let Some(warning) = revision_warning(path, wanted)
            {
                prepared.warnings.push(warning);
            }
        }
    }
    Ok(prepared)
}

/// Finds both programs beside the syz program, in the PATH or where images keep them, and runs the one with the other.
/// The revision of what is found in the guest is compared there.
fn execprog_command(flags: &[String], architecture: Architecture, revision: Option<&str>) -> String {
    let built_for = architecture.syzkaller_name();
    let find = |variable: &str, name: &str| {
        format!(
            "for c in ./{name} \"$(command -v {name})\" /{name} /root/{name} /bin/{name} /syzkaller/bin/linux_{built_for}/{name}; do \
             [ -x \"$c\" ] && {variable}=$c && break; done\n\
             [ -n \"${variable}\" ] || {{ echo 'kanalyze: {name} is not in the guest: give --syz-bin DIR' >&2; exit 127; }}\n"
        )
    };
    let flags: String = flags.iter().map(|flag| format!(" {}", quote(flag))).collect();
    let compare = revision.map_or_else(String::new, |wanted| {
        let short: String = wanted.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        format!(
            "grep -a -q 'prog.GitRevision={short}' \"$execprog\" || echo 'kanalyze: the guest has another syzkaller than {short}' >&2\n"
        )
    });
    format!(
        "{}{}{compare}exec \"$execprog\" -executor=\"$executor\"{flags} ./repro.syz",
        find("execprog", "syz-execprog"),
        find("executor", "syz-executor")
    )
}

fn compile(leash: &Leash, source: &Path, architecture: Architecture, binary: &Path) -> Result<(), WorkloadError> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| architecture.compiler().to_owned());
    let mut command = Command::new(&compiler);
    command.args(["-O1", "-static", "-pthread", "-w", "-x", "c"]).arg(source).arg("-o").arg(binary);
    let finished = match command::run(leash, &mut command, None, Duration::from_secs(120)) {
        Ok(finished) => finished,
        Err(source) => return Err(WorkloadError::NoCompiler { compiler, source }),
    };
    if finished.status.success() {
        Ok(())
    } else {
        let words = String::from_utf8_lossy(&finished.stderr).into_owned();
        let line =
            words.lines().find(|line| line.contains("error")).map_or_else(|| finished.last_words(), str::to_owned);
        Err(WorkloadError::DoesNotCompile { program: source.to_owned(), compiler, words: line })
    }
}

/// What a syz-execprog of another revision than the `wanted` one would do in silence.
#[must_use]
pub fn revision_warning(execprog: &Path, wanted: &str) -> Option<String> {
    let bytes = fs::read(execprog).ok()?;
    match syzkaller_revision(&bytes) {
        Some(found) if wanted.starts_with(&found) || found.starts_with(wanted) => None,
        Some(found) => Some(format!(
            "{} is of syzkaller {found}, the program was made by {wanted}: calls that this revision does not know are left out without a word; build that revision",
            execprog.display()
        )),
        None => Some(format!(
            "{}: its syzkaller revision is not written in it; the program was made by {wanted}, and another revision leaves out unknown calls without a word",
            execprog.display()
        )),
    }
}

/// The revision that the linker wrote into a syzkaller binary.
#[must_use]
pub fn syzkaller_revision(binary: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"prog.GitRevision=";
    memchr::memmem::find_iter(binary, MARK).find_map(|at| {
        let rest = &binary[at + MARK.len()..];
        let length = rest.iter().take(40).take_while(|byte| byte.is_ascii_hexdigit()).count();
        (length >= 12).then(|| String::from_utf8_lossy(&rest[..length]).into_owned())
    })
}

/// Where the guest finds the host's shared folder, and how it is mounted there.
pub const SHARE: &str = "/mnt/host";
const MOUNT: &str = "mount -t 9p -o trans=virtio,version=9p2000.L host /mnt/host";

/// The script that prepares the guest: its folder, its sysctls, its tracer, the shared folder. Prints
/// `kanalyze-folder DIR`, and `kanalyze-warning …` for what could not be done.
#[must_use]
pub fn preparation(settings: &Settings) -> String {
    let Settings { sysctls, ftrace, ftrace_buffer, .. } = settings;
    let mut script = String::from(
        "for d in /kanalyze /tmp/kanalyze; do mkdir -p $d 2>/dev/null && : > $d/.probe 2>/dev/null && rm $d/.probe && break; d=; done\n\
         [ -n \"$d\" ] || { echo 'kanalyze-warning no folder of the guest can be written'; d=/tmp; }\n\
         rmdir $d/started 2>/dev/null; echo \"kanalyze-folder $d\"\n\
         s() { f=/proc/sys/$(echo \"$1\" | tr . /); { echo \"$2\" > $f; } 2>/dev/null || [ -n \"$3\" ] || echo \"kanalyze-warning the guest takes no $1=$2\"; }\n",
    );
    for sysctl in SYSCTLS {
        let (name, value) = sysctl.split_once('=').expect("the list above has values");
        // What a kernel was built without needs no switching off.
        script.push_str(&format!("s {name} {} quiet\n", quote(value)));
    }
    for sysctl in sysctls {
        let (name, value) = sysctl.split_once('=').unwrap_or((sysctl, ""));
        script.push_str(&format!("s {} {}\n", quote(name), quote(value)));
    }
    if !ftrace.is_empty() {
        script.push_str(&format!(
            "t=/sys/kernel/tracing; [ -e $t/set_event ] || mount -t tracefs tracefs $t 2>/dev/null || t=/sys/kernel/debug/tracing\n\
             if [ -e $t/set_event ]; then echo {ftrace_buffer} > $t/buffer_size_kb || echo 'kanalyze-warning the guest has no memory for --ftrace-buffer {ftrace_buffer}'; \
             s kernel.ftrace_dump_on_oops 1\n"
        ));
        for event in ftrace {
            let event = quote(event);
            script.push_str(&format!(
                "{{ echo {event} >> $t/set_event; }} 2>/dev/null || echo \"kanalyze-warning ftrace has no event \"{event}\n"
            ));
        }
        script.push_str("echo 1 > $t/tracing_on; else echo 'kanalyze-warning the guest has no ftrace'; fi\n");
    }
    if settings.share.is_some() {
        script.push_str(&format!(
            "mkdir -p {SHARE}; modprobe 9pnet_virtio 2>/dev/null; {{ {MOUNT}; }} 2>/dev/null || \
             {{ rmdir {SHARE}; echo 'kanalyze-warning the guest has no 9p, or cannot mount the shared folder: {MOUNT}'; }}\n"
        ));
    }
    script.push_str("true\n");
    script
}

/// The script that runs the workload and reports its end on the kernel's console, so that it is seen without ssh too.
#[must_use]
pub fn runner(folder: &str, command: &str, on_console: bool) -> String {
    let sink = if on_console { "2>&1" } else { ">> out 2>&1" };
    format!(
        "cd {folder} || exit 1\nrm -f status\n: > out\n(\n{command}\n) {sink} < /dev/null\n\
         echo $? > status.part; mv status.part status\n\
         echo \"{}$(cat status)\" > /dev/kmsg\n",
        super::live::WORKLOAD_ENDED
    )
}

/// The script that prints what the workload prints, from byte `from`, until it is over. What comes too fast is left out,
/// and the file does not fill the guest's disk.
#[must_use]
pub fn follower(folder: &str, from: u64) -> String {
    format!(
        "cd {folder} || exit 90\no={from}\nwhile :; do\n e=; [ -e status ] && e=1\n n=$(($(wc -c < out)))\n\
         if [ $((n - o)) -gt 1048576 ]; then echo; echo \"kanalyze: $((n - o - 65536)) bytes of output left out\"; o=$((n - 65536)); fi\n\
         if [ $n -gt $o ]; then tail -c +$((o + 1)) out | head -c $((n - o)); o=$n; fi\n\
         if [ $n -gt 67108864 ]; then : > out; o=0; fi\n [ -n \"$e\" ] && break\n sleep 1\ndone\n\
         echo; echo \"kanalyze-status $(cat status)\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (i32, String) {
        let output = Command::new("sh").args(["-c", script]).output().expect("sh runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    }

    #[test]
    fn runner_and_follower_bring_output_and_status_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("utf-8");
        let run = runner(path, "echo out; echo err >&2; (exit 3)", false).replace("/dev/kmsg", "kmsg");
        assert_eq!(shell(&run).0, 0);
        let (_, text) = shell(&follower(path, 0));
        assert_eq!(text, "out\nerr\n\nkanalyze-status 3\n");
        assert!(shell(&follower(path, 4)).1.starts_with("err\n"), "a second session goes on where the first broke off");
        assert_eq!(
            fs::read_to_string(folder.path().join("kmsg")).expect("written"),
            "kanalyze: workload ended with status 3\n"
        );
    }

    #[test]
    fn a_missing_execprog_names_the_remedy_and_a_present_one_gets_its_flags() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let flags = ["-repeat=0".to_owned(), "-sandbox=it's".to_owned()];
        let script = |command: &str| format!("cd {}; PATH=/usr/bin:/bin; {command}", folder.path().display());
        let (status, text) = shell(&script(&execprog_command(&flags, Architecture::Amd64, None)));
        assert_eq!(status, 127);
        assert!(text.contains("--syz-bin"), "{text}");
        for name in ["syz-execprog", "syz-executor"] {
            let path = folder.path().join(name);
            fs::write(&path, "#!/bin/sh\nprintf '<%s>' \"$@\"\n").expect("written");
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
        }
        let (status, text) = shell(&script(&execprog_command(&flags, Architecture::Amd64, None)));
        let (_, compared) = shell(&script(&execprog_command(&flags, Architecture::Amd64, Some("0123456789abcdef"))));
        assert!(compared.contains("another syzkaller than 0123456789ab"), "{compared}");
        assert_eq!((status, text.as_str()), (0, "<-executor=./syz-executor><-repeat=0><-sandbox=it's><./repro.syz>"));
    }

    #[test]
    fn the_revision_in_a_binary_is_compared() {
        let binary =
            b"\x00-X github.com/google/syzkaller/prog.GitRevision=0123456789abcdef0123456789abcdef01234567+ -X";
        assert_eq!(syzkaller_revision(binary).as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
        assert_eq!(syzkaller_revision(b"prog.GitRevision=unknown"), None);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("syz-execprog");
        fs::write(&path, binary).expect("written");
        assert_eq!(revision_warning(&path, "0123456789abcdef0123456789abcdef01234567"), None);
        assert!(
            revision_warning(&path, "ffff456789ab").is_some_and(|warning| warning.contains("left out without a word"))
        );
    }

    #[test]
    fn the_preparation_is_shell_and_says_what_does_not_work() {
        // The real script would change this machine: /proc/sys is replaced.
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("sys/kernel")).expect("made");
        let root = folder.path().display().to_string();
        let settings = Settings {
            sysctls: vec!["vm.nosuch=1".to_owned(), "kernel.known=a b".to_owned()],
            ftrace: vec!["sched:*".to_owned()],
            share: Some("/here".into()),
            ..Settings::default()
        };
        let script = preparation(&settings)
            .replace("/proc/sys", &format!("{root}/sys"))
            .replace("/sys/kernel/", &format!("{root}/none/"))
            .replace("for d in /kanalyze /tmp/kanalyze", &format!("for d in {root}/k"))
            .replace("mkdir -p /mnt", &format!("mkdir -p {root}/mnt"))
            .replace("rmdir /mnt", &format!("rmdir {root}/mnt"))
            .replace("modprobe ", "false ")
            .replace("{ mount ", "{ false ")
            .replace("|| mount ", "|| false ");
        let (status, text) = shell(&script);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains(&format!("kanalyze-folder {root}/k")), "{text}");
        assert!(text.contains("kanalyze-warning the guest takes no vm.nosuch=1"), "{text}");
        assert!(text.contains("kanalyze-warning the guest has no ftrace"), "{text}");
        assert!(text.contains("cannot mount the shared folder: mount -t 9p -o trans=virtio"), "{text}");
        assert_eq!(fs::read_to_string(folder.path().join("sys/kernel/known")).expect("set"), "a b\n");
    }
}
