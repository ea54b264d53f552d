//! Texts by which lines are found that no grammar file names. The build script reads this file, too.

/// Every line on which `boot_mark` finds something contains one of these: literals for a search over a whole log.
pub const BOOT_ANCHORS: &[&str] = &[
    "Linux version ",
    "Booting Linux on ",
    "Booting the kernel",
    "booting the kernel",
    "Decompressing Linux...",
    "Starting kernel ...",
    "EFI stub: Booting Linux",
    "SeaBIOS (version ",
    "U-Boot ",
    "OpenSBI v",
    "UEFI firmware (version ",
    "-- Reboot --",
    "-- Boot ",
];

/// Those of them that the kernel itself prints.
pub const KERNEL_BOOT_ANCHORS: &[&str] = &["Linux version ", "Booting Linux on "];

/// Every line on which `gap` finds something contains one of these: literals for a search over a whole log. Case
/// matters.
pub const GAP_ANCHORS: &[&str] = &[
    "suppressed",
    "Suppressed ",
    "messages dropped",
    "replaying previous printk message",
    " kernel messages",
    "messages lost",
    "buffer overrun",
    " EVENTS]",
    "audit_lost=",
    " bytes out>>",
    "<snip>",
    "[snip]",
    "truncated",
];

/// What a line holds that names the program of a test executor.
pub const EXECUTOR_ANCHOR: &str = " Comm: syz.";
