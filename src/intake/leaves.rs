//! The strings of a JSON document, with the place of each, and the machine that the document names for it.

use crate::line::{is_host_name, names_host};
use std::collections::HashMap;
use std::ops::Range;

/// A string that is a value, without its quotes.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// Which of the document's places it stands at, by number; elements of one list share one.
    pub(super) place: usize,
    pub(super) at: Range<usize>,
    /// The name of its machine.
    pub(super) host: Option<Range<usize>>,
}

/// Where the scan is: in an object below a key, or in a list.
enum Level {
    Object {
        key: Range<usize>,
        /// Its number among the objects.
        number: usize,
    },
    /// Elements of a list are at one place, those of a list in a list each at its own: `[["17", "line"], …]`.
    List { index: usize, inner: bool },
}

/// An object, as far as it says of which machine its lines are.
#[derive(Default)]
struct Object {
    /// The object that it is in.
    outer: Option<usize>,
    /// The name that it gives itself.
    own: Option<Range<usize>>,
    /// What objects in it name: labels stand in one of their own beside the lines.
    within: Name,
}

/// The name of a machine in the objects of an object.
#[derive(Clone, Default)]
enum Name {
    #[default]
    None,
    At(Range<usize>),
    Several,
}

/// The strings of a document that are values. The text is known to be a document.
pub(super) fn strings(text: &[u8]) -> Vec<Leaf> {
    let (mut leaves, mut levels, mut known) = (Vec::new(), Vec::new(), HashMap::new());
    let (mut objects, mut inner): (Vec<Object>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    let innermost = |levels: &[Level]| {
        levels
            .iter()
            .rev()
            .find_map(|level| if let Level::Object { number, .. } = level { Some(*number) } else { None })
    };
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',')) {
        at += found;
        match text[at] {
            b'{' => {
                objects.push(Object { outer: innermost(&levels), ..Object::default() });
                levels.push(Level::Object { key: 0..0, number: objects.len() - 1 });
            }
            b'[' => {
                let inner = matches!(levels.last(), Some(Level::List { .. }));
                levels.push(Level::List { index: 0, inner });
            }
            b'}' | b']' => drop(levels.pop()),
            b',' => {
                if let Some(Level::List { index, .. }) = levels.last_mut() {
                    *index += 1;
                }
            }
            _ => {
                let inside = at + 1..end_of_string(text, at + 1);
                at = inside.end;
                let is_key = text[(at + 1).min(text.len())..].trim_ascii_start().starts_with(b":");
                match levels.last_mut() {
                    Some(Level::Object { key, .. }) if is_key => *key = inside,
                    _ => {
                        if let Some(levels) = named_in(text, &levels, &inside) {
                            name_host(text, &mut objects, innermost(levels), &inside);
                        }
                        let count = known.len();
                        let place = *known.entry(path(text, &levels)).or_insert(count);
                        inner.push(innermost(&levels));
                        leaves.push(Leaf { place, at: inside, host: None });
                    }
                }
            }
        }
        at += 1;
    }
    for (leaf, inner) in leaves.iter_mut().zip(inner) {
        leaf.host = host_in(&objects, inner);
    }
    leaves
}

/// The levels of the object that a string names the machine of: `"host": "alpha"`, or, one above, `"host": {"name": "alpha"}`.
fn named_in<'a>(text: &[u8], levels: &'a [Level], value: &Range<usize>) -> Option<&'a [Level]> {
    let key = |level: &Level| match level {
        Level::Object { key, .. } => &text[key.clone()],
        Level::List { .. } => b"",
    };
    let (last, above) = levels.split_last().filter(|_| is_host_name(&text[value.clone()]))?;
    if names_host(key(last)) {
        return Some(levels);
    }
    above.last().filter(|outer| key(last) == b"name" && names_host(key(outer))).map(|_| above)
}

/// Gives an object the name of its machine, the first one that it has, and tells those that it is in.
fn name_host(text: &[u8], objects: &mut [Object], innermost: Option<usize>, name: &Range<usize>) {
    let Some(object) = innermost.and_then(|number| objects.get_mut(number)).filter(|object| object.own.is_none())
    else {
        return;
    };
    object.own = Some(name.clone());
    let mut next = object.outer;
    while let Some(object) = next.and_then(|number| objects.get_mut(number)) {
        object.within = match &object.within {
            Name::None => Name::At(name.clone()),
            Name::At(other) if text[other.clone()] == text[name.clone()] => return,
            Name::At(_) | Name::Several => Name::Several,
        };
        next = object.outer;
    }
}

/// The name of the machine of an object, or of one that it is in.
fn host_in(objects: &[Object], innermost: Option<usize>) -> Option<Range<usize>> {
    let mut next = innermost;
    while let Some(object) = next.and_then(|number| objects.get(number)) {
        match (&object.own, &object.within) {
            (Some(name), _) | (None, Name::At(name)) => return Some(name.clone()),
            (None, Name::Several) => return None,
            (None, Name::None) => next = object.outer,
        }
    }
    None
}

/// The place of a quote that ends a string.
fn end_of_string(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// The place that the levels lead to: elements of the innermost list share it, those of a list in that one do not.
fn path(text: &[u8], levels: &[Level]) -> Vec<u8> {
    let shared = levels.iter().rposition(|level| matches!(level, Level::List { inner: false, .. }));
    let mut path = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        match level {
            Level::Object { key, .. } => path.extend_from_slice(&text[key.clone()]),
            Level::List { .. } if Some(at) == shared => {}
            Level::List { index, .. } => path.extend_from_slice(index.to_string().as_bytes()),
        }
        path.push(b'\n');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strings that are lines, with the machine of each.
    fn lines(text: &str) -> Vec<(&str, Option<&str>)> {
        let leaves = strings(text.as_bytes()).into_iter();
        let shown = leaves.map(|leaf| (&text[leaf.at], leaf.host.map(|host| &text[host])));
        shown.filter(|(text, _)| text.starts_with("line")).collect()
    }

    #[test]
    fn lines_have_the_machine_of_their_object() {
        let records = r#"{"hits": [
            {"_source": {"agent": {"hostname": "collector"}, "host": {"ip": ["::1"], "name": "alpha"}, "message": "line 1"}},
            {"_source": {"message": "line 2", "host": {"name": "beta"}, "agent": {"hostname": "collector"}}},
            {"_source": {"message": "line 3"}}]}"#;
        assert_eq!(lines(records), [("line 1", Some("alpha")), ("line 2", Some("beta")), ("line 3", None)]);
        let streams = r#"{"result": [
            {"stream": {"host": "alpha", "instance": "10.0.0.1:9100"}, "values": [["1", "line 1"], ["2", "line 2"]]},
            {"stream": {"host": "beta", "instance": "10.0.0.2:9100"}, "values": [["1", "line 3"]]}]}"#;
        let wanted = [("line 1", Some("alpha")), ("line 2", Some("alpha")), ("line 3", Some("beta"))];
        assert_eq!(lines(streams), wanted);
    }
}
