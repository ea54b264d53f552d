//! A recorded log that is played again, at once or in the rhythm of its printk times.

use super::fed::Fed;
use crate::input::Damage;
use crate::intake::{Content, PlainStream, Text};
use crate::line;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are handed over at once.
const PIECE: usize = 64 << 10;
/// A recorded log may be silent for hours; its replay is not, seconds.
const LONGEST_PAUSE: f64 = 10.0;

/// A recorded log, in memory or not.
pub(super) enum Recorded {
    Text(Arc<Text>, Option<Damage>),
    Stream(PlainStream),
}

impl Recorded {
    /// A log that was opened.
    pub(super) fn of(content: Content) -> Self {
        match content {
            Content::Text(text, damage) => Self::Text(Arc::from(text), damage),
            Content::Stream(stream) => Self::Stream(stream),
        }
    }

    /// All of it, if it is in memory.
    pub(super) fn text(&self) -> Option<Arc<Text>> {
        if let Self::Text(text, _) = self { Some(Arc::clone(text)) } else { None }
    }

    /// Sends all of it, with a speed in the rhythm of its printk times; what was wrong with its bytes.
    pub(super) fn play(&mut self, speed: Option<f64>, sender: &SyncSender<Fed>) -> Option<Damage> {
        let mut player = Player { sender, speed, begun: Instant::now(), clock: Clock::default(), rest: Vec::new() };
        let damage = self.give(&mut player);
        let _ = player.hand_over_rest();
        damage
    }

    fn give(&mut self, player: &mut Player<'_>) -> Option<Damage> {
        match self {
            Self::Text(text, damage) => {
                let _ = player.play(text.log());
                damage.clone()
            }
            Self::Stream(stream) => {
                while stream.advance() {
                    if player.play(stream.piece()).is_break() {
                        return None;
                    }
                }
                stream.damage().cloned()
            }
        }
    }
}

/// Plays a recorded log.
struct Player<'a> {
    sender: &'a SyncSender<Fed>,
    speed: Option<f64>,
    begun: Instant,
    clock: Clock,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
}

impl Player<'_> {
    fn play(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let Some(speed) = self.speed else {
            return bytes.chunks(PIECE).try_for_each(|piece| self.send(piece));
        };
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.rest.extend_from_slice(line);
            if !line.ends_with(b"\n") && self.rest.len() < PIECE {
                continue;
            }
            let line = std::mem::take(&mut self.rest);
            if let Some(time) = line::lex(&line).time {
                let due = Duration::try_from_secs_f64(self.clock.at(time) / speed).unwrap_or_default();
                thread::sleep(due.saturating_sub(self.begun.elapsed()));
            }
            self.send(&line)?;
        }
        ControlFlow::Continue(())
    }

    fn hand_over_rest(&mut self) -> ControlFlow<()> {
        let rest = std::mem::take(&mut self.rest);
        self.send(&rest)
    }

    fn send(&self, piece: &[u8]) -> ControlFlow<()> {
        match self.sender.send(Fed::Bytes(piece.to_vec())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Turns printk times, which jump at reboots and over idle hours, into a time that only goes forward in short steps.
#[derive(Debug, Default)]
struct Clock {
    last: Option<f64>,
    played: f64,
}

impl Clock {
    fn at(&mut self, time: f64) -> f64 {
        if let Some(last) = self.last {
            self.played += (time - last).clamp(0.0, LONGEST_PAUSE);
        }
        self.last = Some(time);
        self.played
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_does_not_stop_a_replay() {
        let mut clock = Clock::default();
        let played: Vec<f64> = [5.0, 6.0, 100_000.0, 1.0, 2.0].map(|time| clock.at(time)).to_vec();
        assert_eq!(played, [0.0, 1.0, 11.0, 11.0, 12.0]);
    }
}
