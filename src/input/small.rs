//! Small files that a user names: grammars, baselines, settings. What does not end is not read to its end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a text file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, is not UTF-8, or is larger.
pub fn read_small(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", most >> 20)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_never_ends_is_refused() {
        let error = read_small(Path::new("/dev/zero"), 1 << 20).expect_err("endless");
        assert_eq!(error.to_string(), "it is larger than 1 MiB");
    }
}
