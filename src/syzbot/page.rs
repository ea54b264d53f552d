//! The bug's HTML page, for what the JSON lacks: assets, console logs, who found it, whether a reproducer still works.

use crate::input::named;
use schemars::JsonSchema;
use serde::Serialize;

/// What the page's table of crashes and its bisection box say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BugPage {
    /// The page's title, which is the bug's.
    pub title: String,
    /// The rows, in the page's order.
    pub crashes: Vec<PageCrash>,
    /// The first link to a bisection's log.
    pub bisect_log: Option<String>,
    /// What the boxes about bisections say.
    pub bisections: Vec<Bisected>,
    /// Subsystems.
    pub subsystems: Vec<String>,
}

/// A bisection as the bug's page has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Bisected {
    /// The page's words, shortened.
    pub words: String,
    /// The link of its log, if there is one.
    pub log: Option<String>,
}

/// A row of the table of crashes. Links are as written, unescaped, and empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageCrash {
    /// `2024/01/31 12:00`.
    pub time: String,
    /// The tree's alias: `upstream`, `linux-next` …
    pub kernel: String,
    /// The kernel's commit, from the cell's tool tip.
    pub commit: String,
    /// Link of syzkaller's commit.
    pub syzkaller: String,
    /// Link of the configuration.
    pub config: String,
    /// Link of the console log.
    pub log: String,
    /// Link of the report.
    pub report: String,
    /// Link of the syz program.
    pub repro_syz: String,
    /// Link of the log of the reproduction.
    pub repro_log: String,
    /// Link of the C program.
    pub repro_c: String,
    /// Link of the machine's description.
    pub machine_info: String,
    /// Assets.
    pub assets: Vec<Asset>,
    /// The instance.
    pub manager: String,
    /// The crash's title.
    pub title: String,
    /// The reproducers are struck through: they no longer work on HEAD.
    pub revoked: bool,
}

/// Something large that belongs to a crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asset {
    /// `disk image`, `vmlinux`, `kernel image`, `mounted in repro #2` …
    pub title: String,
    /// Where it lies.
    pub url: String,
    /// Where the log of its `fsck` lies.
    pub fsck_log: Option<String>,
}

/// A cell: its tool tip and class, its text, its links.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    class: String,
    pub(super) tip: String,
    pub(super) text: String,
    pub(super) links: Vec<(String, String)>,
}

/// More rows than the dashboard ever shows.
const ROWS: usize = 1000;

/// Boxes and labels that are kept.
const BOXES: usize = 20;
/// Words of a box are cut here, characters.
const WORDS: usize = 400;

fn is_bisection_log(href: &str) -> bool {
    href.contains("/x/bisect.txt?") || (href.contains("/text?") && href.contains("tag=Log&"))
}

/// Reads the page. What is not found stays empty: a page is not a contract.
#[must_use]
pub fn parse_page(html: &str) -> BugPage {
    let mut page = BugPage { title: text_between(html, "<title>", "</title>"), ..BugPage::default() };
    page.bisect_log = links(html).map(|(href, _)| href).find(|href| is_bisection_log(href));
    page.bisections = between(html, "<div", "</div")
        .filter(|inside| attribute(inside.split('>').next().unwrap_or_default(), "class").contains("bisection-info"))
        .take(BOXES)
        .map(|inside| {
            let words = text(inside.split_once('>').map_or("", |(_, rest)| rest));
            let log = links(inside).map(|(href, _)| href).find(|href| is_bisection_log(href));
            Bisected { words: words.chars().take(WORDS).collect(), log }
        })
        .filter(|found| !found.words.is_empty())
        .collect();
    // Each label is a link, all on one line under the group's name.
    page.subsystems = html
        .split_once("Subsystems:")
        .map(|(_, rest)| {
            links(rest.split("<br").next().unwrap_or_default()).map(|(_, name)| name).take(BOXES).collect()
        })
        .unwrap_or_default();
    for table in between(html, "<table", "</table") {
        let mut rows = between(table, "<tr", "</tr");
        let Some(header) = rows.next() else { continue };
        let columns: Vec<String> = cells(header, "<th").into_iter().map(|cell| cell.text).collect();
        let column =
            |name: &str| columns.iter().position(|text| text == name || text.starts_with(&format!("{name} (")));
        if column("Syz repro").is_none() || column("Log").is_none() {
            continue;
        }
        page.crashes.extend(rows.take(ROWS).map(|row| crash(&cells(row, "<td"), &column)));
        break;
    }
    page
}

