//! Commands and the answers they show, out of Markdown and out of help.

/// A command and what is shown to come of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// File, or command of the help, and the line there.
    pub(crate) place: String,
    /// For a shell; may have several lines.
    pub(crate) command: String,
    /// The lines shown; none where no answer is shown.
    pub(crate) shown: Option<Vec<String>>,
}

/// The examples of a Markdown text: blocks fenced as `console` (commands after `$ `, below them the answer) and as `sh` (a script
/// without answers).
pub(crate) fn of_markdown(name: &str, text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut fence: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let place = || format!("{name}:{}", at + 1);
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language.trim()) };
            if fence == Some("sh") {
                examples.push(Example { place: place(), command: String::new(), shown: None });
            }
            continue;
        }
        match (fence, examples.last_mut()) {
            (Some("sh"), Some(script)) => {
                script.command.push_str(line);
                script.command.push('\n');
            }
            (Some("console"), last) => match (line.strip_prefix("$ "), last) {
                (Some(command), _) => {
                    examples.push(Example { place: place(), command: command.to_owned(), shown: Some(Vec::new()) });
                }
                (None, Some(Example { shown: Some(shown), .. })) => shown.push(line.to_owned()),
                (None, _) => panic!("{}: an answer without a command", place()),
            },
            _ => {}
        }
    }
    assert_eq!(fence, None, "{name}: a block without an end");
    for shown in examples.iter_mut().filter_map(|example| example.shown.as_mut()) {
        while shown.last().is_some_and(String::is_empty) {
            shown.pop();
        }
    }
    examples
}

/// The indented lines below `Examples:`.
pub(crate) fn lines_of_examples(text: &str) -> Vec<&str> {
    let below = text.lines().skip_while(|line| !line.starts_with("Examples:")).skip(1);
    below.take_while(|line| line.starts_with(' ')).collect()
}

/// The examples of a help text, comments taken off.
pub(crate) fn of_help(verb: &str, text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in lines_of_examples(text) {
        let line = line.trim();
        if let Some(open) = examples.last_mut().filter(|example| example.command.ends_with('\\')) {
            open.command.push('\n');
            open.command.push_str(line);
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let command = line.split_once("  ").map_or(line, |(command, _)| command);
        examples.push(Example { place: format!("{verb} --help"), command: command.to_owned(), shown: None });
    }
    examples
}

/// Whether an answer is the one that is shown, in which `…` alone on a line stands for any lines, and within a line for any text.
pub(crate) fn is_shown(shown: &[String], answer: &[&str]) -> bool {
    match shown.split_first() {
        None => answer.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=answer.len()).any(|skipped| is_shown(rest, &answer[skipped..]))
        }
        Some((first, rest)) => {
            answer.split_first().is_some_and(|(line, others)| is_like(first, line) && is_shown(rest, others))
        }
    }
}

fn is_like(shown: &str, line: &str) -> bool {
    let mut parts = shown.trim_end().split('…');
    let Some(mut left) = parts.next().and_then(|first| line.trim_end().strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    open || left.is_empty()
}

#[test]
fn an_answer_is_compared_line_by_line_and_an_ellipsis_stands_for_what_is_left_out() {
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(is_shown(&shown("a\n…\nd"), &["a", "b", "c", "d"]));
    assert!(is_shown(&shown("a … c\nd"), &["a b c", "d"]));
    assert!(is_shown(&shown("a\n…"), &["a"]));
    assert!(!is_shown(&shown("a\nc"), &["a", "b", "c"]));
    assert!(!is_shown(&shown("a … d"), &["a b c"]));
    assert!(!is_shown(&shown("a"), &["ab"]));
    let page = "text\n```console\n$ one\nshown\n\n$ two\n```\n```sh\nthree &&\n  four\n```\n";
    let found = of_markdown("page.md", page);
    let commands: Vec<&str> = found.iter().map(|example| example.command.as_str()).collect();
    assert_eq!(commands, ["one", "two", "three &&\n  four\n"]);
    assert_eq!(found[0].shown, Some(vec!["shown".to_owned()]));
    assert_eq!((found[0].place.as_str(), &found[2].shown), ("page.md:3", &None));
    let help =
        "Examples:\n  kanalyze a b   what it does\n  # a comment\n  kanalyze c\n\nExit status: 0\n  no example\n";
    let found: Vec<String> = of_help("a", help).into_iter().map(|example| example.command).collect();
    assert_eq!(found, ["kanalyze a b", "kanalyze c"]);
}
