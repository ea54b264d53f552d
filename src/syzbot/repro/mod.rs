//! syz programs: their options line, their calls, and the flags that make syz-execprog honour the options.

mod flags;
mod known;
pub mod minimize;
mod options;
mod shorten;

pub use flags::{Features, FlagSettings, Flags, execprog_flags, flags_for};
pub use known::{KNOWN, Kind, Known};
pub use options::{Dialect, Options, OptionsError};
pub use shorten::Cut;

/// A program larger than this is none: those with filesystem images have megabytes.
pub const LARGEST: u64 = 64 << 20;

/// A syz program, with every byte of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    text: Vec<u8>,
    /// The options, if the program has a line of them that can be read.
    pub options: Option<Options>,
    /// Where that line stands in the file: from its `#` to its end, without the line break.
    options_at: Option<std::ops::Range<usize>>,
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// Lines that are neither a call nor a comment, and what looks wrong with the file.
    pub warnings: Vec<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Call {
    /// Its line in the file, from 1.
    pub line: usize,
    /// `openat$ppp`.
    pub name: String,
    /// `r0`, if the result is kept.
    pub result: Option<String>,
    /// How long the line is; a mounted filesystem makes it very long.
    pub bytes: usize,
    /// From ` (fail_nth: 3)`, counted from 1.
    pub fail_nth: Option<u32>,
    /// From ` (async)`.
    pub is_async: bool,
    /// From ` (rerun: 32)`.
    pub rerun: Option<u32>,
}

/// Why something is not a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// A saved error page.
    #[error("a web page, not a syz program: an error, a login or a robot check was saved in its place")]
    Page,
    /// No calls at all; syz-execprog would say `parsed 0 programs`.
    #[error("no syz program: not one line is a call, syz-execprog would say `parsed 0 programs`")]
    Nothing,
    /// Someone saved the C program under this name.
    #[error("a C program, not a syz program: compile it, or fetch repro.syz")]
    C,
}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    /// The text is something else.
    pub fn parse(text: &[u8]) -> Result<Self, ProgramError> {
        // By its beginning: an edit further down makes no page of a program.
        if super::content::begins_as_page(text) {
            return Err(ProgramError::Page);
        }
        let mut program =
            Self { text: text.to_vec(), options: None, options_at: None, calls: Vec::new(), warnings: Vec::new() };
        let (mut start, mut strange) = (0, Vec::new());
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let bare = line.trim_ascii_end();
            let number = index + 1;
            if bare.starts_with(b"#include") {
                return Err(ProgramError::C);
            } else if let Some(comment) = bare.strip_prefix(b"#") {
                if program.options_at.is_none() && comment.trim_ascii_start().starts_with(b"{") {
                    program.options_at = Some(start..start + bare.len());
                    match Options::parse(&String::from_utf8_lossy(comment)) {
                        Ok(options) => program.options = Some(options),
                        Err(reason) => {
                            program.warnings.push(format!("line {number}: the options cannot be read: {reason}"));
                        }
                    }
                }
            } else if let Some(call) = parse_call(bare, number) {
                program.calls.push(call);
            } else if !bare.trim_ascii_start().is_empty() {
                strange.push(number);
            }
            start += line.len();
        }
        if program.calls.is_empty() {
            return Err(ProgramError::Nothing);
        }
        if let Some(first) = strange.first() {
            let count = strange.len();
            program.warnings.push(format!(
                "line {first}{}: no call: syz-execprog drops such lines without a word",
                if count > 1 { format!(" and {} more", count - 1) } else { String::new() }
            ));
        }
        Ok(program)
    }

    /// The file, with the options as they now are and every other byte as it was.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Some(options) = &self.options else { return self.text.clone() };
        let line = format!("#{}", options.to_json());
        let Some(at) = self.options_at.clone() else {
            return [line.as_bytes(), b"\n", &self.text].concat();
        };
        let old = self.text[at.clone()].strip_prefix(b"#").map(|old| Options::parse(&String::from_utf8_lossy(old)));
        if old == Some(Ok(options.clone())) {
            return self.text.clone();
        }
        [&self.text[..at.start], line.as_bytes(), &self.text[at.end..]].concat()
    }

    /// Sets an option; a program without options line gets one.
    ///
    /// # Errors
    /// As [`Options::set`]; or the line that is there cannot be read, and must not be lost.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), OptionsError> {
        self.editable()?.set(key, value)
    }

    /// Removes an option.
    ///
    /// # Errors
    /// The line that is there cannot be read, and must not be lost.
    pub fn unset(&mut self, key: &str) -> Result<(), OptionsError> {
        self.editable()?.unset(key);
        Ok(())
    }

    fn editable(&mut self) -> Result<&mut Options, OptionsError> {
        if self.options.is_none() && self.options_at.is_some() {
            return Err(OptionsError::Unreadable);
        }
        Ok(self.options.get_or_insert_with(flags::default_options))
    }
}

