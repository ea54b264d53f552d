//! What the build script found out about the expressions of the built-in files, so that nobody parses them at run time.

use super::plan::expression::spellings;
use super::plan::shape::Shape;
use std::borrow::Cow;

// By the text of the expression: `SHAPES`, and `SPELLINGS` of names without signs of their ends.
include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// The shape of an expression: as it was laid out, or worked out now for a user's own.
pub(super) fn shape_of(source: &str) -> Cow<'static, Shape> {
    match laid_out(source) {
        Some(shape) => Cow::Borrowed(shape),
        None => Cow::Owned(Shape::of(source)),
    }
}

fn laid_out(source: &str) -> Option<&'static Shape> {
    SHAPES.binary_search_by_key(&source, |(known, _)| known).ok().map(|at| &SHAPES[at].1)
}

/// The names that an expression stands for, if they are not endlessly many, likewise.
pub(super) fn names_of(source: &str) -> Option<Vec<Vec<u8>>> {
    match SPELLINGS.binary_search_by_key(&source, |(known, _)| known) {
        Ok(at) => {
            let names = SPELLINGS[at].1;
            (!names.is_empty()).then(|| names.iter().map(|name| name.to_vec()).collect())
        }
        Err(_) => spellings(source),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grammar;
    use super::*;

    #[test]
    fn what_was_laid_out_is_what_would_be_worked_out() {
        for (source, shape) in SHAPES {
            assert_eq!(*shape, Shape::of(source), "{source}");
        }
        for (source, names) in SPELLINGS {
            assert_eq!(names.to_vec(), spellings(source).unwrap_or_default(), "{source}");
        }
        assert!(SHAPES.is_sorted_by_key(|(source, _)| source) && SPELLINGS.is_sorted_by_key(|(source, _)| source));
    }

    #[test]
    fn every_pattern_of_the_built_in_files_is_laid_out() {
        let grammar = Grammar::built_in();
        let is_plain = super::super::plan::expression::is_plain;
        let headers =
            grammar.headers.iter().flat_map(|header| header.only.iter().chain(&header.unless).chain(&header.part));
        let kinds = grammar.all_kinds().flat_map(|(_, kind)| std::iter::once(&kind.gate).chain(&kind.body));
        let events = grammar.events.iter().flat_map(|event| std::iter::once(&event.pattern).chain(&event.rows));
        let output = &grammar.output;
        let others = [&output.follows, &output.follows_oops, &output.follows_init, &output.ends, &output.noise];
        let others = others.into_iter().chain(&output.suppressed).chain([&grammar.blame.ignored_lines]);
        let mut count = 0;
        for pattern in headers.chain(kinds).chain(events).chain(others) {
            assert!(is_plain(pattern.source()) || laid_out(pattern.source()).is_some(), "{}", pattern.source());
            count += 1;
        }
        assert!(count > 300, "{count}");
    }
}
