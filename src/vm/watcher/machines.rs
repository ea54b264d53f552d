//! Several machines in one log: when the open report of each is whole.

use super::super::live::Finding;
use super::Watcher;
use crate::intake::Followed;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Machines with open reports.
#[derive(Debug, Default)]
pub(super) struct Open(BTreeMap<Arc<str>, Since>);

/// When a machine's report was opened and when it said something last, seconds of the run, and how much it had said, bytes.
#[derive(Debug, Clone, Copy)]
struct Since {
    opened: f64,
    last: f64,
    read: u64,
}

impl Open {
    /// The machines whose reports are whole: they were silent for a while, or a report took too long.
    fn settled(&mut self, followed: &Followed, now: f64, is_settled: impl Fn(f64, f64) -> bool) -> Vec<Arc<str>> {
        let before = std::mem::take(&mut self.0);
        let mut settled = Vec::new();
        for (name, read) in followed.open_machines() {
            let known = before.get(name).copied();
            let mut since = known.unwrap_or(Since { opened: now, last: now, read });
            if since.read != read {
                (since.last, since.read) = (now, read);
            }
            if is_settled(since.opened, since.last) {
                settled.push(Arc::clone(name));
            } else {
                self.0.insert(Arc::clone(name), since);
            }
        }
        settled
    }
}

impl Watcher<'_> {
    /// Tells that there are several, and sees to the ends of their reports: each machine has its own silence.
    pub(super) fn look_after_machines(&mut self) {
        let now = self.now();
        let Some(followed) = self.live.followed() else { return };
        let news = followed.take_news();
        let mut said = Vec::new();
        if followed.are_several() {
            self.judge.forget_open();
            for name in self.open.settled(followed, now, |opened, last| self.judge.is_settled(opened, last, now)) {
                said.extend(followed.flush_machine(&name));
            }
        }
        if let Some(news) = news {
            self.step(news);
        }
        self.found(said.into_iter().map(Finding::Said).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Item, Options};

    fn line(followed: &mut Followed, offset: &mut u64, text: &str) {
        let _ = followed.push(text.as_bytes());
        let _ = followed.push(b"\n");
        let _ = followed.line(text.as_bytes(), *offset);
        *offset += text.len() as u64 + 1;
    }

    #[test]
    fn a_machine_that_fell_silent_is_not_waited_for_because_another_one_talks() {
        let mut followed = Followed::new(Options { opened: true, ..Options::named("x") });
        followed.look_for_machines();
        let mut offset = 0;
        for words in ["lamp: on", "lamp: off", "BUG: unable to handle page fault for address: ffffc900"] {
            for (host, up) in [("alpha", 5000), ("beta", 60)] {
                line(&mut followed, &mut offset, &format!("Nov  3 10:00:00 {host} kernel: [{up:5}.000000] {words}"));
            }
        }
        assert!(followed.are_several());
        let mut open = Open::default();
        let silent = |now: f64| move |_, last: f64| now - last >= 2.0;
        assert_eq!(open.settled(&followed, 0.0, silent(0.0)), []);
        line(&mut followed, &mut offset, "Nov  3 10:00:01 beta kernel: [   61.000000] Oops: 0000 [#1] SMP");
        assert_eq!(open.settled(&followed, 1.0, silent(1.0)), []);
        let settled = open.settled(&followed, 2.5, silent(2.5));
        assert_eq!(settled, ["alpha".into()]);
        let said = followed.flush_machine(&settled[0]);
        assert!(matches!(&said[..], [said] if matches!(said.item, Item::Closed(_))), "{said:?}");
        assert_eq!(open.settled(&followed, 2.9, silent(2.9)), [], "the other one has a report that goes on");
        assert_eq!(open.settled(&followed, 3.0, silent(3.0)), ["beta".into()]);
    }
}
