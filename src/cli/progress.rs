//! One quiet line on a terminal about work that takes over a second: how much was read, how fast; or what is done, how long.

use super::stderr;
use crate::engine::Options;
use crate::input::Source;
use crate::render::safe;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What takes less has no line.
const LONG: Duration = Duration::from_secs(1);
/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(250);

/// The line, as long as it lives.
#[derive(Debug)]
pub(super) struct Progress {
    /// Its end ends the thread.
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Counts in `options` what is read of the sources, and shows it if stderr is a terminal. Where it is none, nothing is
    /// started.
    #[must_use]
    pub(super) fn of(sources: &[Source], options: &mut Options) -> Self {
        if !is_shown() {
            return Self { shown: None };
        }
        let read = options.read.get_or_insert_default().clone();
        let (sources, mut all) = (sources.to_vec(), None);
        // Of many files it takes a while to ask for their sizes: only who waits wants to know.
        Self::start(move |elapsed| {
            line(read.load(Ordering::Relaxed), *all.get_or_insert_with(|| total(&sources)), elapsed)
        })
    }

    /// The same for whoever counts the bytes that are done without the engine.
    #[must_use]
    pub(super) fn of_bytes(total: Option<u64>, read: Arc<AtomicU64>) -> Self {
        if !is_shown() {
            return Self { shown: None };
        }
        Self::start(move |elapsed| line(read.load(Ordering::Relaxed), total, elapsed))
    }

    /// Says what is done, for work of which nobody knows how much there is.
    #[must_use]
    pub(super) fn saying(words: &str) -> Self {
        if !is_shown() {
            return Self { shown: None };
        }
        let words = safe(words).into_owned();
        Self::start(move |elapsed| format!("{words}, {} s", elapsed.as_secs()))
    }

    fn start(mut line: impl FnMut(Duration) -> String + Send + 'static) -> Self {
        let (ended, end) = channel::<()>();
        let work = move || {
            let (began, mut wait) = (Instant::now(), LONG);
            while matches!(end.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
                stderr::status(&line(began.elapsed()));
                wait = EVERY;
            }
            if wait == EVERY {
                stderr::status("");
            }
        };
        // Without a thread there is no line, and the work is done all the same.
        let shown = std::thread::Builder::new().spawn(work).ok().map(|thread| (ended, thread));
        Self { shown }
    }

    /// Takes the line away before something else is written to the terminal.
    pub(super) fn give_way(&mut self) {
        if self.shown.is_some() && std::io::stdout().is_terminal() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((ended, thread)) = self.shown.take() {
            drop(ended);
            // It cannot panic: it writes a line and ignores what comes of it.
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether somebody looks at a terminal and wants to see it.
fn is_shown() -> bool {
    stderr::is_terminal() && !stderr::is_quiet()
}

/// How many bytes there are to read; unknown where something comes through a pipe or is packed.
fn total(sources: &[Source]) -> Option<u64> {
    let size = |source: &Source| match source {
        Source::Stdin => None,
        Source::Path(path) => {
            let packed = path.extension().is_some_and(|ending| PACKED.iter().any(|packed| ending == *packed));
            std::fs::metadata(path).ok().filter(|found| found.is_file() && !packed).map(|found| found.len())
        }
    };
    sources.iter().map(size).sum()
}

/// What says by its name that more comes out of it than its size.
const PACKED: [&str; 10] = ["gz", "xz", "zst", "bz2", "lz4", "zip", "tar", "tgz", "lzma", "lzo"];

/// `read 1.2 GB of 4.0 GB, 30 %, 800 MB/s`.
fn line(read: u64, total: Option<u64>, elapsed: Duration) -> String {
    let bytes = |count: u64| match count {
        0..1_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    };
    let speed = read as f64 / 1e6 / elapsed.as_secs_f64().max(0.001);
    match total.filter(|total| *total >= read && *total > 0) {
        Some(total) => {
            let percent = u128::from(read) * 100 / u128::from(total);
            format!("read {} of {}, {percent} %, {speed:.0} MB/s", bytes(read), bytes(total))
        }
        None => format!("read {}, {speed:.0} MB/s", bytes(read)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_much_and_how_fast() {
        for (read, total, told) in [
            (300_000_000, Some(1_200_000_000), "read 300 MB of 1.2 GB, 25 %, 150 MB/s"),
            (300_000_000, None, "read 300 MB, 150 MB/s"),
            // More came than was there: the file grew.
            (300_000_000, Some(200_000_000), "read 300 MB, 150 MB/s"),
            (0, Some(0), "read 0 MB, 0 MB/s"),
        ] {
            assert_eq!(line(read, total, Duration::from_secs(2)), told);
        }
    }

    #[test]
    fn what_comes_through_a_pipe_or_is_packed_has_no_total() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "12345").expect("it can be written");
            Source::Path(path)
        };
        assert_eq!(total(&[file("a.log"), file("b.log")]), Some(10));
        assert_eq!(total(&[file("a.log"), file("b.log.gz")]), None);
        assert_eq!(total(&[Source::Stdin]), None);
    }
}
