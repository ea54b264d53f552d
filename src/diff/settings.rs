//! Settings, stations of the boot, modules and taint in a log's lines.

use super::facts::LineFacts;
use super::seen::Area;
use crate::input::{Landmark, landmark};

/// Stations of a boot by the beginning of their message.
pub(super) const MILESTONES: [(&str, &str); 14] = [
    ("Linux version ", BEGINNING),
    ("smp: Brought up ", "all CPUs up"),
    ("devtmpfs: initialized", "device core"),
    ("Unpacking initramfs...", "initramfs"),
    ("Trying to unpack rootfs image as initramfs", "initramfs"),
    ("Freeing initrd memory", "initramfs unpacked"),
    ("VFS: Mounted root", "root mounted"),
    ("Freeing unused kernel image (initmem)", "kernel ready"),
    ("Freeing unused kernel memory", "kernel ready"),
    ("Run /", "first process"),
    ("systemd[1]: systemd ", "systemd starts"),
    ("systemd[1]: Startup finished", "systemd ready"),
    ("reboot: Power down", "power down"),
    ("reboot: Restarting system", "restart"),
];

/// The station by which a log is known to have its beginning.
pub(super) const BEGINNING: &str = "kernel starts";
/// Stations at which a run ends in order: how long it took until then is the workload's matter.
pub(super) const ENDS: [&str; 2] = ["power down", "restart"];

/// Whether a message is compared as a setting and thus not as a message.
pub(super) fn is_setting(message: &str) -> bool {
    let beginnings = [
        "Linux version ",
        "Command line: ",
        "Kernel command line: ",
        "Memory: ",
        "Unknown kernel command line parameter",
    ];
    beginnings.iter().any(|begin| message.starts_with(begin))
        || MILESTONES.iter().any(|(begin, _)| message.starts_with(begin))
        || is_tainting(message).is_some()
        || of_report(message)
}

/// Whether a line belongs to a report, which is compared itself, although it stands outside of what the reports took.
fn of_report(message: &str) -> bool {
    matches!(landmark(message.as_bytes()), Some(Landmark::Body | Landmark::Panic | Landmark::Tail))
}

/// Takes the settings that a message tells.
pub(super) fn settings(facts: &mut LineFacts, message: &str) {
    let mut set = |area, name: &str, value: &str| {
        facts.settings.insert((area, name.to_owned()), value.to_owned());
    };
    if let Some(rest) = message.strip_prefix("Linux version ") {
        set(Area::Kernel, "release", rest.split(' ').next().unwrap_or_default());
        if let Some((_, build)) = rest.rsplit_once(" #") {
            set(Area::Kernel, "build", &format!("#{build}"));
        }
    } else if let Some(rest) =
        message.strip_prefix("Kernel command line: ").or_else(|| message.strip_prefix("Command line: "))
    {
        facts.settings.retain(|(area, _), _| *area != Area::CommandLine);
        for word in parameters(rest) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let entry = facts.settings.entry((Area::CommandLine, name.to_owned())).or_default();
            // A parameter may come several times: console=ttyS0 console=tty0.
            if !entry.is_empty() {
                entry.push(' ');
            }
            entry.push_str(value);
        }
    } else if let Some(rest) = message.strip_prefix("smp: Brought up ") {
        if let Some(cpus) = rest.rsplit_once(", ").and_then(|(_, cpus)| cpus.split(' ').next()) {
            set(Area::Machine, "CPUs", cpus);
        }
    } else if let Some(rest) = message.strip_prefix("Memory: ")
        && let Some((_, total)) = rest.split(' ').next().and_then(|both| both.split_once('/'))
    {
        set(Area::Machine, "memory", total);
    }
}

/// The parameters of a command line; quotes hold blanks together.
fn parameters(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |char: char| {
        quoted ^= char == '"';
        char.is_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
}

/// The module and the letter of a message by which the kernel taints itself.
fn is_tainting(message: &str) -> Option<(&str, &'static str)> {
    let (name, rest) = message.split_once(": ")?;
    let letter = if rest.starts_with("loading out-of-tree module taints kernel") {
        "O"
    } else if rest.starts_with("module verification failed:") {
        "E"
    } else if rest.starts_with("module license '") && rest.contains("taints kernel") {
        "P"
    } else if rest.starts_with("module is from the staging directory") {
        "C"
    } else {
        return None;
    };
    (!name.is_empty() && !name.contains(' ')).then_some((name, letter))
}

/// Takes the taint and the module that a message tells.
pub(super) fn taint(facts: &mut LineFacts, message: &str, (line, time): (u64, Option<f64>)) {
    if let Some((name, letter)) = is_tainting(message) {
        facts.modules.push((name.to_owned(), line, time));
        facts.taints.push((letter.to_owned(), line, time));
    }
}

/// `ext4 lab_noisy(O) [last unloaded: x]` without flags.
pub(super) fn list_modules(facts: &mut LineFacts, rest: &str) {
    let names = rest.split('[').next().unwrap_or_default().split_whitespace();
    let names = names.map(|name| name.split('(').next().unwrap_or(name).to_owned());
    facts.listed.get_or_insert_default().extend(names.filter(|name| !name.is_empty()));
}
