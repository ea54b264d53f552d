//! How the steps to a title's function are written: a word, a table with one pattern, or the name of a recipe.

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the steps are called, for messages.
const STEPS: &str = "a step is \"rip\", \"rip-or-interrupt\", \"trace\", \"stack\", { line = '…' } or { mark = '…' }";

/// How the function of a title is found: steps, or the name of a recipe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Frames {
    /// Steps of its own.
    Steps(Vec<Step>),
    /// A recipe's name.
    Recipe(String),
}

impl Default for Frames {
    fn default() -> Self {
        Self::Steps(Vec::new())
    }
}

/// One step on the way to the function that a title names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Step {
    /// Go to the next line that contains the pattern; collect its function.
    Line(String),
    /// Go to the next line that contains the pattern; a landmark, never a function.
    Mark(String),
    /// A step without a pattern.
    Plain(PlainStep),
}

/// Steps without a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlainStep {
    /// The next line with an instruction pointer.
    Rip,
    /// The same, or PowerPC's `--- interrupt:` line.
    RipOrInterrupt,
    /// The next `Call Trace:` or `Backtrace:` line.
    Trace,
    /// Frames, until the stack ends.
    Stack,
}

fn plain_step(word: &str) -> Option<PlainStep> {
    Some(match word {
        "rip" => PlainStep::Rip,
        "rip-or-interrupt" => PlainStep::RipOrInterrupt,
        "trace" => PlainStep::Trace,
        "stack" => PlainStep::Stack,
        _ => return None,
    })
}

/// The way to a function, as a file writes it or as the built-in plan keeps it.
pub(super) fn frames<'de, D: Deserializer<'de>>(from: D) -> Result<Frames, D::Error> {
    if from.is_human_readable() { from.deserialize_any(ReadsFrames) } else { Frames::deserialize(from) }
}

/// A list of steps, likewise.
pub(super) fn steps<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Step>, D::Error> {
    if from.is_human_readable() {
        Ok(Vec::<Written>::deserialize(from)?.into_iter().map(|Written(step)| step).collect())
    } else {
        Vec::deserialize(from)
    }
}

/// A step as a file writes it.
struct Written(Step);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReadsStep).map(Self)
    }
}

struct ReadsStep;

impl<'de> Visitor<'de> for ReadsStep {
    type Value = Step;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(STEPS)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Step, E> {
        plain_step(word).map(Step::Plain).ok_or_else(|| E::custom(format!("there is no step '{word}'; {STEPS}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Step, A::Error> {
        let Some((key, pattern)) = table.next_entry::<String, String>()? else {
            return Err(A::Error::custom(format!("an empty step; {STEPS}")));
        };
        if let Some((second, _)) = table.next_entry::<String, String>()? {
            return Err(A::Error::custom(format!(
                "a step with both '{key}' and '{second}'; write two steps, each in braces of its own"
            )));
        }
        match key.as_str() {
            "line" => Ok(Step::Line(pattern)),
            "mark" => Ok(Step::Mark(pattern)),
            _ => Err(A::Error::custom(format!("there is no step '{key}'; {STEPS}"))),
        }
    }
}

struct ReadsFrames;

impl<'de> Visitor<'de> for ReadsFrames {
    type Value = Frames;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the name of a recipe or a list of steps ({STEPS})")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Frames, E> {
        Ok(Frames::Recipe(name.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Frames, A::Error> {
        let mut steps = Vec::new();
        while let Some(Written(step)) = list.next_element()? {
            steps.push(step);
        }
        Ok(Frames::Steps(steps))
    }
}
