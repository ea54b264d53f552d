//! What an expression says of its matches before it is compiled.

use super::expression::{is_plain, parse};
use super::literal::{beginning, behind, breaks_lines, groups, required, texts};
use std::borrow::Cow;

/// A text of the program's own, or one that was worked out.
pub(crate) type Text = Cow<'static, str>;

/// What is known of an expression by its structure: most lines are decided by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The texts that it stands for, the first that fits first; empty if it stands for others, too.
    pub(crate) texts: Cow<'static, [Text]>,
    /// The longest run of plain text that every match contains; empty when there is none.
    pub(crate) needle: Text,
    /// With what every match begins; may be empty.
    pub(crate) beginning: Text,
    /// The longest run of plain text that every match contains behind its beginning, or in it where nothing else is plain.
    pub(crate) further: Text,
    /// Whether a match may hold a line break.
    pub(crate) crosses: bool,
    /// Whether it has named groups.
    pub(crate) groups: bool,
}

impl Shape {
    /// The shape of an expression. One that does not compile has nothing to say.
    pub(crate) fn of(source: &str) -> Self {
        let nothing = || Self {
            texts: Cow::Borrowed(&[]),
            needle: Text::default(),
            beginning: Text::default(),
            further: Text::default(),
            crosses: false,
            groups: false,
        };
        if is_plain(source) {
            let text = Text::Owned(source.to_owned());
            let crosses = source.contains('\n');
            return Self {
                texts: Cow::Owned(vec![text.clone()]),
                needle: text.clone(),
                beginning: text.clone(),
                further: text,
                crosses,
                groups: false,
            };
        }
        let Ok(parsed) = parse(source) else { return nothing() };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok().map(Text::Owned);
        let texts = texts(&parsed).and_then(|texts| texts.into_iter().map(text).collect::<Option<Vec<Text>>>());
        let beginning = beginning(&parsed);
        let mut named = Vec::new();
        groups(&parsed, &mut named);
        Self {
            texts: Cow::Owned(texts.unwrap_or_default()),
            needle: text(required(&parsed)).unwrap_or_default(),
            further: text(behind(&parsed, &beginning)).unwrap_or_default(),
            beginning: text(beginning).unwrap_or_default(),
            crosses: breaks_lines(&parsed),
            groups: !named.is_empty(),
        }
    }
}

/// The longest run of plain text that every match contains, for finding candidate lines. Empty when there is none.
pub(crate) fn required_literal(source: &str) -> String {
    let shape = Shape::of(source);
    match &*shape.texts {
        [text] => text.clone().into_owned(),
        [] => shape.needle.into_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_tells_what_every_match_holds() {
        for (source, further) in
            [("BUG: [a-z]+ at [0-9]", " at "), ("BUG: [a-z]+", "BUG: "), ("(?:ab|ac)de.*fgh", "fgh")]
        {
            assert_eq!(Shape::of(source).further, further, "{source}");
        }
        for (source, texts, needle, beginning, crosses, groups) in [
            ("BUG: a", vec!["BUG: a"], "BUG: a", "BUG: a", false, false),
            ("(?:cd|ab)", vec!["cd", "ab"], "", "", false, false),
            ("BUG: (?:ab|ac)x*", vec![], "BUG: ", "BUG: a", false, false),
            ("(?P<what>BUG: .*) in", vec![], "BUG: ", "BUG: ", false, true),
            (r"\bcpu 0x[0-9]", vec![], "cpu 0x", "cpu 0x", false, false),
            (r"a?BUG:\s", vec![], "BUG:", "", true, false),
            ("(?:ab)+c", vec![], "ab", "ab", false, false),
            ("(unclosed", vec![], "", "", false, false),
        ] {
            let found = Shape::of(source);
            let told: Vec<&str> = found.texts.iter().map(AsRef::as_ref).collect();
            let told = (told, found.needle.as_ref(), found.beginning.as_ref(), found.crosses, found.groups);
            assert_eq!(told, (texts, needle, beginning, crosses, groups), "{source}");
        }
    }

    #[test]
    fn alternatives_of_plain_text_are_told() {
        let texts = |source: &str| Shape::of(source).texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts("(?:Kernel panic \\- x)|(?:WARNING: y)"), ["Kernel panic - x", "WARNING: y"]);
        assert_eq!(texts("(?:tainted)"), ["tainted"]);
        assert_eq!(texts(r"\*\*\* stack smashing"), ["*** stack smashing"]);
        for source in ["^ab|cd", "a?", "(?P<x>ab)|cd", "a|b.", "(?i)ab"] {
            assert!(texts(source).is_empty(), "{source}");
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
