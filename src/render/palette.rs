//! Colours and width: only where a terminal shows them.

use anstyle::{AnsiColor, Style};

/// The styles of the text view; all empty when colour is off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    /// Titles.
    pub title: Style,
    /// What is to blame.
    pub blame: Style,
    /// Side information.
    pub quiet: Style,
    /// Warnings about the answer itself.
    pub doubt: Style,
    /// Good news.
    pub good: Style,
}

impl Palette {
    /// With colours.
    #[must_use]
    pub fn coloured() -> Self {
        Self {
            title: AnsiColor::Red.on_default().bold(),
            blame: AnsiColor::Yellow.on_default().bold(),
            quiet: Style::new().dimmed(),
            doubt: AnsiColor::Magenta.on_default(),
            good: AnsiColor::Green.on_default(),
        }
    }

    /// Without any.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }
}

/// Columns of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(pub usize);

impl Default for Width {
    fn default() -> Self {
        Self(80)
    }
}
