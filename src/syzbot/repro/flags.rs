//! Options → flags of syz-execprog, whose parser takes the options line for a comment.

use super::known::KNOWN;
use super::options::{Dialect, Options};
use super::{Call, Program};
use crate::architecture::Architecture;
use serde::Serialize;

/// The number of processes that syzbot's documentation uses.
const PROCS: i64 = 6;

/// What is done about the set-ups that execprog makes (network devices, cgroups, wifi …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Features {
    /// Those that the line says `false` about are turned off, all others stay on. syzkaller itself never writes `false`
    /// for them (but for `close_fds`), so an untouched program runs as on syzbot, and `--set wifi=false` does what it says.
    #[default]
    Written,
    /// Exactly those that the line turns on, as the C program has them.
    Listed,
    /// All, as syzbot runs it, whatever the line says.
    All,
}

/// What the options do not say.
#[derive(Debug, Clone, Default)]
pub struct FlagSettings {
    /// For `-arch=`; execprog's own architecture if `None`.
    pub arch: Option<Architecture>,
    /// For `-executor=`.
    pub executor: Option<String>,
    /// For `-optional=type=`: `qemu`.
    pub machine: Option<String>,
    /// What about the set-ups.
    pub features: Features,
    /// Repeat for ever, in threads, as a bisection does, whatever the line says.
    pub insist: bool,
}

/// Flags, without the program's name at the end, and what they cannot do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Flags {
    /// `-sandbox=none`, `-procs=6` …
    pub flags: Vec<String>,
    /// What the options ask for and no flag can do, or only some revisions of execprog understand.
    pub warnings: Vec<String>,
}

/// The flags for a program, with nothing but its own options to go by.
#[must_use]
pub fn execprog_flags(program: &Program) -> Vec<String> {
    flags_for(program, &FlagSettings::default()).flags
}

/// What a program without options line is run with: syzkaller's defaults.
pub(super) fn default_options() -> Options {
    let text = r#"{"threaded":true,"repeat":true,"procs":6,"slowdown":1,"sandbox":"none","sandbox_arg":0,"tun":true,"netdev":true,"resetnet":true,"cgroups":true,"binfmt_misc":true,"close_fds":true,"devlinkpci":true,"nicvf":true,"usb":true,"vhci":true,"wifi":true,"ieee802154":true,"sysctl":true,"swap":true,"tmpdir":true,"segv":true}"#;
    Options::parse(text).expect("a literal of ours")
}

/// The flags for a program.
#[must_use]
pub fn flags_for(program: &Program, settings: &FlagSettings) -> Flags {
    let defaults = default_options();
    let options = program.options.as_ref().unwrap_or(&defaults);
    let mut flags = Vec::new();
    let mut warnings = Vec::new();
    if program.options.is_none() {
        warnings.push("the program has no options that can be read: syzkaller's defaults are used".to_owned());
    }
    warnings.extend(options.objections());

    flags.extend(settings.executor.iter().map(|path| format!("-executor={path}")));
    flags.extend(settings.arch.map(|arch| format!("-arch={}", arch.syzkaller_name())));
    let sandbox = Some(options.word("sandbox")).filter(|word| !word.is_empty()).unwrap_or("none");
    flags.push(format!("-sandbox={sandbox}"));
    let procs = match options.number("procs") {
        1.. => options.number("procs"),
        _ if options.get("procs").is_some() => {
            warnings.push(format!("procs is {}: one process is used", options.number("procs")));
            1
        }
        _ => PROCS,
    };
    flags.push(format!("-procs={procs}"));
    let repeat = if settings.insist || (options.is_on("repeat") && options.number("repeat_times") <= 0) {
        0
    } else if options.is_on("repeat") {
        options.number("repeat_times")
    } else {
        1
    };
    flags.push(format!("-repeat={repeat}"));
    flags.push(format!("-threaded={}", settings.insist || options.is_on("threaded")));
    flags.push(format!("-collide={}", options.is_on("collide")));
    add_faults(options, &program.calls, &mut flags, &mut warnings);
    add_features(options, settings.features, &mut flags, &mut warnings);
    add_optional(options, settings, &mut flags, &mut warnings);
    if options.is_on("leak") {
        warnings.push(
            "leak: syz-execprog reports no leaks by itself; write `scan` to /sys/kernel/debug/kmemleak".to_owned(),
        );
    }
    Flags { flags, warnings }
}

