//! The checks that turn a wrong setting into one sentence, and the files that a run uses.

use super::super::board::Board;
use super::super::hit::Patterns;
use super::{Settings, SettingsError, TransportChoice, Workload};
use crate::architecture::{Architecture, BootBody};
use crate::packing::Packing;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// So many bytes tell what a kernel image is: the last magic of all ends before.
const HEAD: u64 = 1 << 10;

impl Settings {
    /// Checks what can be checked without starting anything.
    ///
    /// # Errors
    /// One sentence: which setting, what is wrong, what would be right.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.kernel.is_none() && self.disk.is_none() {
            return Err(SettingsError::Nothing);
        }
        if self.kernel.is_none() && (!self.append.is_empty() || self.initrd.is_some()) {
            return Err(SettingsError::NoKernel);
        }
        if !(64..=1 << 20).contains(&self.memory) {
            return Err(wrong("--memory", self.memory, "MiB, between 64 and 1048576"));
        }
        if !(1..=512).contains(&self.cpus) {
            return Err(wrong("--cpus", self.cpus, "between 1 and 512"));
        }
        let disk = self.disk.as_ref().map(|disk| &disk.path);
        for (option, path) in [("--kernel", self.kernel.as_ref()), ("--initrd", self.initrd.as_ref()), ("--disk", disk)]
        {
            if let Some(path) = path {
                readable(option, path)?;
            }
        }
        if let Some(kernel) = &self.kernel {
            self.bootable(kernel)?;
        }
        if let Some(image) = &self.image {
            readable("--vmlinux", &image.vmlinux)?;
            if let Some(folder) = image.modules.iter().find(|folder| !folder.is_dir()) {
                return Err(wrong("--modules", folder.display(), "not a folder"));
            }
        }
        for (option, path) in self.files() {
            readable(option, path)?;
        }
        if let Some(share) = &self.share
            && !share.is_dir()
        {
            return Err(wrong("--share", share.display(), "not a folder"));
        }
        for sysctl in &self.sysctls {
            let fits = sysctl.split_once('=').is_some_and(|(name, value)| {
                !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
                    && !value.contains(['\n', '\''])
            });
            if !fits {
                return Err(wrong("--sysctl", format!("{sysctl:?}"), "write it as kernel.name=value"));
            }
        }
        for event in &self.ftrace {
            if event.is_empty() || !event.chars().all(|c| c.is_ascii_alphanumeric() || "_:*-".contains(c)) {
                return Err(wrong("--ftrace", format!("{event:?}"), "an event such as sched:sched_switch or block:*"));
            }
        }
        if !(1..=1 << 22).contains(&self.ftrace_buffer) {
            return Err(wrong("--ftrace-buffer", self.ftrace_buffer, "KiB for each processor, between 1 and 4194304"));
        }
        for word in &self.append {
            if word.contains(['\n', '\0']) {
                return Err(wrong("--append", format!("{word:?}"), "one line"));
            }
        }
        if self.login.user.is_empty()
            || !self.login.user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            || self.login.user.starts_with('-')
        {
            return Err(wrong("--user", format!("{:?}", self.login.user), "a login name"));
        }
        let limits = self.limits;
        for (option, seconds, least) in [
            ("--max-time", limits.max_time, 1.0),
            ("--boot-timeout", limits.boot, 1.0),
            ("--no-output", limits.no_output, 0.0),
            ("--settle", limits.settle, 0.5),
        ] {
            if !(least..=86_400.0 * 365.0).contains(&seconds) {
                return Err(wrong(option, seconds, format!("seconds, at least {least}")));
            }
        }
        if self.transport == TransportChoice::None && self.workload != Workload::BootOnly {
            return Err(SettingsError::NoTransport);
        }
        Ok(Patterns::new(&self.hits, &self.hit_lines).map(drop)?)
    }

    /// Whether QEMU would find a kernel in a file, by how it begins: of anything else it starts the first bytes as code, and the guest is silent.
    fn bootable(&self, kernel: &Path) -> Result<(), SettingsError> {
        let mut head = Vec::new();
        let read = std::fs::File::open(kernel).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        let is_not = |is: &str, wanted: &str| wrong("--kernel", kernel.display(), format!("{is}; {wanted}"));
        read.map_err(|error| wrong("--kernel", kernel.display(), error.to_string()))?;
        let own = self.board.architecture;
        let flat = own.boot_header().is_some_and(|boot| boot.body == BootBody::Flat);
        let is_elf = head.starts_with(b"\x7fELF");
        let other = if is_elf { Architecture::of_elf(&head) } else { Architecture::of_boot_image(&head) };
        match other {
            // A 32-bit kernel runs on the same board.
            Some(other) if Board::of(other).is_none_or(|board| board.architecture != own) => {
                let name = other.kernel_name();
                let remedy = match Board::of(other) {
                    Some(_) => format!("--arch {name} boots it"),
                    None => format!("the guest is {}", own.kernel_name()),
                };
                Err(is_not(&format!("a kernel for {name}"), &remedy))
            }
            _ if other.is_some() || is_elf => Ok(()),
            // QEMU unpacks a kernel that does not unpack itself.
            _ if flat && (head.get(4..8) == Some(b"zimg") || Packing::of(&head).is_some()) => Ok(()),
            _ => {
                let image = Path::new(own.image_path()).file_name().unwrap_or_default().display();
                Err(is_not("not a kernel image", &format!("a {image} is wanted, or a vmlinux")))
            }
        }
    }

    /// Files of the host that the workload and the login need, with the option that named them.
    fn files(&self) -> Vec<(&'static str, &PathBuf)> {
        let mut files = Vec::new();
        match &self.workload {
            Workload::BootOnly | Workload::Command { .. } => {}
            Workload::Script { path } => files.push(("--script", path)),
            Workload::Program { path } => files.push(("--program", path)),
            Workload::CSource { path } => files.push(("--c-repro", path)),
            Workload::Syz { program, execprog, executor, .. } => {
                files.push(("--repro", program));
                files.extend(execprog.iter().chain(executor).map(|path| ("--syz-bin", path)));
            }
        }
        files.extend(self.login.key.iter().map(|path| ("--key", path)));
        files
    }

    /// What a run keeps a copy of, since its owner goes on editing it: the name of the copy and the file.
    #[must_use]
    pub fn keepsakes(&self) -> Vec<(String, PathBuf)> {
        let program = match &self.workload {
            Workload::BootOnly | Workload::Command { .. } => None,
            Workload::Script { path } => Some(("script", path)),
            Workload::Program { path } => Some(("program", path)),
            Workload::CSource { path } => Some(("repro.c", path)),
            Workload::Syz { program, .. } => Some(("repro.syz", program)),
        };
        let config = self.config.as_ref().map(|path| ("kernel.config", path));
        program.into_iter().chain(config).map(|(name, path)| (name.to_owned(), path.clone())).collect()
    }

    /// All files that the run uses: role and path.
    #[must_use]
    pub fn inputs(&self) -> Vec<(&'static str, PathBuf)> {
        let mut inputs: Vec<(&'static str, PathBuf)> = Vec::new();
        inputs.extend(self.kernel.iter().map(|path| ("kernel", path.clone())));
        inputs.extend(self.initrd.iter().map(|path| ("initrd", path.clone())));
        inputs.extend(self.disk.iter().map(|disk| ("disk", disk.path.clone())));
        for (option, path) in self.files() {
            if option != "--key" {
                inputs.push((option.trim_start_matches("--"), path.clone()));
            }
        }
        inputs
    }
}

