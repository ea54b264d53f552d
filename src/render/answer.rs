//! Answers of a query as columns for people.

use super::{Palette, Width, columns as columns_of, fitted, safe};
use serde_json::Value;

/// Columns narrower than this are not made narrower to fit a terminal.
const NARROW: usize = 12;

/// A table: names, the rows, their count; numbers to the right. What does not fit the width is cut, the widest columns first.
#[must_use]
pub fn answer_text(columns: &[(String, bool)], rows: &[Vec<Value>], width: Width, palette: &Palette) -> String {
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let mut widths: Vec<usize> = columns.iter().map(|(name, _)| columns_of(&safe(name))).collect();
    let least = widths.clone();
    for row in &cells {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(columns_of(cell));
        }
    }
    let gaps = 2 * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width.0 {
        let widest = (0..widths.len()).filter(|at| widths[*at] > least[*at].max(NARROW)).max_by_key(|at| widths[*at]);
        let Some(at) = widest else { break };
        widths[at] -= 1;
    }
    let line = |cells: &[String], colour: bool| -> String {
        let mut out = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let shown = fitted(cell, widths[at]);
            let blank = " ".repeat(widths[at].saturating_sub(columns_of(&shown)));
            let right = columns[at].1;
            if at > 0 {
                out.push_str("  ");
            }
            if right {
                out.push_str(&blank);
            }
            out.push_str(&if colour { styled(palette.blame, &shown) } else { shown.into_owned() });
            if !right {
                out.push_str(&blank);
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    };
    let names: Vec<String> = columns.iter().map(|(name, _)| safe(name).into_owned()).collect();
    let mut text = line(&names, true);
    for row in &cells {
        text.push_str(&line(row, false));
    }
    let count = if rows.len() == 1 { "1 row".to_owned() } else { format!("{} rows", rows.len()) };
    text.push_str(&styled(palette.quiet, &count));
    text.push('\n');
    text
}

fn styled(style: anstyle::Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// One value on one line; a missing one is empty, a list or struct is JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => safe(text).into_owned(),
        // Microseconds are as fine as anything here is known.
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.6}", number.as_f64().unwrap_or_default());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => safe(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_stand_to_the_right_and_wide_columns_are_cut() {
        let columns = [("title".to_owned(), false), ("n".to_owned(), true)];
        let rows =
            [vec![json!("a very long title of a crash"), json!(5)], vec![json!("b\u{1b}[31m"), json!(0.1 + 0.2)]];
        let text = answer_text(&columns, &rows, Width(24), &Palette::plain());
        assert_eq!(text, "title                  n\na very long title …    5\nb\\u{1b}[31m          0.3\n2 rows\n");
    }
}
