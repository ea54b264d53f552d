//! Kernel configurations and fragments, merged as the kernel's `scripts/kconfig/merge_config.sh` does.

use super::manifest::RefusedOption;
use std::collections::BTreeMap;

/// What a configuration asks for: `CONFIG_X` → `y`, `m`, `n`, `"text"`, `17`.
pub type Wishes = BTreeMap<String, String>;

/// An option that two files ask for differently; the later one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redefined {
    /// `CONFIG_…`.
    pub name: String,
    /// Before.
    pub old: String,
    /// Now.
    pub new: String,
    /// Which file says so.
    pub by: String,
}

/// The text for `.config`, and who asked for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The new `.config`.
    pub text: String,
    /// Every option that a file names, with its value and the last file that names it.
    pub wishes: BTreeMap<String, (String, String)>,
    /// Where a later file overrode an earlier one.
    pub redefined: Vec<Redefined>,
}

/// A line's option and value: `CONFIG_A=y` or `# CONFIG_A is not set`.
fn option_of(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_end();
    let (name, value) = match line.strip_prefix("# ").and_then(|rest| rest.strip_suffix(" is not set")) {
        Some(name) => (name, "n"),
        None => line.split_once('=')?,
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (name.starts_with("CONFIG_") && name.bytes().all(word)).then_some((name, value))
}

/// What a configuration asks for; the last line counts.
#[must_use]
pub fn wishes(text: &str) -> Wishes {
    text.lines().filter_map(option_of).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Lays the files over one another, the first at the bottom. Each has a name and its text.
#[must_use]
pub fn merge(files: &[(String, String)]) -> Merged {
    let mut merged = Merged::default();
    for (file, text) in files {
        let mine = wishes(text);
        for (name, value) in &mine {
            let old = merged.wishes.insert(name.clone(), (value.clone(), file.clone()));
            if let Some((old, _)) = old.filter(|(old, _)| old != value) {
                merged.redefined.push(Redefined { name: name.clone(), old, new: value.clone(), by: file.clone() });
            }
        }
        let kept = merged.text.lines().filter(|line| option_of(line).is_none_or(|(name, _)| !mine.contains_key(name)));
        let mut both: String = kept.flat_map(|line| [line, "\n"]).collect();
        both.push_str(text);
        if !both.ends_with('\n') {
            both.push('\n');
        }
        merged.text = both;
    }
    merged
}

/// The first option whose value `make` or a shell of the kernel's build would run: the build takes values into makefiles as they are.
#[must_use]
pub fn runs_something(merged: &Merged) -> Option<&str> {
    let runs = |value: &str| value.contains(['`', '$']);
    merged.wishes.iter().find(|(_, (value, _))| runs(value)).map(|(name, _)| name.as_str())
}

/// The options that came out otherwise than asked for. What is not in `outcome` is off, or does not exist any more.
#[must_use]
pub fn refused(merged: &Merged, outcome: &str) -> Vec<RefusedOption> {
    let outcome = wishes(outcome);
    merged
        .wishes
        .iter()
        .filter_map(|(name, (wanted, file))| {
            let got = outcome.get(name);
            let same = match got {
                Some(got) => got == wanted,
                None => wanted == "n",
            };
            (!same).then(|| RefusedOption {
                name: name.clone(),
                wanted: wanted.clone(),
                got: got.cloned(),
                asked_by: file.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[&str]) -> Vec<(String, String)> {
        texts.iter().enumerate().map(|(index, text)| (format!("file{index}"), (*text).to_owned())).collect()
    }

    #[test]
    fn a_fragment_wins_over_the_configuration() {
        let merged = merge(&files(&[
            "# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"a=b\"\nCONFIG_D=m",
            "CONFIG_B=y\n# CONFIG_A is not set\nCONFIG_D=m\nCONFIG_E=7\n",
        ]));
        assert_eq!(
            merged.text,
            "# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_C=\"a=b\"\nCONFIG_B=y\n# CONFIG_A is not set\nCONFIG_D=m\nCONFIG_E=7\n"
        );
        let redefined: Vec<_> =
            merged.redefined.iter().map(|each| (&*each.name, &*each.old, &*each.new, &*each.by)).collect();
        assert_eq!(redefined, [("CONFIG_A", "y", "n", "file1"), ("CONFIG_B", "n", "y", "file1")]);
    }

    #[test]
    fn what_did_not_take_is_reported() {
        let merged =
            merge(&files(&["CONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\n# CONFIG_D is not set\nCONFIG_E=y\n"]));
        let refused = refused(&merged, "CONFIG_A=y\nCONFIG_B=m\nCONFIG_D=y\n");
        let names: Vec<_> = refused.iter().map(|each| (&*each.name, &*each.wanted, each.got.as_deref())).collect();
        assert_eq!(names, [("CONFIG_B", "y", Some("m")), ("CONFIG_D", "n", Some("y")), ("CONFIG_E", "y", None)]);
    }

    #[test]
    fn values_that_the_build_would_run_are_known() {
        let of = |text: &str| merge(&files(&[text]));
        for hostile in ["CONFIG_A=\"$(shell id)\"", "CONFIG_A=\"`id`\"", "CONFIG_A=${HOME}"] {
            assert_eq!(runs_something(&of(hostile)), Some("CONFIG_A"), "{hostile}");
        }
        let usual = of("CONFIG_A=y\nCONFIG_B=\"-lab\"\nCONFIG_C=0x1000\nCONFIG_D=\"\"\nCONFIG_E=\"certs/key.pem\"\n");
        assert_eq!(runs_something(&usual), None);
    }

    #[test]
    fn what_is_no_option_is_left_alone() {
        for line in ["# CONFIG_A", "CONFIG_A", "A=y", "# a comment is not set", "CONFIG_A B=y", ""] {
            assert_eq!(option_of(line), None, "{line}");
        }
    }
}
