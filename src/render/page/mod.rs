//! Pages to look at: one HTML file each, which asks nothing of anybody and can be read without its script.
//!
//! Every page is a `document`: its policy admits the one style and the one script by their hashes, and nothing else. Templates are
//! `maud`'s, which is checked and made Rust at compile time and escapes what it is given; control characters and those that turn the
//! direction of writing are made visible in the document as a whole, so that no template can forget it.

mod bisect;
mod card;
mod course;
mod diff;
mod graph;
mod listing;
mod log;
mod run;
mod source;
mod stack;
mod thread;
mod timeline;
mod titles;
mod words;

pub use bisect::{BisectPage, bisect_page};
pub use diff::diff_page;
pub use listing::Share;
pub use log::log_page;
pub use run::{RunPage, RunRow, run_page, runs_page};
pub use thread::threads_page;
pub use titles::{LogTitles, titles_page};

use super::svg;
use crate::engine::Summary;
use crate::intake::Text;
use crate::locks::Dump;
use crate::markup::xml_lines;
use crate::render::log::LogView;
use crate::source::BlamePage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("page.js"), include_str!("log.js"));

/// What the page of a log is made of.
#[derive(Debug)]
pub struct LogPage<'a> {
    /// The log's name, as the user gave it.
    pub name: &'a str,
    /// What was found in it.
    pub view: &'a LogView,
    /// What it says as a whole.
    pub summary: &'a Summary,
    /// Its dumps of tasks and locks.
    pub dumps: &'a [Dump],
    /// What a kernel tree says about its reports, if there is one.
    pub sources: &'a [BlamePage],
    /// Its text.
    pub text: &'a Text,
    /// What is to be said if no line is the kernel's.
    pub silence: Option<&'static str>,
    /// How much of the log is in the page; without a wish all of a short one.
    pub share: Option<Share>,
}

/// A page before it is a document.
#[derive(Debug)]
struct Page {
    /// For the window and the bookmark.
    title: String,
    /// Everything between the ends.
    body: Markup,
    /// How often the page comes again by itself, seconds.
    again: Option<u32>,
}

/// The source that a policy admits: a hash of the text.
fn admitted(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The whole file.
fn document(page: &Page) -> String {
    let style = format!("{}{STYLE}", svg::STYLE);
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        admitted(&style),
        admitted(SCRIPT)
    );
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("kanalyze ", env!("CARGO_PKG_VERSION")));
                title { (page.title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(&style)) }
                @if let Some(seconds) = page.again { noscript { meta http-equiv="refresh" content=(seconds); } }
            }
            body {
                a.skip href="#main" { "to the content" }
                main #main { (page.body) }
                footer {
                    p { "Made by kanalyze " (env!("CARGO_PKG_VERSION")) ". This file is whole: it loads nothing and sends nothing." }
                    details #keys data-needs-script hidden {
                        summary { "Keys" }
                        p {
                            kbd { "j" } " " kbd { "k" } " next and previous card · " kbd { "o" } " open or fold it · "
                            kbd { "c" } " copy its title · " kbd { "/" } " search · " kbd { "l" } " the log · " kbd { "t" }
                            " the top · " kbd { "?" } " this help"
                        }
                    }
                }
                div #told role="status" aria-live="polite" {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    harmless(whole.into_string())
}

/// The document without a character that moves a cursor or turns the direction of writing: shown instead, as [`super::safe`] does.
fn harmless(document: String) -> String {
    // Line breaks are the document's own; everything else that `safe` changes is not.
    if document.split('\n').all(|line| matches!(super::safe(line), std::borrow::Cow::Borrowed(_))) {
        return document;
    }
    let mut out = String::with_capacity(document.len() + 1024);
    for (at, line) in document.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&super::safe(line));
    }
    out
}

/// `:123`, which leads to that line.
fn line_link(line: u64) -> Markup {
    html! { a.ln href={ "#L" (line) } { ":" (line) } }
}

/// Text in which every `:123` that stands as a word, and every `line 123`, leads to that line.
fn with_links(text: &str) -> Markup {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, number, after)) = next_line(rest) {
        out.push_str(&xml_lines(before));
        out.push_str(&html! { a.ln href={ "#L" (number) } { (number) } }.into_string());
        rest = after;
    }
    out.push_str(&xml_lines(rest));
    PreEscaped(out)
}

/// The next mention of a line: what is before its number, the number, what is behind it.
fn next_line(text: &str) -> Option<(&str, &str, &str)> {
    let bytes = text.as_bytes();
    let starts = text.match_indices(':').map(|(at, _)| (at, at + 1));
    let words = text.match_indices("line ").map(|(at, _)| (at, at + 5));
    let mut places: Vec<(usize, usize)> = starts.chain(words).collect();
    places.sort_unstable();
    for (at, digits) in places {
        let count = bytes[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let begins = at == 0 || matches!(bytes[at - 1], b' ' | b'\n' | b'(' | b',');
        let ends =
            bytes.get(digits + count).is_none_or(|byte| matches!(byte, b' ' | b'\n' | b')' | b',' | b';' | b'.'));
        if (1..=12).contains(&count) && begins && ends {
            return Some((&text[..digits], &text[digits..digits + count], &text[digits + count..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_of_lines_become_links_and_nothing_else_does() {
        let text = with_links("b waits :12 :345; file.c:7 at 12:30:44 (line 9), <b> line x").into_string();
        assert_eq!(text.matches("<a ").count(), 3, "{text}");
        assert!(
            text.contains("href=\"#L345\"") && text.contains("href=\"#L9\"") && text.contains("&lt;b&gt;"),
            "{text}"
        );
    }

    #[test]
    fn a_document_admits_its_own_style_and_script_only() {
        let page = Page { title: "<x>\u{202e}\u{1b}".to_owned(), body: html! { p { "</script>" } }, again: None };
        let text = document(&page);
        assert!(text.contains("default-src 'none'; style-src 'sha256-") && !text.contains("unsafe-inline"));
        assert!(text.contains("<title>&lt;x&gt;\\u{202e}\\u{1b}</title>"), "{}", &text[..600]);
        assert!(text.contains("&lt;/script&gt;"));
    }
}
