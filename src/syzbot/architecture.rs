//! Processors, under the names that syzkaller, the kernel and QEMU have for them.

use serde::{Deserialize, Serialize};

/// The processor that a bundle's kernel was built for, under Go's names, which are syzkaller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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

impl Architecture {
    /// syzkaller's name, as `-arch=` wants it: `amd64`, `arm64` …
    #[must_use]
    pub fn syzkaller_name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::I386 => "386",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::Ppc64le => "ppc64le",
            Self::Mips64le => "mips64le",
            Self::Loong64 => "loong64",
        }
    }

    /// The kernel tree's name, as `make ARCH=` wants it: `x86_64`, `arm64` …
    #[must_use]
    pub fn kernel_name(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::I386 => "i386",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv",
            Self::S390x => "s390",
            Self::Ppc64le => "powerpc",
            Self::Mips64le => "mips",
            Self::Loong64 => "loongarch",
        }
    }

    /// Reads any of the usual names: syzkaller's, the kernel's, `uname -m`'s.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "amd64" | "x86_64" | "x86" | "x64" => Self::Amd64,
            "386" | "i386" | "i686" => Self::I386,
            "arm64" | "aarch64" => Self::Arm64,
            "arm" | "armv7l" => Self::Arm,
            "riscv64" | "riscv" => Self::Riscv64,
            "s390x" | "s390" => Self::S390x,
            "ppc64le" | "powerpc" => Self::Ppc64le,
            "mips64le" | "mips" => Self::Mips64le,
            "loong64" | "loongarch" | "loongarch64" => Self::Loong64,
            _ => return None,
        })
    }
}
