//! What it costs to search for the kinds of a grammar.

use super::load::RARITY;
use super::plan::rarity::COMMON;
use super::plan::sought::Role;
use super::{Grammar, Place};
use std::collections::BTreeMap;

/// How the lines of a user's event or header are found.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Its id.
    pub id: String,
    /// Where it is written.
    pub place: Place,
    /// The texts that are searched for, each of its lines holding one.
    pub searched: Vec<Searched>,
}

/// A text that is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// The text.
    pub text: String,
    /// About which share of ordinary lines holds the rarest four bytes of it, 0 to 1: those lines are looked at more closely.
    pub share: f64,
}

impl Searched {
    /// Whether so many ordinary lines hold it that it slows the search down.
    #[must_use]
    pub fn is_common(&self) -> bool {
        self.share > COMMON
    }
}

/// The costs of all entries of the user's files.
#[must_use]
pub fn costs(grammar: &Grammar) -> Vec<Cost> {
    let mut searched: BTreeMap<(bool, usize), Vec<Searched>> = BTreeMap::new();
    for row in &grammar.sought {
        let key = match row.role {
            Role::Header(at) => (false, at),
            Role::Event(at) | Role::Demanded(at) => (true, at),
            _ => continue,
        };
        let share = RARITY.rarest(&row.text);
        searched.entry(key).or_default().push(Searched { text: row.text.clone(), share });
    }
    let entry = |((is_event, at), searched): ((bool, usize), Vec<Searched>)| {
        let (id, place) = if is_event {
            let event = grammar.events.get(at)?;
            (&event.id, &event.place)
        } else {
            let header = grammar.headers.get(at)?;
            (&header.id, &header.place)
        };
        grammar.own_files.contains(&place.file).then(|| Cost { id: id.clone(), place: place.clone(), searched })
    };
    searched.into_iter().filter_map(entry).collect()
}
