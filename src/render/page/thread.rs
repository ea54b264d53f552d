//! The page of mail threads: what came of each, then its messages, quotes folded.

use super::{Page, document};
use crate::thread::{Entry, Line, Role, Thread, lines};
use maud::{Markup, html};

/// The page of some threads.
#[must_use]
pub fn threads_page(threads: &[Thread]) -> String {
    let first = threads.first().map_or("", |thread| thread.subject.as_str());
    let title =
        if threads.len() > 1 { format!("{first} and {} more threads", threads.len() - 1) } else { first.to_owned() };
    let body = html! {
        h1 { (title) }
        @for (at, thread) in threads.iter().enumerate() { (one(at, thread)) }
    };
    document(&Page { title, body, again: None })
}

/// Where a message stands on the page.
fn anchor(thread: usize, number: usize) -> String {
    format!("t{thread}m{number}")
}

fn link(thread: usize, number: usize) -> Markup {
    html! { a href={ "#" (anchor(thread, number)) } { "#" (number) } }
}

fn one(at: usize, thread: &Thread) -> Markup {
    let digest = &thread.digest;
    let open: Vec<_> = digest.questions.iter().filter(|question| question.answered_by.is_none()).collect();
    html! {
        section {
            h2 { (thread.subject) }
            p { strong { (digest.sentence) } }
            @if !digest.evidence.is_empty() {
                p { "rests on " @for number in digest.evidence.iter().take(20) { (link(at, *number)) " " } }
            }
            dl {
                @if !digest.titles.is_empty() { dt { "reports" } @for title in &digest.titles { dd { (title) } } }
                @if !digest.series.is_empty() {
                    dt { "patches" }
                    @for series in digest.series.iter().rev() {
                        dd {
                            (link(at, series.number)) " v" (series.version) " by " (series.author.shown()) ": " (series.title)
                            @for (number, tag) in &series.tags { "; " (tag.key) ": " (tag.value) " " (link(at, *number)) }
                            @if let Some(taken) = &series.taken { "; " (link(at, taken.number)) " " (taken.who) ": " q { (taken.words) } }
                            @if let Some(dropped) = &series.dropped { "; " (link(at, dropped.number)) ": " q { (dropped.words) } }
                        }
                    }
                }
                @if !open.is_empty() {
                    dt { "open questions" }
                    @for question in open { dd { (link(at, question.number)) " " (question.who) ": " (question.words) } }
                }
                @if !digest.objections.is_empty() {
                    dt { "objections" }
                    @for one in &digest.objections {
                        dd { (link(at, one.number)) " " (one.who) ": " (one.words) @if !one.stated { " (perhaps, by its wording)" } }
                    }
                }
                @if !digest.deeds.is_empty() {
                    dt { "syzbot" }
                    @for deed in &digest.deeds { dd { (link(at, deed.number)) " " (deed.who) " " (deed.words) } }
                }
            }
            @for entry in &thread.messages { (message(at, entry)) }
        }
    }
}

fn message(at: usize, entry: &Entry) -> Markup {
    let all = lines(&entry.text);
    html! {
        article id=(anchor(at, entry.number)) {
            h3 { "#" (entry.number) " " (entry.from.shown()) " " small { (entry.date.as_deref().unwrap_or("undated")) } }
            p {
                (entry.subject)
                @if let Some(parent) = entry.parent { ", answers " (link(at, parent)) }
            }
            @for block in all.chunk_by(|one, other| (one.role == Role::Quoted) == (other.role == Role::Quoted)) { (passage(block)) }
        }
    }
}

/// Lines of one kind; a quote is folded to its length.
fn passage(block: &[Line]) -> Markup {
    let text: Vec<&str> = block.iter().map(|line| line.text.as_str()).collect();
    let text = text.join("\n");
    let quoted = block.first().is_some_and(|line| line.role == Role::Quoted);
    html! {
        @if quoted {
            details {
                summary { "> " (block.len()) @if block.len() == 1 { " line" } @else { " lines" } }
                pre { (text) }
            }
        } @else if !text.trim().is_empty() {
            pre { (text.trim_matches('\n')) }
        }
    }
}
