//! A kernel tree in git, on repositories that the tests make.

mod blame;
mod clones;
mod lab;
mod maintainers;
mod repair;
mod repository;

use kanalyze::engine::{Item, Options, read_items};
use kanalyze::report::Report;
use kanalyze::source::{BlamePage, PageOptions, Tree, blame_page};
use std::path::Path;

/// The first report of a log.
fn report(log: &str) -> Report {
    let items = read_items(Options::named("crash.log"), log.as_bytes());
    let reports = items.into_iter().filter_map(|item| match item {
        Item::Closed(report) => Some(*report),
        _ => None,
    });
    reports.into_iter().next().expect("the log holds a report")
}

/// The page of a log's first report.
fn page(tree: &Path, log: &str) -> BlamePage {
    page_with(tree, log, PageOptions::default())
}

fn page_with(tree: &Path, log: &str, options: PageOptions) -> BlamePage {
    let tree = Tree::open(tree, None).expect("a tree");
    blame_page(&tree, &report(log), &options).expect("a page")
}

/// Everything that a page says it does not know.
fn unknown(page: &BlamePage) -> String {
    let places = page.places.iter().flat_map(|place| &place.unknown);
    page.unknown.iter().chain(places).chain(&page.base.doubts).cloned().collect::<Vec<_>>().join("\n")
}
