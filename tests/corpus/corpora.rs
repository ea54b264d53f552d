//! Tests that need the shared corpora: `../shared`, or the folder in KANALYZE_SHARED. Without it they are shown as ignored.

use crate::{clusters, logs_below, promises, root};
use kanalyze::bisect::read;
use kanalyze::input::unquote_mail;
use kanalyze::thread::Mailbox;
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};

/// One test per golden log, and those over a corpus as a whole.
pub(crate) fn trials() -> Vec<Trial> {
    let shared = std::env::var_os("KANALYZE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let corpora = shared.join("corpora");
    let mut trials = goldens(&corpora.join("goldens/logs"));
    trials.push(whole(
        "bisect: steps obey the rules of their time",
        corpora.join("bisect/logs"),
        steps_obey_their_rules,
    ));
    for corpus in ["goldens", "reports", "lab", "guilty", "bisect"] {
        let name = format!("{corpus}: real logs are not mails");
        trials.push(whole(&name, corpora.join(corpus).join("logs"), logs_are_not_mails));
    }
    for corpus in ["people", "bisect"] {
        let name = format!("mails/{corpus}: each file is one message");
        trials.push(whole(&name, corpora.join("mails").join(corpus).join("logs"), mails_are_messages));
    }
    trials.push(whole(
        "reports: clusters respect the titles of real bugs",
        corpora.join("reports"),
        clusters::are_right,
    ));
    trials
}

/// A test over a folder, ignored where the folder is missing.
fn whole(name: &str, folder: PathBuf, check: fn(&Path) -> Result<(), Failed>) -> Trial {
    let missing = !folder.is_dir();
    Trial::test(format!("shared/{name}"), move || check(&folder)).with_ignored_flag(missing)
}

fn goldens(folder: &Path) -> Vec<Trial> {
    if !folder.is_dir() {
        return vec![whole("goldens", folder.to_owned(), |_| Ok(()))];
    }
    let trial = |path: PathBuf| {
        let name = format!("shared/goldens/{}", path.strip_prefix(folder).expect("below the folder").display());
        Trial::test(name, move || promises::hold(&std::fs::read(&path)?))
    };
    logs_below(folder).into_iter().map(trial).collect()
}

fn steps_obey_their_rules(folder: &Path) -> Result<(), Failed> {
    let (mut told, mut wrong) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        for found in read("-", &std::fs::read(entry?.path())?, &|_| Vec::new()) {
            told += found.steps.iter().filter(|step| step.verdict.is_some()).count();
            wrong += found.steps.iter().filter(|step| step.contradiction.is_some()).count();
        }
    }
    if told > 10_000 && wrong * 1000 < told { Ok(()) } else { Err(format!("{wrong} of {told} are wrong").into()) }
}

fn logs_are_not_mails(folder: &Path) -> Result<(), Failed> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if unquote_mail(&std::fs::read(&path)?).is_some() {
            return Err(format!("{} is taken for a quoted mail", path.display()).into());
        }
    }
    Ok(())
}

fn mails_are_messages(folder: &Path) -> Result<(), Failed> {
    let mut read = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "eml") {
            let messages = Mailbox::read("m", &std::fs::read(&path)?, 1).len();
            if messages != 1 {
                return Err(format!("{} is {messages} messages", path.display()).into());
            }
            read += 1;
        }
    }
    if read > 0 { Ok(()) } else { Err("there is no mail here".into()) }
}
