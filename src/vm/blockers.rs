//! Known obstacles and their remedies, from `blockers.toml`.

use memchr::memmem::Finder;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The guest's serial port.
    Serial,
    /// The workload's output.
    Workload,
    /// The ssh client.
    Ssh,
    /// The ssh client, while the console has long been asking for a login.
    Prompt,
    /// QEMU's own words.
    Qemu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum During {
    Boot,
    Any,
}

/// A known obstacle.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocker {
    /// Its name.
    pub id: String,
    source: Source,
    needle: Vec<String>,
    during: During,
    /// What has happened.
    pub meaning: String,
    /// What to do.
    pub remedy: String,
    /// Whether the boot ends here, unless the guest goes on.
    #[serde(default)]
    pub ends_boot: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "samples are for the test that checks the file"))]
    sample: String,
}

/// The known obstacles; each is reported once per run.
#[derive(Debug)]
pub struct Blockers {
    dump_types: Vec<String>,
    own_echoes: Vec<String>,
    known: Vec<(Blocker, Vec<Finder<'static>>, bool)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    dump_types: Vec<String>,
    own_echoes: Vec<String>,
    counted: BTreeMap<String, String>,
    blocker: Vec<Blocker>,
}

fn document() -> Document {
    toml::from_str(include_str!("blockers.toml")).expect("a test checks the embedded blockers.toml")
}

/// Kinds of events that come by the hundred, and what to call many of them.
#[must_use]
pub fn counted_kinds() -> BTreeMap<String, String> {
    document().counted
}

impl Default for Blockers {
    fn default() -> Self {
        let document = document();
        let known = document.blocker.into_iter().map(|blocker| {
            let finders = blocker.needle.iter().map(|needle| Finder::new(needle.as_bytes()).into_owned()).collect();
            (blocker, finders, false)
        });
        Self { dump_types: document.dump_types, own_echoes: document.own_echoes, known: known.collect() }
    }
}

impl Blockers {
    /// Whether a lock dump says more about a crash of this type (syzbot's word).
    #[must_use]
    pub fn wants_dump(&self, crash_type: &str) -> bool {
        self.dump_types.iter().any(|name| name == crash_type)
    }

    /// Whether an event with this title only answers kanalyze's own words on the kernel's command line.
    #[must_use]
    pub fn is_own_echo(&self, title: &str) -> bool {
        self.own_echoes.iter().any(|end| title.ends_with(end))
    }

    /// The obstacle that this line shows, if it is the first time.
    pub fn look(&mut self, source: Source, line: &[u8], booting: bool) -> Option<Blocker> {
        // The first one that fits: a line that a special one explains is not news of a general one later.
        let (blocker, _, told) = self.known.iter_mut().find(|(blocker, finders, _)| {
            blocker.source == source
                && (booting || blocker.during == During::Any)
                && finders.iter().any(|finder| finder.find(line).is_some())
        })?;
        (!std::mem::replace(told, true)).then(|| blocker.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blocker_is_hit_by_its_sample_and_reported_once() {
        let samples: Vec<Blocker> = Blockers::default().known.into_iter().map(|(blocker, ..)| blocker).collect();
        for blocker in &samples {
            let mut fresh = Blockers::default();
            let found = fresh.look(blocker.source, blocker.sample.as_bytes(), true);
            assert_eq!(found.map(|found| found.id).as_ref(), Some(&blocker.id), "{}", blocker.sample);
            assert!(fresh.look(blocker.source, blocker.sample.as_bytes(), true).is_none(), "told once");
            assert!(!blocker.remedy.is_empty() && !blocker.meaning.is_empty());
        }
    }

    #[test]
    fn what_the_real_tools_print_is_known() {
        for (source, line, id) in [
            (Source::Serial, "ALERT!  /dev/vda1 does not exist.  Dropping to a shell!", Some("initrd-shell")),
            (Source::Serial, "Gave up waiting for root file system device.  Common problems:", Some("initrd-shell")),
            (
                Source::Serial,
                "No root device specified. Boot arguments must include a root= parameter.",
                Some("initrd-shell"),
            ),
            (Source::Serial, "Generating \"/run/initramfs/rdsosreport.txt\"", Some("initrd-shell")),
            (Source::Serial, "Entering emergency mode. Exit the shell to continue.", Some("initrd-shell")),
            (
                Source::Serial,
                "You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
                Some("emergency-mode"),
            ),
            (Source::Serial, "\x1b[0;1;39memergency.target\x1b[0m - Emergency Mode.", Some("emergency-mode")),
            (Source::Serial, "[    1.2] systemd[1]: Hostname set to <syzkaller>.", None),
            (
                Source::Workload,
                "2025/01/25 10:00:00 [FATAL] mismatching manager/executor git revisions: 475a4c203afb vs 175a4c203afb",
                Some("executor-mismatch"),
            ),
            (
                Source::Workload,
                "2025/01/25 10:00:00 [FATAL] mismatching manager/executor system call descriptions: aa vs bb",
                Some("executor-mismatch"),
            ),
            (
                Source::Workload,
                "2026/08/17 10:00:00 [FATAL] mismatching manager/executor arches for VM 0: amd64 vs arm64",
                Some("executor-mismatch"),
            ),
            (
                Source::Workload,
                "2025/01/25 10:00:00 [FATAL] check failed: execution of simple program fails: mount(binfmt_misc) failed",
                Some("execprog-fatal"),
            ),
            (
                Source::Workload,
                "SYZFATAL: BUG: program execution failed: executor 0: exit status 67",
                Some("execprog-fatal"),
            ),
            (Source::Workload, "2025/01/25 10:00:00 executed programs: 0", None),
        ] {
            let found = Blockers::default().look(source, line.as_bytes(), true);
            assert_eq!(found.map(|found| found.id).as_deref(), id, "{line}");
        }
        assert!(Blockers::default().is_own_echo("sysrq: sysrq always enabled."));
        assert!(!Blockers::default().is_own_echo("sysrq: Show Blocked State"));
        let mut blockers = Blockers::default();
        let line = b"[FATAL] mismatching manager/executor git revisions: a vs b";
        assert!(blockers.look(Source::Workload, line, false).is_some());
        assert!(blockers.look(Source::Workload, line, false).is_none(), "no news as a general failure");
    }

    #[test]
    fn what_matters_only_at_boot_is_not_reported_later() {
        let line = b"Connection timed out during banner exchange";
        assert!(Blockers::default().look(Source::Ssh, line, false).is_none());
        assert!(Blockers::default().look(Source::Serial, line, true).is_none(), "another source says nothing");
    }
}
