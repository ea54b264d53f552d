//! Logs against a kernel's symbols, and logs that `decode_stacktrace.sh` has decoded already.

use super::{choice, harmless_bytes, options};
use kanalyze::engine::{Item, read_items};
use kanalyze::image::{decode_code, decode_code_as_script};
use kanalyze::render::safe;
use kanalyze::symbols::{
    Answer, Kernel, LogDecoder, LogOptions, Paths, SymbolSource, SymbolTable, annotate, as_script, locate_report,
};
use std::path::Path;

/// A kernel whose functions stand in many logs.
fn kernel() -> Kernel {
    const NAMES: [&str; 12] = [
        "_text",
        "startup_64",
        "_stext",
        "do_syscall_64",
        "entry_SYSCALL_64_after_hwframe",
        "schedule",
        "__schedule",
        "mutex_lock",
        "__mutex_lock.llvm.123",
        "dump_stack_lvl",
        "ret_from_fork",
        "kthread",
    ];
    let rows = NAMES.iter().enumerate().map(|(at, name)| (*name, 0xffff_ffff_8100_0000 + 0x4_0000 * at as u64, b'T'));
    let banner = "Linux version 6.12.0 (a@b) (gcc) #1 SMP".to_owned();
    let table = SymbolTable::of_symbols(rows);
    Kernel::of_symbols(Path::new("System.map"), table, SymbolSource::SystemMap, Some(banner), None)
}

/// Tries one log.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    let kernel = kernel();
    let offset = (choice & 4 == 0).then_some(choice & 0xffff_0000);
    let mut decoder = LogDecoder::new(&kernel, LogOptions { force: choice & 1 == 0, offset });
    if choice & 2 == 0 {
        decoder.survey(data);
    }
    let paths = Paths::default();
    for line in data.split(|byte| *byte == b'\n') {
        let decoded = decoder.line(line);
        for one in &decoded {
            assert!(one.spot.range.end <= line.len(), "a place is beyond its line");
        }
        let (mut plain, mut script) = (Vec::new(), Vec::new());
        annotate(&mut plain, line, &decoded, &paths).expect("memory can be written");
        as_script(&mut script, line, &paths, &mut |what| {
            let known = decoded.iter().find(|one| one.spot.what == *what);
            known.map_or_else(|| Answer::miss("not asked for"), |one| one.answer.clone())
        })
        .expect("memory can be written");
        assert!(plain.len() <= 40 * line.len() + 4_096, "a line of {} bytes became {}", line.len(), plain.len());
        for row in decode_code(line).iter().chain(&decode_code_as_script(line)) {
            harmless_bytes(row.as_bytes(), "a disassembled line");
        }
    }
    for item in read_items(options(), data) {
        if let Item::Closed(mut report) = item {
            let _ = locate_report(&kernel, &paths, &mut report);
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        harmless_bytes(safe(text).replace('\t', " ").as_bytes(), "safe");
    }
}
