//! Lines that say how a boot ended, from `signs.toml`.

use memchr::memmem;
use serde::Deserialize;
use std::sync::LazyLock;

/// What such a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Says {
    /// The machine was shut down in good order.
    Clean,
    /// A shutdown was begun.
    Begun,
    /// Whoever writes the log was told to end, as in a shutdown; what comes after is not kept.
    LoggerEnds,
    /// The kernel gave up.
    Panic,
    /// It was reset at once.
    Reset,
    /// The boot before this one was not ended in good order.
    Unclean,
}

/// How a machine was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// It restarted.
    Reboot,
    /// It was switched off.
    PowerOff,
    /// It was halted.
    Halt,
    /// Another kernel was started without the firmware.
    Kexec,
}

impl Left {
    /// `restarted`, `switched off`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Reboot => "restarted",
            Self::PowerOff => "switched off",
            Self::Halt => "halted",
            Self::Kexec => "another kernel started by kexec",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    says: Says,
    speaker: String,
    begins: Vec<String>,
    #[serde(default)]
    holds: Vec<String>,
    word: Option<Left>,
    #[cfg_attr(not(test), expect(dead_code, reason = "samples are for the test that checks the file"))]
    sample: String,
}

#[derive(Deserialize)]
struct Document {
    sign: Vec<Sign>,
}

static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    let document: Document = toml::from_str(include_str!("signs.toml")).expect("the file is checked by a test");
    document.sign
});

/// How records of pstore call themselves.
pub(super) const PSTORE: &str = "pstore";
/// How the kernel is called as a speaker.
pub(super) const KERNEL: &str = "kernel";

/// What a message of a speaker says of an end, if anything.
#[must_use]
pub(super) fn sign(speaker: &str, message: &[u8]) -> Option<(Says, Option<Left>)> {
    // systemd-shutdown writes into the kernel's log: `systemd-shutdown[1]: Rebooting.`
    let (speaker, message) =
        if speaker == KERNEL { inner(message).unwrap_or((speaker, message)) } else { (speaker, message) };
    SIGNS
        .iter()
        .filter(|sign| sign.speaker == speaker)
        .find(|sign| {
            sign.begins.iter().any(|begin| message.starts_with(begin.as_bytes()))
                && (sign.holds.is_empty()
                    || sign.holds.iter().any(|part| memmem::find(message, part.as_bytes()).is_some()))
        })
        .map(|sign| (sign.says, sign.word))
}

/// The program and its words where the kernel's log holds a line of one: `name[pid]: words`.
fn inner(message: &[u8]) -> Option<(&str, &[u8])> {
    let open = memchr::memchr(b'[', &message[..message.len().min(64)])?;
    let name = std::str::from_utf8(&message[..open]).ok()?;
    let rest = &message[open + 1..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let words = rest.get(digits..)?.strip_prefix(b"]: ")?;
    (digits > 0 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')).then_some((name, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::lex;

    #[test]
    fn every_sign_is_hit_by_its_sample() {
        for known in SIGNS.iter() {
            let sample = known.sample.as_bytes();
            let speaker = if known.speaker == PSTORE { PSTORE } else { KERNEL };
            let prefix = lex(sample);
            let message = if known.speaker == PSTORE || prefix.time.is_none() { sample } else { prefix.text(sample) };
            // Programs without a pid in brackets are named by the log that they wrote to.
            let found = match known.sample.split_once(": ") {
                Some((name, words)) if name == known.speaker => sign(name, words.as_bytes()),
                _ => sign(speaker, message),
            };
            assert_eq!(found, Some((known.says, known.word)), "{}", known.sample);
        }
    }

    #[test]
    fn others_say_nothing_of_the_end() {
        for (speaker, message) in [
            (KERNEL, "EXT4-fs (vda1): mounted filesystem"),
            ("systemd", "Reached target multi-user.target - Multi-User System."),
            ("evil", "reboot: Restarting system"),
            (KERNEL, "evil[7]: reboot: Restarting system"),
            ("systemd-journald", "Received SIGTERM from PID 1 (systemd)."),
            ("systemd-journald", "Journal stopped"),
        ] {
            assert_eq!(sign(speaker, message.as_bytes()), None, "{speaker}: {message}");
        }
    }
}
