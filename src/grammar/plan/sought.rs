//! The texts that the scanner looks for, and what each says of its line.

use super::aligned::RUN;
use super::expression::{demands, required_literals};
use super::rarity::{COMMON, Rarity};
use super::source::{Event, Header, Output};
use super::windows::cost;
use std::collections::BTreeMap;

/// What a text says of the line that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It may open a report of this header.
    Header(usize),
    /// It may be this line of a side effect.
    Suppressed(usize),
    /// The kernel panicked.
    Panicked,
    /// The console was cut off.
    Disconnected,
    /// The line before it will be printed again.
    Replayed,
    /// It ends the report above.
    AlwaysSecond,
    /// A boot passes one of its marks.
    Boot,
    /// The log says that something is missing.
    Gap,
    /// It names the program of a test executor.
    Executor,
    /// It may be this event.
    Event(usize),
    /// The same, by what the event's pattern demands: whether the line holds a trigger is still to be seen.
    Demanded(usize),
}

/// Which searches look for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Where only syzbot's crashes count, it is left out.
    NotAsSyzbot,
    Events,
    /// The analysis of locks has no use for the event.
    AllEvents,
    Gaps,
}

/// A text that is looked for.
#[derive(Debug)]
pub(crate) struct Sought {
    pub(crate) text: String,
    pub(crate) role: Role,
    when: When,
}

/// Which events are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Events {
    /// None: only reports.
    None,
    /// Those that the analysis of locks may have a use for.
    OfLocks,
    /// All of them.
    All,
}

impl Events {
    /// Each choice.
    pub const ALL: [Self; 3] = [Self::None, Self::OfLocks, Self::All];
}

/// Which search is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variant {
    /// Events, too.
    pub(crate) events: Events,
    /// What a log says is missing, too.
    pub(crate) gaps: bool,
    /// Only the crashes that syzbot knows.
    pub(crate) as_syzbot: bool,
}

impl Variant {
    /// How many there are.
    pub(crate) const COUNT: usize = 4 * Events::ALL.len();

    /// Its number, below [`Variant::COUNT`].
    pub(crate) fn number(self) -> usize {
        self.events as usize + Events::ALL.len() * (usize::from(self.gaps) + 2 * usize::from(self.as_syzbot))
    }

    fn wants(self, when: When) -> bool {
        match when {
            When::Always => true,
            When::NotAsSyzbot => !self.as_syzbot,
            When::Events => self.events >= Events::OfLocks,
            When::AllEvents => self.events == Events::All,
            When::Gaps => self.gaps,
        }
    }
}

/// Texts of lines that no grammar file names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks<'a> {
    /// Of a boot's lines, those of the kernel itself: nearly every boot prints one of them.
    pub(crate) kernel_boots: &'a [&'a str],
    /// Of all lines of a boot.
    pub(crate) boots: &'a [&'a str],
    /// Of lines that say that something is missing.
    pub(crate) gaps: &'a [&'a str],
    /// Of lines that name a test executor's program.
    pub(crate) executor: &'a str,
}

/// By which texts lines of an event are searched for, each of its lines holding one: its triggers, or what its pattern
/// demands where that costs less.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Signs {
    /// Its triggers.
    Triggers,
    /// These.
    Demanded(Vec<String>),
}

/// The signs of an event.
pub(crate) fn signs(event: &Event, rarity: Rarity<'_>) -> Signs {
    if event.trigger.iter().all(|text| text.len() >= RUN && rarity.rarest(text) <= COMMON) {
        return Signs::Triggers;
    }
    // A pattern is tried on the message; what a wrapper writes in another way is not found in the line.
    let is_bare = |text: &str| !text.contains(['"', '\\', '<', '>', '&', '\'', '\t']) && text.is_ascii();
    let price = |text: &[u8]| match std::str::from_utf8(text) {
        Ok(text) if is_bare(text) => cost(text, rarity),
        _ => f64::INFINITY,
    };
    let sum = |texts: &[String]| texts.iter().map(|text| price(text.as_bytes())).sum::<f64>();
    let triggers = event.trigger.iter().map(|text| cost(text, rarity)).sum();
    match demands(&event.pattern, &price) {
        Some(demanded) if sum(&demanded) < triggers => Signs::Demanded(demanded),
        _ => Signs::Triggers,
    }
}

/// Of the texts that an expression demands, the one that is rarest in ordinary lines; empty if there is none.
pub(crate) fn rarest_demanded(source: &str, rarity: Rarity<'_>) -> String {
    let demanded = required_literals(source);
    let rare = |text: &String| rarity.rarest(text);
    demanded.into_iter().min_by(|one, other| rare(one).total_cmp(&rare(other))).unwrap_or_default()
}

/// All texts that any search looks for.
pub(crate) fn sought<'a>(
    headers: impl Iterator<Item = &'a Header>,
    output: &Output,
    suppressed: &[String],
    events: impl Iterator<Item = (&'a Event, &'a Signs)>,
    marks: Marks<'_>,
) -> Vec<Sought> {
    let mut found: Vec<Sought> = Vec::new();
    let mut add = |text: &str, role, when| {
        if !text.is_empty() {
            found.push(Sought { text: text.to_owned(), role, when });
        }
    };
    for (at, header) in headers.enumerate().filter(|(_, header)| !header.ends_log) {
        let when = if header.syzbot { When::Always } else { When::NotAsSyzbot };
        header.text.iter().for_each(|text| add(text, Role::Header(at), when));
    }
    for (at, text) in suppressed.iter().enumerate() {
        add(text, Role::Suppressed(at), When::Always);
    }
    for (texts, role) in [
        (&output.panicked, Role::Panicked),
        (&output.disconnected, Role::Disconnected),
        (&output.replayed, Role::Replayed),
        (&output.always_second, Role::AlwaysSecond),
    ] {
        texts.iter().for_each(|text| add(text, role, When::Always));
    }
    add(marks.executor, Role::Executor, When::Always);
    for text in marks.boots {
        let when = if marks.kernel_boots.contains(text) { When::Always } else { When::Gaps };
        add(text, Role::Boot, when);
    }
    marks.gaps.iter().for_each(|text| add(text, Role::Gap, When::Gaps));
    for (at, (event, signs)) in events.enumerate() {
        let when = if event.tells_of_locks() { When::Events } else { When::AllEvents };
        let (texts, role) = match signs {
            Signs::Triggers => (&event.trigger, Role::Event(at)),
            Signs::Demanded(texts) => (texts, Role::Demanded(at)),
        };
        for text in texts {
            // What holds a trigger needs no other.
            let triggers = event.trigger.iter().any(|trigger| text.contains(trigger.as_str()));
            add(text, if triggers { Role::Event(at) } else { role }, when);
        }
    }
    found
}

/// The texts of one search, each once, in order, with what it says.
pub(crate) fn texts(sought: &[Sought], variant: Variant) -> BTreeMap<&str, Vec<Role>> {
    let mut roles: BTreeMap<&str, Vec<Role>> = BTreeMap::new();
    for row in sought.iter().filter(|row| variant.wants(row.when)) {
        roles.entry(&row.text).or_default().push(row.role);
    }
    roles
}
