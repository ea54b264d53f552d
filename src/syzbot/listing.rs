//! Lists of bugs: the dashboard's JSON, and its pages for what the JSON lacks.

use super::dashboard::{BugName, Commit, JsonError};
use super::link::query_value;
use super::page::{Cell, between, cells};
use crate::net::{Client, HttpError, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can reproduce a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repro {
    /// The list does not say.
    #[default]
    Unknown,
    /// Nothing.
    None,
    /// A syz program.
    Syz,
    /// A C program.
    C,
}

/// A bug as a list shows it. What the list does not say is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Listed {
    /// Its title, with ` (2)` and the like.
    pub title: String,
    /// Its key in links: an extid, or the bug's id where the link has only that.
    pub key: String,
    /// Subsystems and other labels.
    pub labels: Vec<String>,
    /// syzbot's own rank of how bad it is.
    pub rank: Option<u32>,
    /// What can reproduce it.
    pub repro: Repro,
    /// How its cause bisection ended, in the dashboard's word: `done`, `inconclusive`, `error`; empty if there is none.
    pub cause_bisection: Option<String>,
    /// How its fix bisection ended.
    pub fix_bisection: Option<String>,
    /// How often it was seen.
    pub count: Option<u64>,
    /// Days since it was seen last.
    pub last_days: Option<f64>,
    /// Days since it was reported.
    pub reported_days: Option<f64>,
    /// Days since a patch was mailed for it; null if none is known.
    pub patch_days: Option<f64>,
    /// How many mails of people there are.
    pub mails: Option<u64>,
    /// Days since the last mail.
    pub mail_days: Option<f64>,
    /// Titles of commits that fix it.
    pub fix_commits: Vec<String>,
    /// Whether the page that shows the rest was read, so that a missing patch means that none is known.
    pub detailed: bool,
}

/// A list of bugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf<'name> {
    /// Open bugs.
    Open,
    /// Fixed ones.
    Fixed,
    /// Closed without a fix.
    Invalid,
    /// Open bugs of a subsystem.
    Subsystem(&'name str),
}

/// Why there is no list or bug.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A namespace or subsystem that cannot be one.
    #[error("{0:?} is not a name on the dashboard: give it as its address has it, such as upstream or net")]
    Name(String),
    /// What came cannot be read.
    #[error("{url}: {reason}")]
    Unreadable {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The dashboard does not know the bug.
    #[error("{url}: the dashboard knows no bug {key}")]
    Unknown {
        /// The address.
        url: String,
        /// The bug.
        key: String,
    },
}

/// A list is not larger, bytes.
const LARGEST: u64 = 64 << 20;
/// More rows than any list has.
const ROWS: usize = 50_000;

/// The bugs of a namespace, from the JSON (which is promised) and the page (which says more). Without the page the details are
/// missing; the second value says why.
///
/// # Errors
/// [`DashboardError`], if neither can be read.
pub fn bugs(
    client: &Client,
    site: &Site,
    namespace: &str,
    shelf: Shelf<'_>,
) -> Result<(Vec<Listed>, Option<String>), DashboardError> {
    let name = |name: &str| -> Result<String, DashboardError> {
        let fine = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if fine && !name.starts_with('.') { Ok(name.to_owned()) } else { Err(DashboardError::Name(name.to_owned())) }
    };
    let path = match shelf {
        Shelf::Open => format!("/{}", name(namespace)?),
        Shelf::Fixed => format!("/{}/fixed", name(namespace)?),
        Shelf::Invalid => format!("/{}/invalid", name(namespace)?),
        Shelf::Subsystem(subsystem) => format!("/{}/s/{}", name(namespace)?, name(subsystem)?),
    };
    let url = site.page(&path);
    let page = client
        .get(&url, LARGEST)
        .map_err(DashboardError::from)
        .map(|page| parse_list_page(&String::from_utf8_lossy(&page.body)));
    if let Shelf::Subsystem(_) = shelf {
        // There is no JSON of these lists.
        return match page? {
            rows if rows.is_empty() => {
                Err(DashboardError::Unreadable { url, reason: "the page has no list of bugs".to_owned() })
            }
            rows => Ok((rows, None)),
        };
    }
    let json = json_list(client, site, &path);
    match (json, page) {
        (Ok(rows), Ok(details)) if !details.is_empty() => Ok((joined(rows, details), None)),
        (Ok(rows), Ok(_)) => {
            Ok((rows, Some(format!("{url}: no table of bugs in the page, so that only titles are known"))))
        }
        (Ok(rows), Err(error)) => Ok((rows, Some(error.to_string()))),
        (Err(_), Ok(details)) if !details.is_empty() => Ok((details, None)),
        (Err(error), _) => Err(error),
    }
}

