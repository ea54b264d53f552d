//! Lines in any dressing: what is taken off points back to where it stood.

use super::choice;
use kanalyze::input::landmark;
use kanalyze::line::{
    Dressing, Shown, Unwrapper, begins_report_line, boot_mark, dominant, gap, is_body, lex, plain, unwrap, wall_clock,
};

/// Tries the lines of one text.
pub fn check(data: &[u8]) {
    lines(data);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(data.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1))
        .collect();
    let choice = choice(data) as usize;
    for start in [0, starts[choice % starts.len()], starts[choice / 7 % starts.len()]] {
        let Some(dressing) = Dressing::of(data, start) else { continue };
        let undressed = dressing.undress(data, start);
        assert_eq!(undressed, dressing.undress(data, start), "twice the same");
        assert!(undressed.lines.is_sorted(), "lines in order");
        for (inner, outer) in &undressed.lines {
            assert!(*inner <= undressed.text.len() && *outer <= data.len(), "a line stands beyond the window");
            assert!(*outer == 0 || data[outer - 1] == b'\n', "a line stands where none begins");
        }
        if let Shown::At(at) = undressed.first {
            // At its end, if the line is blank without its dressing.
            assert!(at <= undressed.text.len(), "the line that matters is beyond the text");
        }
        assert!(undressed.text.len() <= 4 * data.len() + 256, "{} bytes became {}", data.len(), undressed.text.len());
    }
}

fn lines(data: &[u8]) {
    let mut unwrapper = Unwrapper::new();
    let mut out = 0;
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let prefix = lex(line);
        assert!(prefix.wrapper_len <= line.len(), "a wrapper is longer than its line");
        let text = prefix.text(line);
        assert!(text.len() <= line.len(), "a message is longer than its line");
        let _ = (unwrap(line), plain(line), gap(line), boot_mark(line), wall_clock(line));
        let _ = (begins_report_line(text), is_body(text), landmark(text));
        out += unwrapper.line(line).map_or(0, |line| line.len());
    }
    out += unwrapper.finish().map_or(0, |line| line.len());
    assert!(out <= 4 * data.len() + 256, "{} bytes became {out}", data.len());
    let _ = dominant(data);
}
