//! The machines of a log that goes on: what a log server writes is followed with an engine for each of them.
//!
//! One engine reads all lines until they show that they are several machines' (as in `machines.rs`); what was said until then is not
//! said again. The lines that name no machine are those of the line above.

use super::machines::{MOST, are_surely_several, is_same};
use super::text::renumber;
use crate::engine::{Engine, Item, Options};
use crate::line::host_of;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So much is kept for the moment when the lines turn out to be several machines', bytes.
const KEPT: usize = 512 << 10;
/// So many names are known at once.
const NAMES: usize = 4 * MOST;
/// So many changes from name to name are looked at one by one, later ones ever less often.
const CHANGES: usize = 64;
/// Places of a machine's lines that are known: a report has fewer.
const PLACES: usize = 4096;
/// When the name changes, what is whole waits for so many lines: it may be made of two machines' lines.
const DOUBTFUL: u64 = 256;

/// What was found, and in which machine's lines if the log holds those of several.
#[derive(Debug, Clone)]
pub struct Said {
    /// The machine's name.
    pub machine: Option<Arc<str>>,
    /// What was found, with the lines and offsets of the log.
    pub item: Item,
}

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

/// What shows whether there are several machines.
#[derive(Debug, Default)]
struct Evidence {
    /// The last lines, from the first on that names a machine.
    text: Vec<u8>,
    /// Where each of them begins in the text, its offset in the log and its number there.
    lines: Vec<(usize, u64, u64)>,
    /// The name in the last line that has one.
    name: Vec<u8>,
    /// How often that was another one than before.
    changes: usize,
    /// The first line behind which such a change is no reason to wait any more.
    sure: u64,
    /// What waits.
    held: Vec<Item>,
    /// What the one engine has told of these lines.
    told: HashSet<(Kind, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Opened,
    Closed,
    Event,
}

/// One of several machines.
#[derive(Debug)]
struct Machine {
    name: Arc<str>,
    engine: Engine,
    /// Bytes and lines that the engine has read.
    read: (u64, u64),
    /// How many of its reports are open.
    open: usize,
    /// Where pieces of them stand.
    places: Vec<Place>,
}

/// Where lines of a machine that follow each other stand: offset and number of the first, among its own and in the log.
#[derive(Debug, Clone, Copy)]
struct Place {
    own: (u64, u64),
    log: (u64, u64),
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

/// By what a record is known again: the engine of its machine yields it with the same start.
fn told(item: &Item) -> (Kind, u64) {
    match item {
        Item::Opened { start, .. } => (Kind::Opened, *start),
        Item::Closed(report) => (Kind::Closed, report.start),
        Item::Event(event) => (Kind::Event, event.start),
    }
}

impl Evidence {
    /// Keeps a line; whether the lines show by now that they are several machines'.
    fn take(&mut self, line: &[u8], (offset, count): (u64, u64)) -> bool {
        let mut changed = false;
        if let Some(host) = host_of(line)
            && line[host.at.clone()] != *self.name
        {
            changed = !self.name.is_empty();
            // One machine may go by several names for ever.
            if changed && self.changes < CHANGES {
                self.sure = count + DOUBTFUL;
            }
            self.name = line[host.at].to_vec();
        }
        if self.name.is_empty() {
            // What was told of this line concerns none that is kept.
            self.told.retain(|(_, at)| *at > offset);
            return false;
        }
        if self.text.len() > 2 * KEPT {
            self.forget();
        }
        self.lines.push((self.text.len(), offset, count));
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.changes += usize::from(changed);
        changed && (self.changes <= CHANGES || self.changes.is_power_of_two()) && are_surely_several(&self.text)
    }

