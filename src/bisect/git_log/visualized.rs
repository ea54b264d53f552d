//! What `git bisect visualize` lists: commits with the references of a bisection.

use super::super::record::{Origin, Role, Step, Verdict};
use super::super::{line, words};
use super::Reader;

impl Reader {
    /// `commit <H> (refs/bisect/bad)`, `<H> (HEAD, refs/bisect/good-<H>) subject`.
    pub(super) fn decorated(&mut self, number: u64, content: &[u8]) {
        let text = words(content.trim_ascii());
        let rest = text.strip_prefix("commit ").unwrap_or(&text).trim_start_matches(['*', '|', ' ']);
        let Some((commit, tail)) = line::split_commit(rest.as_bytes()) else { return };
        let (commit, tail) = (words(commit), words(tail));
        let Some((refs, subject)) = tail.strip_prefix('(').and_then(|tail| tail.split_once(')')) else { return };
        let Some(name) = refs.split(", ").find_map(|name| name.trim().strip_prefix("refs/bisect/")) else { return };
        self.found.dialect.name = Origin::GitVisualize;
        let word = name.split_once('-').map_or(name, |(word, _)| word).to_owned();
        // The bare name is that of the later side; only the earlier side and skips carry a hash.
        let verdict = self.verdict(&word).unwrap_or(if name.contains('-') { Verdict::Good } else { Verdict::Bad });
        self.declare(&word, verdict);
        let mut step = Step::new(Role::Given, commit, number);
        step.verdict = Some(verdict);
        step.subject = Some(subject.trim().to_owned()).filter(|subject| !subject.is_empty());
        self.suspects += usize::from(verdict == Verdict::Bad);
        self.undescribed = step.subject.is_none();
        self.found.steps.push(step);
    }

    /// A line below the first commit with such a reference: another commit, or the subject of the last one.
    pub(super) fn listed(&mut self, text: String) {
        let listed = line::split_commit(text.strip_prefix("commit ").unwrap_or(&text).as_bytes()).is_some();
        self.suspects += usize::from(listed);
        self.undescribed &= !listed;
        let heads = ["Author", "Date", "Commit", "Merge"];
        if self.undescribed && !listed && !heads.iter().any(|head| text.starts_with(head)) {
            self.undescribed = false;
            if let Some(step) = self.found.steps.last_mut() {
                step.subject = Some(text);
            }
        }
    }
}
