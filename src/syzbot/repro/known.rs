//! Every option that syzkaller has or had.

/// One option that syzkaller knows or knew.
#[derive(Debug)]
pub struct Known {
    /// Its key in the JSON line.
    pub key: &'static str,
    /// Its name in the dumps of before 2018-05-17, if it is in them.
    pub field: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The day on which syzkaller learned it; `""` for those that were there from the start.
    pub since: &'static str,
    /// The day on which syzkaller forgot it.
    pub until: &'static str,
    /// Its name for `syz-execprog -enable/-disable`.
    pub feature: Option<&'static str>,
}

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true`, `false`.
    Switch,
    /// A whole number.
    Number,
    /// A word, or nothing.
    Word,
}

const fn known(
    key: &'static str,
    field: &'static str,
    kind: Kind,
    since: &'static str,
    until: &'static str,
    feature: Option<&'static str>,
) -> Known {
    Known { key, field, kind, since, until, feature }
}

/// Every option, in the order in which syzkaller writes them.
#[rustfmt::skip]
pub const KNOWN: &[Known] = &[
    known("threaded", "Threaded", Kind::Switch, "", "", None),
    known("collide", "Collide", Kind::Switch, "", "2021-09-23", None),
    known("repeat", "Repeat", Kind::Switch, "", "", None),
    known("repeat_times", "RepeatTimes", Kind::Number, "2018-05-17", "", None),
    known("procs", "Procs", Kind::Number, "", "", None),
    known("slowdown", "Slowdown", Kind::Number, "2020-11-25", "", None),
    known("sandbox", "Sandbox", Kind::Word, "", "", None),
    known("sandbox_arg", "SandboxArg", Kind::Number, "2022-08-06", "", None),
    known("fault", "Fault", Kind::Switch, "", "2021-09-03", None),
    known("fault_call", "FaultCall", Kind::Number, "", "2021-09-03", None),
    known("fault_nth", "FaultNth", Kind::Number, "", "2021-09-03", None),
    known("leak", "Leak", Kind::Switch, "2019-05-18", "", None),
    known("tun", "EnableTun", Kind::Switch, "", "", Some("tun")),
    known("netdev", "EnableNetDev", Kind::Switch, "2018-05-17", "", Some("net_dev")),
    known("resetnet", "EnableNetReset", Kind::Switch, "2018-05-17", "", Some("net_reset")),
    known("cgroups", "EnableCgroups", Kind::Switch, "", "", Some("cgroups")),
    known("binfmt_misc", "EnableBinfmtMisc", Kind::Switch, "2019-02-05", "", Some("binfmt_misc")),
    known("close_fds", "EnableCloseFds", Kind::Switch, "2019-04-05", "", Some("close_fds")),
    known("kcsan", "EnableKCSAN", Kind::Switch, "2019-10-04", "", None),
    known("devlinkpci", "EnableDevlinkPCI", Kind::Switch, "2019-10-24", "", Some("devlink_pci")),
    known("nicvf", "EnableNicVF", Kind::Switch, "2022-09-13", "", Some("nic_vf")),
    known("usb", "EnableUSB", Kind::Switch, "2020-04-01", "", Some("usb")),
    known("vhci", "EnableVhciInjection", Kind::Switch, "2020-07-30", "", Some("vhci")),
    known("wifi", "EnableWifi", Kind::Switch, "2020-09-08", "", Some("wifi")),
    known("ieee802154", "EnableIEEE802154", Kind::Switch, "2021-02-08", "", Some("ieee802154")),
    known("sysctl", "EnableSysctl", Kind::Switch, "2020-10-25", "", Some("sysctl")),
    known("swap", "EnableSwap", Kind::Switch, "2023-06-14", "", Some("swap")),
    known("tmpdir", "UseTmpDir", Kind::Switch, "", "", None),
    known("segv", "HandleSegv", Kind::Switch, "", "", None),
    known("waitrepeat", "WaitRepeat", Kind::Switch, "", "2018-07-20", None),
    known("debug", "Debug", Kind::Switch, "", "2018-07-20", None),
    known("repro", "Repro", Kind::Switch, "", "2024-05-17", None),
    known("trace", "Trace", Kind::Switch, "2018-07-26", "", None),
    known("callcomments", "CallComments", Kind::Switch, "2025-07-16", "", None),
];

/// The option with this key.
#[must_use]
pub(super) fn find(key: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.key == key)
}
