//! The house rules: layers, homes of heavy crates, sizes, names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules of the library, lowest first: each may use only those above it in this list.
const LAYERS: [&str; 26] = [
    "architecture",
    "files",
    "calendar",
    "markup",
    "packing",
    "net",
    "input",
    "line",
    "grammar",
    "report",
    "locks",
    "symbols",
    "image",
    "bisect",
    "source",
    "diff",
    "table",
    "engine",
    "intake",
    "runs",
    "vm",
    "syzbot",
    "thread",
    "host",
    "render",
    "cli",
];

/// Crates that only these modules may name.
const HOMES: [(&str, &[&str]); 23] = [
    ("clap", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("clap_complete", &["cli"]),
    ("rmcp", &["cli"]),
    ("tokio", &["cli"]),
    ("polars", &["table"]),
    ("arrow_array", &["table"]),
    ("arrow_ipc", &["table"]),
    ("parquet", &["table"]),
    ("gimli", &["symbols", "image"]),
    ("addr2line", &["symbols", "image"]),
    ("object", &["symbols", "image"]),
    ("logos", &["line"]),
    ("aho_corasick", &["grammar"]),
    ("regex_automata", &["grammar"]),
    ("regex_syntax", &["grammar"]),
    ("rayon", &["engine"]),
    ("ureq", &["net"]),
    ("rustls", &["net"]),
    ("httpdate", &["net"]),
    ("mail_parser", &["thread"]),
    ("zip", &["intake"]),
    ("tar", &["intake"]),
];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "common", "shared", "helpers", "types", "imp"];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("src is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&root.join(folder), &mut found);
    }
    found.sort();
    found.into_iter().map(|(path, text)| (path.strip_prefix(root).expect("below the root").to_owned(), text)).collect()
}

/// The module of a source file, if it is in one.
fn layer(path: &Path) -> Option<&'static str> {
    let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    (parts.next()? == "src").then_some(())?;
    let name = parts.next()?;
    LAYERS.into_iter().find(|known| *known == name.trim_end_matches(".rs"))
}

