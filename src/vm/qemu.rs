//! QEMU's command line and its process.

use super::command::Leash;
use super::disk;
use super::kvm::{self, Probe};
use super::settings::{AcceleratorChoice, DiskFormat, Settings, TransportChoice};
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The serial port's name for QMP's `chardev-send-break`.
pub const SERIAL: &str = "serial0";

/// Why a machine does not start.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// KVM is demanded.
    #[error("--accel kvm: KVM does not work here: {0}")]
    NoKvm(String),
    /// Only raw images are looked into.
    #[error("{0}: the partition table of a qcow2 image is not read here: say --root /dev/vda1")]
    UnreadTable(PathBuf),
    /// No partition looks like a root.
    #[error("{0}: no file system for a root found in it: say which one with --root /dev/vda1")]
    NoRoot(PathBuf),
    /// A file or a socket.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no QEMU.
    #[error("{program} is not installed: apt-get install {packages}", program = .0, packages = super::board::packages())]
    NotInstalled(String),
    /// It ended before it connected.
    #[error("{program} did not start: {words}")]
    DidNotStart {
        /// Which.
        program: String,
        /// Its last words.
        words: String,
    },
}

/// The disk's name for QMP.
pub const DISK: &str = "disk0";

/// The QEMU of the settings, or the distribution's for the architecture.
#[must_use]
pub fn binary(settings: &Settings) -> PathBuf {
    settings.qemu.clone().unwrap_or_else(|| PathBuf::from(settings.board.qemu))
}

/// What to accelerate with, and why.
///
/// # Errors
/// KVM is demanded and does not work.
pub fn choose_accelerator(leash: &Leash, settings: &Settings) -> Result<Probe, QemuError> {
    match settings.accelerator {
        AcceleratorChoice::Tcg => Ok(Probe { works: false, reason: "as asked".to_owned() }),
        AcceleratorChoice::Auto => Ok(kvm::probe(leash, &binary(settings), settings.board)),
        AcceleratorChoice::Kvm => {
            let probe = kvm::probe(leash, &binary(settings), settings.board);
            if probe.works { Ok(probe) } else { Err(QemuError::NoKvm(probe.reason)) }
        }
    }
}

/// How much slower than syzkaller's native machines: its `Scale`.
#[must_use]
pub fn scale(kvm: bool) -> f64 {
    if kvm { 1.0 } else { 3.0 }
}

/// `root=` for the disk: as given, or by its partition table. An initrd gets it too: a distribution's mounts what it
/// says, one that is its own root does not look.
///
/// # Errors
/// The disk cannot be read, or no file system is recognised in it, and there is no initrd that may know better.
pub fn root_device(settings: &Settings) -> Result<Option<String>, QemuError> {
    match told_root(settings) {
        Err(_) if settings.initrd.is_some() => Ok(None),
        root => root,
    }
}

