//! The lines of a log that a log server gave out, with the machines that it names for them.

use crate::input::Inside;

/// The lines of an export.
#[derive(Debug)]
pub(super) struct Exported {
    /// The lines, and where they stood.
    pub(super) inside: Inside,
    /// From where on, bytes of the text, lines are of which machine; ascending, empty where the export names none.
    pub(super) hosts: Vec<(usize, Vec<u8>)>,
    /// Whether the machines' lines stood in places of their own: whatever their names and order, these are several logs.
    pub(super) apart: bool,
}

impl Exported {
    pub(super) fn of(length: usize) -> Self {
        Inside::of(length).into()
    }

    /// Says which machine the lines are of that are appended next.
    pub(super) fn begin_host(&mut self, name: &[u8]) {
        if self.hosts.last().is_none_or(|(_, last)| last != name) {
            self.hosts.push((self.inside.text.len(), name.to_vec()));
        }
    }
}

impl From<Inside> for Exported {
    fn from(inside: Inside) -> Self {
        Self { inside, hosts: Vec::new(), apart: false }
    }
}
