//! MAINTAINERS as `scripts/get_maintainer.pl` reads it, for trees where the script cannot run.

use super::address::{address_of, formatted, name_of};
use super::mailmap::Mailmap;
use super::pattern::{PathPattern, expression};
use super::record::Person;
use regex::bytes::Regex;
use std::collections::BTreeSet;

/// Names of sections are cut there, as the script does.
const NAME: usize = 50;

/// The file.
#[derive(Debug)]
pub struct Maintainers {
    sections: Vec<Section>,
    mailmap: Mailmap,
    /// Patterns that are not regular expressions here, each with its section.
    pub unreadable: Vec<String>,
}

#[derive(Debug, Default)]
struct Section {
    name: String,
    files: Vec<PathPattern>,
    excluded: Vec<PathPattern>,
    names: Vec<Regex>,
    keywords: Vec<(String, Regex)>,
    /// `M`, `R`, `L` in their order.
    people: Vec<(char, String)>,
    status: Option<String>,
}

/// Somebody whom MAINTAINERS names.
pub type Listed = Person;

impl Maintainers {
    /// Reads the file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        let mut unreadable = Vec::new();
        let mut name = "";
        let mut open = false;
        for line in text.lines() {
            let Some((letter, value)) = typed(line) else {
                if !line.trim().is_empty() && !line.starts_with('#') {
                    (name, open) = (line, false);
                }
                continue;
            };
            if !open {
                sections.push(Section { name: name.to_owned(), ..Section::default() });
                open = true;
            }
            let Some(section) = sections.last_mut() else { continue };
            let mut readable = |regex: Option<Regex>| {
                if regex.is_none() {
                    unreadable.push(format!("{}: {letter}: {value}", section.name));
                }
                regex
            };
            match letter {
                'F' => section.files.push(PathPattern::new(value)),
                'X' => section.excluded.push(PathPattern::new(value)),
                'N' => section.names.extend(readable(expression(value))),
                'K' => section.keywords.extend(readable(expression(value)).map(|regex| (value.to_owned(), regex))),
                'M' | 'R' | 'L' => section.people.push((letter, value.to_owned())),
                'S' => section.status = Some(value.to_owned()),
                _ => {}
            }
        }
        Self { sections, mailmap: Mailmap::default(), unreadable }
    }

    /// With the tree's `.mailmap`: people are recognised by the names and addresses that they go by now.
    #[must_use]
    pub fn with_mailmap(mut self, text: &str) -> Self {
        self.mailmap = Mailmap::parse(text);
        self
    }

    /// Whom the file names for some files and for the keywords in a text, sections that name a file most closely first: people
    /// before lists, each once. `is_folder` says whether a path is a folder of the tree.
    #[must_use]
    pub fn of(&self, files: &[String], text: Option<&[u8]>, is_folder: &dyn Fn(&str) -> bool) -> Vec<Listed> {
        let mut gathered = Gathered::default();
        for file in files {
            let mut fitting: Vec<(i64, &Section)> = self
                .sections
                .iter()
                .filter_map(|section| Some((section.depth_in(file, is_folder)?, section)))
                .collect();
            fitting.sort_by_key(|(depth, _)| -depth);
            fitting.into_iter().for_each(|(_, section)| gathered.add(section, ""));
        }
        for section in &self.sections {
            let keyword = section.keywords.iter().rfind(|(_, regex)| text.is_some_and(|text| regex.is_match(text)));
            if let Some((keyword, _)) = keyword {
                gathered.add(section, &format!(":Keyword:{keyword}"));
            }
        }
        gathered.people.retain(|person| !person.role.starts_with(CHIEF));
        gathered.people.append(&mut gathered.lists);
        self.current(gathered.people)
    }

    /// The same people and lists by their present addresses, each once.
    fn current(&self, people: Vec<Person>) -> Vec<Person> {
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        let mut all = Vec::with_capacity(people.len());
        for person in people {
            let (name, address) = self.mailmap.mapped(&name_of(&person.address), address_of(&person.address));
            let known =
                !name.is_empty() && names.contains(&name.to_lowercase()) || addresses.contains(&address.to_lowercase());
            if !known {
                names.insert(name.to_lowercase());
                addresses.insert(address.to_lowercase());
                all.push(Person { address: formatted(&name, &address), ..person });
            }
        }
        all
    }

    /// Addresses of whom no mail about a bug is meant for: who is "buried alive in reporters".
    #[must_use]
    pub fn chiefs(&self) -> BTreeSet<String> {
        let chief = |section: &&Section| section.role() == CHIEF;
        let lines = self.sections.iter().filter(chief).flat_map(|section| &section.people);
        lines.filter(|(letter, _)| *letter == 'M').map(|(_, value)| address_of(value).to_ascii_lowercase()).collect()
    }
}