fn wrong(option: &'static str, given: impl std::fmt::Display, wanted: impl Into<String>) -> SettingsError {
    SettingsError::Wrong { option, given: given.to_string(), wanted: wanted.into() }
}

fn readable(option: &'static str, path: &Path) -> Result<(), SettingsError> {
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(meta) if meta.is_dir() => Err(wrong(option, path.display(), "a folder, a file is wanted")),
        Ok(meta) if meta.is_file() && meta.len() == 0 => Err(wrong(option, path.display(), "the file is empty")),
        Ok(_) => Ok(()),
        Err(error) => Err(wrong(option, path.display(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_setting_is_named_in_one_sentence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kernel = folder.path().join("bzImage");
        std::fs::write(&kernel, "\x7fELF").expect("written");
        let good = Settings { kernel: Some(kernel), ..Settings::default() };
        assert_eq!(good.check(), Ok(()));
        type Break = fn(&mut Settings);
        let cases: [(Break, &str); 14] = [
            (|s| s.kernel = None, "nothing to boot"),
            (|s| s.kernel = Some("/nonexistent/bzImage".into()), "--kernel /nonexistent/bzImage"),
            (|s| s.kernel = Some("/".into()), "a folder"),
            (|s| s.memory = 1, "--memory 1"),
            (|s| s.cpus = 0, "--cpus 0"),
            (|s| s.sysctls = vec!["panic_on_oops".into()], "--sysctl"),
            (|s| s.sysctls = vec!["a=b'; reboot".into()], "--sysctl"),
            (|s| s.ftrace = vec!["a;b".into()], "--ftrace"),
            (|s| s.login.user = "-oProxyCommand=x".into(), "--user"),
            (|s| s.limits.max_time = 0.0, "--max-time"),
            (|s| s.limits.settle = f64::NAN, "--settle"),
            (|s| s.hits = vec!["(".into()], "--hit"),
            (|s| s.share = Some("/nonexistent".into()), "--share"),
            (
                |s| {
                    s.transport = TransportChoice::None;
                    s.workload = Workload::Command { command: "true".into() };
                },
                "--transport none",
            ),
        ];
        for (break_it, expected) in cases {
            let mut settings = good.clone();
            break_it(&mut settings);
            let sentence = settings.check().expect_err(expected).to_string();
            assert!(sentence.contains(expected) && !sentence.contains('\n'), "{sentence}");
        }
    }

    #[test]
    fn what_is_no_kernel_is_not_booted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("kernel");
        let sentence = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            let board = Board::of(Architecture::Amd64).expect("a board");
            let settings = Settings { kernel: Some(path.clone()), board, ..Settings::default() };
            settings.check().err().map(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
        };
        let at = |at: usize, magic: &[u8]| [&vec![0; at][..], magic].concat();
        let elf = |machine: u8| [&b"\x7fELF"[..], &[0; 14], &[machine, 0]].concat();
        for kernel in [at(0x202, b"HdrS"), elf(62), elf(3)] {
            assert_eq!(sentence(&kernel), None);
        }
        for (bytes, expected) in [
            (
                b"a note about the kernel\n".to_vec(),
                "--kernel FILE: not a kernel image; a bzImage is wanted, or a vmlinux",
            ),
            (at(0x38, b"ARM\x64"), "--kernel FILE: a kernel for arm64; --arch arm64 boots it"),
            (b"\x1f\x8b\x08".to_vec(), "--kernel FILE: not a kernel image; a bzImage is wanted, or a vmlinux"),
            (elf(243), "--kernel FILE: a kernel for riscv; the guest is x86_64"),
        ] {
            assert_eq!(sentence(&bytes).as_deref(), Some(expected));
        }
    }
}