/// The titles of a list, by its JSON alone.
///
/// # Errors
/// [`DashboardError`].
pub fn titles(client: &Client, site: &Site, namespace: &str, shelf: Shelf<'_>) -> Result<Vec<Listed>, DashboardError> {
    match shelf {
        Shelf::Open => json_list(client, site, &format!("/{namespace}")),
        Shelf::Fixed => json_list(client, site, &format!("/{namespace}/fixed")),
        Shelf::Invalid => json_list(client, site, &format!("/{namespace}/invalid")),
        Shelf::Subsystem(_) => bugs(client, site, namespace, shelf).map(|(rows, _)| rows),
    }
}

fn json_list(client: &Client, site: &Site, path: &str) -> Result<Vec<Listed>, DashboardError> {
    let url = site.page(&format!("{path}?json=1"));
    let page = client.get(&url, LARGEST)?;
    // Pages without JSON ignore the wish and send HTML.
    if page.content_type.starts_with("text/html") || page.body.trim_ascii_start().starts_with(b"<") {
        return Err(DashboardError::Unreadable { url, reason: "a web page came instead of JSON".to_owned() });
    }
    parse_list(&page.body).map_err(|reason| DashboardError::Unreadable { url, reason: reason.to_string() })
}

/// The JSON of a list.
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    version: u64,
    #[serde(rename = "Bugs", alias = "bugs", default)]
    bugs: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    title: String,
    #[serde(default)]
    link: String,
    #[serde(rename = "fix-commits", default)]
    fix_commits: Option<Vec<Commit>>,
}

/// Reads the JSON of a list.
///
/// # Errors
/// [`JsonError`].
pub fn parse_list(text: &[u8]) -> Result<Vec<Listed>, JsonError> {
    let list: List = serde_json::from_slice(text)?;
    if list.version > 1 {
        return Err(JsonError::Version(list.version));
    }
    let rows = list.bugs.unwrap_or_default().into_iter().take(ROWS);
    Ok(rows
        .map(|row| Listed {
            key: key_of(&row.link),
            title: row.title,
            fix_commits: row.fix_commits.unwrap_or_default().into_iter().map(|commit| commit.title).collect(),
            ..Listed::default()
        })
        .collect())
}

/// `/bug?extid=…` → its key; empty if the link is of nothing.
fn key_of(link: &str) -> String {
    let link = link.replace("&amp;", "&");
    let key = query_value(&link, "extid").or_else(|| query_value(&link, "id")).unwrap_or_default();
    if key.bytes().all(|byte| byte.is_ascii_hexdigit()) { key.to_ascii_lowercase() } else { String::new() }
}

/// The rows of the JSON with what the page says of them.
fn joined(rows: Vec<Listed>, details: Vec<Listed>) -> Vec<Listed> {
    let mut known: BTreeMap<String, Listed> = details.into_iter().map(|row| (row.key.clone(), row)).collect();
    rows.into_iter()
        .map(|row| match known.remove(&row.key) {
            Some(detail) => Listed { title: row.title, key: row.key, fix_commits: row.fix_commits, ..detail },
            None => row,
        })
        .collect()
}

/// Reads the tables of a list's page by their headings.
#[must_use]
pub fn parse_list_page(html: &str) -> Vec<Listed> {
    let mut all = Vec::new();
    for table in between(html, "<table", "</table") {
        let mut rows = between(table, "<tr", "</tr");
        let Some(header) = rows.next() else { continue };
        let columns: Vec<String> = cells(header, "<th").into_iter().map(|cell| cell.text).collect();
        let column = |name: &str| columns.iter().position(|text| text == name || text.starts_with(&format!("{name} ")));
        let (Some(title), Some(_)) = (column("Title"), column("Repro")) else { continue };
        for row in rows.take(ROWS.saturating_sub(all.len())) {
            let cells = cells(row, "<td");
            let cell = |name: &str| column(name).and_then(|at| cells.get(at));
            let Some(listed) = cells.get(title).and_then(|named| listed(named, &cell)) else { continue };
            all.push(listed);
        }
    }
    all
}

fn listed<'cell>(title: &Cell, cell: &dyn Fn(&str) -> Option<&'cell Cell>) -> Option<Listed> {
    let (link, words) = title.links.iter().find(|(link, _)| link.contains("/bug?"))?;
    let key = key_of(link);
    if BugName::parse(&key).is_err() {
        return None;
    }
    let text = |name: &str| cell(name).map(|cell| cell.text.trim().to_owned());
    let discussion = text("Discussions").unwrap_or_default();
    let days_in = discussion.split_once('[').and_then(|(_, rest)| days(rest.split(']').next()?));
    let patch = discussion.contains("PATCH");
    let mails = discussion.split_whitespace().find_map(|word| word.parse().ok()).filter(|_| !patch);
    Some(Listed {
        title: words.clone(),
        key,
        labels: title.links.iter().filter(|(link, _)| !link.contains("/bug?")).map(|(_, name)| name.clone()).collect(),
        rank: text("Rank").and_then(|rank| rank.parse().ok()),
        repro: match text("Repro").as_deref() {
            Some("C") => Repro::C,
            Some("syz") => Repro::Syz,
            Some(_) => Repro::None,
            None => Repro::Unknown,
        },
        cause_bisection: text("Cause bisect"),
        fix_bisection: text("Fix bisect"),
        count: text("Count").and_then(|count| count.parse().ok()),
        last_days: text("Last").and_then(|time| days(&time)),
        reported_days: text("Reported").and_then(|time| days(&time)),
        patch_days: days_in.filter(|_| patch),
        mails: mails.or_else(|| (cell("Discussions").is_some() && discussion.is_empty()).then_some(0)),
        mail_days: days_in.filter(|_| !patch),
        fix_commits: cell("Patched").map(|cell| cell.tip.clone()).filter(|tip| !tip.is_empty()).into_iter().collect(),
        detailed: true,
    })
}

