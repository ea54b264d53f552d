//! The forms in which a log may be in a text: in a document, a table, a chat, with something around or between its lines.

use crate::input::{Inside, read_wrapped};
use crate::intake::blanks::read_blanks;
use crate::intake::chat::read_chat;
use crate::intake::colours::read_colours;
use crate::intake::comment::read_comment;
use crate::intake::document::read_document;
use crate::intake::exported::Exported;
use crate::intake::hex::read_hex;
use crate::intake::joined::read_joined;
use crate::intake::level::read_level;
use crate::intake::logcat::read_logcat;
use crate::intake::rich_text::read_rich_text;
use crate::intake::rows::read_rows;
use crate::intake::signals::read_signals;
use crate::intake::verbose::read_verbose;

/// The log in a text whose lines are not its lines, or not as the kernel wrote them. Where each line begins with its stamp, none of the
/// forms is asked for that put something around lines; `joined` says whether a line may be several.
pub(super) fn read_log(plain: &[u8], stamped: bool, joined: bool) -> Option<Exported> {
    type Read<T> = fn(&[u8]) -> Option<T>;
    let within = |read: Read<Inside>| read(plain).map(Exported::from);
    let around = |read: Read<Inside>| if stamped { None } else { within(read) };
    let record = |read: Read<Exported>| if stamped { None } else { read(plain) };
    read_document(plain)
        .or_else(|| around(read_rich_text))
        .or_else(|| around(read_hex))
        .or_else(|| if joined { within(read_joined) } else { None })
        .or_else(|| around(read_logcat))
        .or_else(|| record(read_verbose))
        .or_else(|| record(read_rows))
        .or_else(|| within(read_blanks))
        .or_else(|| within(read_colours))
        .or_else(|| within(read_signals))
        .or_else(|| around(read_comment))
        .or_else(|| around(read_chat))
        .or_else(|| around(read_level))
        .or_else(|| around(read_wrapped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_mail;
    use crate::intake::joined::is_joined_behind_stamp;
    use crate::intake::machines::machines;
    use crate::intake::written::is_written;
    use crate::line::{all_are_stamped, parts_upright};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_stands_around_lines_is_not_in_a_log_of_stamped_ones(messages in proptest::collection::vec("[ -~]{0,150}", 1..20)) {
            let log: String = messages.iter().map(|message| format!("[   12.345678]{message}\n")).collect();
            let log = log.as_bytes();
            let mut joined = false;
            prop_assert!(all_are_stamped(log, |line| joined |= is_joined_behind_stamp(line)));
            prop_assert!(joined || read_joined(log).is_none());
            prop_assert!(read_mail(log).is_none() && !is_written(log));
            for read in [read_rich_text, read_hex, read_logcat, read_comment, read_chat, read_level, read_wrapped] {
                prop_assert!(read(log).is_none());
            }
            prop_assert!(read_verbose(log).is_none() && read_rows(log).is_none());
            prop_assert!(machines(log, None).is_empty() && parts_upright(log).is_none());
        }
    }
}