/// Why an initrd gets no `root=` although there is a disk, if that is so.
#[must_use]
pub fn untold_root(settings: &Settings) -> Option<String> {
    settings.initrd.as_ref()?;
    Some(format!("the initrd gets no root=, it has to find one by itself: {}", told_root(settings).err()?))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> QemuError {
    let path = path.to_owned();
    |source| QemuError::Io { path, source }
}

fn told_root(settings: &Settings) -> Result<Option<String>, QemuError> {
    if settings.root.is_some() {
        return Ok(settings.root.clone());
    }
    let Some(disk) = &settings.disk else { return Ok(None) };
    if disk.format != DiskFormat::Raw {
        return Err(QemuError::UnreadTable(disk.path.clone()));
    }
    let layout = disk::layout(&disk.path).map_err(at(&disk.path))?;
    match disk::root_partition(&layout) {
        Some(0) => Ok(Some("/dev/vda".to_owned())),
        Some(number) => Ok(Some(format!("/dev/vda{number}"))),
        None => Err(QemuError::NoRoot(disk.path.clone())),
    }
}

/// From what a machine starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start<'a> {
    /// The firmware; the disk's changes are thrown away unless it is to persist.
    #[default]
    Boot,
    /// The firmware; the machine's state is to be saved later, and what the guest writes to its disk until then goes into
    /// this qcow2 file.
    BootToSave(Option<&'a Path>),
    /// The state in a file, and the disk that goes with it, which does not change.
    Saved {
        /// What QEMU's migration wrote.
        state: &'a Path,
        /// qcow2.
        disk: Option<&'a Path>,
    },
}

/// The whole command line; `sockets` is the folder where kanalyze listens as `serial` and `qmp`.
///
/// # Errors
/// As [`root_device`].
pub fn command_line(
    settings: &Settings,
    kvm: bool,
    sockets: &Path,
    start: Start<'_>,
) -> Result<Vec<OsString>, QemuError> {
    let mut line = Line(vec![binary(settings).into_os_string()]);
    line.add(["-name", "kanalyze", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
    let board = settings.board;
    line.add(["-machine", settings.machine.as_deref().unwrap_or(board.machine.of(kvm))]);
    let cpu = if kvm && start == Start::Boot { board.unsaved_cpu } else { board.cpu.of(kvm) };
    line.add(["-accel", if kvm { "kvm" } else { "tcg" }, "-cpu", cpu]);
    line.add(["-m", &settings.memory.to_string(), "-smp", &settings.cpus.to_string()]);
    line.add(["-chardev".into(), option("socket,id=serial0,path=", &sockets.join("serial"), "")]);
    line.add(["-serial", "chardev:serial0"]);
    line.add(["-chardev".into(), option("socket,id=qmp0,path=", &sockets.join("qmp"), "")]);
    line.add(["-mon", "chardev=qmp0,mode=control"]);
    line.add(["-device", "virtio-rng-pci"]);
    if settings.transport == TransportChoice::Ssh || settings.open_network {
        let restrict = if settings.open_network { "off" } else { "on" };
        // Port 0: the system picks a free one and QMP says which; nobody can take it in between.
        let net = format!("user,id=net0,restrict={restrict},hostfwd=tcp:127.0.0.1:0-:22");
        line.add(["-netdev", &net, "-device", "virtio-net-pci,netdev=net0"]);
    }
    if let Some(disk) = &settings.disk {
        let (path, format, throw_away) = match start {
            Start::BootToSave(Some(path)) => (path, DiskFormat::Qcow2, false),
            Start::Saved { disk: Some(path), .. } => (path, DiskFormat::Qcow2, true),
            _ => (disk.path.as_path(), disk.format, !settings.persist),
        };
        let snapshot = if throw_away { "on" } else { "off" };
        let suffix = format!(",format={},if=none,id={DISK},snapshot={snapshot}", format.word());
        line.add(["-drive".into(), option("file=", path, &suffix)]);
        line.add(["-device", &format!("virtio-blk-pci,drive={DISK}")]);
    }
    if let Start::Saved { state, .. } = start {
        line.add(["-incoming".into(), load_command(state)]);
    }
    if let Some(share) = &settings.share {
        let fsdev = option("local,id=share0,security_model=none,path=", share, "");
        line.add(["-fsdev".into(), fsdev, "-device".into(), "virtio-9p-pci,fsdev=share0,mount_tag=host".into()]);
    }
    if let Some(kernel) = &settings.kernel {
        line.add(["-kernel".into(), kernel.clone().into_os_string()]);
        line.add(["-append", &append(settings, kvm)?]);
    }
    if let Some(initrd) = &settings.initrd {
        line.add(["-initrd".into(), initrd.clone().into_os_string()]);
    }
    line.0.extend(settings.qemu_arguments.iter().map(OsString::from));
    Ok(line.0)
}

/// How QEMU reads a machine's state out of a file: `file:` is younger than Debian 12's QEMU.
fn load_command(state: &Path) -> OsString {
    format!("exec:cat {}", shell_line(&[state.display().to_string()])).into()
}

/// How QEMU writes a machine's state into a file.
#[must_use]
pub fn save_command(state: &Path) -> String {
    format!("exec:cat > {}", shell_line(&[state.display().to_string()]))
}

/// The kernel's command line.
fn append(settings: &Settings, kvm: bool) -> Result<String, QemuError> {
    let mut words = Vec::new();
    if let Some(root) = root_device(settings)? {
        words.push(format!("root={root}"));
    }
    words.push(format!("console={}", settings.board.console));
    // Without it distributions allow no dump by sysrq.
    words.push("sysrq_always_enabled".to_owned());
    words.push("net.ifnames=0".to_owned());
    if !kvm {
        words.extend(settings.board.emulated.iter().map(|word| (*word).to_owned()));
    }
    words.extend(settings.append.iter().cloned());
    Ok(words.join(" "))
}

struct Line(Vec<OsString>);

impl Line {
    fn add<const COUNT: usize>(&mut self, words: [impl Into<OsString>; COUNT]) {
        self.0.extend(words.map(Into::into));
    }
}

/// QEMU's option lists are split at commas; a doubled one stands for itself.
fn option(before: &str, path: &Path, after: &str) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut bytes = before.as_bytes().to_vec();
    for &byte in path.as_os_str().as_bytes() {
        bytes.push(byte);
        if byte == b',' {
            bytes.push(b',');
        }
    }
    bytes.extend_from_slice(after.as_bytes());
    OsString::from_vec(bytes)
}

/// One command line as a shell would take it.
#[must_use]
pub fn shell_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// A running QEMU and its two sockets.
#[derive(Debug)]
pub struct Machine {
    /// The process; ended when this is dropped.
    pub child: Child,
    /// The serial port.
    pub serial: UnixStream,
    /// The control socket.
    pub qmp: UnixStream,
    leash: Leash,
}

impl Machine {
    /// Starts QEMU; its own words go to `log`.
    ///
    /// # Errors
    /// QEMU cannot be started or does not connect: its last words.
    pub fn start(leash: &Leash, command: &[OsString], sockets: &Path, log: &Path) -> Result<Self, QemuError> {
        let missing = || QemuError::NotInstalled("qemu".to_owned());
        let (program, arguments) = command.split_first().ok_or_else(missing)?;
        let name = Path::new(program).display().to_string();
        let bind = |socket| UnixListener::bind(sockets.join(socket)).map_err(at(&sockets.join(socket)));
        let (serial, qmp) = (bind("serial")?, bind("qmp")?);
        let open = || File::options().create(true).append(true).open(log);
        let (stdout, stderr) = open().and_then(|file| Ok((file.try_clone()?, file))).map_err(at(log))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let mut child = leash.spawn(&mut command).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => QemuError::NotInstalled(name.clone()),
            _ => at(Path::new(program))(error),
        })?;
        let mut accept = |listener: &UnixListener| {
            super::serial::accept(listener, Duration::from_secs(30), || !matches!(child.try_wait(), Ok(None)))
        };
        match accept(&serial).and_then(|serial| Ok((serial, accept(&qmp)?))) {
            Ok((serial, qmp)) => Ok(Self { child, serial, qmp, leash: leash.clone() }),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                leash.release(&child);
                Err(QemuError::DidNotStart { program: name, words: last_line(log) })
            }
        }
    }

    /// How QEMU ended, if it does within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.leash.release(&self.child);
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.leash.release(&self.child);
    }
}

