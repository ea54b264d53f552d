//! Dumps by magic sysrq: which key goes when, decided without a clock or a machine of its own.

/// The keys of a hang: blocked tasks, all tasks, held locks.
pub const HANG_KEYS: &str = "wtd";

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A break on the serial line, then the key.
    SerialBreak,
    /// Alt, SysRq and the key on the emulated keyboard.
    Keyboard,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send a key.
    Send(Way, char),
    /// Nothing yet.
    Wait,
    /// All keys were answered and their output has ended, or the guest is deaf.
    Done,
}

/// A dump under way. Times are seconds of the run.
#[derive(Debug)]
pub struct Dump {
    keys: Vec<char>,
    way: Way,
    sent: Option<f64>,
    seen: bool,
    scale: f64,
    /// The keys that were answered.
    pub answered: String,
    deaf: bool,
}

/// How long a living kernel may take to answer a key.
const ANSWER_LIMIT: f64 = 3.0;
/// Silence that ends a key's output.
const QUIET: f64 = 1.0;
/// A task dump of a busy guest over a serial port ends at last.
const OUTPUT_LIMIT: f64 = 60.0;

impl Dump {
    /// Of these keys, on a machine that is `scale` times slower than a native one.
    #[must_use]
    pub fn new(keys: &str, scale: f64) -> Self {
        Self {
            keys: keys.chars().rev().collect(),
            way: Way::SerialBreak,
            sent: None,
            seen: false,
            scale,
            answered: String::new(),
            deaf: false,
        }
    }

    /// The kernel answered a key.
    pub fn answer(&mut self) {
        if let (Some(_), false, Some(key)) = (self.sent, self.seen, self.keys.last()) {
            self.seen = true;
            self.answered.push(*key);
        }
    }

    /// The way is not there (QEMU refuses): as if the guest did not answer.
    pub fn refused(&mut self) {
        self.sent = Some(f64::NEG_INFINITY);
    }

    /// What to do at `now`, when the last serial byte came at `last_byte`.
    pub fn step(&mut self, now: f64, last_byte: f64) -> Step {
        let Some(&key) = self.keys.last() else { return Step::Done };
        if self.deaf {
            return Step::Done;
        }
        let Some(sent) = self.sent else {
            self.sent = Some(now);
            self.seen = false;
            return Step::Send(self.way, key);
        };
        if !self.seen {
            if now - sent < ANSWER_LIMIT * self.scale {
                return Step::Wait;
            }
            // One that answered before and is silent now has died; one that never did may listen to its keyboard.
            if self.way == Way::SerialBreak && self.answered.is_empty() {
                self.way = Way::Keyboard;
                self.sent = None;
            } else {
                self.deaf = true;
            }
            return self.step(now, last_byte);
        }
        if now - last_byte.max(sent) < QUIET * self.scale && now - sent < OUTPUT_LIMIT * self.scale {
            return Step::Wait;
        }
        self.keys.pop();
        self.sent = None;
        self.step(now, last_byte)
    }

    /// How the keys went.
    #[must_use]
    pub fn way(&self) -> &'static str {
        match (self.answered.is_empty(), self.way) {
            (true, _) => "nothing: the guest answers neither a serial break nor its keyboard",
            (false, Way::SerialBreak) => "serial break",
            (false, Way::Keyboard) => "keyboard",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_for_the_end_of_the_output_before_it() {
        let mut dump = Dump::new("wt", 1.0);
        assert_eq!(dump.step(0.0, 0.0), Step::Send(Way::SerialBreak, 'w'));
        assert_eq!(dump.step(0.1, 0.0), Step::Wait);
        dump.answer();
        assert_eq!(dump.step(1.5, 1.4), Step::Wait, "it still prints");
        assert_eq!(dump.step(2.5, 1.4), Step::Send(Way::SerialBreak, 't'));
        dump.answer();
        dump.answer();
        assert_eq!(dump.step(9.0, 2.6), Step::Done);
        assert_eq!((dump.answered.as_str(), dump.way()), ("wt", "serial break"));
    }

    #[test]
    fn a_guest_that_ignores_the_break_is_tried_by_keyboard_and_then_called_deaf() {
        let mut dump = Dump::new("wtd", 1.0);
        assert_eq!(dump.step(0.0, 0.0), Step::Send(Way::SerialBreak, 'w'));
        assert_eq!(dump.step(3.5, 0.0), Step::Send(Way::Keyboard, 'w'));
        assert_eq!(dump.step(7.0, 0.0), Step::Done);
        assert!(dump.answered.is_empty() && dump.way().starts_with("nothing"));
    }

    #[test]
    fn a_refused_way_costs_no_time_and_endless_output_ends() {
        let mut dump = Dump::new("w", 1.0);
        assert_eq!(dump.step(0.0, 0.0), Step::Send(Way::SerialBreak, 'w'));
        dump.refused();
        assert_eq!(dump.step(0.0, 0.0), Step::Send(Way::Keyboard, 'w'));
        dump.answer();
        assert_eq!(dump.step(59.0, 59.0), Step::Wait);
        assert_eq!(dump.step(61.0, 61.0), Step::Done);
    }
}
