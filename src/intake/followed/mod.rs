//! The machines of a log that goes on: what a log server writes is followed with an engine for each of them.
//!
//! One engine reads all lines until they show that they are several machines' (as in `machines.rs`); what was said until then is not
//! said again. The lines that name no machine are those of the line above.

mod evidence;
mod machine;

use super::machines::{MOST, is_same};
use crate::engine::{Engine, Item, Options};
use crate::line::host_of;
use evidence::{Evidence, Kind, told};
use machine::Machine;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use machine::Said;

/// So many names are known at once.
const NAMES: usize = 4 * MOST;

/// Reads a log that goes on.
#[derive(Debug)]
pub struct Followed {
    options: Options,
    /// What reads the lines of all machines.
    one: Option<Engine>,
    machines: Vec<Machine>,
    /// Which machine a name stands for.
    names: HashMap<Vec<u8>, usize>,
    /// Whose line the last one was.
    last: Option<usize>,
    /// Lines so far, and where the last one ended.
    count: u64,
    end: u64,
    /// What is known until they are told apart, if they are to be.
    apart: Option<Evidence>,
    /// What the one engine has told of lines that are still to come to their machines.
    told: HashSet<(Kind, u64)>,
    news: Option<String>,
}

impl Followed {
    /// At the beginning of a log whose lines are one machine's.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let one = Some(Engine::new(options.clone()));
        let (machines, names) = (Vec::new(), HashMap::new());
        Self {
            options,
            one,
            machines,
            names,
            last: None,
            count: 0,
            end: u64::MAX,
            apart: None,
            told: HashSet::new(),
            news: None,
        }
    }

    /// Nothing was read yet: the lines may be those of several machines.
    pub fn look_for_machines(&mut self) {
        self.apart = Some(Evidence::default());
    }

    /// Takes more bytes; yields what they completed. Their lines are to be given to [`Followed::line`] then; what is whole waits for
    /// [`Followed::release`] where they may be several machines'.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut items = self.one.as_mut().map(|engine| engine.push(bytes)).unwrap_or_default();
        if let Some(evidence) = &mut self.apart {
            evidence.held.extend(items.extract_if(.., |item| matches!(item, Item::Closed(_))));
        }
        self.of_one(items)
    }

    /// What waits no longer when all lines so far were taken.
    pub fn release(&mut self) -> Vec<Said> {
        let sure = self.apart.as_mut().filter(|evidence| self.count >= evidence.sure);
        let held = sure.map(|evidence| std::mem::take(&mut evidence.held)).unwrap_or_default();
        self.of_one(held)
    }

    /// What the one engine tells.
    fn of_one(&mut self, items: Vec<Item>) -> Vec<Said> {
        if let Some(evidence) = &mut self.apart {
            evidence.told.extend(items.iter().map(told));
        }
        items.into_iter().map(|item| Said { machine: None, item }).collect()
    }

    /// What the one engine holds back, before what it yields at last.
    fn with_held(&mut self, items: Vec<Item>) -> Vec<Said> {
        let mut all = self.apart.as_mut().map(|evidence| std::mem::take(&mut evidence.held)).unwrap_or_default();
        all.extend(items);
        self.of_one(all)
    }

    /// Takes a whole line without its end, which stands at an offset of the log; yields what it completed for its machine.
    pub fn line(&mut self, line: &[u8], offset: u64) -> Vec<Said> {
        // A long line comes in pieces.
        if offset != self.end {
            self.count += 1;
        }
        self.end = offset + line.len() as u64;
        let mut said = Vec::new();
        let place = (offset, self.count);
        if self.one.is_none() {
            self.hand_on(line, place, &mut said);
            if !self.told.is_empty() {
                said.retain(|said| !self.told.contains(&told(&said.item)));
                self.told.retain(|(_, at)| *at >= offset);
            }
        } else if self.apart.as_mut().is_some_and(|evidence| evidence.take(line, place)) {
            self.tell_apart(&mut said);
        }
        said
    }

    /// Closes the reports that are open.
    pub fn flush(&mut self) -> Vec<Said> {
        let mut said: Vec<Said> = self.machines.iter_mut().flat_map(Machine::flush).collect();
        let items = self.one.as_mut().map(Engine::flush).unwrap_or_default();
        said.extend(self.with_held(items));
        said
    }

    /// Ends the log.
    pub fn finish(&mut self) -> Vec<Said> {
        let ended = |engine: &mut Engine| {
            let blank = Engine::new(Options::named(""));
            std::mem::replace(engine, blank).finish().0
        };
        let mut said: Vec<Said> = self.machines.iter_mut().flat_map(|machine| machine.said(ended)).collect();
        let items = self.one.take().map(|engine| engine.finish().0).unwrap_or_default();
        said.extend(self.with_held(items));
        self.machines.clear();
        said
    }

    /// Those of several machines that have open reports, and how much was read of each, bytes.
    pub fn open_machines(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        let open = self.machines.iter().filter(|machine| machine.open > 0);
        open.map(|machine| (&machine.name, machine.read.0))
    }

    /// Closes the open reports of one of several machines.
    pub fn flush_machine(&mut self, name: &str) -> Vec<Said> {
        let machine = self.machines.iter_mut().find(|machine| &*machine.name == name);
        machine.map(Machine::flush).unwrap_or_default()
    }

    /// Whether the lines are those of several machines.
    #[must_use]
    pub fn are_several(&self) -> bool {
        !self.machines.is_empty()
    }

    /// What is to be said of the machines, once.
    pub fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Each machine gets its own lines from now on, and those that were kept.
    fn tell_apart(&mut self, said: &mut Vec<Said>) {
        let Some(evidence) = self.apart.take() else { return };
        self.one = None;
        self.news = Some("the log holds the lines of several machines: each is read by itself".to_owned());
        for (number, (start, offset, count)) in evidence.lines.iter().enumerate() {
            let end = evidence.lines.get(number + 1).map_or(evidence.text.len(), |(next, ..)| *next);
            self.hand_on(&evidence.text[*start..end - 1], (*offset, *count), said);
        }
        said.retain(|said| !evidence.told.contains(&told(&said.item)));
        self.told = evidence.told;
    }

    /// Gives a line to its machine; those of machines whose kernel says nothing are nobody's.
    fn hand_on(&mut self, line: &[u8], place: (u64, u64), said: &mut Vec<Said>) {
        if let Some(host) = host_of(line) {
            self.last = self.machine(&line[host.at], host.kernel);
        }
        if let Some(machine) = self.last.and_then(|number| self.machines.get_mut(number)) {
            said.extend(machine.take(line, place));
        }
    }

    fn machine(&mut self, name: &[u8], kernel: bool) -> Option<usize> {
        if let Some(number) = self.names.get(name) {
            return Some(*number);
        }
        if !kernel {
            return None;
        }
        let known = self.machines.iter().position(|machine| is_same(machine.name.as_bytes(), name));
        if known.is_none() && self.machines.len() == MOST {
            self.news = Some(format!("more than {MOST} machines: the lines of further ones are not read"));
            return None;
        }
        let number = known.unwrap_or_else(|| {
            self.machines.push(Machine::new(&String::from_utf8_lossy(name), &self.options));
            self.machines.len() - 1
        });
        if self.names.len() < NAMES {
            self.names.insert(name.to_vec(), number);
        }
        Some(number)
    }
}

