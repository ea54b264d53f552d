//! Processors: one row for each with its names, its images and its compiler.

use serde::{Deserialize, Serialize};

/// A processor, in JSON under Go's names, which are syzkaller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// x86_64.
    Amd64,
    /// 32-bit x86, in practice its programs on an x86_64 kernel.
    #[serde(rename = "386")]
    I386,
    /// aarch64.
    Arm64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit RISC-V.
    Riscv64,
    /// s390x.
    S390x,
    /// 64-bit little-endian PowerPC.
    Ppc64le,
    /// 64-bit little-endian MIPS.
    Mips64le,
    /// 64-bit LoongArch.
    Loong64,
}

/// How the file begins that a boot loader takes, where it has a beginning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootHeader {
    /// Where its magic is.
    pub at: usize,
    /// The magic.
    pub magic: &'static [u8],
    /// The format's name in a manifest.
    pub format: &'static str,
    /// What follows the header.
    pub body: BootBody,
}

impl BootHeader {
    /// Whether what stands behind it is found by the header alone.
    #[must_use]
    pub fn is_taken_off(self) -> bool {
        self.body != BootBody::Searched
    }

    /// Whether a file that begins with these bytes has this header.
    #[must_use]
    pub fn begins(&self, head: &[u8]) -> bool {
        head.get(self.at..self.at + self.magic.len()) == Some(self.magic)
    }
}

/// What stands behind a boot header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootBody {
    /// A packed kernel, at a place that the header states.
    Packed,
    /// The kernel as it lies in memory, header included, from `_text` on.
    Flat,
    /// A packed kernel somewhere behind its own unpacker.
    Searched,
}

