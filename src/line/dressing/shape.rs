//! The shape of what stands before every line: found from the lines themselves, so that no form has to be known.

/// One piece of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Digits.
    Number,
    /// Letters; bytes that are not ASCII count as such.
    Word,
    /// Blanks and tabs, however many.
    Blank,
    /// Any other byte.
    Mark(u8),
}

/// How far into a line a prefix may reach, bytes.
const REACH: usize = 200;

fn class(byte: u8) -> Class {
    match byte {
        b'0'..=b'9' => Class::Number,
        b' ' | b'\t' => Class::Blank,
        byte if byte.is_ascii_alphabetic() || byte >= 0x80 => Class::Word,
        byte => Class::Mark(byte),
    }
}

/// The pieces of a line: class and where it ends.
fn pieces(line: &[u8], from: usize) -> impl Iterator<Item = (Class, usize, usize)> {
    let line = &line[..line.len().min(REACH)];
    let mut at = from;
    std::iter::from_fn(move || {
        let first = class(*line.get(at)?);
        let start = at;
        at += 1;
        if !matches!(first, Class::Mark(_)) {
            at += line[at..].iter().take_while(|byte| class(**byte) == first).count();
        }
        Some((first, start, at))
    })
}

/// One piece of the shape.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    Number,
    /// The words that were seen there; of several, any other is taken too.
    Words(Vec<Vec<u8>>),
    Blank,
    Mark(u8),
}

/// A prefix that lines share: the same kinds of pieces in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    elements: Vec<Element>,
    /// How many of the blanks behind it belong to it; more are the message's own.
    blanks: usize,
}

/// How many of a hundred lines must have a prefix for it to be one.
const SHARE: usize = 85;
/// How many different words may stand in one place: levels do, the first words of messages differ more.
const WORDS: usize = 8;

impl Shape {
    /// The longest prefix form that nearly all of the lines share, if it ends where a word does.
    pub(super) fn of(lines: &[&[u8]]) -> Option<Self> {
        let mut active: Vec<(&[u8], usize)> = lines
            .iter()
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| (*line, line.iter().take_while(|byte| class(**byte) == Class::Blank).count()))
            .collect();
        let all = active.len();
        let needed = (all * SHARE).div_ceil(100);
        if all < 4 {
            return None;
        }
        let mut elements: Vec<Element> = Vec::new();
        // How many elements are sure, and the blanks behind them: a prefix ends with a mark or a blank.
        let (mut sure, mut sure_blanks) = (0, 0);
        loop {
            let next: Vec<Option<(Class, usize, usize)>> =
                active.iter().map(|(line, at)| pieces(line, *at).next()).collect();
            let Some(wanted) = majority(next.iter().flatten().map(|piece| piece.0)) else { break };
            let mut words: Vec<Vec<u8>> = Vec::new();
            let mut kept = Vec::with_capacity(active.len());
            let mut blanks = usize::MAX;
            for ((line, _), piece) in active.iter().zip(next) {
                let Some((found, start, end)) = piece else { continue };
                if found != wanted && !are_marks_of_grep(found, wanted) {
                    continue;
                }
                if found == Class::Word && !words.iter().any(|word| *word == line[start..end]) {
                    words.push(line[start..end].to_vec());
                }
                blanks = blanks.min(end - start);
                kept.push((*line, end));
            }
            if kept.len() < needed || words.len() > WORDS.min((all / 4).max(1)) {
                break;
            }
            active = kept;
            elements.push(match wanted {
                Class::Number => Element::Number,
                Class::Word => Element::Words(words),
                Class::Blank => Element::Blank,
                Class::Mark(byte) => Element::Mark(byte),
            });
            match wanted {
                Class::Mark(_) => (sure, sure_blanks) = (elements.len(), 0),
                Class::Blank => (sure, sure_blanks) = (elements.len() - 1, blanks),
                Class::Number | Class::Word => {}
            }
        }
        elements.truncate(sure);
        let shape = Self { elements, blanks: sure_blanks };
        (!shape.elements.is_empty()).then_some(shape)
    }

    /// The shapes of its beginnings that end with a blank, the shortest first.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = Self> {
        let ends = self.elements.iter().enumerate().filter(|(_, element)| **element == Element::Blank);
        ends.map(|(end, _)| Self { elements: self.elements[..end].to_vec(), blanks: 1 })
    }

    /// How long the prefix of a line is, bytes; `None` if the line does not have it.
    pub(super) fn length(&self, line: &[u8]) -> Option<usize> {
        let lead = line.iter().take_while(|byte| class(**byte) == Class::Blank).count();
        let mut at = lead;
        let mut pieces = pieces(line, lead);
        for element in &self.elements {
            let (found, start, end) = pieces.next()?;
            let fits = match element {
                Element::Number => found == Class::Number,
                Element::Words(words) => {
                    found == Class::Word && (words.len() > 1 || words.iter().any(|word| *word == line[start..end]))
                }
                Element::Blank => found == Class::Blank,
                Element::Mark(byte) => {
                    let wanted = Class::Mark(*byte);
                    found == wanted || are_marks_of_grep(found, wanted)
                }
            };
            if !fits {
                return None;
            }
            at = end;
        }
        let blanks = line[at..].iter().take(self.blanks).take_while(|byte| class(**byte) == Class::Blank).count();
        Some(at + blanks)
    }
}

