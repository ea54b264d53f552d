//! Whether a log is of the kernel whose image was given: banners, releases, build ids.

use super::kernel::{Kernel, release_of};

/// What a line says about which kernel wrote the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement<'line> {
    /// `Linux version 6.12.1 (…) … #2 SMP …`, the start of a boot.
    Banner(&'line str),
    /// `CPU: 0 PID: 1 Comm: x Not tainted 6.12.1 #2 BUILD-ID`.
    Header {
        /// The release.
        release: &'line str,
        /// The number of the build, with its `#`.
        build: &'line str,
        /// The build id, when the kernel prints it.
        build_id: Option<&'line str>,
    },
}

/// Reads a line that states which kernel this is.
#[must_use]
pub(super) fn statement(line: &[u8]) -> Option<Statement<'_>> {
    if let Some(at) = memchr::memmem::find(line, b"Linux version ") {
        let text = std::str::from_utf8(&line[at..]).ok()?.trim_end();
        let at_start = at == 0 || matches!(line[at - 1], b' ' | b']' | b'\t');
        let release = release_of(text)?;
        let whole = text.get(14 + release.len()..)?.starts_with(" (");
        return (at_start && whole && release.starts_with(|first: char| first.is_ascii_digit()))
            .then_some(Statement::Banner(text));
    }
    memchr::memmem::find(line, b" Comm: ")?;
    let at = memchr::memmem::rfind(line, b" #")?;
    memchr::memmem::find(line, b"ainted")?;
    let release = line[..at].rsplit(|byte| *byte == b' ').next()?;
    let release = std::str::from_utf8(release).ok()?;
    let dots = release.bytes().filter(|byte| *byte == b'.').count();
    let plain = dots >= 1 && release.starts_with(|first: char| first.is_ascii_digit());
    header(release, std::str::from_utf8(&line[at + 1..]).ok()?).filter(|_| plain)
}

/// The statement of a release and what a report prints behind it: `#2`, perhaps the kind of preemption and the build id.
#[must_use]
pub(super) fn header<'line>(release: &'line str, behind: &'line str) -> Option<Statement<'line>> {
    let mut words = behind.split_whitespace();
    let build = words.next()?;
    let build_id = words.find(|id| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Some(Statement::Header { release, build, build_id })
}

/// The release and the build id that a line states, if it is one that states them.
#[must_use]
pub fn stated_release(line: &[u8]) -> Option<(&str, Option<&str>)> {
    match statement(line)? {
        Statement::Banner(text) => release_of(text).map(|release| (release, None)),
        Statement::Header { release, build_id, .. } => Some((release, build_id)),
    }
}

/// Whether a statement fits a kernel: `Some(true)` it does, `Some(false)` it does not, `None` cannot be determined.
#[must_use]
pub(super) fn fits(kernel: &Kernel, statement: Statement<'_>) -> Option<bool> {
    match statement {
        Statement::Banner(text) => {
            let own = kernel.banner()?;
            // An image that does not know its build's number and date leaves them out: `… # SMP`.
            let own = own.find(" # ").map_or(own, |at| &own[..at]);
            // A cut line is the beginning of the banner; consoles cut, and /proc/version adds nothing.
            Some(own.starts_with(text) || text.starts_with(own))
        }
        Statement::Header { build_id: Some(id), .. } if kernel.build_id().is_some() => {
            kernel.build_id().map(|own| own == id)
        }
        Statement::Header { release, build, .. } => {
            let own = kernel.banner()?;
            let number = own.split(' ').find(|word| word.starts_with('#'));
            Some(kernel.release() == Some(release) && number.is_none_or(|number| number == "#" || number == build))
        }
    }
}

/// The sentence that says why a log is refused, and what can be done about it.
#[must_use]
pub(super) fn refusal(kernel: &Kernel, statement: Statement<'_>) -> String {
    format!("{} (--force decodes it anyway, marked doubtful)", difference(kernel, statement))
}

/// The sentence that says how a log and an image differ.
#[must_use]
pub(super) fn difference(kernel: &Kernel, statement: Statement<'_>) -> String {
    let path = kernel.path().display();
    match statement {
        Statement::Banner(text) => {
            format!(
                "{path} is another kernel: the log says '{text}', the image '{}'",
                kernel.banner().unwrap_or("nothing")
            )
        }
        Statement::Header { build_id: Some(id), .. } if kernel.build_id().is_some() => {
            format!(
                "{path} is another kernel: the log says build id {id}, the image {}",
                kernel.build_id().unwrap_or("nothing")
            )
        }
        Statement::Header { release, build, .. } => {
            let own = kernel.banner().unwrap_or("nothing");
            format!("{path} is another kernel: the log says {release} {build}, the image '{own}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_and_headers_are_read_and_prose_is_not() {
        assert_eq!(
            statement(b"[    0.000000][    T0] Linux version 6.12.1-lab (root@vm) (gcc) #2 SMP Sat\r"),
            Some(Statement::Banner("Linux version 6.12.1-lab (root@vm) (gcc) #2 SMP Sat"))
        );
        assert_eq!(
            statement(b"CPU: 0 UID: 0 PID: 57 Comm: trig Tainted: G           O       6.12.1-lab #2 "),
            Some(Statement::Header { release: "6.12.1-lab", build: "#2", build_id: None })
        );
        assert_eq!(
            statement(b"CPU: 0 PID: 57 Comm: a #b Not tainted 6.1.0 #1 0123456789012345678901234567890123456789"),
            Some(Statement::Header {
                release: "6.1.0",
                build: "#1",
                build_id: Some("0123456789012345678901234567890123456789")
            })
        );
        assert_eq!(
            header("6.14.0", "#1 PREEMPT(full) 0123456789012345678901234567890123456789"),
            Some(Statement::Header {
                release: "6.14.0",
                build: "#1",
                build_id: Some("0123456789012345678901234567890123456789")
            })
        );
        assert_eq!(statement(b"the Linux version you need is 6.1"), None);
        assert_eq!(statement(b"Linux version of the driver"), None);
        assert_eq!(statement(b" Comm: x tainted by #1"), None);
    }
}