/// All that is known of a processor.
struct Row {
    /// For `-arch=`.
    syzkaller: &'static str,
    /// For `make ARCH=`.
    kernel: &'static str,
    /// Below `arch/` of the kernel tree.
    folder: &'static str,
    /// What `uname -m` and users say besides.
    others: &'static [&'static str],
    /// `e_machine` of ELF.
    elf: u16,
    /// Where `make` leaves the image for QEMU's `-kernel`.
    image: &'static str,
    boot: Option<BootHeader>,
    /// gcc on another processor, as Debian names it.
    compiler: &'static str,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Amd64,
        Self::I386,
        Self::Arm64,
        Self::Arm,
        Self::Riscv64,
        Self::S390x,
        Self::Ppc64le,
        Self::Mips64le,
        Self::Loong64,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Amd64 => Row {
                syzkaller: "amd64",
                kernel: "x86_64",
                folder: "x86",
                others: &["x86", "x64"],
                elf: 62,
                image: "arch/x86/boot/bzImage",
                boot: Some(BootHeader { at: 0x202, magic: b"HdrS", format: "bzimage", body: BootBody::Packed }),
                compiler: "x86_64-linux-gnu-gcc",
            },
            Self::I386 => Row {
                syzkaller: "386",
                kernel: "i386",
                folder: "x86",
                others: &["i686"],
                elf: 3,
                image: "arch/x86/boot/bzImage",
                // A bzImage like that of x86_64.
                boot: None,
                compiler: "i686-linux-gnu-gcc",
            },
            Self::Arm64 => Row {
                syzkaller: "arm64",
                kernel: "arm64",
                folder: "arm64",
                others: &["aarch64"],
                elf: 183,
                image: "arch/arm64/boot/Image",
                boot: Some(BootHeader { at: 0x38, magic: b"ARM\x64", format: "arm64-image", body: BootBody::Flat }),
                compiler: "aarch64-linux-gnu-gcc",
            },
            Self::Arm => Row {
                syzkaller: "arm",
                kernel: "arm",
                folder: "arm",
                others: &["armv7l"],
                elf: 40,
                image: "arch/arm/boot/zImage",
                boot: Some(BootHeader {
                    at: 0x24,
                    magic: b"\x18\x28\x6f\x01",
                    format: "arm-zimage",
                    body: BootBody::Searched,
                }),
                compiler: "arm-linux-gnueabihf-gcc",
            },
            Self::Riscv64 => Row {
                syzkaller: "riscv64",
                kernel: "riscv",
                folder: "riscv",
                others: &[],
                elf: 243,
                image: "arch/riscv/boot/Image",
                boot: Some(BootHeader { at: 0x38, magic: b"RSC\x05", format: "riscv-image", body: BootBody::Flat }),
                compiler: "riscv64-linux-gnu-gcc",
            },
            Self::S390x => Row {
                syzkaller: "s390x",
                kernel: "s390",
                folder: "s390",
                others: &[],
                elf: 22,
                image: "arch/s390/boot/bzImage",
                boot: None,
                compiler: "s390x-linux-gnu-gcc",
            },
            Self::Ppc64le => Row {
                syzkaller: "ppc64le",
                kernel: "powerpc",
                folder: "powerpc",
                others: &[],
                elf: 21,
                image: "arch/powerpc/boot/zImage",
                boot: None,
                compiler: "powerpc64le-linux-gnu-gcc",
            },
            Self::Mips64le => Row {
                syzkaller: "mips64le",
                kernel: "mips",
                folder: "mips",
                others: &[],
                elf: 8,
                image: "vmlinux",
                boot: None,
                compiler: "mips64el-linux-gnuabi64-gcc",
            },
            Self::Loong64 => Row {
                syzkaller: "loong64",
                kernel: "loongarch",
                folder: "loongarch",
                others: &["loongarch64"],
                elf: 258,
                image: "vmlinux",
                boot: None,
                compiler: "loongarch64-linux-gnu-gcc",
            },
        }
    }

    /// syzkaller's name, as `-arch=` wants it: `amd64`, `arm64` …
    #[must_use]
    pub fn syzkaller_name(self) -> &'static str {
        self.row().syzkaller
    }

    /// The kernel tree's name, as `make ARCH=` wants it: `x86_64`, `arm64` …
    #[must_use]
    pub fn kernel_name(self) -> &'static str {
        self.row().kernel
    }

    /// The folder below `arch/` of the kernel tree: `x86`, `arm64`, `riscv` …
    #[must_use]
    pub fn folder(self) -> &'static str {
        self.row().folder
    }

    /// `e_machine` of its ELF files.
    #[must_use]
    pub fn elf_machine(self) -> u16 {
        self.row().elf
    }

    /// Where `make` leaves the image for QEMU's `-kernel`, below its output folder.
    #[must_use]
    pub fn image_path(self) -> &'static str {
        self.row().image
    }

    /// How its boot image begins.
    #[must_use]
    pub fn boot_header(self) -> Option<BootHeader> {
        self.row().boot
    }

    /// The C compiler for it on this machine: `cc`, or Debian's cross compiler.
    #[must_use]
    pub fn compiler(self) -> &'static str {
        if Self::of_host() == Some(self) { "cc" } else { self.row().compiler }
    }

    /// Reads any of the usual names: syzkaller's, the kernel's, `uname -m`'s.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| {
            let row = known.row();
            row.syzkaller == name || row.kernel == name || row.others.contains(&name)
        })
    }

    /// The names of all, as a sentence has them.
    fn listed() -> String {
        let names = Self::ALL.map(Self::syzkaller_name);
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        format!("{} or {last}", others.join(", "))
    }

    /// The one with the `e_machine` of a little-endian ELF file, by its first bytes.
    #[must_use]
    pub fn of_elf(head: &[u8]) -> Option<Self> {
        let machine = u16::from_le_bytes(head.get(0x12..0x14)?.try_into().ok()?);
        Self::ALL.into_iter().find(|known| known.elf_machine() == machine)
    }

    /// The one whose boot image a file is, by its first bytes.
    #[must_use]
    pub fn of_boot_image(head: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.row().boot.is_some_and(|boot| boot.begins(head)))
    }

    /// This machine's.
    #[must_use]
    pub fn of_host() -> Option<Self> {
        match std::env::consts::ARCH {
            // Elsewhere `x86` stands for both.
            "x86" => Some(Self::I386),
            name => Self::from_name(name),
        }
    }
}

/// A name that no architecture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", Architecture::listed())]
pub struct UnknownArchitecture;

impl std::str::FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        Self::from_name(text).ok_or(UnknownArchitecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_architecture() {
        for known in Architecture::ALL {
            for name in [known.syzkaller_name(), known.kernel_name()] {
                assert_eq!(Architecture::from_name(name), Some(known), "{name}");
            }
            let json = serde_json::to_string(&known).expect("a name");
            assert_eq!(json, format!("\"{}\"", known.syzkaller_name()));
        }
        assert_eq!(Architecture::from_name("x86_64"), Some(Architecture::Amd64));
        let error = "vax".parse::<Architecture>().expect_err("no kernel runs there any more").to_string();
        assert_eq!(error, "amd64, 386, arm64, arm, riscv64, s390x, ppc64le, mips64le or loong64");
    }

    #[test]
    fn no_two_architectures_share_a_name_a_number_or_a_header() {
        for (at, one) in Architecture::ALL.into_iter().enumerate() {
            for other in &Architecture::ALL[at + 1..] {
                assert_ne!(one.elf_machine(), other.elf_machine(), "{one:?} {other:?}");
                assert!(one.boot_header().is_none() || one.boot_header() != other.boot_header(), "{one:?} {other:?}");
            }
        }
    }
}