fn crash(cells: &[Cell], column: &dyn Fn(&str) -> Option<usize>) -> PageCrash {
    let empty = Cell::default();
    let cell = |name: &str| column(name).and_then(|index| cells.get(index)).unwrap_or(&empty);
    let link = |name: &str, text: &str| {
        let found = cell(name).links.iter().find(|(_, words)| text.is_empty() || words == text);
        found.map(|(href, _)| href.clone()).unwrap_or_default()
    };
    PageCrash {
        time: cell("Time").text.clone(),
        kernel: cell("Kernel").text.clone(),
        commit: cell("Commit").tip.clone(),
        syzkaller: link("Syzkaller", ""),
        config: link("Config", ""),
        log: link("Log", ""),
        report: link("Report", ""),
        repro_syz: link("Syz repro", "syz"),
        repro_log: link("Syz repro", "log"),
        repro_c: link("C repro", ""),
        machine_info: link("VM info", ""),
        assets: assets(&cell("Assets").links),
        manager: cell("Manager").text.clone(),
        title: cell("Title").text.clone(),
        revoked: cell("Syz repro").class.contains("stale_repro") || cell("C repro").class.contains("stale_repro"),
    }
}

/// A link to an `fsck` log follows the asset that it is about.
fn assets(links: &[(String, String)]) -> Vec<Asset> {
    let mut assets: Vec<Asset> = Vec::new();
    for (href, words) in links {
        if matches!(words.as_str(), "clean fs" | "corrupt fs") {
            if let Some(asset) = assets.last_mut() {
                asset.fsck_log = Some(href.clone());
            }
        } else {
            assets.push(Asset { title: words.clone(), url: href.clone(), fsck_log: None });
        }
    }
    assets
}

/// The insides of the elements that begin with `open`, tag included; an element that is not closed ends where the next begins.
pub(super) fn between<'a>(html: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        rest = &rest[find_tag(rest, open)?..];
        let inside = &rest[open.len()..];
        // The next one first: looking for an end that never comes would read the page once for each beginning.
        let next = find_tag(inside, open).unwrap_or(inside.len());
        let end = inside[..next].find(close).unwrap_or(next);
        rest = &inside[end..];
        Some(&inside[..end])
    })
}

/// Where a tag that begins with `open` stands: `<tr` is not in `<track`.
fn find_tag(html: &str, open: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + html[from..].find(open)?;
        if html[at + open.len()..].starts_with(|next: char| next == '>' || next.is_ascii_whitespace()) {
            return Some(at);
        }
        from = at + open.len();
    }
}

pub(super) fn cells(row: &str, open: &'static str) -> Vec<Cell> {
    let close = if open == "<th" { "</th" } else { "</td" };
    between(row, open, close)
        .take(64)
        .map(|cell| {
            let tag = cell.split('>').next().unwrap_or_default();
            let inside = cell.get(tag.len() + 1..).unwrap_or_default();
            Cell {
                class: attribute(tag, "class"),
                tip: attribute(tag, "title"),
                text: text(inside),
                links: links(inside).collect(),
            }
        })
        .collect()
}

/// Links with their texts.
pub(super) fn links(html: &str) -> impl Iterator<Item = (String, String)> {
    between(html, "<a", "</a").filter_map(|link| {
        let tag = link.split('>').next()?;
        let href = attribute(tag, "href");
        let words = text(link.get(tag.len() + 1..).unwrap_or_default());
        if href.is_empty() || href == "#" { None } else { Some((href, words)) }
    })
}

fn attribute(tag: &str, name: &str) -> String {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let own = rest[..at].ends_with(|before: char| before.is_ascii_whitespace());
        rest = &rest[at + name.len()..];
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start).filter(|_| own) else { continue };
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote).map(|inside| (inside, quote)));
        return match quoted {
            Some((inside, quote)) => unescape(inside.split(quote).next().unwrap_or_default()),
            None => unescape(value.split_ascii_whitespace().next().unwrap_or_default()),
        };
    }
    String::new()
}

