//! The page of many logs: the titles in them, how often and in which logs, and how many causes each has.

use super::super::several;
use super::{Page, document};
use crate::diff::cluster::{Sample, clusters};
use crate::diff::statistics::clopper_pearson;
use crate::render::svg::{rate_svg, seen_svg};
use maud::{PreEscaped, html};
use std::collections::BTreeMap;

/// One log of many, reduced.
#[derive(Debug, Default)]
pub struct LogTitles {
    /// Its name.
    pub name: String,
    /// Its reports that are not consequences of others: title and line, in order.
    pub reports: Vec<(String, u64)>,
    /// The same for the search for causes.
    pub samples: Vec<Sample>,
}

/// What is known of one title.
#[derive(Debug, Default)]
struct Title {
    /// How many reports of each log have it.
    counts: Vec<usize>,
    /// Where it is first: log and line.
    first: Option<(usize, u64)>,
    last: usize,
}

/// Titles that are shown.
const TITLES: usize = 500;
/// Logs that are listed.
const LOGS: usize = 2_000;

/// The page of many logs, which are in the order in which they were named.
#[must_use]
pub fn titles_page(name: &str, logs: Vec<LogTitles>) -> String {
    let mut titles: BTreeMap<String, Title> = BTreeMap::new();
    for (at, log) in logs.iter().enumerate() {
        for (title, line) in &log.reports {
            let known = titles.entry(title.clone()).or_default();
            known.counts.resize(logs.len(), 0);
            known.counts[at] += 1;
            known.first.get_or_insert((at, *line));
            known.last = at;
        }
    }
    let reports: usize = logs.iter().map(|log| log.reports.len()).sum();
    let crashed = logs.iter().filter(|log| !log.reports.is_empty()).count();
    let names: Vec<(String, usize)> = logs.iter().map(|log| (log.name.clone(), log.reports.len())).collect();
    let folder = folder(&names);
    let short = |at: usize| names[at].0.get(folder..).unwrap_or(&names[at].0);
    let found = clusters(logs.into_iter().flat_map(|log| log.samples).collect());
    let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
    for cluster in &found {
        for title in &cluster.titles {
            *causes.entry(title).or_default() += 1;
        }
    }
    let of = |title: &Title| title.counts.iter().filter(|count| **count > 0).count();
    let mut order: Vec<(&String, &Title)> = titles.iter().collect();
    order.sort_by_key(|(name, title)| (std::cmp::Reverse((of(title), title.counts.iter().sum::<usize>())), *name));
    let body = html! {
        h1 { (name) }
        p.verdict { (several(names.len(), "log")) ": " (crashed) " with a crash, " (several(reports, "report")) " under " (several(titles.len(), "title")) }
        form #filters data-needs-script hidden role="search" {
            label { "words" input #words type="search" placeholder="text in titles ( / )" autocomplete="off"; }
            button #clear type="button" { "clear" }
            span #shown.soft role="status" {}
        }
        h2 { "Titles" }
        p.soft { "Bars: the logs in the order in which they were named, from left to right." }
        div.wide tabindex="0" role="region" aria-label="titles" {
            table {
                thead { tr { th { "title" } th.n { "reports" } th { "logs, with the 95 % interval" } th { "over the logs" } th { "first, last" } th.n { "causes" } } }
                tbody {
                    @for (name, title) in order.iter().take(TITLES) {
                        @let count = of(title);
                        @let (low, high) = clopper_pearson(count, names.len(), 0.95);
                        tr.card data-rank="0" {
                            td { span.title { (name) } }
                            td.n { (title.counts.iter().sum::<usize>()) }
                            td.num {
                                (PreEscaped(rate_svg(count as f64 / names.len().max(1) as f64, low, high, &format!("{count} of {} logs", names.len()))))
                                " " (count) " of " (names.len())
                            }
                            td { (PreEscaped(seen_svg(&title.counts, &format!("seen in {count} logs")))) }
                            td {
                                @if let Some((at, line)) = title.first { (short(at)) ":" (line) }
                                @if title.first.is_some_and(|(at, _)| at != title.last) { div.soft { (short(title.last)) } }
                            }
                            td.n { (causes.get(name.as_str()).copied().unwrap_or(1)) }
                        }
                    }
                }
            }
        }
        @if order.len() > TITLES { p.soft { (order.len() - TITLES) " more titles: `kanalyze table`" } }
        h2 { "Clusters" }
        p.soft { "Reports of one cause: the likeness of the blamed stacks, whatever the title." }
        div.wide tabindex="0" role="region" aria-label="clusters" {
            table {
                thead { tr { th.n { "reports" } th { "titles" } th { "stands for all" } } }
                tbody {
                    @for cluster in found.iter().take(TITLES) {
                        tr {
                            td.n { (cluster.size) }
                            td { @for title in &cluster.titles { div { (title) } } }
                            td.soft { (cluster.representative.log.get(folder..).unwrap_or(&cluster.representative.log)) }
                        }
                    }
                }
            }
        }
        details {
            summary { "the logs" }
            ul { @for (name, count) in names.iter().take(LOGS) { li { (name) ": " (several(*count, "report")) } } }
            @if names.len() > LOGS { p.soft { (names.len() - LOGS) " more" } }
        }
    };
    document(&Page { title: format!("{name} – kanalyze"), body, again: None })
}

/// How many bytes all names begin with that end with a slash.
fn folder(names: &[(String, usize)]) -> usize {
    let Some((first, _)) = names.first() else { return 0 };
    let same = |end: usize| names.iter().all(|(name, _)| name.get(..end) == first.get(..end));
    first.rmatch_indices('/').map(|(at, _)| at + 1).find(|end| same(*end)).unwrap_or(0)
}
