//! The shapes of all expressions of the built-in files, and the names that those of lists stand for, as tables of the program.

use crate::plan::Plan;
use crate::plan::composed::{goes_on, unbound};
use crate::plan::expression::{any, any_text, is_plain, of_glob, spellings, unescaped};
use crate::plan::shape::{Shape, Text};
use crate::plan::source::{Frames, Step};
use std::collections::BTreeSet;

/// The shapes of the plan's expressions and the names that those of lists stand for, as tables in order.
pub(crate) fn tables(plan: &Plan) -> String {
    let sources = expressions(plan).into_iter().filter(|source| !is_plain(source));
    let shapes: Vec<String> =
        sources.map(|source| format!("    ({source:?}, {}),\n", written(&Shape::of(&source)))).collect();
    let bytes = |name: &Vec<u8>| format!("b\"{}\"", name.escape_ascii());
    let spelled = spelled(plan).into_iter().map(|(source, names)| {
        let names: Vec<String> = names.iter().map(bytes).collect();
        format!("    ({source:?}, &[{}]),\n", names.join(", "))
    });
    format!(
        "static SHAPES: &[(&str, Shape)] = &[\n{}];\nstatic SPELLINGS: &[(&str, &[&[u8]])] = &[\n{}];\n",
        shapes.concat(),
        spelled.collect::<String>()
    )
}

/// A shape as Rust writes it.
fn written(shape: &Shape) -> String {
    let text = |text: &Text| format!("Cow::Borrowed({text:?})");
    let texts: Vec<String> = shape.texts.iter().map(text).collect();
    format!(
        "Shape {{ texts: Cow::Borrowed(&[{}]), needle: {}, beginning: {}, further: {}, crosses: {}, groups: {} }}",
        texts.join(", "),
        text(&shape.needle),
        text(&shape.beginning),
        text(&shape.further),
        shape.crosses,
        shape.groups
    )
}

/// All expressions of a plan whose shapes are worth laying out.
fn expressions(plan: &Plan) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |source: &str| {
        found.insert(source.to_owned());
    };
    for (_, header) in &plan.headers {
        header.only.iter().chain(&header.unless).chain(&header.part).for_each(|source| add(source));
    }
    let of_steps = |steps: &[Step], add: &mut dyn FnMut(&str)| {
        for step in steps {
            match step {
                Step::Line(source) | Step::Mark(source) => add(source),
                Step::Plain(_) => {}
            }
        }
    };
    for (_, kind) in &plan.kinds {
        add(&kind.gate);
        goes_on(kind).iter().chain(&kind.body).for_each(|source| add(source));
        if let Frames::Steps(steps) = &kind.frames {
            of_steps(steps, &mut add);
        }
    }
    for recipe in &plan.recipes {
        of_steps(&recipe.frames, &mut add);
        of_steps(&recipe.otherwise, &mut add);
    }
    for (_, event, _) in &plan.events {
        add(&event.pattern);
        event.rows.iter().for_each(|source| add(source));
    }
    let output = &plan.output;
    output.suppressed.iter().for_each(|source| add(source));
    for patterns in [&output.follows, &output.follows_oops, &output.follows_init, &plan.blame.ignored_lines] {
        add(&any(patterns.iter().map(String::as_str)));
    }
    add(&any_text(&output.ends));
    add(&any_text(&output.noise));
    // Those that are many names are looked up as such.
    for pattern in names(plan) {
        let core = unbound(&pattern).1;
        if unescaped(core).is_none() && spellings(core).is_none() {
            add(&pattern);
        }
    }
    found
}

/// The patterns of all lists of names.
fn names(plan: &Plan) -> impl Iterator<Item = String> {
    let of_kinds = plan.kinds.iter().flat_map(|(_, kind)| &kind.skip);
    let lists = plan.skip.iter().chain(&plan.anchors).chain(&plan.hung.patterns).chain(of_kinds).cloned();
    lists.chain(plan.blame.ignored_files.iter().map(|glob| of_glob(glob)))
}

/// The names that the patterns of lists stand for which are not plain text, without signs of their ends; none where they are endlessly
/// many.
fn spelled(plan: &Plan) -> Vec<(String, Vec<Vec<u8>>)> {
    let cores: BTreeSet<String> = names(plan).map(|pattern| unbound(&pattern).1.to_owned()).collect();
    let spelled = cores.into_iter().filter(|core| unescaped(core).is_none());
    spelled.map(|core| (spellings(&core).unwrap_or_default(), core)).map(|(names, core)| (core, names)).collect()
}