fn add_faults(options: &Options, calls: &[Call], flags: &mut Vec<String>, warnings: &mut Vec<String>) {
    if !options.is_on("fault") {
        return;
    }
    let call = options.number("fault_call");
    flags.push(format!("-fault_call={call}"));
    flags.push(format!("-fault_nth={}", options.number("fault_nth")));
    if options.not_before() >= "2021-09-03" {
        warnings.push(
            "fault: syz-execprog has no -fault_call since 2021-09-03; write ` (fail_nth: N)` after the call".to_owned(),
        );
    }
    if usize::try_from(call).map_or(true, |call| call >= calls.len()) {
        warnings.push(format!("fault_call is {call}, and the program has {} calls", calls.len()));
    }
}

/// Set-ups that execprog's present form makes whatever the flags say.
const UNAVOIDABLE: [&str; 3] = ["resetnet", "cgroups", "close_fds"];

fn add_features(options: &Options, features: Features, flags: &mut Vec<String>, warnings: &mut Vec<String>) {
    let all = KNOWN.iter().filter_map(|known| known.feature.map(|feature| (known, feature)));
    let off: Vec<_> = match features {
        Features::All => return,
        Features::Written => all
            .filter(|(known, _)| options.get(known.key).and_then(serde_json::Value::as_bool) == Some(false))
            .collect(),
        Features::Listed => all.filter(|(known, _)| !options.is_on(known.key)).collect(),
    };
    if options.dialect == Dialect::Dump {
        if !off.is_empty() {
            warnings
                .push("the syz-execprog of this program's time (before 2019-02-05) can turn nothing off".to_owned());
        }
        return;
    }
    for (known, _) in off.iter().filter(|(known, _)| UNAVOIDABLE.contains(&known.key)) {
        // A set-up that the line merely does not list is not a wish.
        if features == Features::Written || options.get(known.key).is_some() {
            warnings.push(format!(
                "{}: syz-execprog cannot turn it off since 2024-06-04, and does it nevertheless",
                known.key
            ));
        }
    }
    if features == Features::Listed {
        let on = KNOWN.iter().filter(|known| options.is_on(known.key)).filter_map(|known| known.feature);
        flags.push(format!("-enable={}", on.collect::<Vec<_>>().join(",")));
        return;
    }
    if off.is_empty() {
        return;
    }
    let names: Vec<&str> = off.iter().map(|(_, feature)| *feature).collect();
    flags.push(format!("-disable={}", names.join(",")));
    let written_at = options.not_before();
    if let Some((known, feature)) =
        off.iter().filter(|(known, _)| known.since > written_at).max_by_key(|(known, _)| known.since)
    {
        warnings.push(format!(
            "{}: a syz-execprog of before {} stops with `unknown feature specified: {feature}`",
            known.key, known.since
        ));
    }
}

