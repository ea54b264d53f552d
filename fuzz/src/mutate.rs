//! The mutator that knows lines: half of its changes move, take in, cut, dress or renumber lines of logs.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A cheap generator of numbers; one seed gives one sequence.
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `bound`; zero if that is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { usize::try_from(self.next() % bound as u64).unwrap_or(0) }
    }
}

/// The lines of the project's own logs, in their order: what stands together in a report stands together here.
fn pool() -> &'static [Vec<u8>] {
    static POOL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut files = Vec::new();
        corpus_files(&corpus_folder(), &mut files);
        files.sort();
        let mut lines = Vec::new();
        for file in files {
            let Ok(text) = std::fs::read(&file) else { continue };
            // A few logs of the lab are hundreds of kilobytes of the same sort of lines.
            let kept = text.split_inclusive(|byte| *byte == b'\n').take(400);
            lines.extend(kept.filter(|line| line.len() < 600).map(<[u8]>::to_vec));
        }
        lines
    })
}

/// The project's corpus.
#[must_use]
pub fn corpus_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    [own.join("corpus"), own.join("../corpus")]
        .into_iter()
        .find(|path| path.join("README.md").is_file())
        .unwrap_or_default()
}

/// All logs and transcripts below a folder.
pub fn corpus_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            corpus_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "log" || ending == "txt") {
            found.push(path);
        }
    }
}

/// Numbers at which arithmetic goes wrong.
const EXTREMES: [&str; 14] = [
    "0",
    "1",
    "-1",
    "255",
    "256",
    "65535",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "0xffffffffffffffff",
    "00000000000000000000",
];

/// Texts that act, or that a rule may trip over.
const HOSTILE: [&str; 18] = [
    "\u{1b}[31m",
    "\u{7}",
    "\u{7f}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\r",
    "\0",
    "</script><b>",
    "\"><img src=x>",
    "`$(id)`",
    "%s%n",
    "+0x",
    "+0xffffffffffffffff/0x",
    "[inline]",
    " ? ",
    "&#x1b;",
];

/// Dressings that a whole text is put into.
const DRESSINGS: [&str; 8] =
    ["> ", "| ", "    ", "Nov 21 07:55:11 host kernel: ", "[    1.000000] ", "<4>", "guest_1 | ", "console.log:12:"];

/// How many line changes one call makes at most.
const CHANGES: usize = 6;

/// Changes the bytes by whole lines; libFuzzer's own changes are for what this does not do.
pub fn by_lines(data: &[u8], most: usize, random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = data.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=random.below(CHANGES) {
        // Copies of copies would take all memory.
        if lines.iter().map(Vec::len).sum::<usize>() > 4 * most {
            break;
        }
        change(&mut lines, random);
    }
    let mut out = Vec::with_capacity(data.len());
    for line in lines {
        if out.len() + line.len() > most {
            break;
        }
        out.extend_from_slice(&line);
    }
    out
}

/// Changes some bytes, as a bad disk or a liar would: for the tests, since libFuzzer does this better.
pub fn by_bytes(data: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = data.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(out.len());
        match random.below(6) {
            0 => out.truncate(at),
            1 if !out.is_empty() => out[at] ^= 1 << random.below(8),
            2 if !out.is_empty() => out[at] = [0, 0xff, 0x7f, 0x80][random.below(4)],
            3 if out.len() > 8 => {
                // A word of a header: lengths and offsets that are too large.
                let at = at.min(out.len() - 8);
                let value = [0_u64, 1, 0x7fff_ffff, 0xffff_ffff, u64::MAX, u64::MAX - 7][random.below(6)];
                out[at..at + 4].copy_from_slice(&value.to_le_bytes()[..4]);
                if random.below(2) == 0 {
                    out[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
            }
            4 => drop(out.drain(at..(at + 1 + random.below(32)).min(out.len()))),
            _ => {
                let end = (at + 1 + random.below(64)).min(out.len());
                let part = out[at..end].to_vec();
                out.splice(at..at, part);
            }
        }
    }
    out
}

fn change(lines: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = random.below(lines.len());
    match random.below(14) {
        0 if !lines.is_empty() => drop(lines.remove(at)),
        1 if !lines.is_empty() => {
            let to = (at + 1 + random.below(8)).min(lines.len());
            lines.drain(at..to);
        }
        2 if !lines.is_empty() => lines.insert(at, lines[at].clone()),
        3 if lines.len() > 1 => {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }
        4 => {
            // A run of lines out of another log.
            let pool = pool();
            let from = random.below(pool.len());
            let to = (from + 1 + random.below(30)).min(pool.len());
            lines.splice(at..at, pool[from..to].iter().cloned());
        }
        5 => {
            let pool = pool();
            if let Some(line) = pool.get(random.below(pool.len())) {
                lines.insert(at, line.clone());
            }
        }
        6 if !lines.is_empty() => {
            // A console cuts and joins lines.
            let cut = random.below(lines[at].len());
            lines[at].truncate(cut);
            if random.below(2) == 0 {
                lines[at].push(b'\n');
            }
        }
        7 if !lines.is_empty() => number(&mut lines[at], random),
        8 if !lines.is_empty() => {
            let line = &mut lines[at];
            let place = random.below(line.len());
            let text = HOSTILE[random.below(HOSTILE.len())];
            line.splice(place..place, text.bytes());
        }
        9 => dress(lines, random),
        10 if !lines.is_empty() => {
            let times = 1 + random.below(40);
            let copied = lines[at].clone();
            lines.splice(at..at, std::iter::repeat_n(copied, times));
        }
        11 if !lines.is_empty() => {
            // A word again and again.
            let line = &mut lines[at];
            let end = line.iter().rposition(|byte| *byte == b' ').unwrap_or(0);
            let word = line[end..].trim_ascii_end().to_vec();
            let times = 1 + random.below(60);
            line.splice(end..end, word.repeat(times));
        }
        12 if lines.len() > 2 => {
            // Two processors print at once.
            let to = (at + 12).min(lines.len());
            let part: Vec<Vec<u8>> = lines.drain(at..to).collect();
            let (even, odd): (Vec<_>, Vec<_>) = part.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
            lines.splice(at..at, even.into_iter().chain(odd).map(|(_, line)| line));
        }
        _ => lines.rotate_left(at),
    }
}

/// Another number where one stands.
fn number(line: &mut Vec<u8>, random: &mut Random) {
    let starts: Vec<usize> = (0..line.len())
        .filter(|at| line[*at].is_ascii_digit() && (*at == 0 || !line[at - 1].is_ascii_hexdigit()))
        .collect();
    let Some(from) = starts.get(random.below(starts.len())) else { return };
    let length = line[*from..].iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'x').count();
    line.splice(*from..from + length, EXTREMES[random.below(EXTREMES.len())].bytes());
}

/// All lines in another dressing, or without the one that they have.
fn dress(lines: &mut [Vec<u8>], random: &mut Random) {
    let dressing = DRESSINGS[random.below(DRESSINGS.len())].as_bytes();
    let strips = random.below(2) == 0;
    for line in lines {
        if strips {
            if let Some(end) = line.iter().take(60).rposition(|byte| *byte == b']') {
                line.drain(..(end + 2).min(line.len()));
            }
        } else {
            line.splice(0..0, dressing.iter().copied());
        }
    }
}
