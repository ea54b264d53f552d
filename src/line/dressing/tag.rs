//! What vendors' kernels and tools print between the stamp and the message: `-(7)[1:init]`, ` [3:  kworker/3:1: 4242] `, `c0 `,
//! a second stamp, the level as a word.

/// The longest group in brackets, bytes.
const LONGEST: usize = 48;
/// How many of a hundred stamped lines must have a tag for it to be one.
const SHARE: usize = 80;

/// The levels of messages as words, with a colon behind.
const LEVELS: [&str; 10] =
    ["EMERG:", "ALERT:", "CRIT:", "ERR:", "ERROR:", "WARN:", "WARNING:", "NOTICE:", "INFO:", "DEBUG:"];
/// Those with which messages begin, too.
const OWN_WORDS: [&str; 3] = ["ERROR:", "WARNING:", "INFO:"];
/// What stands for such a word among the brackets of a tag.
const LEVEL: u8 = b':';
/// What stands for the number and the name of the task behind the core.
const NUMBER: u8 = b'#';
const NAME: u8 = b'n';

/// A tag that lines share behind their stamps: the same groups of brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// The brackets that open its groups.
    groups: Vec<u8>,
    /// Whether a blank behind it belongs to it.
    blank: bool,
}

impl Tag {
    /// The longest tag that nearly all of the messages share.
    pub(super) fn of(messages: &[&[u8]]) -> Option<Self> {
        let all = messages.len();
        if all < 3 {
            return None;
        }
        // Each beginning of a message's groups is a candidate: the message itself may begin with a bracket.
        let mut found: Vec<(Vec<u8>, usize, usize)> = Vec::new();
        for message in messages {
            let groups = groups(message);
            for count in 1..=groups.len() {
                let opens: Vec<u8> = groups[..count].iter().map(|(open, _)| *open).collect();
                let blank = usize::from(message.get(groups[count - 1].1) == Some(&b' '));
                match found.iter_mut().find(|(known, ..)| *known == opens) {
                    Some((_, lines, blanks)) => {
                        *lines += 1;
                        *blanks += blank;
                    }
                    None => found.push((opens, 1, blank)),
                }
            }
        }
        let shared = found.into_iter().filter(|(_, lines, _)| lines * 100 >= all * SHARE);
        let (groups, lines, blanks) = shared.max_by_key(|(groups, ..)| groups.len())?;
        // Messages may begin with `INFO:` and `WARNING:` themselves.
        let words = || messages.iter().filter(|message| begins_with_level(message.trim_ascii_start()));
        if groups[0] == LEVEL && words().count() * 2 < lines {
            return None;
        }
        Some(Self { groups, blank: blanks * 10 >= lines * 9 })
    }

    /// Whether it is the level as a word.
    pub(super) fn is_level(&self) -> bool {
        self.groups == [LEVEL]
    }

    /// Whether a message has it as a word.
    pub(super) fn has_level(message: &[u8]) -> bool {
        matches!(groups(message)[..], [(LEVEL, _)])
    }

    /// How long the tag of a message is, bytes; 0 if it has none.
    pub(super) fn length(&self, message: &[u8]) -> usize {
        let found = groups(message);
        let fits =
            found.len() >= self.groups.len() && self.groups.iter().zip(&found).all(|(want, (open, _))| want == open);
        let Some((_, end)) = found.get(self.groups.len() - 1).filter(|_| fits) else { return 0 };
        end + usize::from(self.blank && message.get(*end) == Some(&b' '))
    }
}

/// The level's word with which a message begins, its colon included.
fn level(message: &[u8]) -> Option<&'static str> {
    let message = message.strip_prefix(b" ").unwrap_or(message);
    message.first().filter(|first| first.is_ascii_uppercase())?;
    LEVELS.into_iter().find(|word| {
        message.strip_prefix(word.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b' ')))
    })
}

/// Length of `   412`, the number of the task behind the core.
fn number_behind(rest: &[u8]) -> Option<usize> {
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let digits = rest[blanks..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0 && rest.get(blanks + digits) == Some(&b' ')).then_some(blanks + digits)
}

/// Length of ` (widgetd)`, the name of that task.
fn name_behind(rest: &[u8]) -> Option<usize> {
    let inner = rest.strip_prefix(b" (")?;
    let close = inner[..inner.len().min(LONGEST)].iter().position(|byte| *byte == b')')?;
    Some(2 + close + 1)
}

/// Length of `<4>`, the level behind the stamp.
fn level_number(message: &[u8]) -> Option<usize> {
    let inner = message.strip_prefix(b"<")?;
    let digits = inner.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0 && inner.get(digits) == Some(&b'>')).then_some(digits + 2)
}

/// Whether a message begins with a level's word with which the kernel begins none.
pub(super) fn begins_with_level(message: &[u8]) -> bool {
    level(message).is_some_and(|word| !OWN_WORDS.contains(&word))
}