/// The last line of QEMU's own log that says something.
#[must_use]
pub fn last_line(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::board::BOARDS;
    use crate::vm::settings::Disk;

    fn line(settings: &Settings, kvm: bool) -> String {
        let words = command_line(settings, kvm, Path::new("/run/k"), Start::Boot).expect("a command line");
        shell_line(&words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_network_is_closed_and_local_unless_asked() {
        let mut settings = Settings { kernel: Some("/k".into()), initrd: Some("/i".into()), ..Settings::default() };
        assert!(line(&settings, false).contains("restrict=on,hostfwd=tcp:127.0.0.1:0-:22"));
        settings.open_network = true;
        assert!(line(&settings, false).contains("restrict=off,hostfwd=tcp:127.0.0.1:0-:22"));
        settings.open_network = false;
        settings.transport = TransportChoice::Console;
        assert!(!line(&settings, false).contains("-netdev"));
    }

    #[test]
    fn the_disk_is_a_snapshot_unless_it_is_to_persist_and_commas_are_doubled() {
        let disk = Disk { path: "/a,b.img".into(), format: DiskFormat::Raw };
        let mut settings = Settings {
            kernel: Some("/k".into()),
            disk: Some(disk),
            root: Some("/dev/vda1".to_owned()),
            ..Settings::default()
        };
        let text = line(&settings, true);
        assert!(text.contains("file=/a,,b.img,format=raw,if=none,id=disk0,snapshot=on"), "{text}");
        assert!(text.contains("root=/dev/vda1 console=ttyS0") && text.contains("-accel kvm -cpu host"), "{text}");
        settings.persist = true;
        assert!(line(&settings, true).contains("snapshot=off"));
    }

    #[test]
    fn arm_guests_get_their_own_machine_and_console() {
        let settings = Settings {
            board: &BOARDS[1],
            kernel: Some("/Image".into()),
            initrd: Some("/i".into()),
            ..Settings::default()
        };
        let text = line(&settings, false);
        assert!(text.starts_with("qemu-system-aarch64 ") && text.contains("console=ttyAMA0"), "{text}");
    }

    #[test]
    fn a_root_that_cannot_be_found_asks_for_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("disk.img");
        std::fs::write(&path, vec![0; 4096]).expect("written");
        let disk = Some(Disk { path, format: DiskFormat::Raw });
        let settings = Settings { kernel: Some("/k".into()), disk, ..Settings::default() };
        assert!(root_device(&settings).expect_err("nothing there").to_string().contains("--root"));
    }

    #[test]
    fn an_initrd_gets_the_root_of_the_disk_and_may_know_better() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("disk.img");
        // A PC's table with one Linux partition of ext4, as RUN.md's Debian disk has it.
        let mut image = vec![0; 64 << 10];
        image[446 + 4..446 + 16].copy_from_slice(&[0x83, 0, 0, 0, 8, 0, 0, 0, 64, 0, 0, 0]);
        image[510..512].copy_from_slice(&[0x55, 0xaa]);
        image[8 * 512 + 0x438..8 * 512 + 0x43a].copy_from_slice(&[0x53, 0xef]);
        std::fs::write(&path, image).expect("written");
        let disk = Some(Disk { path: path.clone(), format: DiskFormat::Raw });
        let mut settings =
            Settings { kernel: Some("/k".into()), disk, initrd: Some("/i".into()), ..Settings::default() };
        assert!(line(&settings, false).contains("root=/dev/vda1 console=ttyS0"), "{}", line(&settings, false));
        assert_eq!(untold_root(&settings), None);
        settings.initrd = None;
        assert!(line(&settings, false).contains("root=/dev/vda1 console=ttyS0"));
        // A disk of data beside an initramfs is not a fault, but it is reported.
        settings.initrd = Some("/i".into());
        std::fs::write(&path, vec![0; 4096]).expect("written");
        assert!(!line(&settings, false).contains("root="));
        assert!(untold_root(&settings).is_some_and(|words| words.contains("--root")));
        settings.disk = None;
        assert_eq!(untold_root(&settings), None);
    }

    #[test]
    fn an_emulated_timer_is_not_checked_and_a_real_one_is() {
        let settings = Settings { kernel: Some("/k".into()), ..Settings::default() };
        assert!(line(&settings, false).contains("no_timer_check"));
        assert!(!line(&settings, true).contains("no_timer_check"));
    }

    #[test]
    fn a_shell_takes_the_line_back_apart() {
        let words = ["a", "b c", "it's", ""].map(str::to_owned);
        assert_eq!(shell_line(&words), "a 'b c' 'it'\\''s' ''");
    }
}
