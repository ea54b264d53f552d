//! Where a boot begins.

use super::lex;

/// A line that a boot prints once, in the order in which it does. No boot prints all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BootMark {
    /// The journal's `-- Boot …` / `-- Reboot --` line.
    Journal,
    /// Firmware or boot loader: `SeaBIOS (version …`, `U-Boot 2026.01`, `OpenSBI v1.4`, `UEFI firmware`, `GRUB loading`.
    Firmware,
    /// The kernel's own loader: `Decompressing Linux...`, `Booting the kernel.`, `Starting kernel ...`,
    /// `EFI stub: Booting Linux Kernel...`.
    Loader,
    /// The first line of the kernel on arm, arm64 and riscv: `Booting Linux on physical CPU 0x0`.
    FirstLine,
    /// `Linux version …`.
    Version,
}

/// A boot's clock has not run longer when it says who it is (seconds). It is 0 but on machines whose clock the firmware
/// started.
const EARLY: f64 = 5.0;

/// Whether a line is one of those that a boot prints once, and which.
///
/// Rules: the text must *begin* the message (boot text that a process echoes, `Unknown parameter '   Decompressing
/// Linux...'`, does not count) and the printk time, if there is one, must be below five seconds.
#[must_use]
pub fn boot_mark(line: &[u8]) -> Option<BootMark> {
    let prefix = lex(line);
    if prefix.time.is_some_and(|time| time >= EARLY) || prefix.is_foreign() {
        return None;
    }
    let message = prefix.text(line).trim_ascii_start();
    let begins = |words: &str| message.starts_with(words.as_bytes());
    if begins("Linux version ") {
        // `Linux version` is followed by the release: a digit.
        return message.get(14).is_some_and(u8::is_ascii_digit).then_some(BootMark::Version);
    }
    if begins("Booting Linux on ") {
        return Some(BootMark::FirstLine);
    }
    if prefix.time.is_some() {
        return None;
    }
    if begins("Decompressing Linux...")
        || begins("Uncompressing Linux...")
        || begins("Booting the kernel.")
        || begins("Booting the kernel (")
        || begins("Starting kernel ...")
        || begins("EFI stub: Booting Linux")
    {
        return Some(BootMark::Loader);
    }
    if begins("SeaBIOS (version ")
        || begins("OpenSBI v")
        || begins("UEFI firmware (version ")
        || (begins("U-Boot ") && message.get(7).is_some_and(|&byte| byte.is_ascii_digit() || byte == b'S'))
    {
        return Some(BootMark::Firmware);
    }
    let journal = begins("-- Reboot --") || (begins("-- Boot ") && message.trim_ascii_end().ends_with(b" --"));
    journal.then_some(BootMark::Journal)
}

/// Whether a line begins a boot or belongs to the beginning of one: see [`boot_mark`]. One boot may have several such
/// lines; [`begins_boot`] says which of them is the first.
#[must_use]
pub fn boot_start(line: &[u8]) -> bool {
    boot_mark(line).is_some()
}

/// Whether a mark begins a new boot, given the last mark before it in the log: a boot passes its marks in their order,
/// the loader's several lines included, so a mark that is not later than the last one is another boot's.
///
/// `quiet` says that no stamped kernel line stood between the two (which the loader's own lines never have between
/// them).
#[must_use]
pub fn begins_boot(last: Option<BootMark>, now: BootMark, quiet: bool) -> bool {
    match last {
        None => true,
        Some(last) if quiet && last == now => now > BootMark::Loader,
        Some(last) => now <= last,
    }
}

/// Whether the first mark of a log belongs to the boot of the stamped lines above it: x86 says which microcode it loads before it
/// says who it is. `last` is the stamp above it, `now` its own; a new boot begins earlier.
#[must_use]
pub fn same_boot(last: Option<f64>, now: Option<f64>) -> bool {
    last.is_none_or(|last| now.is_some_and(|now| last <= now))
}
