//! Commands that people mail to syzbot: `#syz fix: title`.

use super::body::{Line, Role};
use schemars::JsonSchema;
use serde::Serialize;

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// This commit fixes the bug.
    Fix,
    /// It does not.
    Unfix,
    /// The bug is another one.
    Dup,
    /// It is not.
    Undup,
    /// Test a tree or a patch.
    Test,
    /// There is no bug.
    Invalid,
    /// Report it to the public lists.
    Upstream,
    /// Set labels: subsystems, priority, `no-reminders`.
    Set,
    /// Take labels away.
    Unset,
    /// Stop copying the sender.
    Uncc,
    /// Anything else; syzbot answers that it does not know it.
    Unknown,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Command {
    /// What it asks for.
    pub verb: Verb,
    /// The title, tree and branch, or labels; empty if there are none.
    pub argument: String,
}

/// The commands in what the sender wrote: at the start of a line, as syzbot reads them. syzbot's own mails explain commands and
/// give none; the caller knows who wrote.
#[must_use]
pub(super) fn commands(subject: &str, lines: &[Line]) -> Vec<Command> {
    let mut own: Vec<&str> = vec![subject];
    // syzbot reads patches and signatures, too; quoted lines begin with a mark and are none.
    own.extend(lines.iter().filter(|line| line.role != Role::Quoted).map(|line| line.text.as_str()));
    let mut all = Vec::new();
    for (at, line) in own.iter().enumerate() {
        let Some(rest) = line.strip_prefix("#syz").filter(|rest| rest.starts_with([' ', '\t', '-', ':'])) else {
            continue;
        };
        let rest = rest[1..].trim_start();
        let (word, rest) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let verb = verb(word);
        // Mail programs cut lines: a title or a tree may stand below.
        let next =
            || own.get(at + 1..).unwrap_or_default().iter().map(|line| line.trim()).find(|line| !line.is_empty());
        let argument = match verb {
            Verb::Fix | Verb::Dup | Verb::Set | Verb::Unset if rest.trim().is_empty() => {
                next().unwrap_or_default().to_owned()
            }
            Verb::Test if word.ends_with(':') => {
                let mut words: Vec<&str> = rest.split_whitespace().collect();
                if words.len() < 2 {
                    words.extend(next().into_iter().flat_map(str::split_whitespace));
                }
                words.truncate(2);
                words.join(" ")
            }
            _ => super::message::one_line(rest),
        };
        all.push(Command { verb, argument });
    }
    all
}

fn verb(word: &str) -> Verb {
    match word.trim_end_matches(':') {
        "fix" => Verb::Fix,
        "unfix" => Verb::Unfix,
        "dup" => Verb::Dup,
        "undup" => Verb::Undup,
        "test" => Verb::Test,
        "invalid" => Verb::Invalid,
        "upstream" => Verb::Upstream,
        "set" => Verb::Set,
        "unset" => Verb::Unset,
        "uncc" => Verb::Uncc,
        _ => Verb::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::lines;
    use super::*;

    fn read(text: &str) -> Vec<(Verb, String)> {
        commands("Re: x", &lines(text)).into_iter().map(|command| (command.verb, command.argument)).collect()
    }

    #[test]
    fn a_command_stands_at_the_start_of_a_line() {
        assert_eq!(read("> #syz invalid\nuse #syz invalid\n #syz invalid\n#syzbot\n"), []);
        assert_eq!(
            read("#syz fix: net: fix it\n#syz-dup: INFO: task hung in f\n#syz invalid\n#syz frobnicate\n"),
            [
                (Verb::Fix, "net: fix it".to_owned()),
                (Verb::Dup, "INFO: task hung in f".to_owned()),
                (Verb::Invalid, String::new()),
                (Verb::Unknown, String::new())
            ]
        );
        assert_eq!(commands("#syz invalid", &[]).len(), 1);
    }

    #[test]
    fn what_a_mail_program_cut_is_put_together() {
        assert_eq!(
            read("#syz test: git://git.example.org/linux.git\nmaster\n"),
            [(Verb::Test, "git://git.example.org/linux.git master".to_owned())]
        );
        assert_eq!(read("#syz fix:\nnet: fix it\n"), [(Verb::Fix, "net: fix it".to_owned())]);
        assert_eq!(read("#syz test\n\nHi\n"), [(Verb::Test, String::new())]);
    }
}
