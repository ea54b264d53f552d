//! Title templates: text with names in braces, each of which is filled once.

use std::borrow::Cow;

/// Most values of a template have together no more bytes.
const USUAL_VALUES: usize = 64;

/// The template with a value for each `{name}`; one without a value stays empty. What a value holds is never a template.
pub fn fill<'v>(template: &str, mut value: impl FnMut(&str) -> Option<Cow<'v, [u8]>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len() + USUAL_VALUES);
    let mut rest = template;
    while let Some((before, name, after)) = next(rest) {
        out.extend_from_slice(before.as_bytes());
        out.extend_from_slice(&value(name).unwrap_or_default());
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// The names in braces, in order.
#[must_use]
pub fn placeholders(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, name, after)) = next(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// What is before the next `{name}`, the name, and what is after it.
fn next(template: &str) -> Option<(&str, &str, &str)> {
    let open = memchr::memchr(b'{', template.as_bytes())?;
    let close = open + memchr::memchr(b'}', &template.as_bytes()[open..])?;
    Some((&template[..open], &template[open + 1..close], &template[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_value_is_not_a_template() {
        let value = |name: &str| match name {
            "what" => Some(Cow::Borrowed(&b"{device} {what}"[..])),
            "device" => Some(Cow::Borrowed(&b"sda"[..])),
            _ => None,
        };
        assert_eq!(fill("{what} on {device}, {nobody}{", value), b"{device} {what} on sda, {");
    }

    #[test]
    fn placeholders_are_listed_in_order() {
        assert_eq!(placeholders("a {F1} b {kind}/{F1} {open"), ["F1", "kind", "F1"]);
    }
}
