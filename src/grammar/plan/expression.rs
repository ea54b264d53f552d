//! Regular expressions of the grammar files: their macros, their structure, and the plain text that they demand.

use super::literal::{breaks_lines, cheapest, choices, groups, required, runs, spelled, texts};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

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

/// What of an expression is plain text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlainText {
    /// It stands for its own text.
    Whole,
    /// It stands for these texts and no other.
    OneOf(Vec<String>),
    /// The longest run of plain text that every match contains; empty when there is none.
    Needle(String),
}

/// The longest run of plain text that every match contains, for finding candidate lines. Empty when there is none.
pub(crate) fn required_literal(source: &str) -> String {
    match plain_text(source) {
        PlainText::Whole => source.to_owned(),
        PlainText::OneOf(texts) => <[String; 1]>::try_from(texts).map(|[text]| text).unwrap_or_default(),
        PlainText::Needle(needle) => needle,
    }
}

/// The texts that an expression stands for, if they are not many and where they stand does not matter.
pub(crate) fn spellings(source: &str) -> Option<Vec<Vec<u8>>> {
    spelled(&parse(source).ok()?)
}

/// What of an expression is plain text, by which its lines are looked for.
pub(crate) fn plain_text(source: &str) -> PlainText {
    if is_plain(source) {
        return PlainText::Whole;
    }
    let Ok(parsed) = parse(source) else { return PlainText::Needle(String::new()) };
    let spelled = |texts: Vec<Vec<u8>>| texts.into_iter().map(|text| String::from_utf8(text).ok()).collect();
    match texts(&parsed).and_then(spelled) {
        Some(texts) => PlainText::OneOf(texts),
        None => PlainText::Needle(String::from_utf8(required(&parsed)).unwrap_or_default()),
    }
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

/// Whether a match may hold a line break.
pub(crate) fn crosses_lines(source: &str) -> bool {
    parse(source).is_ok_and(|parsed| breaks_lines(&parsed))
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

/// The expression that matches a text.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        if !char.is_alphanumeric() && char.is_ascii() && char != ' ' && char != '_' {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{PlainText, demands, plain_text, required_literal};

    #[test]
    fn alternatives_of_plain_text_are_told() {
        let one_of = |texts: &[&str]| PlainText::OneOf(texts.iter().map(ToString::to_string).collect());
        assert_eq!(plain_text("(?:Kernel panic \\- x)|(?:WARNING: y)"), one_of(&["Kernel panic - x", "WARNING: y"]));
        assert_eq!(plain_text("(?:tainted)"), one_of(&["tainted"]));
        assert_eq!(plain_text(r"\*\*\* stack smashing"), one_of(&["*** stack smashing"]));
        for source in ["^ab|cd", "a?", "(?P<x>ab)|cd", "a|b.", "(?i)ab"] {
            assert!(matches!(plain_text(source), PlainText::Needle(_)), "{source}");
        }
    }

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

    #[test]
    fn the_required_literal_leaves_out_what_may_be_absent() {
        assert_eq!(required_literal(r"Killed process .* \(sshd\)"), "Killed process ");
        assert_eq!(required_literal(r"\*\*\* stack smashing"), "*** stack smashing");
        assert_eq!(required_literal("abcd?(?:longer|text)ef"), "abc");
        assert_eq!(required_literal("(?:a|b|c)x{16}y: {{FN}} z"), "y: ");
        assert_eq!(required_literal("abcdef|ghijkl"), "");
        assert_eq!(required_literal("(?i)abcdef"), "");
    }

    #[test]
    fn the_required_literal_is_what_the_compiler_reads() {
        assert_eq!(required_literal(r"\x41BC\x44 [0-9]"), "ABCD ");
        assert_eq!(required_literal(r"[]a]ring stuck"), "ring stuck");
        assert_eq!(required_literal(r"(?P<what>mydrv: )\bring [0-9]+"), "mydrv: ring ");
        assert_eq!(required_literal(r"a(?:bcdef)+g"), "bcdef");
        assert_eq!(required_literal(r"ring[ ]stuck"), "ring stuck");
    }
}
