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

/// How much is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// One line per heading.
    Brief,
    /// What most readers want.
    #[default]
    Usual,
    /// Everything: all stacks, all frames, registers.
    Full,
}

/// Columns of the output. Sentences are wrapped there; only tables of many columns are cut, and only on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(pub usize);

/// Columns of a mail: where sentences are wrapped outside of a terminal.
const MAIL: usize = 75;

impl Width {
    /// Of a file or a pipe: nothing is cut.
    pub const UNBOUNDED: Self = Self(usize::MAX);

    /// Columns at which sentences are wrapped.
    #[must_use]
    pub fn wrap(self) -> usize {
        if self == Self::UNBOUNDED { MAIL } else { self.0 }
    }
}

impl Default for Width {
    fn default() -> Self {
        Self::UNBOUNDED
    }
}

/// How a text looks: its colours, its width, how much of it there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Colours.
    pub palette: Palette,
    /// Width.
    pub width: Width,
    /// How much is reported.
    pub detail: Detail,
}

impl Look {
    /// Columns at which sentences are wrapped.
    #[must_use]
    pub fn wrap(&self) -> usize {
        self.width.wrap()
    }

    /// Whether only one line per heading is wanted.
    #[must_use]
    pub fn is_brief(&self) -> bool {
        self.detail == Detail::Brief
    }

    /// Whether everything is wanted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.detail == Detail::Full
    }
}