    /// Keeps only the last lines.
    fn forget(&mut self) {
        let from = self.lines.partition_point(|(start, ..)| *start < self.text.len() - KEPT);
        let Some((start, offset, _)) = self.lines.get(from).copied() else { return };
        self.text.drain(..start);
        self.lines.drain(..from);
        self.lines.iter_mut().for_each(|(at, ..)| *at -= start);
        self.told.retain(|(_, at)| *at >= offset);
    }
}

impl Machine {
    fn new(name: &str, options: &Options) -> Self {
        let options = Options { log: format!("{}/{name}", options.log), ..options.clone() };
        Self { name: name.into(), engine: Engine::new(options), read: (0, 0), open: 0, places: Vec::new() }
    }

    /// Takes a line that stands in the log at an offset, with this number.
    fn take(&mut self, line: &[u8], log: (u64, u64)) -> Vec<Said> {
        let own = (self.read.0, self.read.1 + 1);
        let follows =
            |last: &Place| (own.0 - last.own.0, own.1 - last.own.1) == (log.0 - last.log.0, log.1 - last.log.1);
        if !self.places.last().is_some_and(follows) {
            if self.places.len() == PLACES {
                self.places.drain(..PLACES / 2);
            }
            self.places.push(Place { own, log });
        }
        self.read = (own.0 + line.len() as u64 + 1, own.1);
        self.said(|engine| {
            let mut items = engine.push(line);
            items.extend(engine.push(b"\n"));
            items
        })
    }

    fn flush(&mut self) -> Vec<Said> {
        let said = self.said(Engine::flush);
        // One that the kernel took back is not closed.
        self.open = 0;
        said
    }

    /// What the engine yields, with the places of the log.
    fn said(&mut self, yields: impl FnOnce(&mut Engine) -> Vec<Item>) -> Vec<Said> {
        let items = yields(&mut self.engine);
        for item in &items {
            match item {
                Item::Opened { .. } => self.open += 1,
                Item::Closed(_) => self.open = self.open.saturating_sub(1),
                Item::Event(_) => {}
            }
        }
        let settled = |mut item| {
            renumber(&mut item, &|line| self.place(line, |place| place.1), &|offset| {
                self.place(offset, |place| place.0)
            });
            Said { machine: Some(Arc::clone(&self.name)), item }
        };
        items.into_iter().map(settled).collect()
    }

    /// The line or the offset in the log of one among the machine's own.
    fn place(&self, own: u64, part: impl Fn((u64, u64)) -> u64) -> u64 {
        let after = self.places.partition_point(|place| part(place.own) <= own);
        let place = self.places.get(after.saturating_sub(1));
        place.map_or(own, |place| part(place.log) + own.saturating_sub(part(place.own)))
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
    fn nothing_is_kept_without_end() {
        let mut followed = Followed::new(Options::named("x"));
        followed.look_for_machines();
        let line = format!("Nov  3 10:00:00 alpha kernel: [ 5000.000000] {}", "x".repeat(400));
        for number in 0..8 * KEPT / line.len() {
            followed.push(line.as_bytes());
            followed.push(b"\n");
            followed.line(line.as_bytes(), (number * (line.len() + 1)) as u64);
        }
        let evidence = followed.apart.expect("one machine so far");
        assert!(evidence.text.len() <= 2 * KEPT + 2 * line.len() && evidence.told.len() < 10);
        let mut machine = Machine::new("alpha", &Options::named("x"));
        for number in 0..3 * PLACES as u64 {
            machine.take(b"[    1.000000] lamp: on", (48 * number, 2 * number));
        }
        assert!(machine.places.len() <= PLACES);
        assert_eq!(machine.place(2 * PLACES as u64 + 1, |place| place.1), 4 * PLACES as u64);
    }

    #[test]
    fn a_machine_has_its_lines_in_a_part_of_the_log() {
        let log = "Nov  3 10:00:01 alpha kernel: one\nNov  3 10:00:01 beta kernel: x\n  more\n\
            Nov  3 10:00:02 alpha.example.org kernel: two\n  more";
        let wanted = "Nov  3 10:00:01 alpha kernel: one\nNov  3 10:00:02 alpha.example.org kernel: two\n  more";
        assert_eq!(String::from_utf8_lossy(&lines_of("alpha", log.as_bytes())), wanted);
    }
}