/// Whether grep writes one of them behind the names and numbers of the lines that it found, the other behind those around.
fn are_marks_of_grep(found: Class, wanted: Class) -> bool {
    matches!((found, wanted), (Class::Mark(b':'), Class::Mark(b'-')) | (Class::Mark(b'-'), Class::Mark(b':')))
}

/// What most of them are.
fn majority(classes: impl Iterator<Item = Class>) -> Option<Class> {
    let mut counts: Vec<(Class, usize)> = Vec::new();
    for class in classes {
        match counts.iter_mut().find(|(known, _)| *known == class) {
            Some((_, count)) => *count += 1,
            None => counts.push((class, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: [&str; 9] = [
        "BUG: unable to handle page fault",
        "#PF: supervisor read access",
        "PGD 0 P4D 0",
        "CPU: 0 PID: 7 Comm: x",
        "RIP: 0010:foo+0x1/0x2",
        "Call Trace:",
        " <TASK>",
        " bar+0x1/0x2",
        "---[ end trace 0 ]---",
    ];

    fn cut(prefix: impl Fn(usize) -> String) -> Vec<String> {
        let lines: Vec<String> = BODY.iter().enumerate().map(|(at, text)| prefix(at) + text).collect();
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let shape = Shape::of(&lines);
        lines
            .iter()
            .map(|line| {
                let length = shape.as_ref().and_then(|shape| shape.length(line)).unwrap_or(0);
                String::from_utf8_lossy(&line[length..]).into_owned()
            })
            .collect()
    }

    #[test]
    fn any_constant_or_counted_prefix_is_found() {
        assert_eq!(cut(|at| format!("{:5} ", at + 11745)), BODY);
        assert_eq!(cut(|at| format!("{:3}:", at + 98)), BODY);
        assert_eq!(cut(|_| "vm_1  | ".into()), BODY);
        assert_eq!(cut(|_| "+".into()), BODY);
        assert_eq!(
            cut(|at| format!("10.1.1.2: kern: {}: [2024-01-27T16:33:0{at}.5Z]: ", ["info", "err"][at % 2])),
            BODY
        );
        assert_eq!(cut(|at| format!("<{}>", at % 7)), BODY);
        let grep = |at: usize| if BODY[at].contains("Trace") { ':' } else { '-' };
        assert_eq!(cut(|at| format!("kern.log{0}{1}{0}", grep(at), at + 998)), BODY);
    }

    #[test]
    fn lines_without_a_prefix_have_none() {
        assert_eq!(cut(|_| String::new()), BODY);
        let frames: Vec<String> = (0..30)
            .map(|at| format!(" {}_lock+0x1/0x2", "abcdefghijklmnopqrstuvwxyzabcdef".get(at..at + 2).unwrap_or("z")))
            .collect();
        let frames: Vec<&[u8]> = frames.iter().map(|line| line.as_bytes()).collect();
        assert!(Shape::of(&frames).is_none_or(|shape| shape.length(frames[0]) == Some(0)));
    }
}
