//! What reading a log gave besides its records.

use super::super::nature::{BISECTION, Nature};
use crate::engine::Summary;

/// Something that the user must know about the reading of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One sentence.
    pub message: String,
    /// Whether nothing could be read that could be a log.
    pub fatal: bool,
}

impl Trouble {
    /// Of a log of several machines that is too long to be held in memory.
    pub(super) fn mixed(name: &str) -> Self {
        let remedy = "give a file of at most 512 MiB, or the lines of one machine";
        let message = format!("{name}: holds lines of several machines, which are read as those of one: {remedy}");
        Self { message, fatal: false }
    }
}

/// What reading one log gave, besides its records.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the log as a whole says.
    pub summary: Summary,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// Whether the log could not be read to its end: what is missing may hold a crash.
    pub partial: bool,
    /// What the text is, if the engine found nothing in it.
    pub nature: Option<Nature>,
    /// What is to be said of a text that kanalyze itself wrote.
    pub(super) own: Option<&'static str>,
}

impl Outcome {
    pub(super) fn failed(message: String) -> Self {
        Self { trouble: Some(Trouble { message, fatal: true }), ..Self::default() }
    }

    /// Whether the log gives no answer: it could not be read.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.fatal)
    }

    /// What is to be said of a text in which not one line is the kernel's: that there is no crash in it says nothing of a
    /// kernel. Nothing if the log could not be read, which is reported already.
    #[must_use]
    pub fn silence(&self) -> Option<&'static str> {
        if self.own.is_some() {
            return self.own;
        }
        self.nature.filter(|_| !self.is_fatal())?.silence()
    }

    /// Notes what the text is that gave no record.
    pub(super) fn judge(&mut self, name: &str, nature: Nature) {
        self.nature = Some(nature);
        if nature.bisection {
            let trouble = Trouble { message: format!("{name}: {BISECTION}"), fatal: !nature.kernel };
            self.trouble.get_or_insert(trouble);
        }
    }
}
