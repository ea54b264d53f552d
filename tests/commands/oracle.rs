//! Our reader of DWARF against the crate `addr2line`, over every row of line tables: frames, functions, files and lines.

use super::compiled::{compile, has_gcc};
use addr2line::Context;
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use kanalyze::symbols::Binary;
use object::{Object, ObjectSection};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// Function, file and line of each frame, the innermost first.
type Frames = Vec<(Option<String>, Option<String>, Option<u32>)>;

fn compare(path: &Path) -> (usize, BTreeMap<u64, (Frames, Frames)>) {
    let bytes = std::fs::read(path).expect("an ELF file");
    let file = object::File::parse(&bytes[..]).expect("an ELF file");
    let mut sections = BTreeMap::new();
    for section in file.sections() {
        let name = section.name().expect("a name").to_owned();
        sections.insert(name, section.uncompressed_data().unwrap_or(Cow::Borrowed(&[])));
    }
    let load = |id: SectionId| -> Result<_, gimli::Error> {
        Ok(EndianSlice::new(sections.get(id.name()).map_or(&[][..], |data| data), LittleEndian))
    };
    let oracle = Context::from_dwarf(Dwarf::load(load).expect("DWARF")).expect("DWARF");
    let own = Binary::open(path, None).expect("an ELF file");
    let (mut count, mut differences) = (0, BTreeMap::new());
    for (address, _, _) in oracle.find_location_range(0, u64::MAX).expect("rows") {
        let mut frames = oracle.find_frames(address).skip_all_loads().expect("frames");
        let mut expected = Frames::new();
        while let Some(frame) = frames.next().expect("a frame") {
            let name = frame.function.and_then(|function| Some(function.raw_name().ok()?.into_owned()));
            let place = frame.location.as_ref();
            let file = place.and_then(|place| place.file).map(str::to_owned);
            expected.push((name, file, place.and_then(|place| place.line)));
        }
        let mut found: Frames = own
            .places_with_discriminators(address)
            .into_iter()
            .map(|place| (place.function, place.file, place.line))
            .collect();
        for ((name, ..), (own, ..)) in expected.iter().zip(&mut found) {
            if name.is_none() {
                // Assembly: where the debug information names no function, we give the symbol's name.
                *own = None;
            }
        }
        count += 1;
        if expected != found && !expected.is_empty() {
            differences.insert(address, (expected, found));
        }
    }
    (count, differences)
}

#[test]
fn every_row_is_read_as_addr2line_reads_it() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let (count, differences) = compare(&compile(folder.path(), &["-g", version]));
        assert!(count >= 20, "{version}: {count} rows");
        assert!(differences.is_empty(), "{version}: {differences:#?}");
    }
    // A whole vmlinux takes minutes: name one to have it compared.
    if let Some(path) = std::env::var_os("KANALYZE_ORACLE") {
        let (count, differences) = compare(Path::new(&path));
        let some: Vec<_> = differences.iter().take(20).collect();
        assert!(differences.is_empty(), "{} of {count} rows differ: {some:#?}", differences.len());
    }
}