/// `5h15m`, `12d`, `4d07h`, `now` → days; nothing for `never`.
fn days(text: &str) -> Option<f64> {
    let text = text.trim();
    if text == "now" {
        return Some(0.0);
    }
    let (mut sum, mut number) = (0.0, String::new());
    let mut any = false;
    for char in text.chars() {
        if char.is_ascii_digit() || char == '.' {
            number.push(char);
            continue;
        }
        let value: f64 = std::mem::take(&mut number).parse().ok()?;
        sum += match char {
            'd' => value,
            'h' => value / 24.0,
            'm' => value / 1440.0,
            's' => value / 86_400.0,
            _ => return None,
        };
        any = true;
    }
    (any && number.is_empty()).then_some(sum)
}

/// A title without the number of its recurrence: `INFO: task hung in f (2)` → `INFO: task hung in f`.
#[must_use]
pub fn bare_title(title: &str) -> &str {
    let title = title.trim();
    let Some((rest, number)) = title.strip_suffix(')').and_then(|inside| inside.rsplit_once(" (")) else {
        return title;
    };
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) { rest } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_called_bugs_with_a_capital() {
        let rows = parse_list(br#"{"version":1,"Bugs":[{"title":"WARNING in f (2)","link":"/bug?extid=0123456789abcdef0123","fix-commits":[{"title":"f: fix"}]},{"title":"x","link":"/bug?id=0123456789abcdef0123456789abcdef01234567"}]}"#)
            .expect("a list");
        assert_eq!(
            (rows[0].key.as_str(), rows[0].fix_commits.as_slice()),
            ("0123456789abcdef0123", &["f: fix".to_owned()][..])
        );
        assert_eq!(rows[1].key.len(), 40);
        assert!(!rows[0].detailed);
        assert!(parse_list(br#"{"version":1,"Bugs":null}"#).expect("no bugs").is_empty());
        assert!(parse_list(b"<html>").is_err());
        assert!(parse_list(br#"{"version":2}"#).is_err());
    }

    #[test]
    fn the_page_is_read_by_its_headings() {
        let page = r##"<table><tr><th>Name</th></tr></table>
            <table><thead><tr><th><a href="#">Title</a></th><th><a href="#">Rank</a> <a href="/help">🛈</a></th><th><a>Repro</a></th><th><a>Cause bisect</a></th><th>Fix bisect</th><th>Count</th><th>Last</th><th>Reported</th><th>Discussions</th></tr></thead><tbody>
            <tr><td><a href="/bug?extid=0123456789abcdef0123">KASAN: use-after-free in &lt;f&gt;</a> <span><a href="/upstream/s/net">net</a></span></td><td>17</td><td>C</td><td>done</td><td></td><td>123</td><td>4d12h</td><td>300d</td><td><b>PATCH</b> [2d]</td></tr>
            <tr><td><a href="/bug?extid=1123456789abcdef0123">b</a></td><td>1</td><td>syz</td><td>error</td><td></td><td>1</td><td>now</td><td>5h15m</td><td><span>&#128172;</span> 3 [12h]</td></tr>
            <tr><td><a href="/bug?extid=2123456789abcdef0123">c</a></td><td></td><td></td><td></td><td></td><td>1</td><td>never</td><td>1d</td><td></td></tr>
            <tr><td><a href="javascript:1">d</a></td></tr></tbody></table>"##;
        let rows = parse_list_page(page);
        assert_eq!(rows.len(), 3);
        assert_eq!(
            (rows[0].title.as_str(), rows[0].repro, rows[0].rank),
            ("KASAN: use-after-free in <f>", Repro::C, Some(17))
        );
        assert_eq!(
            (rows[0].labels.as_slice(), rows[0].last_days, rows[0].patch_days),
            (&["net".to_owned()][..], Some(4.5), Some(2.0))
        );
        assert_eq!((rows[1].repro, rows[1].mails, rows[1].mail_days), (Repro::Syz, Some(3), Some(0.5)));
        assert_eq!((rows[2].repro, rows[2].last_days, rows[2].mails), (Repro::None, None, Some(0)));
    }

    #[test]
    fn a_recurrence_has_the_title_of_the_first() {
        assert_eq!(bare_title("INFO: task hung in f (12)"), "INFO: task hung in f");
        assert_eq!(bare_title("KASAN: use-after-free in f (x)"), "KASAN: use-after-free in f (x)");
    }
}