/// Text without tags, with single blanks.
fn text(html: &str) -> String {
    let mut plain = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        rest = rest[open..].split_once('>').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    unescape(&plain).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_between(html: &str, open: &str, close: &str) -> String {
    let inside = html.split_once(open).map_or("", |(_, rest)| rest);
    text(inside.split(close).next().unwrap_or_default())
}

/// Go's `html/template` writes these.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(10).position(|byte| byte == b';');
        let entity = end.and_then(|end| rest.get(1..end));
        match entity.and_then(|name| character(name).map(|character| (name, character))) {
            Some((name, character)) => {
                plain.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    let number = || {
        let number = entity.strip_prefix('#')?;
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code)
    };
    named(entity.as_bytes()).map(char::from).or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAGE: &str = r##"<!doctype html><html><head><title>WARNING in &lt;f&gt;</title></head><body>
<table class="list_table"><tr><th>Title</th></tr><tr><td><a href="/bug?extid=1">other</a></td></tr></table>
<div class="bug-bisection-info"><a href="/x/bisect.txt?x=abc">bisect log</a></div>
<table class="list_table"><caption>Crashes (2):</caption><thead><tr>
 <th><a onclick="return sortTable(this, 'Time', textSort, true)" href="#">Time</a></th>
 <th><a href="#">Kernel</a></th><th><a href="#">Commit</a></th><th><a href="#">Syzkaller</a></th>
 <th><a href="#">Config</a></th><th><a href="#">Log</a></th><th><a href="#">Report</a></th>
 <th><a href="#">Syz repro</a></th><th><a href="#">C repro</a></th><th><a href="#">VM info</a></th>
 <th><a href="#">Assets</a> (<a href="https://example.org/help">help?</a>)</th><th>Manager</th><th>Title</th></tr></thead>
<tbody><tr>
 <td class="time">2024/01/31 12:00</td><td class="kernel" title="upstream">upstream</td>
 <td class="tag" title="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
 2024/01/30 01:02"><a href="https://git.example.org/?id=aaaa">aaaaaaaaaaaa</a></td>
 <td class="tag"><a href="https://github.com/google/syzkaller/commits/bbbb">bbbb</a></td>
 <td class="config"><a href="/x/.config?x=1">.config</a></td>
 <td class="repro"><a href="/x/log.txt?x=2">strace log</a></td>
 <td class="repro"><a href="/x/report.txt?x=3">report</a></td>
 <td class="repro stale_repro"><a href="/x/repro.syz?x=4&amp;y=5">syz</a> / <a href="/x/repro.log?x=6">log</a></td>
 <td class="repro stale_repro"></td><td class="repro"><a href="/x/minfo.txt?x=7">info</a></td>
 <td class="assets"><span class="no-break">[<a href="https://a.org/0/disk-aaaaaaaa.raw.xz">disk image</a>]</span>
  <span class="no-break">[<a href="https://a.org/0/mount_0.gz">mounted in repro</a> (<a href="/x/fsck.log?x=8">corrupt fs</a>)]</span></td>
 <td class="manager">ci-upstream-kasan-gce</td><td class="manager">WARNING in f</td></tr>
<tr><td class="time">2023/12/31 12:00</td><td>upstream</td></tr></tbody></table></body></html>"##;

    #[test]
    fn the_table_of_crashes_is_read_by_its_headings() {
        let page = parse_page(PAGE);
        assert_eq!(page.title, "WARNING in <f>");
        assert_eq!(page.bisect_log.as_deref(), Some("/x/bisect.txt?x=abc"));
        assert_eq!(page.crashes.len(), 2);
        let crash = &page.crashes[0];
        assert!(crash.commit.starts_with("aaaaaaaa"), "{}", crash.commit);
        assert_eq!(
            (&*crash.config, &*crash.log, &*crash.report, &*crash.repro_syz, &*crash.repro_log, &*crash.repro_c),
            ("/x/.config?x=1", "/x/log.txt?x=2", "/x/report.txt?x=3", "/x/repro.syz?x=4&y=5", "/x/repro.log?x=6", "")
        );
        assert!(crash.revoked);
        assert_eq!(crash.manager, "ci-upstream-kasan-gce");
        assert_eq!(crash.assets.len(), 2);
        assert_eq!(crash.assets[1].fsck_log.as_deref(), Some("/x/fsck.log?x=8"));
        assert_eq!(
            page.crashes[1],
            PageCrash { time: "2023/12/31 12:00".to_owned(), kernel: "upstream".to_owned(), ..PageCrash::default() }
        );
    }

    #[test]
    fn a_page_of_before_the_assets_is_read_too() {
        let page = parse_page(
            "<table><tr><th>Log</th><th>Syz repro</th><th>Title</th></tr>\
             <tr><td><a href='/x/log.txt?x=1'>console log</a></td><td><a href=/x/r?x=2>syz</a></td><td>T&#43;</td></tr></table>",
        );
        let crash = &page.crashes[0];
        assert_eq!((&*crash.log, &*crash.repro_syz, &*crash.title), ("/x/log.txt?x=1", "/x/r?x=2", "T+"));
        assert!(crash.assets.is_empty());
    }

    #[test]
    fn a_hostile_page_is_read_in_one_pass() {
        for piece in ["<a ", "<table", "&", "<a href=", "<tr><td>", "<tabled", "title"] {
            let _ =
                parse_page(&format!("<table><tr><th>Log</th><th>Syz repro</th></tr><tr><td>{}", piece.repeat(200_000)));
        }
    }

    proptest! {
        #[test]
        fn no_page_panics(cuts in prop::collection::vec(0..PAGE.len(), 0..8), noise in "[<>a-z/&;#\"' =é]{0,60}") {
            let mut page: String = cuts.windows(2).map(|pair| &PAGE[pair[0].min(pair[1])..pair[0].max(pair[1])]).collect();
            page.push_str(&noise);
            page.push_str(PAGE);
            let _ = parse_page(&page);
        }
    }
}
