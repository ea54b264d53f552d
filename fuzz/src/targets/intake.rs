//! Whatever is named as a log: packed, wide, archived, mailed; from a file and through a pipe.

use super::{Scrap, harmless, options};
use kanalyze::engine::{Engine, Item};
use kanalyze::input::{Decoder, Encoding, Source, Stream};
use kanalyze::intake::{Content, each_machine, nature, read_log, wholes};
use kanalyze::report::Report;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;

/// Tries one file.
pub fn check(data: &[u8]) {
    let file = Scrap::new(data, ".log");
    let source = Source::Path(file.0.clone());
    let from_file = reports_of(&source, data.len());
    // A pipe holds 64 KiB before somebody has to read.
    if data.len() < 60_000 {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(data).expect("a pipe takes 60,000 bytes");
        drop(writer);
        let piped = Source::Path(format!("/proc/self/fd/{}", reader.as_raw_fd()).into());
        let from_pipe = reports_of(&piped, data.len());
        assert_eq!(from_file, from_pipe, "a file and a pipe give other reports");
    }
    for whole in wholes(&[source], &options(), |found| found.settled().0.len()) {
        if let Some(trouble) = &whole.trouble {
            // Names of members of archives are given as they are here, and made safe where they are printed.
            assert!(!trouble.message.contains('\n') || data.contains(&b'\n'), "{:?}", trouble.message);
        }
    }
    let _ = nature(data);
    if let Some(encoding) = Encoding::of(data) {
        decoded(data, encoding);
    }
}

/// Titles and places of a source's reports, log by log.
fn reports_of(source: &Source, size: usize) -> Vec<(String, u64, u64)> {
    let mut all = Vec::new();
    let mut logs = 0;
    each_machine(source, &mut |log| {
        logs += 1;
        let plain = matches!(&log.content, Ok(Content::Text(..)));
        let outcome = read_log(log, &options(), |items| {
            for item in items {
                if let Item::Closed(report) = item {
                    let Report { title, start, end, .. } = *report;
                    assert!(start <= end, "'{title}' ends before it starts");
                    harmless(&title, "a title");
                    all.push((title, start, end));
                }
            }
            ControlFlow::Continue(())
        });
        let _ = (plain, outcome.silence());
        ControlFlow::Continue(())
    });
    assert!(logs <= 2 + size, "{logs} logs came of {size} bytes");
    all
}

/// A decoder gives the same in pieces, and places within the file.
fn decoded(data: &[u8], encoding: Encoding) {
    let whole = {
        let mut decoder = Decoder::new(encoding);
        let mut out = decoder.decode(data, false).into_owned();
        out.extend_from_slice(&decoder.decode(b"", true));
        for at in [0, out.len() / 2, out.len()] {
            let origin = decoder.origin(at as u64);
            assert!(origin <= data.len() as u64 + 4, "{at} came from {origin}");
        }
        out
    };
    let mut decoder = Decoder::new(encoding);
    let mut pieces = Vec::new();
    for piece in data.chunks(7) {
        pieces.extend_from_slice(&decoder.decode(piece, false));
    }
    pieces.extend_from_slice(&decoder.decode(b"", true));
    assert_eq!(whole, pieces, "decoded in pieces");
    let mut engine = Engine::new(options());
    let _ = engine.push(&pieces);
    let _ = engine.finish();
    let mut stream = Stream::plain(Box::new(std::io::Cursor::new(data.to_vec())));
    let mut buffer = [0; 999];
    while stream.fill(&mut buffer) > 0 {}
}
