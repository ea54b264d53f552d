//! What SECURITY.md says of the program itself: how it is linked, and which programs it starts.

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use std::path::{Path, PathBuf};

#[test]
fn the_program_is_linked_so_that_a_fault_is_hard_to_use() {
    // The release is linked by the same flags of rustc's: position-independent, relocations read-only before main.
    let bytes = std::fs::read(env!("CARGO_BIN_EXE_kanalyze")).expect("the program");
    let header = elf::FileHeader64::<Endianness>::parse(&bytes[..]).expect("an ELF file");
    let order = header.endian().expect("an order of bytes");
    assert_eq!(header.e_type(order), elf::ET_DYN, "position-independent");
    let segments = header.program_headers(order, &bytes[..]).expect("segments");
    for segment in segments {
        let flags = segment.p_flags(order);
        assert!(!flags.contains(elf::PF_W | elf::PF_X), "a segment can be written to and run");
    }
    let has = |kind: elf::ProgramType| segments.iter().any(|segment| segment.p_type(order) == kind);
    assert!(has(elf::PT_GNU_RELRO), "relocations stay writable");
    assert!(has(elf::PT_GNU_STACK), "the stack may be run");
    let entries = segments.iter().find_map(|segment| segment.dynamic(order, &bytes[..]).expect("entries"));
    let now = entries.expect("a dynamic section").iter().any(|entry| match entry.tag(order) {
        elf::DT_BIND_NOW => true,
        elf::DT_FLAGS => entry.val(order) & elf::DF_BIND_NOW.0 != 0,
        elf::DT_FLAGS_1 => entry.val(order) & elf::DF_1_NOW.0 != 0,
        _ => false,
    });
    assert!(now, "functions are bound while it runs: their table stays writable");
}

/// All sources of the program, without their tests.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("the sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.to_string_lossy().contains("tests") {
            let text = std::fs::read_to_string(&path).expect("text");
            let own = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((path, own));
        }
    }
}

#[test]
fn no_shell_of_this_machine_is_started_and_every_place_that_starts_something_is_known() {
    // What each starts is in SECURITY.md.
    const PLACES: [&str; 16] = [
        "cli/pager.rs",
        "cli/mod.rs",
        "cli/run/detach.rs",
        "host/entries.rs",
        "source/git.rs",
        "source/people.rs",
        "syzbot/kernel_build/make.rs",
        "syzbot/kernel_patch.rs",
        "vm/command.rs",
        "vm/doctor.rs",
        "vm/followed_journal.rs",
        "vm/guest/ssh.rs",
        "vm/kvm.rs",
        "vm/qemu.rs",
        "vm/snapshot.rs",
        "vm/workload.rs",
    ];
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 100, "the sources are read");
    for (path, text) in all {
        for at in text.match_indices("Command::new(").map(|(at, _)| at) {
            let shown = path.display();
            assert!(
                PLACES.iter().any(|place| path.ends_with(place)),
                "{shown} starts a program: name it in SECURITY.md"
            );
            let program = text[at + 13..].split(')').next().unwrap_or_default();
            assert!(!["\"sh\"", "\"bash\"", "\"/bin/sh\""].contains(&program), "{shown} starts a shell");
        }
        if !["files/map.rs", "files/faults.rs", "grammar/words/filter.rs"].iter().any(|place| path.ends_with(place)) {
            assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "{} is unsafe", path.display());
        }
    }
}
