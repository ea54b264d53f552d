//! C source as text: the lines around a place, the function in which it stands.

use super::record::CodeLine;

/// How many lines are shown before and after the one that is meant.
const AROUND: u32 = 2;
/// A longer line of code is cut, characters.
const LONGEST: usize = 200;

/// The five lines around a line (from 1); fewer at the ends of the file, none where the file is shorter.
#[must_use]
pub(super) fn excerpt(text: &str, line: u32) -> Vec<CodeLine> {
    if line == 0 || text.lines().nth(line as usize - 1).is_none() {
        return Vec::new();
    }
    let first = line.saturating_sub(AROUND).max(1);
    (first..=line + AROUND)
        .zip(text.lines().skip(first as usize - 1))
        .map(|(number, text)| CodeLine { number, text: text.chars().take(LONGEST).collect(), marked: number == line })
        .collect()
}

/// A function in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name; empty where the lines before the brace do not say.
    pub name: String,
    /// The line where its declaration begins, from 1.
    pub first: u32,
    /// The line of its closing brace.
    pub last: u32,
}

/// How far from a line its function may begin or end, lines.
const FAR: usize = 5_000;
/// How many lines a declaration may take.
const DECLARATION: usize = 20;

/// The function around a line, by the layout that the kernel's coding style gives every function: the closing brace alone in the
/// first column, the declaration beginning there. None between functions, and in code of another layout.
#[must_use]
pub fn function_around(text: &str, line: u32) -> Option<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let at = (line as usize).checked_sub(1).filter(|at| *at < lines.len())?;
    let closes = |line: &&str| line.starts_with('}');
    let last = (at..lines.len().min(at + FAR)).find(|number| closes(&lines[*number]))?;
    // From the line upwards (from above it, if it closes the function) to the end of what stands before.
    let above = lines[..last].iter().rposition(closes).map_or(0, |before| before + 1).max(last.saturating_sub(FAR));
    // The body opens with a brace in the first column, or at the end of a line that begins there.
    let opens = |line: &str| line == "{" || line.trim_end().ends_with('{') && is_declaration(line);
    let open = (above..last).find(|number| opens(lines[*number].trim_end()))?;
    let first = declaration(&lines, open, above);
    if at < first {
        return None;
    }
    let head = lines[first..=open].join("\n");
    // A structure or an initialiser ends in `};`, and has no brackets before its brace.
    let name = name_in(&head)?;
    Some(Function { name, first: first as u32 + 1, last: last as u32 + 1 })
}

/// The definition of a function by its name; none if there is none, or several.
#[must_use]
pub fn function_named(text: &str, name: &str) -> Option<Function> {
    if name.is_empty() {
        return None;
    }
    let mut found: Vec<Function> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let names = line.match_indices(name).any(|(start, _)| {
            let is_part = |char: char| char.is_alphanumeric() || char == '_';
            let after = line[start + name.len()..].chars().next();
            !line[..start].ends_with(is_part) && after.is_none_or(|char| !is_part(char))
        });
        if !names || line.starts_with([' ', '\t', '#', '*', '/']) {
            continue;
        }
        // A declaration that ends in a semicolon before any brace defines nothing.
        let body = text.lines().enumerate().skip(at).take(DECLARATION).find(|(_, line)| line.contains(['{', ';']));
        let Some((open, opening)) = body.filter(|(_, line)| line.contains('{')) else { continue };
        let inside = if opening.trim() == "{" { open + 2 } else { open + 1 };
        let around = function_around(text, inside.max(at + 1) as u32);
        found.extend(around.filter(|function| function.name == name && !found.contains(function)));
    }
    if found.len() == 1 { found.pop() } else { None }
}

/// Whether a line can begin a declaration: a word in the first column that is neither a label nor a directive.
fn is_declaration(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && !line.trim_end().ends_with(':')
}

/// The line where the declaration of a body that opens at `open` begins: upwards while lines belong to it.
fn declaration(lines: &[&str], open: usize, above: usize) -> usize {
    let mut first = open;
    while first > above && open - first < DECLARATION {
        let before = lines[first - 1].trim_end();
        let ends = before.is_empty()
            || before.starts_with(['}', '#', '/'])
            || before.trim_start().starts_with('*')
            || before.ends_with("*/")
            || before.ends_with([';', ':', '\\', '}']);
        if ends {
            break;
        }
        first -= 1;
    }
    first
}

/// The name before the brackets of the arguments: the last word before the first `(` that has one, attributes and the macros of
/// system calls aside.
fn name_in(head: &str) -> Option<String> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    // `SYSCALL_DEFINE3(write, …)` has no name of its own before the bracket: its first argument is what the call is named by.
    let words = |text: &str| text.rsplit(|char: char| !is_part(char)).next().unwrap_or("").to_owned();
    let mut depth = 0_usize;
    let mut found = None;
    for (at, char) in head.char_indices() {
        match char {
            '(' => {
                let word = words(head[..at].trim_end());
                if depth == 0 && !word.is_empty() && !word.starts_with("__attribute") && found.is_none() {
                    found = Some((word, at));
                }
                depth += 1;
            }
            ')' => depth = depth.saturating_sub(1),
            '=' | '{' if depth == 0 => break,
            _ => {}
        }
    }
    let (word, at) = found?;
    if !head[..at].trim_end().contains(char::is_whitespace)
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
    {
        let inner: String = head[at + 1..].chars().take_while(|char| is_part(*char)).collect();
        return (!inner.is_empty()).then_some(inner);
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
#include <linux/x.h>

struct box {
	int depth;
};

static const int table[] = {
	1,
};

/* Opens
 * it. */
static int __must_check
open_box(struct box *box,
	 int depth)
{
	if (!box)
		return 1;
out:
	return depth;
}

static inline void tiny(void) { }
int short_one(void) {
	return 3;
}

SYSCALL_DEFINE3(write, unsigned int, fd,
		const char __user *, buf, size_t, count)
{
	return ksys_write(fd, buf, count);
}
";

    fn around(line: u32) -> Option<(String, u32, u32)> {
        function_around(TEXT, line).map(|function| (function.name, function.first, function.last))
    }

    #[test]
    fn the_function_around_a_line_is_found() {
        for line in 13..=21 {
            assert_eq!(around(line), Some(("open_box".into(), 13, 21)), "line {line}");
        }
        assert_eq!(around(25), Some(("short_one".into(), 24, 26)));
        assert_eq!(around(31), Some(("write".into(), 28, 32)));
        for line in [1, 2, 4, 8, 11, 22, 27, 33, 0, 400] {
            assert_eq!(around(line), None, "line {line}");
        }
    }

    #[test]
    fn a_function_is_found_by_its_name() {
        let named = |name: &str| function_named(TEXT, name).map(|function| (function.first, function.last));
        assert_eq!(named("open_box"), Some((13, 21)));
        assert_eq!(named("write"), Some((28, 32)));
        assert_eq!(named("short_one"), Some((24, 26)));
        assert_eq!(named("box"), None);
        assert_eq!(named("ksys_write"), None);
        assert_eq!(named(""), None);
    }

    #[test]
    fn five_lines_are_shown() {
        let shown = excerpt(TEXT, 18);
        assert_eq!(shown.iter().map(|line| line.number).collect::<Vec<_>>(), [16, 17, 18, 19, 20]);
        assert!(shown[2].marked && shown[2].text.contains("return 1"));
        assert_eq!(excerpt(TEXT, 1).len(), 3);
        assert_eq!(excerpt(TEXT, 32).len(), 3);
        assert!(excerpt(TEXT, 33).is_empty() && excerpt(TEXT, 0).is_empty());
    }
}
