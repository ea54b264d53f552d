//! What syz-execprog prints, counted: `parsed N programs`, `executed programs: N`.

/// What the output of the workload said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Programs in the file.
    pub parsed: Option<u64>,
    /// Programs issued so far.
    pub executed: Option<u64>,
    /// Programs a second between the last two counts.
    pub rate: Option<f64>,
    /// When the last count came, seconds of the run.
    pub at: f64,
}

impl Progress {
    /// Takes one line; true if it was a count, which is what syzkaller's no-output rule asks for.
    pub fn take(&mut self, line: &[u8], now: f64) -> bool {
        if let Some(count) = number_after(line, b"parsed ") {
            self.parsed = Some(count);
        }
        let Some(count) = number_after(line, b"executed programs: ") else { return false };
        if let Some(before) = self.executed
            && now > self.at
            && count >= before
        {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let programs = (count - before) as f64;
            self.rate = Some(programs / (now - self.at));
        }
        self.executed = Some(count);
        self.at = now;
        true
    }
}

/// The number after `words`, if these begin the line or follow the logger's date.
fn number_after(line: &[u8], words: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(line, words)?;
    let dated = at == 20 && line[..20].iter().all(|byte| b"0123456789/: ".contains(byte));
    if at != 0 && !dated {
        return None;
    }
    let digits = line[at + words.len()..].split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_the_logger_are_read_and_lookalikes_are_not() {
        let mut progress = Progress::default();
        assert!(!progress.take(b"2026/08/17 10:00:00 parsed 12 programs", 1.0));
        assert!(progress.take(b"2026/08/17 10:00:00 executed programs: 0", 2.0));
        assert!(progress.take(b"2026/08/17 10:00:05 executed programs: 500", 7.0));
        assert_eq!(progress, Progress { parsed: Some(12), executed: Some(500), rate: Some(100.0), at: 7.0 });
        for other in
            ["executing program 3:", "open(\"executed programs: 7\")", "executed programs: ", "executing program"]
        {
            assert!(!progress.take(other.as_bytes(), 9.0), "{other}");
        }
        assert!(progress.take(b"executed programs: 3", 9.0), "a restart counts from the beginning");
        assert_eq!(progress.rate, Some(100.0));
    }
}
