//! What is told while files come.

use super::show::{role_name, sizes};
use crate::cli::stderr;
use crate::render::safe;
use crate::syzbot::download::Progress;
use crate::syzbot::fetch::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Tells on stderr what is fetched: a bar on a terminal, plain lines elsewhere.
#[derive(Default)]
pub(super) struct Teller {
    bar: Option<ProgressBar>,
}

impl Teller {
    pub(super) fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Begins(item) if stderr::is_terminal() => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                bar.set_style(style("{prefix} {bytes}"));
                bar.set_prefix(item.path.clone());
                self.bar = Some(bar);
            }
            Event::Begins(_) => {}
            Event::Comes(progress) => self.advance(*progress),
            Event::Came(file) => self.line(&format!("{}: {}", file.path, sizes(file))),
            Event::Kept(file) => self.line(&format!("{}: was there, kept", file.path)),
            Event::Missed(missing) => {
                self.line(&format!("missing {}: {}", role_name(missing.role), safe(&missing.reason)))
            }
            Event::Note(words) => self.line(&format!("note: {}", safe(words))),
        }
    }

    fn advance(&self, progress: Progress) {
        let Some(bar) = &self.bar else { return };
        if let (Some(total), None) = (progress.total, bar.length()) {
            bar.set_length(total);
            bar.set_style(style("{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
        }
        bar.set_position(progress.received);
    }

    pub(super) fn line(&mut self, words: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        stderr::line(words);
    }
}

/// How a bar looks.
pub(in crate::cli) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
