//! One bug as the dashboard has it: JSON and page put together.

use super::dashboard::{Bug, BugName, Commit, parse_bug};
use super::listing::{DashboardError, Repro};
use super::page::{Bisected, BugPage, parse_page};
use crate::net::{Client, HttpError, Site};
use schemars::JsonSchema;
use serde::Serialize;

/// What the dashboard says of a bug. What it does not say is empty or null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// Its title, with ` (2)` and the like.
    pub title: String,
    /// Its own key, 40 hex digits.
    pub id: String,
    /// Its key in mails.
    pub extid: Option<String>,
    /// The dashboard's prose.
    pub status: String,
    /// Subsystems.
    pub subsystems: Vec<String>,
    /// When it was seen first, RFC 3339.
    pub first_crash: String,
    /// And last.
    pub last_crash: String,
    /// When it was closed.
    pub close_time: String,
    /// Commits that fix it. One without a hash is in no tested tree yet.
    pub fix_commits: Vec<Commit>,
    /// The commit that introduced it, as syzbot's bisection says.
    pub cause_commit: Option<Commit>,
    /// What the page says of bisections.
    pub bisections: Vec<Bisected>,
    /// Links to where it is talked about.
    pub discussions: Vec<String>,
    /// The link of the representative crash's report.
    pub report: Option<String>,
    /// How many crashes the JSON lists.
    pub crashes: usize,
    /// What can reproduce it.
    pub repro: Repro,
    /// Whether the reproducers no longer work on HEAD, as far as the page says so.
    pub repro_revoked: bool,
}

/// The most that the bug's JSON or page may have, bytes.
const LARGEST: u64 = 16 << 20;

/// Asks for a bug.
///
/// # Errors
/// [`DashboardError`]; a page that does not come costs what only the page has.
pub fn read(client: &Client, site: &Site, bug: &BugName) -> Result<(Facts, BugPage), DashboardError> {
    let mut name = bug.clone();
    let ask = |name: &BugName| client.get(&site.page(&format!("/bug?{}&json=1", name.query())), LARGEST);
    let mut json = ask(&name);
    if let (BugName::Extid(key), Err(HttpError::Status { status: 404, .. })) = (&name, &json)
        && key.len() == 40
    {
        // Mails of the first years had extids as long as ids.
        name = BugName::Id(key.clone());
        json = ask(&name);
    }
    let url = site.page(&format!("/bug?{}", name.query()));
    let json = match json {
        Err(HttpError::Status { status: 404, .. }) => {
            return Err(DashboardError::Unknown { url, key: bug.key().to_owned() });
        }
        json => json?,
    };
    let found = parse_bug(&json.body)
        .map_err(|reason| DashboardError::Unreadable { url: url.clone(), reason: reason.to_string() })?;
    let html =
        client.get(&url, LARGEST).map(|page| String::from_utf8_lossy(&page.body).into_owned()).unwrap_or_default();
    let page = parse_page(&html);
    let mut facts = facts(found, &page);
    if let BugName::Extid(extid) = name {
        facts.extid = Some(extid);
    } else if facts.extid.is_none() {
        facts.extid = mentioned(&html);
    }
    Ok((facts, page))
}

fn facts(bug: Bug, page: &BugPage) -> Facts {
    let has = |link: fn(&super::dashboard::Crash) -> &String| bug.crashes.iter().any(|crash| !link(crash).is_empty());
    let repro = if has(|crash| &crash.c_reproducer) {
        Repro::C
    } else if has(|crash| &crash.syz_reproducer) {
        Repro::Syz
    } else {
        Repro::None
    };
    let own = page.crashes.iter().filter(|crash| !crash.repro_syz.is_empty() || !crash.repro_c.is_empty());
    let revoked: Vec<bool> = own.map(|crash| crash.revoked).collect();
    Facts {
        title: bug.title,
        id: bug.id,
        extid: None,
        status: bug.status,
        subsystems: page.subsystems.clone(),
        first_crash: bug.first_crash,
        last_crash: bug.last_crash,
        close_time: bug.close_time,
        fix_commits: bug.fix_commits,
        cause_commit: bug.cause_commit,
        bisections: page.bisections.clone(),
        discussions: bug.discussions,
        report: bug.crashes.iter().map(|crash| crash.crash_report_link.clone()).find(|link| !link.is_empty()),
        crashes: bug.crashes.len(),
        repro,
        repro_revoked: !revoked.is_empty() && revoked.iter().all(|revoked| *revoked),
    }
}

/// The extid in the mail address that the page wants in a fix's `Reported-by`.
fn mentioned(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("syzbot+")?;
    let key: String = rest.chars().take_while(char::is_ascii_hexdigit).take(40).collect();
    BugName::parse(&key).ok().map(|name| name.key().to_owned())
}
