//! What all verbs say about their output: its form, colour, width, and the pipe that may close early.

use crate::render::{Detail, Look, Palette, Width};
use clap::ValueEnum;
use std::io::IsTerminal;

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal or with CLICOLOR_FORCE, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The arguments about output.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// Form of the output: text for people, json or jsonl (one record per line) for programs.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    pub colour: Colour,
}

impl Output {
    /// How a text on stdout looks.
    #[must_use]
    pub(super) fn look(&self, reader: Reader) -> Look {
        Look { palette: self.palette(), width: width(), detail: reader.detail() }
    }

    /// The colours to use on stdout.
    #[must_use]
    pub(super) fn palette(&self) -> Palette {
        palette(self.colour)
    }
}

/// Form of the output of a verb whose answer can be looked at, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShownFormat {
    /// For people.
    Text,
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// One HTML file, as `kanalyze page` makes it.
    Html,
}

/// The arguments about output of such a verb.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct ShownOutput {
    /// Form of the output: text for people, json or jsonl (one record per line) for programs, html for a page to look at.
    #[arg(long, value_enum, default_value = "text")]
    format: ShownFormat,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: Colour,
}

impl ShownOutput {
    /// The output, unless a page is wanted. Who wants nothing but the status gets no page.
    #[must_use]
    pub(super) fn plain(self, reader: Reader) -> Option<Output> {
        let format = match self.format {
            ShownFormat::Text => Format::Text,
            ShownFormat::Json => Format::Json,
            ShownFormat::Jsonl => Format::Jsonl,
            ShownFormat::Html if reader.quiet => Format::Text,
            ShownFormat::Html => return None,
        };
        Some(Output { format, colour: self.colour })
    }
}

/// Form of the output of `parse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// One HTML file, as `kanalyze page` makes it.
    Html,
    /// `file:line: title` for each crash, as editors read it.
    Quickfix,
    /// Annotations of GitHub's workflows.
    Github,
}

/// The arguments about the output of `parse`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct LogOutput {
    /// Form of the output: text for people, json or jsonl (one record per line) for programs, html for a page to look at,
    /// quickfix for editors, github for annotations of a workflow.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: LogFormat,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: Colour,
}

impl LogOutput {
    /// The output, unless it is a list for editors, annotations or a page. Who wants nothing but the status gets no page.
    #[must_use]
    pub(super) fn plain(self, reader: Reader) -> Option<Output> {
        let format = match self.format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
            LogFormat::Jsonl => Format::Jsonl,
            LogFormat::Html if reader.quiet => Format::Text,
            LogFormat::Html | LogFormat::Quickfix | LogFormat::Github => return None,
        };
        Some(Output { format, colour: self.colour })
    }
}

/// The colours to use on stdout.
#[must_use]
pub(super) fn palette(colour: Colour) -> Palette {
    let wanted = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
            let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
            let shown = std::io::stdout().is_terminal() && set("TERM").is_none_or(|term| term != "dumb");
            set("NO_COLOR").is_none() && (forced || shown)
        }
    };
    if wanted { Palette::coloured() } else { Palette::plain() }
}

/// Columns of stdout: the terminal's, at most 100; elsewhere nothing is cut.
#[must_use]
pub(super) fn width() -> Width {
    if !std::io::stdout().is_terminal() {
        return Width::UNBOUNDED;
    }
    terminal_size::terminal_size().map_or(Width::default(), |(columns, _)| Width(usize::from(columns.0).clamp(40, 100)))
}

/// How much a text shows, and whether a pager shows it.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Reader {
    /// The shortest form: one line per title, dump, bisection or thread.
    #[arg(long, conflicts_with_all = ["full", "quiet"])]
    pub brief: bool,

    /// Everything: all stacks with all frames, registers, every place.
    #[arg(long, conflicts_with = "quiet")]
    pub full: bool,

    /// The same as --full; and say on standard error what was read, how long it took, and why.
    #[arg(long, short = 'v', conflicts_with = "quiet")]
    pub verbose: bool,

    /// Print nothing but what went wrong; the exit status is the answer.
    #[arg(long, short = 'q')]
    pub quiet: bool,

    /// Do not use a pager ($PAGER, or `less -FRX`), which otherwise shows text on a terminal.
    #[arg(long)]
    pub no_pager: bool,
}

impl Reader {
    /// How much is reported.
    #[must_use]
    pub(super) fn detail(self) -> Detail {
        match self {
            Self { brief: true, .. } => Detail::Brief,
            Self { full: true, .. } | Self { verbose: true, .. } => Detail::Full,
            _ => Detail::Usual,
        }
    }
}

/// Puts the separators of a JSON array between records that come one per line.
#[derive(Debug)]
pub(super) struct JsonArray {
    any: bool,
}

impl JsonArray {
    /// An array that has not begun.
    #[must_use]
    pub(super) fn new() -> Self {
        Self { any: false }
    }

    /// Writes some records, each ending with a line break.
    ///
    /// # Errors
    /// What `out` answers.
    pub(super) fn write(&mut self, out: &mut dyn std::io::Write, lines: &[u8]) -> std::io::Result<()> {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            out.write_all(if self.any { b",\n" } else { b"[\n" })?;
            self.any = true;
            out.write_all(line)?;
        }
        Ok(())
    }

    /// Ends the array.
    ///
    /// # Errors
    /// What `out` answers.
    pub(super) fn end(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        out.write_all(if self.any { b"\n]\n" } else { b"[]\n" })
    }
}

impl Default for JsonArray {
    fn default() -> Self {
        Self::new()
    }
}
