//! Lists of held locks: where they begin, and which lines are theirs.

use super::account::{Account, Answer, Open};
use super::held;
use super::held_pieces::Pieces;
use super::{HeldLocks, Shown};

/// A header of a list, a line of the open one, or one whose header is lost.
pub(super) fn line(trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) -> Answer {
    if let Some(list) = held::header(trimmed, line.log_line) {
        account.close();
        begin(list, account);
        return Answer::Taken;
    }
    match &mut account.open {
        Open::Held(pieces) => {
            let taken = pieces.take(trimmed, line.text, line.log_line, &mut account.out.held_locks);
            return if taken { Answer::Taken } else { Answer::NotMine };
        }
        Open::Nothing if trimmed[0] == b'#' => {}
        _ => return Answer::NotMine,
    }
    let Some(lock) = held::lock(trimmed, line.log_line).filter(|lock| lock.usage.is_some()) else {
        return Answer::NotMine;
    };
    begin(HeldLocks { task: None, announced: None, line: line.log_line, locks: vec![lock] }, account);
    Answer::Taken
}

/// Lines of this list come.
fn begin(list: HeldLocks, account: &mut Account<'_>) {
    account.open = Open::Held(Pieces::of(account.out.held_locks.len()));
    account.out.held_locks.push(list);
}
