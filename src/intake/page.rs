//! A log in a web page that was saved: a bug tracker's, a list's archive, a forum's.

use super::nature::{is_bisection, is_kernel_line};
use crate::input::{Inside, begins_page, page};
use crate::line::is_body;

/// So many lines of a kernel must a page show: others only speak of crashes.
const EVIDENCE: usize = 3;
/// No longer page is read, bytes.
const LARGEST: usize = 16 << 20;

/// What a page shows, if lines of a kernel's log or a bisection are in it. Where far more of them stand in the file as it is, somebody only put tags
/// around a log, whose line breaks a page does not show.
pub(super) fn read_page(text: &[u8]) -> Option<Inside> {
    if text.len() > LARGEST || !begins_page(text) {
        return None;
    }
    let shown = page(text);
    let found = kernel_lines(&shown.text);
    let log = found >= EVIDENCE && found * 2 >= kernel_lines(text);
    (log || is_bisection(&shown.text)).then_some(shown)
}

fn kernel_lines(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').filter(|line| is_kernel_line(line) || is_body(line)).count()
}

#[cfg(test)]
mod tests {
    use super::read_page;

    #[test]
    fn a_report_in_a_page_is_read_and_words_about_one_are_not() {
        let report = "BUG: kernel NULL pointer dereference, address: 0000000000000008\nRIP: 0010:widget_get+0x10/0x20\n\
            Call Trace:\n &lt;TASK&gt;\n widget_open+0x1/0x2\n";
        let page =
            format!("<!DOCTYPE html>\n<html><body><p>I see\nthis:</p><pre class=x>{report}</pre></body></html>\n");
        let shown = read_page(page.as_bytes()).expect("a log");
        let text = String::from_utf8_lossy(&shown.text);
        assert!(text.starts_with("I see this:\nBUG: kernel") && text.contains("\n <TASK>\n widget_open"), "{text}");
        let words =
            "<html><p>Kernel panic - not syncing means that RIP: and Call Trace: stand below.</p>\n<p>bye</p></html>";
        assert!(read_page(words.as_bytes()).is_none());
        let around = format!("<html>\n{report}</html>\n");
        assert!(read_page(around.as_bytes()).is_none(), "its lines are one in a page");
        assert!(read_page(report.as_bytes()).is_none(), "no page");
    }
}
