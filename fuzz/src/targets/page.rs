//! Pages of logs: whole HTML, no markup and no character of a log's that acts.

use super::{Scrap, harmless, options};
use kanalyze::engine::{Item, Options, lock_dumps};
use kanalyze::input::Source;
use kanalyze::intake::wholes;
use kanalyze::render::LogView;
use kanalyze::render::page::{LogPage, LogTitles, Share, log_page, titles_page};

/// Tries the pages of one log.
pub fn check(data: &[u8]) {
    let file = Scrap::new(data, ".log");
    let options = Options { kept: LogView::kept(true), ..options() };
    for share in [None, Some(Share::None), Some(Share::Around), Some(Share::All)] {
        for whole in wholes(&[Source::Path(file.0.clone())], &options, |found| {
            let mut items: Vec<Item> =
                found.reports.iter().cloned().map(|report| Item::Closed(Box::new(report))).collect();
            items.extend(found.events.iter().cloned().map(|event| Item::Event(Box::new(event))));
            let dumps = lock_dumps("log", &items);
            let mut view = LogView::default();
            items.into_iter().for_each(|item| view.take(item));
            let (summary, text) = (&found.summary, found.text);
            let titles = LogTitles {
                name: "log".to_owned(),
                reports: found.reports.iter().map(|report| (report.title.clone(), report.line)).collect(),
                samples: found.reports.iter().map(kanalyze::diff::cluster::sample).collect(),
            };
            let page = LogPage {
                name: "<log>",
                view: &view,
                summary,
                dumps: &dumps,
                sources: &[],
                text,
                silence: None,
                share,
            };
            (log_page(&page), titles_page("logs", vec![titles]))
        }) {
            for page in whole.found.into_iter().flat_map(|(one, many)| [one, many]) {
                document(&page);
            }
        }
    }
}

/// A document's tags close in their order, and only those that the templates write are there.
fn document(page: &str) {
    harmless(page, "a page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "no whole document");
    assert_eq!(page.matches("<script").count(), page.matches("</script>").count(), "scripts");
    for tag in ["<img", "<iframe", "<object", "<embed", "<base", "javascript:", " onerror=", " onload="] {
        let body = page.split("<script").next().unwrap_or(page);
        assert!(!body.contains(tag) || tag.starts_with(' ') || tag.ends_with(':'), "a page holds {tag}");
    }
    let mut open: Vec<&str> = Vec::new();
    let markup = page.split("<script").next().unwrap_or(page);
    for part in markup.split('<').skip(1) {
        let name_end = part.find(|char: char| char.is_whitespace() || char == '>').unwrap_or(part.len());
        let (name, rest) = part.split_at(name_end);
        const VOID: [&str; 8] = ["!DOCTYPE", "meta", "link", "br", "input", "hr", "img", "wbr"];
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "a page closes what is not open");
        } else if !VOID.contains(&name) && !rest.split('>').next().unwrap_or_default().ends_with('/') {
            open.push(name);
        }
    }
}