/// What the script calls whom it never writes to.
const CHIEF: &str = "chief penguin";

impl Section {
    /// How closely the section names a file; none where it does not.
    fn depth_in(&self, file: &str, is_folder: &dyn Fn(&str) -> bool) -> Option<i64> {
        if self.excluded.iter().any(|pattern| pattern.depth_in(file, is_folder).is_some()) {
            return None;
        }
        let by_path = self.files.iter().filter_map(|pattern| pattern.depth_in(file, is_folder)).next_back();
        by_path.or_else(|| self.names.iter().any(|regex| regex.is_match(file.as_bytes())).then_some(0))
    }

    /// The word for its maintainers.
    fn role(&self) -> String {
        let status = self.status.as_deref().unwrap_or("unknown").to_lowercase();
        match status.as_str() {
            "supported" => "supporter".into(),
            "maintained" => "maintainer".into(),
            "odd fixes" => "odd fixer".into(),
            "orphan" => "orphan minder".into(),
            "obsolete" => "obsolete minder".into(),
            "buried alive in reporters" => CHIEF.into(),
            _ => status,
        }
    }

    fn short_name(&self) -> String {
        if self.name.len() <= NAME {
            return self.name.clone();
        }
        let cut: String = self.name.chars().take(NAME - 3).collect();
        format!("{}...", cut.trim_end())
    }
}

/// People and lists, each once: by name and by address.
#[derive(Debug, Default)]
struct Gathered {
    people: Vec<Person>,
    lists: Vec<Person>,
    names: BTreeSet<String>,
    addresses: BTreeSet<String>,
    list_addresses: BTreeSet<String>,
}

impl Gathered {
    fn add(&mut self, section: &Section, suffix: &str) {
        for (letter, value) in &section.people {
            match letter {
                'L' => self.list(section, value, suffix),
                'M' => self.person(value, format!("{}:{}{suffix}", section.role(), section.short_name())),
                _ => self.person(value, format!("reviewer:{}{suffix}", section.short_name())),
            }
        }
    }

    fn list(&mut self, section: &Section, value: &str, suffix: &str) {
        let (address, more) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        // A list that only its subscribers may write to is of no use to others.
        if more.contains("subscribers-only") || !self.list_addresses.insert(address.to_ascii_lowercase()) {
            return;
        }
        let kind = if more.contains("moderated") { "moderated list" } else { "open list" };
        let name = section.short_name();
        let of = if name == "THE REST" { String::new() } else { format!(":{name}") };
        self.lists.push(Person { address: address.to_owned(), role: format!("{kind}{of}{suffix}"), list: true });
    }

    fn person(&mut self, value: &str, role: String) {
        let (name, address) = (name_of(value), address_of(value));
        if address.is_empty() {
            return;
        }
        let (key, name_key) = (address.to_ascii_lowercase(), name.to_lowercase());
        if self.addresses.contains(&key) || !name_key.is_empty() && self.names.contains(&name_key) {
            return;
        }
        self.addresses.insert(key);
        if !name_key.is_empty() {
            self.names.insert(name_key);
        }
        self.people.push(Person { address: formatted(&name, address), role, list: false });
    }
}

/// `F:\tmm/` → `F`, `mm/`.
fn typed(line: &str) -> Option<(char, &str)> {
    let letter = line.chars().next().filter(char::is_ascii_uppercase)?;
    Some((letter, line[1..].strip_prefix(':')?.trim_start().trim_end()))
}
