//! A log's records as text that can be read, reviewed and compared: what a corpus keeps beside each log.

use super::safe;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The records of one log, in order. Fields that say nothing are left out, a frame is one line.
#[must_use]
pub fn snapshot(records: &[Value]) -> String {
    let mut out = String::new();
    if records.is_empty() {
        out.push_str("nothing found\n");
    }
    for record in records {
        let Value::Object(fields) = record else { continue };
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let schema = text("schema").trim_start_matches("kanalyze.").split('/').next().unwrap_or_default().to_owned();
        let index = fields.get("index").and_then(Value::as_u64).unwrap_or_default();
        let head = format!("{schema} {index} {}: {}", text("kind"), safe(text("title")));
        let _ = writeln!(out, "{}", head.trim_end());
        for (key, value) in
            fields.iter().filter(|(key, _)| !["schema", "log", "index", "kind", "title"].contains(&key.as_str()))
        {
            field(&mut out, key, value, 1);
        }
        out.push('\n');
    }
    out
}

fn field(out: &mut String, key: &str, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        // The usual case goes without saying, and how bad a kind is its grammar says.
        Value::Bool(known) if key == "syzbot" => {
            if !known {
                let _ = writeln!(out, "{indent}{key}: false");
            }
        }
        Value::String(_) if key == "severity" && depth == 1 => {}
        Value::Null | Value::Bool(false) => {}
        Value::Array(list) if list.is_empty() => {}
        Value::Object(map) if map.is_empty() => {}
        Value::Object(map) => match one_line(map) {
            Some(line) => {
                let _ = writeln!(out, "{indent}{key}: {line}");
            }
            None => {
                let _ = writeln!(out, "{indent}{key}:");
                map.iter().for_each(|(key, value)| field(out, key, value, depth + 1));
            }
        },
        Value::Array(list) => {
            let _ = writeln!(out, "{indent}{key}:");
            for entry in list {
                element(out, entry, depth + 1);
            }
        }
        Value::String(text) if text.is_empty() => {}
        // The usual case goes without saying.
        Value::String(text) if key == "speaker" && text == "kernel" => {}
        scalar => {
            let _ = writeln!(out, "{indent}{key}: {}", plain(scalar));
        }
    }
}

fn element(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => match one_line(map) {
            Some(line) => {
                let _ = writeln!(out, "{indent}{line}");
            }
            None => {
                let _ = writeln!(out, "{indent}-");
                map.iter().for_each(|(key, value)| field(out, key, value, depth + 1));
            }
        },
        scalar => {
            let _ = writeln!(out, "{indent}{}", plain(scalar));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => safe(text).into_owned(),
        other => other.to_string(),
    }
}

/// Frames, tasks and scenario steps have a form of their own.
fn one_line(map: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let number = |key: &str| map.get(key).and_then(Value::as_u64);
    if map.contains_key("reliable") {
        let mut line = format!("{:>5}  ", number("log_line").unwrap_or_default());
        if map.get("reliable") == Some(&Value::Bool(false)) {
            line.push_str("? ");
        }
        line.push_str(&safe(text("function").or(text("address")).unwrap_or("?")));
        if let (Some(offset), Some(size)) = (number("offset"), number("size")) {
            let _ = write!(line, "+{offset:#x}/{size:#x}");
        }
        if let Some(module) = text("module") {
            let _ = write!(line, " [{}]", safe(module));
        }
        if let Some(file) = text("file") {
            let _ = write!(line, " {}:{}", safe(file), number("line").unwrap_or_default());
        }
        if map.get("inline") == Some(&Value::Bool(true)) {
            line.push_str(" [inline]");
        }
        return Some(line);
    }
    if map.len() == 2 {
        if let (Some(comm), Some(pid)) = (text("comm"), map.get("pid")) {
            return Some(format!("{}/{pid}", safe(comm)));
        }
        if let (Some(cpu), Some(action)) = (map.get("cpu"), text("action")) {
            return Some(format!("{cpu}: {}", safe(action)));
        }
    }
    None
}
