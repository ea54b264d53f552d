//! Which kernel speaks: of two logs, one behind the other, the names of their kernels may be all that shows where the second begins.

/// The kernels that reports name within what looks like one boot. One that is another has been booted in between, whether or not the log has
/// its first lines.
#[derive(Debug, Default)]
pub(super) struct Kernels {
    /// The boot that is numbered.
    boot: usize,
    /// The kernels of it, in the order in which they came, and which spoke last.
    named: Vec<String>,
    last: usize,
    /// How many further ones there were in the boots before.
    further: usize,
}

impl Kernels {
    /// The number of the boot of what says nothing of its kernel.
    pub(super) fn boot(&mut self, boot: usize) -> usize {
        if boot != self.boot {
            self.further += self.named.len().saturating_sub(1);
            self.named.clear();
            (self.boot, self.last) = (boot, 0);
        }
        boot + self.further + self.last
    }

    /// The number of the boot of a report that names its kernel.
    pub(super) fn boot_of(&mut self, boot: usize, kernel: Option<&str>) -> usize {
        let number = self.boot(boot);
        let Some(kernel) = kernel.filter(|kernel| is_release(kernel)) else { return number };
        // A name may be cut where lines mix.
        let is = |known: &String| known.starts_with(kernel) || kernel.starts_with(known.as_str());
        self.last = self.named.iter().position(is).unwrap_or_else(|| {
            self.named.push(kernel.to_owned());
            self.named.len() - 1
        });
        self.boot(boot)
    }

    /// How many boots there are beyond those that begin in the log.
    pub(super) fn further(&self) -> usize {
        self.further + self.named.len().saturating_sub(1)
    }
}

/// Whether it is a whole release: `6.1.0-13-widget`.
fn is_release(kernel: &str) -> bool {
    let mut numbers = kernel.split(|letter: char| !letter.is_ascii_digit());
    let numbered = numbers.by_ref().take(2).filter(|number| !number.is_empty()).count() == 2;
    numbered && kernel.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+_~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::Kernels;

    #[test]
    fn another_kernel_is_another_boot() {
        let mut kernels = Kernels::default();
        let boots: Vec<usize> = [
            (0, Some("5.10.0-widget")),
            (0, None),
            (0, Some("6.6.1")),
            (0, Some("5.10.0-wid")),
            (0, Some("corrupt")),
            (1, None),
            (1, Some("6.6.1")),
            (1, Some("6.7.0")),
        ]
        .into_iter()
        .map(|(boot, kernel)| kernels.boot_of(boot, kernel))
        .collect();
        assert_eq!(boots, [0, 0, 1, 0, 0, 2, 2, 3]);
        assert_eq!(kernels.further(), 2);
    }
}
