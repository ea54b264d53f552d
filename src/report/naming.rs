//! Functions of a report: how a frame is read, which of a stack a title names, and how their names are shown.

use crate::grammar::{Choice, Names};

/// A function that a title may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// In its final form.
    pub name: String,
    /// As printed (demangled), system call prefix included.
    pub raw: String,
}

/// What stands where no function could be found.
pub(super) const NOBODY: &str = "corrupted";

/// The function of a stack that a title names.
pub(super) fn choose(names: &Names, choice: Choice, collected: &[String]) -> Option<Named> {
    let at = |at: usize, name: &str| Named { name: name.to_owned(), raw: collected[at].clone() };
    if choice == Choice::First {
        return collected.first().map(|name| at(0, without_prefix(names, name)));
    }
    let stripped: Vec<&str> = collected.iter().map(|name| without_prefix(names, name)).collect();
    match choice {
        Choice::First => None,
        Choice::Stall => {
            let anchor = stripped.iter().position(|name| names.anchors.contains(name.as_bytes()))?;
            if stripped[anchor].contains("smp_call_function") {
                return Some(at(anchor, "smp_call_function"));
            }
            let chosen = anchor.saturating_sub(1);
            Some(at(chosen, stripped[chosen]))
        }
        Choice::Hung => {
            for (number, name) in stripped.iter().enumerate() {
                if let Some(taken) = names.hung_at_once.iter().find(|taken| name.contains(&taken.part)) {
                    return Some(at(number, taken.r#as.as_deref().unwrap_or(name)));
                }
            }
            let number = stripped.iter().position(|name| !names.hung.contains(name.as_bytes()))?;
            Some(at(number, stripped[number]))
        }
    }
}

/// A name without the system call prefix that leaves the shortest rest.
pub(super) fn without_prefix<'n>(names: &Names, name: &'n str) -> &'n str {
    names
        .prefixes
        .iter()
        .filter(|prefix| prefix.as_bytes().first() == name.as_bytes().first())
        .filter_map(|prefix| name.strip_prefix(prefix.as_str()))
        .min_by_key(|rest| rest.len())
        .unwrap_or(name)
}

/// The functions of a stack frame line; none if it is not a frame line.
pub(super) fn frame_names(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let frame = &line[line.iter().take_while(|byte| **byte == b' ').count()..];
    let both = if frame.first() == Some(&b'[') { arm_frame(frame) } else { None };
    both.map_or_else(|| [plain_frame(frame), None], |both| both.map(Some)).into_iter().flatten()
}

/// `[<addr>] [<addr>] func+` with none to two addresses.
fn plain_frame(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    for _ in 0..2 {
        match address(rest).map(|length| &rest[length..]) {
            Some(after) if after.first() == Some(&b' ') => rest = &after[1..],
            _ => break,
        }
    }
    function_token(rest)
}

/// `[<addr>] (name) from [<addr>] (func+`: both functions.
fn arm_frame(line: &[u8]) -> Option<[&[u8]; 2]> {
    let rest = line[address(line)?..].strip_prefix(b" (")?;
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte)).count();
    let after = rest[name..].strip_prefix(b") from ")?;
    let caller = after[address(after)?..].strip_prefix(b" (")?;
    (name > 0).then_some(())?;
    Some([&rest[..name], function_token(caller)?])
}

/// Length of `[<0xaddr>]` with or without its inner parts.
pub(super) fn address(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    text.strip_prefix(b"[")?;
    at += usize::from(text.get(at) == Some(&b'<'));
    if text[at..].starts_with(b"0x") {
        at += 2;
    }
    let hex = text[at..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    (hex > 0).then_some(())?;
    at += hex;
    at += usize::from(text.get(at) == Some(&b'>'));
    (text.get(at) == Some(&b']')).then_some(at + 1)
}

/// A run of word characters in front of `.` or `+`. Behind a dot there must be the compiler's suffix: `Walter.` is how a
/// mail ends.
fn function_token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let suffixed = match text.get(length)? {
        b'+' => true,
        b'.' => text.get(length + 1).is_some_and(u8::is_ascii_graphic),
        _ => false,
    };
    (length > 0 && suffixed).then(|| &text[..length])
}

/// Whether a name may be one of Rust or C++ as the linker knows it.
pub(super) fn is_mangled(name: &str) -> bool {
    name.starts_with("_R") || name.starts_with("_Z")
}

/// A name as its programmers know it, parameters left out; any other name as it is.
#[must_use]
pub fn demangle(name: &str) -> String {
    if !is_mangled(name) {
        return name.to_owned();
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle_with_options(&options).ok())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(line: &str) -> Vec<String> {
        frame_names(line.as_bytes()).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn frame_lines_of_all_ages_are_read() {
        assert_eq!(frames(" do_it.isra.0+0x1/0x2 [mod]"), ["do_it"]);
        assert_eq!(frames(" [<ffffffff81000000>] do_it+0x1/0x2"), ["do_it"]);
        assert_eq!(frames("[c000000001] [c0000002] do_it+0x1/0x2"), ["do_it"]);
        assert_eq!(
            frames("[<80111308>] (dump.constprop.0) from [<8011162c>] (show_stack+0x18/0x1c)"),
            ["dump.constprop.0", "show_stack"]
        );
    }

    #[test]
    fn other_lines_are_no_frames() {
        for line in [
            " ? do_it+0x1/0x2",
            "\tdo_it+0x1/0x2",
            "([<addr>] do_it+0x1)",
            " do_it f.c:1 [inline]",
            "Code: 00 00",
            "Walter.",
            "",
        ] {
            assert!(frames(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn names_are_demangled() {
        assert_eq!(demangle("_Z8fakeNameiii"), "fakeName");
        assert_eq!(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
        assert_eq!(demangle("plain_name"), "plain_name");
    }
}
