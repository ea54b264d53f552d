//! A log line with its places in the source added, as syzbot prints them; everything else stays byte for byte.

use super::answer::Confidence;
use super::log::Decoded;
use super::place::Place;
use super::spot::What;
use std::io::{self, Write};

/// How paths are shortened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// The folder that is taken off the front of paths.
    pub base: Option<String>,
}

impl Paths {
    /// A path as it is shown.
    #[must_use]
    pub fn shown<'path>(&self, path: &'path str) -> &'path str {
        let rest =
            self.base.as_deref().and_then(|base| path.strip_prefix(base)).and_then(|rest| rest.strip_prefix('/'));
        let mut shown = rest.unwrap_or(path);
        while let Some(rest) = shown.strip_prefix("./") {
            shown = rest;
        }
        shown
    }
}

fn place(paths: &Paths, place: &Place) -> Option<String> {
    let file = paths.shown(place.file.as_deref()?);
    Some(place.line.map_or_else(|| format!("{file}:?"), |line| format!("{file}:{line}")))
}

/// Writes a line with what was decoded of it. Inlined functions come as lines of their own before it, marked `[inline]`.
///
/// # Errors
/// Those of the writer.
pub fn annotate(out: &mut dyn Write, line: &[u8], decoded: &[Decoded<'_>], paths: &Paths) -> io::Result<()> {
    if let [only] = decoded
        && !only.spot.decoded
        && matches!(only.spot.what, What::Named { .. })
    {
        let places = &only.answer.places;
        for inlined in &places[..places.len().saturating_sub(1)] {
            if let (Some(function), Some(at)) = (&inlined.function, place(paths, inlined)) {
                out.write_all(&line[..only.spot.range.start])?;
                write!(out, "{function} {at} [inline]")?;
                out.write_all(&line[only.spot.range.end..])?;
                if !line.ends_with(b"\n") {
                    out.write_all(b"\n")?;
                }
            }
        }
    }
    let mut from = 0;
    for Decoded { spot, answer } in decoded {
        out.write_all(&line[from..spot.range.end])?;
        from = spot.range.end;
        if spot.decoded {
            continue;
        }
        if let (What::Raw(_), Some((function, offset, size))) = (&spot.what, &answer.within) {
            write!(out, " {function}+{offset:#x}/{size:#x}")?;
        }
        if let Some(at) = answer.places.last().and_then(|last| place(paths, last)) {
            write!(out, " {at}")?;
            match answer.confidence {
                Confidence::Certain => {}
                Confidence::Likely => out.write_all(b" (likely)")?,
                Confidence::Doubtful => out.write_all(b" (doubtful)")?,
            }
        }
    }
    out.write_all(&line[from..])
}
