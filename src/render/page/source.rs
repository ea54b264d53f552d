//! What a kernel tree says about a report, in its card: the code, who wrote it, who touched its function.

use super::super::source::words;
use super::line_link;
use crate::render::Look;
use crate::source::{BlamePage, Place};
use maud::{Markup, html};

/// The places of a report in the source.
pub(super) fn source(page: &BlamePage) -> Markup {
    html! {
        h3 { "source" }
        p.soft { (page.base.commit.get(..12).unwrap_or(&page.base.commit)) " of " (page.base.date) ": " (page.base.words) }
        @for doubt in page.base.doubts.iter().chain(&page.unknown) { p.doubt { (doubt) } }
        div.side { @for place in &page.places { div { (one(place)) } } }
    }
}

fn one(place: &Place) -> Markup {
    let mut said = String::new();
    words(&mut said, place, &Look::default());
    html! {
        p {
            strong { (place.role.word()) }
            @if let Some(of) = &place.of { " " (of) }
            @if let Some(file) = place.file.as_ref().or(place.said_file.as_ref()) {
                " " code { (file) @if let Some(line) = place.line { ":" (line) } }
            }
            @if let Some(function) = &place.function { " in " code { (function) } }
            @if let Some(line) = place.log_line { " " (line_link(line)) }
        }
        @if !place.inlined.is_empty() { p.soft { "inlined here: " (place.inlined.join(", ")) } }
        @if !place.code.is_empty() {
            div.code {
                @for line in &place.code {
                    div.blamed[line.marked] { span.no { (line.number) } " " (line.text.replace('\t', "        ")) }
                }
            }
        }
        @if !said.trim().is_empty() { pre { (said.trim_end()) } }
    }
}
