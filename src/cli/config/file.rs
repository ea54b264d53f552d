//! One `kanalyze.toml` as it was written: tables of settings, each with its line.

use anyhow::{Context as _, anyhow, bail};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file larger than this is none of ours, bytes.
const LARGEST: u64 = 1 << 20;

/// The key of the user's own file with folders whose files may say everything.
const TRUSTED: &str = "trusted";

/// The table of a verb's further tables.
const PROFILE: &str = "profile";

/// A file.
#[derive(Debug)]
pub(super) struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Folders whose files may say everything, real and absolute; only the user's own file has some.
    pub trusted: Vec<PathBuf>,
    /// Whether it may say everything: it is the user's own, or the user trusts its folder.
    pub is_trusted: bool,
    verbs: Vec<Verb>,
}

#[derive(Debug)]
struct Verb {
    name: String,
    settings: Vec<Setting>,
    profiles: Vec<(String, Vec<Setting>)>,
}

/// One key.
#[derive(Debug)]
pub(super) struct Setting {
    /// A long option, with hyphens.
    pub option: String,
    /// What it is set to.
    pub value: Value,
    /// From 1.
    pub line: usize,
}

/// What a key is set to, as the command line would have it.
#[derive(Debug)]
pub(super) enum Value {
    /// A flag.
    Switch(bool),
    /// A text or a number.
    One(String),
    /// A list of these.
    Many(Vec<String>),
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is not TOML of this shape: file, line, reason.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let length = std::fs::metadata(path).with_context(name)?.len();
        if length > LARGEST {
            bail!("{}: {length} bytes, a file of settings has less than {LARGEST}", path.display());
        }
        let text = std::fs::read_to_string(path).with_context(name)?;
        let at =
            |offset: usize| text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        let document = DeTable::parse(&text).map_err(|error| {
            let line = at(error.span().map_or(0, |span| span.start));
            anyhow!("{}:{line}: {}", path.display(), error.message())
        })?;
        let place = |offset: usize| format!("{}:{}", path.display(), at(offset));
        let (mut verbs, mut trusted) = (Vec::new(), Vec::new());
        for (name, value) in document.get_ref() {
            let verb: &str = name.get_ref();
            let is_verb = verb == super::ALL || crate::cli::command().find_subcommand(verb).is_some();
            match value.get_ref() {
                DeValue::Table(table) if is_verb => {
                    let read = read_verb(verb, table, &at);
                    // The words begin with the line.
                    verbs.push(read.map_err(|error| anyhow!("{}:{error}", path.display()))?);
                }
                DeValue::Array(folders) if verb == TRUSTED => {
                    for folder in folders {
                        let known = scalar(folder.get_ref()).and_then(|folder| trusted_folder(&folder));
                        let place = place(folder.span().start);
                        trusted.extend(
                            known.with_context(|| format!("{place}: '{TRUSTED}' holds absolute paths, or ~/…"))?,
                        );
                    }
                }
                _ => bail!(
                    "{}: there is no verb '{verb}'; a table is called after one, such as [run], or [all]",
                    place(name.span().start)
                ),
            }
        }
        Ok(Self { path: path.to_owned(), trusted, is_trusted: false, verbs })
    }

    /// The same file, and whether it may say everything.
    pub(super) fn trusting(self, is_trusted: bool) -> Self {
        Self { is_trusted, ..self }
    }

    /// What it says of a verb.
    pub(super) fn settings(&self, verb: &str) -> &[Setting] {
        self.verbs.iter().find(|own| own.name == verb).map_or(&[], |own| &own.settings)
    }

    /// The profiles of a verb.
    pub(super) fn profiles(&self, verb: &str) -> &[(String, Vec<Setting>)] {
        self.verbs.iter().find(|own| own.name == verb).map_or(&[], |own| &own.profiles)
    }
}

/// The real folder that is meant; none inside if there is no such folder any more.
fn trusted_folder(text: &str) -> Option<Option<PathBuf>> {
    let folder = match text.strip_prefix("~/") {
        Some(below) => crate::files::absolute("HOME")?.join(below),
        None => Some(PathBuf::from(text)).filter(|folder| folder.is_absolute())?,
    };
    Some(folder.canonicalize().ok())
}

fn read_verb(name: &str, table: &DeTable<'_>, at: &dyn Fn(usize) -> usize) -> anyhow::Result<Verb> {
    let mut verb = Verb { name: name.to_owned(), settings: Vec::new(), profiles: Vec::new() };
    for (key, value) in table {
        let key_name: &str = key.get_ref();
        match value.get_ref() {
            DeValue::Table(profiles) if key_name == PROFILE => {
                for (profile, settings) in profiles {
                    let DeValue::Table(settings) = settings.get_ref() else {
                        bail!("{}: '{}' is not a table of settings", at(profile.span().start), profile.get_ref());
                    };
                    let settings = settings.iter().map(|(key, value)| read_setting(key, value, at));
                    verb.profiles.push((profile.get_ref().to_string(), settings.collect::<anyhow::Result<_>>()?));
                }
            }
            _ if key_name == PROFILE => {
                bail!("{}: '{PROFILE}' holds tables, such as [{name}.{PROFILE}.stress]", at(key.span().start));
            }
            _ => verb.settings.push(read_setting(key, value, at)?),
        }
    }
    Ok(verb)
}

fn read_setting(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    at: &dyn Fn(usize) -> usize,
) -> anyhow::Result<Setting> {
    let line = at(key.span().start);
    let option = key.get_ref().replace('_', "-");
    let wrong = || anyhow!("{line}: '{option}' is a text, a number, true, false, or a list of texts and numbers");
    let value = match value.get_ref() {
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::Array(list) => {
            Value::Many(list.iter().map(|one| scalar(one.get_ref()).ok_or_else(wrong)).collect::<anyhow::Result<_>>()?)
        }
        other => Value::One(scalar(other).ok_or_else(wrong)?),
    };
    Ok(Setting { option, value, line })
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}