/// Words that follow `marker` in code lines, comments left out.
fn words_after<'t>(text: &'t str, marker: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(move |line| {
        line.match_indices(marker).map(move |(at, _)| {
            let rest = &line[at + marker.len()..];
            let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
            &rest[..end]
        })
    })
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let Some(own) = layer(&path) else { continue };
        let rank = |name: &str| LAYERS.iter().position(|known| *known == name);
        for used in words_after(&text, "crate::") {
            if rank(used) > rank(own) {
                faults.push(format!("{}: {own} uses {used}, which is below it", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_heavy_crate_has_one_home() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("src") || path == Path::new("src/main.rs") {
            continue;
        }
        for (name, homes) in HOMES {
            let named = text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
                line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !line[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_' || char == ':')
                })
            });
            if named && !layer(&path).is_some_and(|own| homes.contains(&own)) {
                faults.push(format!("{}: uses {name}, whose home is {}", path.display(), homes.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_opens_with_a_sentence_and_stays_short() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//! ") {
            faults.push(format!("{}: does not open with a //! sentence", path.display()));
        }
        let lines = text.lines().count();
        if lines > 600 {
            faults.push(format!("{}: has {lines} lines; 600 is the most, 300 the habit", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_module_has_an_empty_name() {
    let named: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| {
            let parts =
                path.components().map(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned());
            parts.clone().any(|part| EMPTY_NAMES.contains(&part.as_str()) || part.ends_with("_util"))
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(named.is_empty(), "{}", named.join("\n"));
}

/// The files of `src/` by the path of their module, comments and tests left out of the texts. A `mod.rs` is its folder's
/// façade: it names its files, and they may use what it declares.
fn modules() -> BTreeMap<Vec<String>, (PathBuf, String)> {
    let own = sources().into_iter().filter(|(path, _)| path.starts_with("src") && !path.ends_with("mod.rs"));
    own.filter(|(path, _)| !path.to_string_lossy().ends_with("tests.rs") && path != Path::new("src/lib.rs"))
        .map(|(path, text)| {
            let inner = path.strip_prefix("src").expect("below src").with_extension("");
            let name = inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (name, (path, code.join("\n")))
        })
        .collect()
}

/// Adds the paths of a `use` tree, or of a path in the code, to `found`; gives the length of its text.
fn branches(prefix: &[String], text: &str, found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let word = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
        if word > 0 {
            path.push(rest[..word].to_owned());
            at += word;
        }
        if !text[at..].starts_with("::") {
            break;
        }
        at += 2;
        if text[at..].starts_with('{') {
            at += 1;
            loop {
                let rest = text[at..].trim_start_matches([' ', ',', '\n']);
                at = text.len() - rest.len();
                if rest.is_empty() || rest.starts_with('}') {
                    return (at + 1).min(text.len());
                }
                // What is not a name (`*`) is stepped over; the rest of `x as y` is a path that leads nowhere.
                at += branches(&path, rest, found).max(1);
            }
        }
    }
    if path.len() > prefix.len() {
        found.push(path);
    }
    at
}

/// The paths of a text that begin with `crate` or `super`, each as its words.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let before = text[..at].chars().next_back();
            if before.is_none_or(|char| !char.is_alphanumeric() && char != '_' && char != ':') {
                branches(&[], &text[at..], &mut found);
            }
        }
    }
    found
}

#[test]
fn files_import_each_other_in_no_circle() {
    let modules = modules();
    let mut uses: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = BTreeMap::new();
    for (name, (_, text)) in &modules {
        let target = |path: Vec<String>| {
            let above = path.iter().take_while(|word| *word == "super").count();
            let base = if above == 0 { &[][..] } else { name.get(..name.len().checked_sub(above)?)? };
            let whole: Vec<String> = base.iter().chain(path.iter().skip(above.max(1))).cloned().collect();
            let known = (1..=whole.len()).rev().find_map(|length| modules.get_key_value(&whole[..length]))?.0;
            (known != name).then_some(known)
        };
        uses.insert(name, paths(text).into_iter().filter_map(target).collect());
    }
    assert!(uses.values().map(BTreeSet::len).sum::<usize>() > 300, "imports are read");
    // A file that nothing left uses, or that uses nothing left, is not in a circle, nor between two.
    loop {
        let used: BTreeSet<&Vec<String>> = uses.values().flatten().copied().collect();
        let names: BTreeSet<&Vec<String>> = uses.keys().copied().collect();
        let before = uses.len();
        uses.retain(|name, others| used.contains(name) && others.iter().any(|other| names.contains(other)));
        if uses.len() == before {
            break;
        }
    }
    let circle: Vec<String> = uses.keys().map(|name| modules[*name].0.display().to_string()).collect();
    assert!(circle.is_empty(), "files in circles of imports: {}", circle.join(", "));
}

#[test]
fn a_type_is_implemented_where_it_is_declared() {
    let declares = |text: &str, name: &str| {
        ["struct ", "enum ", "trait "].iter().any(|word| words_after(text, word).any(|known| known == name))
    };
    let sources: BTreeMap<PathBuf, String> = sources().into_iter().collect();
    let mut faults = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with("src") && !path.ends_with("mod.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| line.starts_with("impl") && !line.contains(" for ")) {
            let after = line["impl".len()..].trim_start();
            let after =
                if after.starts_with('<') { after.split_once("> ").map_or("", |(_, rest)| rest) } else { after };
            let name = words_after(after, "").next().unwrap_or_default();
            // What its folder's façade declares, a file may implement.
            let facade = sources.get(&path.with_file_name("mod.rs")).map_or("", String::as_str);
            if !name.is_empty() && !declares(code, name) && !declares(facade, name) {
                faults.push(format!("{}: implements {name}, which another file declares", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn threads_start_in_few_places() {
    // Work is spread by the engine, units of debug information by their reader; progress is shown beside the work; what is
    // packed is unpacked ahead of who reads it; the others feed or drain a pipe.
    let homes = [
        "src/engine/threads.rs",
        "src/symbols/binary.rs",
        "src/cli/live/mod.rs",
        "src/cli/progress.rs",
        "src/cli/run/series.rs",
        "src/cli/table/write.rs",
        "src/host/entries.rs",
        "src/input/ahead.rs",
        "src/source/git.rs",
        "src/vm",
    ];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("src") || homes.iter().any(|home| path.starts_with(home)) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (line, number) in code.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with("//")) {
            if ["thread::spawn", "thread::scope", "thread::Builder"].iter().any(|start| line.contains(start)) {
                faults.push(format!("{}:{number}: starts a thread", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "threads start in {homes:?} only: {faults:#?}");
}

#[test]
fn stderr_is_written_in_one_place() {
    // A progress bar and the width of a terminal are asked of stderr, not written.
    let asked =
        ["ProgressDrawTarget::stderr()", "terminal_size_of(io::stderr())", "terminal_size_of(std::io::stderr())"];
    let faults: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.components().any(|part| part.as_os_str() == "src") && !path.ends_with("cli/stderr.rs"))
        .flat_map(|(path, text)| {
            let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect::<Vec<_>>();
            lines.into_iter().map(move |(at, line)| (path.clone(), at, line))
        })
        .filter(|(_, _, line)| line.contains("stderr()") && !asked.iter().any(|asked| line.contains(asked)))
        // clap's own question whether an error is one, and a child's pipe.
        .filter(|(_, _, line)| !line.contains("use_stderr()") && !line.contains("take_stderr()"))
        .map(|(path, at, line)| format!("{}:{at}: {}", path.display(), line.trim()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What is not English, though it is understood, and what to write instead.
const CROOKED: [(&str, &str); 15] = [
    ("one a line", "one per line"),
    ("one a log", "one per log"),
    ("one record a ", "one record per"),
    ("object a line", "object per line"),
    (" told by ", "recognised by, reported by"),
    (" told by.", "recognised by, reported by"),
    ("told at a glance", "decided at a glance, recognised at a glance"),
    ("is not told", "is not known, is not said"),
    ("are not told", "are not known, are not listed"),
    ("does not tell", "does not say, does not name"),
    ("tells the kind", "gives the kind"),
    ("is told of", "is said about, is mentioned"),
    ("are told of", "are said about, are mentioned"),
    ("that is no ", "that is not a"),
    ("that are no ", "that are not"),
];

#[test]
fn the_prose_is_english() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = (PathBuf::from("README.md"), std::fs::read_to_string(root.join("README.md")).expect("it is there"));
    let mut faults = Vec::new();
    for (path, text) in sources().into_iter().chain([readme]).filter(|(path, _)| path != Path::new("tests/tidy.rs")) {
        for (line, number) in text.lines().zip(1..) {
            for (crooked, better) in CROOKED {
                // `that is no longer`, `no matter of luck` are English.
                let english = |rest: &str| {
                    ["longer", "further", "more", "matter", "less", "use "].iter().any(|word| rest.starts_with(word))
                };
                if line.split(crooked).skip(1).any(|rest| !english(rest)) {
                    faults.push(format!("{}:{number}: '{crooked}': write {better}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn main_is_short() {
    let text = include_str!("../src/main.rs");
    assert!(text.lines().count() <= 40, "src/main.rs has {} lines", text.lines().count());
}

#[test]
fn the_architecture_names_every_module() {
    let text = include_str!("../src/lib.rs");
    for module in LAYERS {
        assert!(text.contains(&format!("mod {module};")), "src/lib.rs has no module {module}");
        assert!(
            text.contains(&format!("| [`{module}`] |")) || text.contains(&format!("| `{module}` |")),
            "the table in src/lib.rs leaves out {module}"
        );
    }
}

/// Words of the grammar files: ids of headers, kinds and events, and names of functions, classes and lines in the
/// vocabulary without the stars at their ends.
fn grammar_words() -> (BTreeSet<String>, BTreeSet<String>) {
    fn collect(folder: &Path, found: &mut Vec<toml::Table>) {
        for entry in std::fs::read_dir(folder).expect("grammars is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).expect("grammars are UTF-8");
                found.push(text.parse().expect("grammars are TOML"));
            }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars"), &mut files);
    let entries = |list: &'static str| {
        let tables = files.iter().filter_map(move |file| file.get(list)?.as_array());
        tables.flatten().filter_map(toml::Value::as_table)
    };
    let ids = ["header", "kind", "event"].into_iter().flat_map(entries);
    let ids = ids.filter_map(|entry| Some(entry.get("id")?.as_str()?.to_owned())).collect();
    let names = entries("word").filter_map(|word| word.get("names")?.as_array()).flatten();
    let names = names.filter_map(|name| Some(name.as_str()?.trim_matches('*').trim().to_owned())).collect();
    (ids, names)
}

/// The text literals of the code above the tests of a file, each with its line.
fn literals(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().zip(1..).filter(|(line, _)| !line.trim_start().starts_with("//")).flat_map(|(line, number)| {
        // Between the first quote and the second there is a literal, between the second and the third there is none.
        line.split('"').skip(1).step_by(2).map(move |literal| (number, line, literal))
    })
}

#[test]
fn processors_are_named_in_two_places() {
    // What they are called, and what QEMU is asked to be for them.
    let homes = ["src/architecture.rs", "src/vm/board.rs"];
    let names = ["amd64", "x86_64", "arm64", "aarch64", "riscv", "riscv64", "s390x", "ppc64le", "mips64le", "loong64"];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("src") || homes.iter().any(|home| path == Path::new(home)) {
            continue;
        }
        // What is built for one processor only names it to the compiler.
        let text = text.replace("target_arch = \"x86_64\"", "");
        for (number, _, literal) in literals(&text) {
            if names.contains(&literal) || literal.contains("qemu-system-") || literal.contains("-linux-gnu") {
                faults.push(format!("{}:{number}: '{literal}': ask the architecture or its board", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_words_of_the_grammar_stand_in_the_grammar_only() {
    let (ids, names) = grammar_words();
    assert!(ids.len() > 100 && names.len() > 200, "the grammar files are read: {} and {}", ids.len(), names.len());
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("src") || path.to_string_lossy().ends_with("tests.rs") {
            continue;
        }
        for (number, line, literal) in literals(&text) {
            // An id of one word (`warning`, `booting`) is a word of the language, too, unless a kind is asked.
            let id = ids.contains(literal) && (literal.contains('-') || line.contains("kind"));
            // Only a name of several parts can be nothing else (`down`, `BUG:`).
            let name = names.contains(literal) && literal.contains('_') && !literal.contains(' ');
            if id || name {
                faults
                    .push(format!("{}:{number}: '{literal}' is a word of grammars/: ask the grammar", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