/// The groups of brackets at the start of a message, and where each ends: blanks, `-`, a capital letter, then `[…]` or
/// `(…)` with a digit in each, `@1`, a blank between two of them at most.
fn groups(message: &[u8]) -> Vec<(u8, usize)> {
    let mut at = message.iter().take(3).take_while(|byte| **byte == b' ').count();
    if message.get(at) == Some(&b'-') {
        at += 1;
    }
    if message.get(at).is_some_and(u8::is_ascii_uppercase) && matches!(message.get(at + 1), Some(b'[' | b'(')) {
        at += 1;
    }
    let mut groups = Vec::new();
    // `WARN: `: the level, as tools of Xen write it.
    if let Some(word) = level(&message[at..]) {
        return vec![(LEVEL, at + word.len())];
    }
    if let Some(length) = level_number(&message[at..]) {
        at += length;
        groups.push((b'<', at));
    }
    // `c0 `: the core, as one vendor writes it.
    if let [b'c', b'0'..=b'9', b' ', ..] = message[at..] {
        at += 2;
        groups.push((b'c', at));
        if let Some(length) = number_behind(&message[at..]) {
            at += length;
            groups.push((NUMBER, at));
            if let Some(length) = name_behind(&message[at..]) {
                at += length;
                groups.push((NAME, at));
            }
        }
        if matches!(message.get(at..at + 2), Some([b' ', b'[' | b'('])) {
            at += 1;
        }
    }
    // `003: `: the CPU, as kernels of PREEMPT_RT wrote it until 5.9.
    if let [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b':', b' ', ..] = message[at..] {
        return vec![(b'0', at + 4)];
    }
    while let Some(open @ (b'[' | b'(')) = message.get(at) {
        let close = if *open == b'[' { b']' } else { b')' };
        let inner = &message[at + 1..message.len().min(at + LONGEST)];
        let Some(length) = inner.iter().position(|byte| *byte == close) else { break };
        let inner = &inner[..length];
        // `[<ffffffff81234567>]` and `[c000000000b0a1c4]` are addresses of frames.
        let address = inner.first() == Some(&b'<') || (inner.len() >= 8 && inner.iter().all(u8::is_ascii_hexdigit));
        if address || !inner.iter().any(u8::is_ascii_digit) {
            break;
        }
        at += length + 2;
        if message.get(at) == Some(&b'@') {
            at += 1 + message[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        groups.push((*open, at));
        if matches!(message.get(at..at + 2), Some([b' ', b'[' | b'('])) {
            at += 1;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::Tag;

    fn cut(lines: &[&str]) -> Vec<String> {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let tag = Tag::of(&lines);
        lines
            .iter()
            .map(|line| {
                let length = tag.as_ref().map_or(0, |tag| tag.length(line));
                String::from_utf8_lossy(&line[length..]).into_owned()
            })
            .collect()
    }

    #[test]
    fn tags_of_vendors_are_found_and_addresses_are_none() {
        assert_eq!(
            cut(&["-(7)[1:init]CPU: 7", "-(7)[1:init] foo+0x1/0x2", " (7)[1:init]x"]),
            ["CPU: 7", " foo+0x1/0x2", "x"]
        );
        assert_eq!(
            cut(&[" [0:  swapper/0:    1] CPU: 0", " [0:  swapper/0:    1]  foo", " [1: init: 1] x"]),
            ["CPU: 0", " foo", "x"]
        );
        assert_eq!(cut(&["c0 CPU: 0", "c0  foo", "c1 x"]), ["CPU: 0", " foo", "x"]);
        assert_eq!(
            cut(&["c4   412 (widgetd) CPU: 0", "c4   412 (widgetd)  foo", "c0     1 (init) x"]),
            ["CPU: 0", " foo", "x"]
        );
        assert_eq!(cut(&["c4   412 CPU: 0", "c4   412  foo", "c0     1 7 x"]), ["CPU: 0", " foo", "7 x"]);
        assert_eq!(cut(&["<4>CPU: 0", "<4> foo", "<12>x"]), ["CPU: 0", " foo", "x"]);
        assert_eq!(cut(&["[    0.58]@1 CPU", "[    0.59]@1  foo", "[    0.60]@0 x"]), ["CPU", " foo", "x"]);
        assert_eq!(
            cut(&["ALERT: BUG: x", "WARN:  foo+0x1/0x2", "WARN: CPU: 0", "INFO: nvme: y"]),
            ["BUG: x", " foo+0x1/0x2", "CPU: 0", "nvme: y"]
        );
        let own = ["INFO: task a:1", "WARNING: CPU: 0", "INFO: task b:2", "WARN: x"];
        assert_eq!(cut(&own), own);
        let frames =
            [" [<ffffffff81234567>] foo", " [<ffffffff81234568>] bar", "[c000000081b3f720] [c0000000003035e0] x"];
        assert_eq!(cut(&frames), frames);
    }
}