/// The lines of one machine in a part of a log that begins with one of them.
#[must_use]
pub fn lines_of(machine: &str, text: &[u8]) -> Vec<u8> {
    let mut own = true;
    let mut kept = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if let Some(host) = host_of(line) {
            own = is_same(machine.as_bytes(), &line[host.at]);
        }
        if own {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::read_items;
    use crate::intake::{Content, each_machine_in};
    use std::fmt::Write as _;
    use std::ops::ControlFlow;

    /// A crash of one machine and a warning of another, as a log server writes them, behind lines of one and before lines of both.
    fn both(calm: usize, below: usize) -> String {
        let crash = "BUG: unable to handle page fault for address: ffffc900\nOops: 0000 [#1] SMP\n\
            CPU: 1 PID: 7 Comm: lampd Not tainted 6.12.0 #1\nRIP: 0010:lamp_dim+0x1b/0x40\nCall Trace:\n <TASK>\n\
            lamp_store+0x2f/0x60\n vfs_write+0x2ba/0x450\n </TASK>\n---[ end trace 0000000000000000 ]---";
        let warning = "------------[ cut here ]------------\nWARNING: CPU: 3 PID: 8 at door.c:8 door_open+0x5c/0x70\n\
            CPU: 3 PID: 8 Comm: porter Not tainted 6.9.0 #1\nRIP: 0010:door_open+0x5c/0x70\nCall Trace:\n <TASK>\n\
            door_ioctl+0x1f/0x30\n do_syscall_64+0x5d/0x90\n </TASK>\n---[ end trace 0000000000000000 ]---";
        let mut log = String::new();
        let mut line = |second: usize, host: &str, up: usize, text: &str| {
            let _ =
                writeln!(log, "Nov  3 10:{:02}:{:02} {host} kernel: [{up:5}.000000] {text}", second / 60, second % 60);
        };
        for second in 0..calm {
            line(second, "alpha", 5000 + second, "lamp: on");
        }
        for (number, (one, other)) in crash.lines().zip(warning.lines()).enumerate() {
            line(calm + number, "alpha", 5000 + calm + number, one);
            line(calm + number, "beta.example.org", 60 + number, other);
        }
        for second in 30..30 + below {
            line(calm + second, "beta", 60 + second, "door: shut");
            line(calm + second, "alpha", 5000 + calm + second, "lamp: off");
        }
        log
    }

    /// Without the domain: who reads all of a log may know that the machine is also called so.
    fn short(name: &str) -> String {
        name.split('.').next().unwrap_or_default().to_owned()
    }

    /// What is found in pieces of so many bytes: machine, what it is, line, start and title.
    fn followed(log: &str, size: usize) -> Vec<(String, Kind, u64, u64, String)> {
        let mut followed = Followed::new(Options { opened: true, ..Options::named("x") });
        followed.look_for_machines();
        let mut said = Vec::new();
        let (mut read, mut lines) = (0, 0);
        for piece in log.as_bytes().chunks(size) {
            said.extend(followed.push(piece));
            read += piece.len();
            while let Some(length) = log[lines..read].find('\n') {
                said.extend(followed.line(&log.as_bytes()[lines..lines + length], lines as u64));
                lines += length + 1;
            }
            said.extend(followed.release());
        }
        said.extend(followed.finish());
        let mut all: Vec<_> = said
            .into_iter()
            .map(|Said { machine, item }| {
                let (line, title) = match &item {
                    Item::Closed(report) => (report.line, report.title.clone()),
                    _ => (0, String::new()),
                };
                let (kind, start) = told(&item);
                // The first lines may be told before it is known whose they are.
                let machine = machine.filter(|_| kind != Kind::Opened);
                (short(machine.as_deref().unwrap_or_default()), kind, line, start, title)
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn each_machine_says_what_its_own_log_says() {
        for (calm, below) in [(0, 0), (3, 2000), (700, 20)] {
            let log = both(calm, below);
            let mut wanted = Vec::new();
            each_machine_in("x", log.clone().into_bytes(), &mut |machine| {
                let Ok(Content::Text(text, _)) = machine.content else { panic!("a text") };
                for mut item in read_items(Options { opened: true, ..Options::named("x") }, text.log()) {
                    text.settle(&mut item);
                    let (kind, start) = told(&item);
                    wanted.push(match item {
                        Item::Closed(report) => (short(&machine.name[2..]), kind, report.line, start, report.title),
                        _ => (String::new(), kind, 0, start, String::new()),
                    });
                }
                ControlFlow::Continue(())
            });
            wanted.sort();
            assert_eq!(wanted.len(), 4, "{wanted:?}");
            for size in [1, 7, 200, 1 << 20] {
                assert_eq!(followed(&log, size), wanted, "{calm} lines before, pieces of {size}");
            }
        }
    }

    #[test]
    fn one_machine_says_the_same_as_ever() {
        let log: String =
            both(3, 0).lines().filter(|line| line.contains("alpha")).fold(String::new(), |log, line| log + line + "\n");
        let renamed = log.replacen("alpha", "installer", 2);
        // One clock under two names, which is not in order yet at first.
        let named = |(number, line): (usize, &str)| match number % 2 {
            0 => format!("{line}\n"),
            _ => format!("{}\n", line.replacen("alpha", "ALPHA", 1)),
        };
        let early: String = log.replace("[ 50", "[  0").lines().enumerate().map(named).collect();
        for log in [log, renamed, early] {
            let items = read_items(Options { opened: true, ..Options::named("x") }, log.as_bytes());
            let wanted: Vec<_> = items.iter().map(told).collect();
            let found: Vec<_> =
                followed(&log, 50).into_iter().map(|(machine, kind, _, start, _)| (machine, kind, start)).collect();
            assert_eq!(found, wanted.into_iter().map(|(kind, start)| (String::new(), kind, start)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_machine_has_its_lines_in_a_part_of_the_log() {
        let log = "Nov  3 10:00:01 alpha kernel: one\nNov  3 10:00:01 beta kernel: x\n  more\n\
            Nov  3 10:00:02 alpha.example.org kernel: two\n  more";
        let wanted = "Nov  3 10:00:01 alpha kernel: one\nNov  3 10:00:02 alpha.example.org kernel: two\n  more";
        assert_eq!(String::from_utf8_lossy(&lines_of("alpha", log.as_bytes())), wanted);
    }
}