/// `r0 = openat$ppp(0xffffffffffffff9c, …) (async)`.
fn parse_call(line: &[u8], number: usize) -> Option<Call> {
    let text = line.trim_ascii_start();
    let (result, rest) = match memchr::memmem::find(text, b" = ") {
        Some(at) if is_resource(&text[..at]) => {
            (Some(String::from_utf8_lossy(&text[..at]).into_owned()), &text[at + 3..])
        }
        _ => (None, text),
    };
    let open = memchr::memchr(b'(', rest)?;
    let name = &rest[..open];
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    if name.first().is_none_or(|first| !(first.is_ascii_alphabetic() || *first == b'_')) || !name.iter().all(word) {
        return None;
    }
    let tail = String::from_utf8_lossy(&rest[rest.len().saturating_sub(120)..]).into_owned();
    // Properties follow the call's own parenthesis; a comment may follow them.
    let tail = tail.split("  #").next().unwrap_or_default().trim_end().to_owned();
    let property = |name: &str| {
        let (_, value) = tail.rsplit_once(&format!(" ({name}: "))?;
        value.split(')').next()?.parse().ok()
    };
    Some(Call {
        line: number,
        name: String::from_utf8_lossy(name).into_owned(),
        result,
        bytes: line.len(),
        fail_nth: property("fail_nth"),
        is_async: tail.contains(") (async)"),
        rerun: property("rerun"),
    })
}

fn is_resource(text: &[u8]) -> bool {
    text.len() > 1 && text[0] == b'r' && text[1..].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROGRAM: &[u8] = b"# https://syzkaller.appspot.com/bug?id=1\n\
        # See https://goo.gl/kgGztJ for information about syzkaller reproducers.\n\
        #{\"threaded\":true,\"repeat\":true,\"procs\":6,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"tun\":true,\"close_fds\":true}\r\n\
        r0 = openat$ppp(0xffffffffffffff9c, &(0x7f0000000000), 0x0, 0x0)\n\
        # a comment\n\n\
        syz_mount_image$ext4(&(0x7f0000000000)='ext4\\x00', 0x0, \"$eJz = (\") (fail_nth: 3)\n\
        ioctl$PPPIOCNEWUNIT(r0, 0xc004743e, &(0x7f0000000040)=0xffffffffffffffff) (async)\n\
        sync() (async) (rerun: 32)";

    #[test]
    fn calls_are_listed_with_their_properties() {
        let program = Program::parse(PROGRAM).expect("a program");
        let names: Vec<&str> = program.calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["openat$ppp", "syz_mount_image$ext4", "ioctl$PPPIOCNEWUNIT", "sync"]);
        assert_eq!(program.calls[0].result.as_deref(), Some("r0"));
        assert_eq!((program.calls[1].fail_nth, program.calls[1].line), (Some(3), 7));
        assert!(program.calls[2].is_async && !program.calls[1].is_async);
        assert_eq!((program.calls[3].is_async, program.calls[3].rerun), (true, Some(32)));
        assert_eq!(program.warnings, Vec::<String>::new());
        assert_eq!(program.to_bytes(), PROGRAM);
    }

    #[test]
    fn setting_an_option_touches_no_other_byte() {
        let mut program = Program::parse(PROGRAM).expect("a program");
        program.set("wifi", "false").expect("an option");
        let edited = program.to_bytes();
        let old = String::from_utf8_lossy(PROGRAM).into_owned();
        let new = String::from_utf8_lossy(&edited).into_owned();
        assert_eq!(new, old.replace("\"close_fds\":true}", "\"close_fds\":true,\"wifi\":false}"));
        program.unset("wifi").expect("an option");
        assert_eq!(program.to_bytes(), PROGRAM);
    }

    #[test]
    fn a_program_without_options_gets_a_line() {
        let mut program = Program::parse(b"getpid()\n").expect("a program");
        program.set("sandbox", "namespace").expect("an option");
        let text = String::from_utf8(program.to_bytes()).expect("text");
        assert!(text.starts_with("#{\"threaded\":true,") && text.ends_with("\ngetpid()\n"), "{text}");
    }

    #[test]
    fn a_line_of_options_that_cannot_be_read_is_not_lost() {
        let mut program = Program::parse(b"#{\"threaded\":tru\ngetpid()\n").expect("a program");
        assert!(program.options.is_none());
        assert!(program.warnings[0].contains("line 1"), "{:?}", program.warnings);
        assert!(program.set("wifi", "true").is_err());
        assert_eq!(program.to_bytes(), b"#{\"threaded\":tru\ngetpid()\n");
    }

    #[test]
    fn what_is_no_program_is_called_by_its_name() {
        assert_eq!(Program::parse(b"<!DOCTYPE html><html>getpid()"), Err(ProgramError::Page));
        assert_eq!(Program::parse(b"<html>\0\n#{\"procs\":1}\ngetpid()\n"), Err(ProgramError::Page));
        assert_eq!(Program::parse(b""), Err(ProgramError::Nothing));
        assert_eq!(Program::parse(b"#{\"procs\":1}\n# only\n"), Err(ProgramError::Nothing));
        assert_eq!(Program::parse(b"// autogenerated\n#include <stdio.h>\nint main(void)\n"), Err(ProgramError::C));
    }

    #[test]
    fn lines_that_execprog_would_drop_are_reported() {
        let program = Program::parse(b"getpid()\nwhat is this\nand that\n").expect("a program");
        assert!(program.warnings[0].starts_with("line 2 and 1 more"), "{:?}", program.warnings);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_reading_changes_none(noise in "[#{}:\",a-zA-Z0-9$()= \\n\\r\u{e9}]{0,200}") {
            if let Ok(program) = Program::parse(noise.as_bytes()) {
                prop_assert_eq!(program.to_bytes(), noise.as_bytes());
            }
        }
    }
}
