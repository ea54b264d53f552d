//! A small kernel-like program, compiled for a test: functions with inlined ones, a banner, a build id.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines are recognised by their marks, so that the text may be edited.
pub(crate) const SOURCE: &str = r#"
#define NEVER __attribute__((noinline))
#define ALWAYS static inline __attribute__((always_inline))
volatile int sink;
const char linux_banner[] = "Linux version 6.99.1-test (builder@host) (gcc 12) #7 SMP Mon Jan 1 00:00:00 UTC 2026\n";

NEVER void leaf(int value) { sink = value; __asm__ volatile("nop; nop; nop; nop"); }

ALWAYS void inner(int value)
{
	leaf(value + 1); /* MARK inner */
	sink++;
}

ALWAYS void middle(int value)
{
	inner(value * 3); /* MARK middle */
	sink--;
}

NEVER void outer(int value)
{
	sink = 1;
	middle(value); /* MARK outer */
	sink = 2;
}

NEVER void second(int value)
{
	leaf(value + 7); /* MARK second */
	sink = 4;
}

NEVER void kernel_init(void)
{
	outer(5); /* MARK init */
	second(6);
	sink = 9;
}

void _start(void)
{
	kernel_init();
	for (;;)
		;
}
"#;

/// The 1-based line of a mark in [`SOURCE`].
pub(crate) fn line_of(mark: &str) -> u64 {
    let wanted = format!("MARK {mark} ");
    SOURCE.lines().position(|line| line.contains(&wanted)).expect("a mark of the source") as u64 + 1
}

/// Whether there is a compiler. In CI there must be one: `tests/all.sh` installs it.
pub(crate) fn has_gcc() -> bool {
    let there = Command::new("gcc").arg("--version").output().is_ok_and(|done| done.status.success());
    let able = there && cfg!(target_arch = "x86_64");
    assert!(able || std::env::var_os("CI").is_none(), "no gcc on x86-64: see tests/all.sh");
    if !able {
        eprintln!("skipped: needs gcc on x86-64");
    }
    able
}

/// Compiles [`SOURCE`] to `vmlinux` in a folder, linked where kernels are.
pub(crate) fn compile(folder: &Path, flags: &[&str]) -> PathBuf {
    std::fs::create_dir_all(folder.join("init")).expect("a writable folder");
    std::fs::write(folder.join("init/main.c"), SOURCE).expect("a writable folder");
    let done = Command::new("gcc")
        .current_dir(folder)
        .args(["-O2", "-ffreestanding", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-mcmodel=kernel"])
        .args(["-fcf-protection=none", "-fno-stack-protector", "-fno-optimize-sibling-calls"])
        .args(["-Wl,-Ttext=0xffffffff81000000", "-Wl,--build-id=sha1", "-Wl,-z,norelro"])
        .args(flags)
        .args(["init/main.c", "-o", "vmlinux"])
        .output()
        .expect("gcc runs");
    assert!(done.status.success(), "gcc: {}", String::from_utf8_lossy(&done.stderr));
    folder.join("vmlinux")
}

/// The frame text `function+0xoffset/0xsize` of the return address of the first call in a function, and that address.
pub(crate) fn return_frame(vmlinux: &Path, function: &str, callee: &str) -> (String, u64) {
    let image = kanalyze::image::KernelImage::open(vmlinux).expect("an image");
    let found = image.functions(function);
    let (symbol, bytes) = found.first().expect("a function of the source");
    let lines = kanalyze::image::disassemble(&image, *symbol, bytes);
    let call = lines.iter().find(|line| line.calls.as_deref() == Some(callee)).expect("a call");
    let back = call.address + call.bytes.len() as u64;
    (format!("{function}+{:#x}/{:#x}", back - symbol.address, symbol.span.min(symbol.size)), back)
}
