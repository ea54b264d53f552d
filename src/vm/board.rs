//! The boards that guests run on: one row for each processor that QEMU is asked to be.

use crate::architecture::Architecture;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What QEMU is asked to be for a processor. In JSON it is the processor's name in the kernel tree.
#[derive(Debug, PartialEq, Eq)]
pub struct Board {
    /// The processor.
    pub architecture: Architecture,
    /// The emulator.
    pub qemu: &'static str,
    /// The Debian package with the emulator.
    pub package: &'static str,
    /// The kernel's console device.
    pub console: &'static str,
    /// `-machine`, by how its instructions are run.
    pub machine: Choice,
    /// `-cpu`, by how its instructions are run.
    pub cpu: Choice,
    /// `-cpu` with KVM for a guest whose state is not to be saved.
    pub unsaved_cpu: &'static str,
    /// Words of the kernel's command line that only an emulated guest needs.
    pub emulated: &'static [&'static str],
    /// What a user who gives `-kernel` may miss in the guest.
    pub caution: Option<&'static str>,
    /// The smallest guest: that it runs shows that KVM works.
    pub probe: TinyGuest,
}

/// A word of QEMU's command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// With KVM.
    pub kvm: &'static str,
    /// Emulated.
    pub tcg: &'static str,
}

impl Choice {
    /// The word for a guest with KVM, or for an emulated one.
    #[must_use]
    pub fn of(&self, kvm: bool) -> &'static str {
        if kvm { self.kvm } else { self.tcg }
    }
}

/// A guest of a few bytes that switches itself off.
#[derive(Debug, PartialEq, Eq)]
pub struct TinyGuest {
    /// Its code, at the beginning of its file.
    pub code: &'static [u8],
    /// What ends the file.
    pub end: &'static [u8],
    /// Size of the file.
    pub size: usize,
    /// QEMU's arguments before the one that names the file.
    pub arguments: &'static [&'static str],
    /// `-cpu`, where it has to be said.
    pub cpu: Option<Choice>,
    /// The option that takes the file.
    pub option: &'static str,
    /// What stands before and behind the path in the option's value.
    pub around: [&'static str; 2],
    /// The status that QEMU ends with when the guest ran.
    pub status: i32,
}

impl TinyGuest {
    /// The bytes of its file.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        let mut bytes = self.code.to_vec();
        bytes.resize(self.size - self.end.len(), 0);
        bytes.extend_from_slice(self.end);
        bytes
    }
}

/// All of them, the one that most runs use first.
pub static BOARDS: [Board; 2] = [
    Board {
        architecture: Architecture::Amd64,
        qemu: "qemu-system-x86_64",
        package: "qemu-system-x86",
        console: "ttyS0",
        machine: Choice { kvm: "q35", tcg: "q35" },
        cpu: Choice { kvm: "host", tcg: "max" },
        // What cannot be saved is left out only where the state is to be saved.
        unsaved_cpu: "host,migratable=off",
        // On a busy host an emulated timer is late, and the kernel panics because it finds none.
        emulated: &["no_timer_check"],
        caution: None,
        // A boot sector that writes 0x10 to the port of `isa-debug-exit`: `mov al,0x10; out 0xf4,al; hlt; jmp`. The device
        // makes of the byte b the status (b << 1) | 1.
        probe: TinyGuest {
            code: &[0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd],
            end: &[0x55, 0xaa],
            size: 512,
            arguments: &["-machine", "pc", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"],
            cpu: None,
            option: "-drive",
            around: ["file=", ",format=raw,if=ide,snapshot=on"],
            status: 0x21,
        },
    },
    Board {
        architecture: Architecture::Arm64,
        qemu: "qemu-system-aarch64",
        package: "qemu-system-arm",
        console: "ttyAMA0",
        machine: Choice { kvm: "virt,gic-version=host", tcg: "virt,gic-version=max" },
        // Without hardware, pointer authentication costs an emulated guest most of its time.
        cpu: Choice { kvm: "host", tcg: "max,pauth=off" },
        unsaved_cpu: "host",
        emulated: &[],
        caution: Some(
            "arm64 kernels since v5.11 take the boot loader's command line instead of their built-in one: what syzbot built in (panic_on_warn, watchdogs) is off unless --append says it again",
        ),
        // PSCI SYSTEM_OFF: `movz w0,#8; movk w0,#0x8400,lsl #16; hvc #0; b .`.
        probe: TinyGuest {
            code: &[0x00, 0x01, 0x80, 0x52, 0x00, 0x80, 0xb0, 0x72, 0x02, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x00, 0x14],
            end: &[],
            size: 16,
            arguments: &["-machine", "virt"],
            cpu: Some(Choice { kvm: "host", tcg: "max" }),
            option: "-kernel",
            around: ["", ""],
            status: 0,
        },
    },
];

/// The Debian packages with the emulators, as a sentence has them: `qemu-system-x86 (or qemu-system-arm for arm64)`.
pub(super) fn packages() -> String {
    let [first, others @ ..] = &BOARDS;
    let others = others.iter().map(|board| format!(" (or {} for {})", board.package, board.architecture.kernel_name()));
    std::iter::once(first.package.to_owned()).chain(others).collect()
}

impl Board {
    /// The board for a processor; 32-bit programs of x86 run on the one of x86_64.
    #[must_use]
    pub fn of(architecture: Architecture) -> Option<&'static Self> {
        let architecture = if architecture == Architecture::I386 { Architecture::Amd64 } else { architecture };
        BOARDS.iter().find(|board| board.architecture == architecture)
    }

    /// The board with this machine's processor, else the first.
    #[must_use]
    pub fn native() -> &'static Self {
        Architecture::of_host().and_then(Self::of).unwrap_or(&BOARDS[0])
    }
}

impl Serialize for &'static Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.architecture.kernel_name())
    }
}

impl<'de> Deserialize<'de> for &'static Board {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let board = Architecture::from_name(&name).and_then(Board::of);
        board.ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(&name), &"a processor that guests are run with")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_settings_name_the_processor_as_they_always_did() {
        for (name, console) in [("x86_64", "ttyS0"), ("arm64", "ttyAMA0")] {
            let board: &'static Board = serde_json::from_str(&format!("\"{name}\"")).expect("a board");
            assert_eq!((board.console, serde_json::to_string(&board).expect("JSON")), (console, format!("\"{name}\"")));
        }
        assert!(serde_json::from_str::<&'static Board>("\"s390\"").is_err());
    }

    #[test]
    fn packages_are_named_by_what_they_run() {
        assert_eq!(packages(), "qemu-system-x86 (or qemu-system-arm for arm64)");
    }

    #[test]
    fn the_tiny_guests_fill_their_files() {
        for board in &BOARDS {
            let image = board.probe.image();
            assert_eq!(image.len(), board.probe.size);
            assert!(image.starts_with(board.probe.code) && image.ends_with(board.probe.end));
        }
    }
}
