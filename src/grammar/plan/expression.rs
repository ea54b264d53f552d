//! Regular expressions of the grammar files: their macros, their structure, and the plain text that they demand.

use super::literal::{cheapest, choices, groups, runs, spelled};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use std::borrow::Cow;

/// `{{NAME}}` → regular expression. They mirror the tokens that crash reports are made of.
const MACROS: [(&str, &str); 3] = [
    // A function: its compiler suffixes (`.isra.0`, `.cold`) and `+0x1/0x2` are not part of the name.
    ("{{FN}}", "(?P<FN>[A-Za-z0-9_]+)[.+]"),
    // An address in brackets, as old kernels print before each frame.
    ("{{PC}}", r"\[<?(?:0x)?[0-9a-f]+>?\]"),
    // A source line.
    ("{{SRC}}", r"[A-Za-z0-9\-_/.]+\.[a-z]+:[0-9]+"),
];

/// Whether an expression stands for its own text.
pub(crate) fn is_plain(source: &str) -> bool {
    !source.is_empty() && !source.contains(['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'])
}

/// The expression without macros.
pub(crate) fn expanded(source: &str) -> String {
    MACROS.iter().fold(source.to_owned(), |text, (name, expression)| text.replace(name, expression))
}

/// Why a text is not an expression, in the words of the regular-expression compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError(String);

impl ExpressionError {
    /// The compiler draws a picture; its last line is the sentence.
    pub(crate) fn of(error: &impl ToString) -> Self {
        Self(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    }
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ExpressionError {}

/// The structure of an expression.
///
/// # Errors
/// [`ExpressionError`].
pub(crate) fn parse(source: &str) -> Result<Hir, ExpressionError> {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(&expanded(source));
    parsed.map_err(|error| ExpressionError::of(&error))
}

/// The texts that an expression stands for, if they are not many and where they stand does not matter.
pub(crate) fn spellings(source: &str) -> Option<Vec<Vec<u8>>> {
    spelled(&parse(source).ok()?)
}

/// All runs of plain text that every match contains, in order.
pub(crate) fn required_literals(source: &str) -> Vec<String> {
    if is_plain(source) {
        return vec![source.to_owned()];
    }
    let found = parse(source).map(|parsed| runs(&parsed)).unwrap_or_default();
    found.into_iter().filter_map(|run| String::from_utf8(run).ok()).filter(|run| !run.is_empty()).collect()
}

/// The texts of which every match contains at least one, so chosen that `cost` is least; `None` where no text is
/// demanded.
pub(crate) fn demands(source: &str, cost: &dyn Fn(&[u8]) -> f64) -> Option<Vec<String>> {
    let found = cheapest(choices(&parse(source).ok()?, cost), cost)?;
    found.into_iter().map(|text| String::from_utf8(text).ok()).collect()
}

/// The names of its groups, those of the macros included.
///
/// # Errors
/// [`ExpressionError`].
pub(crate) fn group_names(source: &str) -> Result<Vec<String>, ExpressionError> {
    let mut found = Vec::new();
    groups(&parse(source)?, &mut found);
    Ok(found)
}

/// The text that an expression stands for, if it stands for just one and that can be seen without parsing it.
pub(crate) fn unescaped(source: &str) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(source.len());
    let mut bytes = source.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next()? {
                escaped if escaped.is_ascii_punctuation() => text.push(escaped),
                _ => return None,
            },
            b'.' | b'+' | b'*' | b'?' | b'(' | b')' | b'|' | b'[' | b']' | b'{' | b'}' | b'^' | b'$' => return None,
            byte => text.push(byte),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// One expression that matches where any of the given ones does.
pub(crate) fn any<'a>(sources: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<String> = sources.into_iter().map(|source| format!("(?:{source})")).collect();
    if parts.is_empty() { "[^\\x00-\\xff]".into() } else { parts.join("|") }
}

/// One expression that matches where any of the given texts stands.
pub(crate) fn any_text(texts: &[String]) -> String {
    let escaped: Vec<String> = texts.iter().map(|text| escape(text)).collect();
    any(escaped.iter().map(String::as_str))
}

/// An expression that others may stand beside, whatever alternatives it has.
pub(crate) fn grouped(source: &str) -> Cow<'_, str> {
    if source.contains('|') { Cow::Owned(format!("(?:{source})")) } else { Cow::Borrowed(source) }
}

/// A glob of the blame list as an expression: `*` crosses folders, and the beginning of a path is enough.
pub(crate) fn of_glob(glob: &str) -> String {
    let mut expression = String::with_capacity(glob.len() + 16);
    expression.push('^');
    for char in glob.chars() {
        match char {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => push_escaped(&mut expression, other),
        }
    }
    expression
}

/// The expression that matches a text.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    text.chars().for_each(|char| push_escaped(&mut escaped, char));
    escaped
}

fn push_escaped(expression: &mut String, char: char) {
    if !char.is_alphanumeric() && char.is_ascii() && char != ' ' && char != '_' {
        expression.push('\\');
    }
    expression.push(char);
}

#[cfg(test)]
mod tests {
    use super::demands;

    #[test]
    fn what_a_match_demands_is_spelled_by_its_parts() {
        // Short texts are expensive.
        let cost = |text: &[u8]| if text.len() < 9 { 1.0 } else { 0.1 };
        for (source, want) in [
            ("mydrv:? (?:error|failure)", vec!["mydrv error", "mydrv: error", "mydrv failure", "mydrv: failure"]),
            ("lamp(?:: x|cd) lit", vec!["lamp: x lit", "lampcd lit"]),
        ] {
            let mut found = demands(source, &cost).expect("something is demanded");
            found.sort();
            let mut want: Vec<String> = want.into_iter().map(String::from).collect();
            want.sort();
            assert_eq!(found, want, "{source}");
        }
        // Neither many parts nor many levels take long.
        let wide = format!("abcd {}", "[a-z]x?y".repeat(2000));
        let deep = (0..60).fold("z".to_owned(), |inner, _| format!("(?:a|b{inner}[0-9])"));
        for source in [wide, format!("abcd {deep}")] {
            assert!(demands(&source, &cost).is_some_and(|found| !found.is_empty()));
        }
    }
}
