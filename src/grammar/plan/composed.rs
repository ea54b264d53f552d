//! Expressions that are put together from the parts of an entry, and names without their signs.

use super::expression::grouped;
use super::source::Kind;

/// Lines between two patterns of `below`.
const LINES_BETWEEN: &str = r"(?:.*\n)+?.*";

/// The expression of a kind that goes on from its gate, if it does.
pub(crate) fn goes_on(kind: &Kind) -> Option<String> {
    if kind.then.is_empty() && kind.below.is_empty() {
        return None;
    }
    let mut whole = format!("{}{}", grouped(&kind.gate), grouped(&kind.then));
    for pattern in &kind.below {
        whole.push_str(LINES_BETWEEN);
        whole.push_str(&grouped(pattern));
    }
    Some(whole)
}

/// A pattern of a list of names without the signs that bind it to the ends of a name, and to which of them it is bound.
pub(crate) fn unbound(pattern: &str) -> (bool, &str, bool) {
    let (begins, core) = pattern.strip_prefix('^').map_or((false, pattern), |core| (true, core));
    let (ends, core) = core.strip_suffix('$').map_or((false, core), |core| (true, core));
    (begins, core, ends)
}