fn add_optional(options: &Options, settings: &FlagSettings, flags: &mut Vec<String>, warnings: &mut Vec<String>) {
    let (slowdown, argument) = (options.number("slowdown"), options.number("sandbox_arg"));
    // `-optional` came four weeks after `slowdown`, which is in every line since.
    if options.not_before() < "2020-11-25" {
        if argument != 0 {
            warnings
                .push(format!("sandbox_arg is {argument}: the syz-execprog of this program's time has no flag for it"));
        }
        return;
    }
    let machine = settings.machine.as_ref().map(|machine| format!(":type={machine}")).unwrap_or_default();
    flags.push(format!("-optional=slowdown={}:sandbox_arg={argument}{machine}", slowdown.max(1)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str, settings: &FlagSettings) -> Flags {
        flags_for(&Program::parse(text.as_bytes()).expect("a program"), settings)
    }

    const TODAY: &str = "#{\"threaded\":true,\"repeat\":true,\"procs\":6,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"tun\":true,\"netdev\":true,\"close_fds\":true}\ngetpid()\n";

    #[test]
    fn a_program_of_today_runs_as_on_syzbot() {
        let flags = flags(
            TODAY,
            &FlagSettings {
                arch: Some(Architecture::Amd64),
                machine: Some("qemu".to_owned()),
                ..FlagSettings::default()
            },
        );
        assert_eq!(
            flags.flags,
            [
                "-arch=amd64",
                "-sandbox=none",
                "-procs=6",
                "-repeat=0",
                "-threaded=true",
                "-collide=false",
                "-optional=slowdown=1:sandbox_arg=0:type=qemu",
            ]
        );
        assert_eq!(flags.warnings, Vec::<String>::new());
    }

    #[test]
    fn an_option_that_is_set_to_false_is_turned_off() {
        let text = TODAY.replace("\"close_fds\":true", "\"close_fds\":false,\"wifi\":false");
        let written = flags(&text, &FlagSettings::default());
        assert!(written.flags.contains(&"-disable=close_fds,wifi".to_owned()), "{written:?}");
        assert_eq!(written.warnings.len(), 1, "{written:?}");
        assert!(written.warnings[0].starts_with("close_fds: "), "{written:?}");
        let listed = flags(&text, &FlagSettings { features: Features::Listed, ..FlagSettings::default() });
        assert!(listed.flags.contains(&"-enable=tun,net_dev".to_owned()), "{listed:?}");
        let all = flags(&text, &FlagSettings { features: Features::All, ..FlagSettings::default() });
        assert!(all.flags.iter().all(|flag| !flag.contains("able=")), "{all:?}");
    }

    #[test]
    fn an_old_execprog_is_not_given_flags_that_it_does_not_know() {
        let dump = "# {Threaded:true Collide:true Repeat:true Procs:0 Sandbox: Fault:true FaultCall:0 FaultNth:4 EnableTun:false UseTmpDir:true HandleSegv:true WaitRepeat:true Debug:false Repro:false}\ngetpid()\n";
        let old = flags(dump, &FlagSettings::default());
        assert_eq!(
            old.flags,
            [
                "-sandbox=none",
                "-procs=1",
                "-repeat=0",
                "-threaded=true",
                "-collide=true",
                "-fault_call=0",
                "-fault_nth=4",
            ]
        );
        assert!(old.warnings.iter().any(|words| words.contains("can turn nothing off")), "{old:?}");
        let middle =
            "#{\"repeat\":true,\"procs\":2,\"sandbox\":\"none\",\"close_fds\":true,\"wifi\":false}\ngetpid()\n";
        assert!(!flags(middle, &FlagSettings::default()).flags.iter().any(|flag| flag.starts_with("-optional")));
    }

    #[test]
    fn a_feature_younger_than_the_program_is_reported() {
        let mut program =
            Program::parse(b"#{\"repeat\":true,\"procs\":2,\"sandbox\":\"none\",\"close_fds\":true}\ngetpid()\n")
                .expect("a program");
        program.set("swap", "false").expect("an option");
        let flags = flags_for(&program, &FlagSettings::default());
        assert!(flags.flags.contains(&"-disable=swap".to_owned()));
        assert!(flags.warnings.iter().any(|words| words.contains("before 2023-06-14")), "{flags:?}");
    }

    #[test]
    fn a_program_that_runs_once_runs_once_unless_we_insist() {
        let once = "#{\"procs\":1,\"sandbox\":\"none\"}\ngetpid()\n";
        assert!(flags(once, &FlagSettings::default()).flags.contains(&"-repeat=1".to_owned()));
        let insisting = FlagSettings { insist: true, ..FlagSettings::default() };
        let flags = flags(once, &insisting).flags;
        assert!(flags.contains(&"-repeat=0".to_owned()) && flags.contains(&"-threaded=true".to_owned()), "{flags:?}");
        let times = "#{\"repeat\":true,\"repeat_times\":7,\"procs\":1,\"sandbox\":\"none\"}\ngetpid()\n";
        assert!(
            execprog_flags(&Program::parse(times.as_bytes()).expect("a program")).contains(&"-repeat=7".to_owned())
        );
    }
}
