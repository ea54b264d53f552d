//! Where text for people goes: to a pager on a terminal, to stdout elsewhere, to nothing if only the status is wanted.

use super::links::{Linker, Links};
use super::output::Reader;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

/// Text on its way to a reader. Ends with the reader: `less` returns when it is left.
pub(super) struct Page {
    out: Option<Box<dyn Write>>,
    pager: Option<Child>,
}

/// How much is gathered before it is written, bytes.
const BUFFER: usize = 1 << 18;

impl Page {
    /// Opens the way for text (`text`), or for data, which no pager shows.
    #[must_use]
    pub(super) fn open(reader: Reader, text: bool) -> Self {
        if reader.quiet {
            return Self { out: Some(Box::new(io::sink())), pager: None };
        }
        let mut pager = if text && !reader.no_pager && !super::manners::without_pager() && io::stdout().is_terminal() {
            pager()
        } else {
            None
        };
        let links = Links::of_environment()
            .filter(|_| text && io::stdout().is_terminal() && (pager.is_none() || less_shows_links()));
        let out: Box<dyn Write> = match pager.as_mut().and_then(|pager| pager.stdin.take()) {
            Some(stdin) => Box::new(BufWriter::with_capacity(BUFFER, stdin)),
            None => Box::new(BufWriter::with_capacity(BUFFER, io::stdout().lock())),
        };
        let out = match links {
            Some(links) => Box::new(Linker::new(links, out)),
            None => out,
        };
        Self { out: Some(out), pager }
    }

    /// Writes what is left and waits for the pager. That its reader left early is not a failure.
    ///
    /// # Errors
    /// The output is full.
    pub(super) fn close(mut self) -> io::Result<()> {
        let written = self.out.take().map_or(Ok(()), |mut out| out.flush());
        match self.pager.take() {
            Some(mut pager) => {
                let _ = pager.wait();
                Ok(())
            }
            None => written,
        }
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(bytes.len()), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), |out| out.flush())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.out.take());
        if let Some(mut pager) = self.pager.take() {
            let _ = pager.wait();
        }
    }
}

/// `$KANALYZE_PAGER`, `$PAGER`, or less; none where there is none. `cat` and an empty `$PAGER` mean none, too.
fn pager() -> Option<Child> {
    let named = named_pager();
    let words = named.as_deref().unwrap_or("less");
    let mut words = words.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Leave at once if it fits one screen, keep colours, keep the screen.
        command.env("LESS", "FRX");
    }
    command.spawn().ok()
}

/// Whether the pager is a less that passes links on: since version 566; older ones print them as text.
fn less_shows_links() -> bool {
    let is_less = named_pager().as_deref().is_none_or(|words| words.split_whitespace().next() == Some("less"));
    let version = || {
        let output = Command::new("less").arg("--version").stdin(Stdio::null()).output().ok()?;
        String::from_utf8_lossy(&output.stdout).split_whitespace().nth(1)?.split('.').next()?.parse::<u32>().ok()
    };
    is_less && version().is_some_and(|version| version >= 566)
}

/// The pager that the environment names.
fn named_pager() -> Option<String> {
    std::env::var("KANALYZE_PAGER").or_else(|_| std::env::var("PAGER")).ok()
}
