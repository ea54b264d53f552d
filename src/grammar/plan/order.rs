//! The order in which the kinds of a header are tried: catch-alls last, and where a kind says `after`, behind that one.

use super::source::Kind;
use super::{Fault, Place};

/// Sorts the kinds of one header.
///
/// # Errors
/// An `after` that names no kind of the header, or a circle of them.
pub(super) fn ordered(kinds: Vec<(Place, Kind)>) -> Result<Vec<(Place, Kind)>, Fault> {
    let ids: Vec<String> = kinds.iter().map(|(_, kind)| kind.id.clone()).collect();
    let mut waiting = kinds;
    waiting.sort_by_key(|(_, kind)| kind.fallback);
    let mut placed: Vec<(Place, Kind)> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready =
            |kind: &Kind| kind.after.as_ref().is_none_or(|before| placed.iter().any(|(_, known)| known.id == *before));
        let Some(next) = waiting.iter().position(|(_, kind)| ready(kind)) else {
            let (place, kind) = waiting.swap_remove(0);
            let before = kind.after.unwrap_or_default();
            let message = if ids.contains(&before) {
                format!("kind '{}' comes after '{before}', which comes after it; leave out one `after`", kind.id)
            } else {
                format!(
                    "kind '{}' comes after '{before}', but header '{}' has no such kind; name one of: {}",
                    kind.id,
                    kind.header,
                    ids.iter().filter(|id| **id != kind.id).cloned().collect::<Vec<_>>().join(", ")
                )
            };
            return Err(Fault { place, message });
        };
        placed.push(waiting.remove(next));
    }
    Ok(placed)
}
