//! A log of LAVA: what its test shell says to it goes to the console, too, and stands in the middle of what the kernel says:
//! `[   42.1] WARNING: CPU: 1 PID: 42 at <LAVA_SIGNAL_STARTTC lamp>`, and the rest of the line below.

use crate::input::{Inside, lines};
use crate::line::lex;
use memchr::memmem::Finder;
use std::sync::LazyLock;

static SIGNAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"<LAVA_SIGNAL_"));

/// The text without the signals that stand in lines of the kernel, if there are some.
pub(super) fn read_signals(text: &[u8]) -> Option<Inside> {
    SIGNAL.find(text)?;
    let mut inside = Inside::of(text.len());
    let (mut taken, mut cut) = (false, false);
    for (line, start) in lines(text) {
        if cut && lex(line).time.is_some() {
            inside.text.push(b'\n');
        }
        cut = false;
        inside.begin(start);
        let mut from = 0;
        while let Some((at, end)) = signal(&line[from..]).map(|(at, end)| (from + at, from + end))
            && is_message(&line[..at])
        {
            inside.text.extend_from_slice(&line[from..at]);
            inside.begin(start + end);
            // It ends with a line break; what it interrupted goes on below.
            cut = line[end..].trim_ascii().is_empty();
            (from, taken) = (end, true);
        }
        if !cut {
            inside.text.extend_from_slice(&line[from..]);
            inside.text.push(b'\n');
        }
    }
    taken.then_some(inside)
}

/// Where a signal begins and ends in a line.
fn signal(line: &[u8]) -> Option<(usize, usize)> {
    let at = SIGNAL.find(line)?;
    Some((at, at + memchr::memchr(b'>', &line[at..])? + 1))
}

/// Whether the kernel began to say something: a stamp and words behind it.
fn is_message(line: &[u8]) -> bool {
    let lexed = lex(line);
    lexed.time.is_some() && !lexed.text(line).trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::read_signals;

    fn read(text: &str) -> Option<String> {
        read_signals(text.as_bytes()).map(|inside| String::from_utf8_lossy(&inside.text).into_owned())
    }

    #[test]
    fn a_line_goes_on_behind_a_signal() {
        for (text, want) in [
            ("[    1.000000] lamp <LAVA_SIGNAL_STARTTC a>\nis on\n", Some("[    1.000000] lamp is on\n")),
            ("[    1.000000] lamp<LAVA_SIGNAL_ENDTC a> is on\n", Some("[    1.000000] lamp is on\n")),
            ("[    1.000000] on<LAVA_SIGNAL_ENDTC a>\n[    1.1] off\n", Some("[    1.000000] on\n[    1.1] off\n")),
            ("<LAVA_SIGNAL_STARTTC a>\n[    1.000000] lamp\n", None),
            ("[    1.000000] <LAVA_SIGNAL_STARTTC a>\nlamp\n", None),
            ("lamp <LAVA_SIGNAL_STARTTC a>\nis on\n", None),
        ] {
            assert_eq!(read(text).as_deref(), want, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(\\[ *1.0\\] [a-z<> \n]{0,9}(<LAVA_SIGNAL_)?[A-Z >\n]{0,9}){0,6}") {
            let _ = read_signals(text.as_bytes());
        }
    }
}
