//! What commands print: text for people by default, JSON for programs.
use std::io::{BufWriter, Write};

use anyhow::Result;
use serde_json::Value;

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Output {
    /// Prints one value: JSON, or an indented outline.
    pub(crate) fn value(self, value: &Value) -> Result<()> {
        match self {
            Self::Json => print(&format!("{}\n", serde_json::to_string_pretty(value)?)),
            Self::Text => {
                let mut out = String::new();
                outline(value, 0, &mut out);
                print(&out)
            }
        }
    }
    /// Prints rows under headings: an array of objects, or aligned columns.
    pub(crate) fn table(self, headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
        match self {
            Self::Json => {
                let objects: Vec<Value> = rows
                    .iter()
                    .map(|row| {
                        headings
                            .iter()
                            .zip(row)
                            .map(|(h, c)| ((*h).to_owned(), Value::String(c.clone())))
                            .collect::<serde_json::Map<_, _>>()
                            .into()
                    })
                    .collect();
                print(&format!("{}\n", serde_json::to_string_pretty(&objects)?))
            }
            Self::Text => print(&columns(headings, rows)),
        }
    }
}

/// Standard output for long results. A reader that has seen enough and went away, as `head` does, ends the program and is no error.
pub(crate) fn stdout() -> impl Write {
    BufWriter::new(Pipe(std::io::stdout().lock()))
}

struct Pipe<W>(W);

fn unless_gone<T>(done: std::io::Result<T>) -> std::io::Result<T> {
    match done {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        unless_gone(self.0.write(bytes))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        unless_gone(self.0.flush())
    }
}

/// Writes to standard output. A reader that went away is no error here either, and the program goes on.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Columns as wide as their widest cell, two spaces between.
#[must_use]
pub(crate) fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count());
        cells.chain(headings.get(i).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut out = String::new();
        for (cell, width) in cells.zip(&widths) {
            out.push_str(&format!("{cell:<width$}  "));
        }
        format!("{}\n", out.trim_end())
    };
    let mut out = line(&mut headings.iter().copied());
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

fn outline(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(&format!("{pad}{{}}\n")),
        Value::Object(map) => {
            for (key, inner) in map {
                field(&format!("{pad}{key}:"), inner, depth, out);
            }
        }
        Value::Array(list) if list.is_empty() => out.push_str(&format!("{pad}[]\n")),
        Value::Array(list) => {
            for inner in list {
                field(&format!("{pad}-"), inner, depth, out);
            }
        }
        scalar => out.push_str(&format!("{pad}{}\n", plain(scalar))),
    }
}

fn field(label: &str, value: &Value, depth: usize, out: &mut String) {
    let nested = matches!(value, Value::Object(m) if !m.is_empty()) || matches!(value, Value::Array(l) if !l.is_empty());
    if nested {
        out.push_str(label);
        out.push('\n');
        outline(value, depth.saturating_add(1), out);
    } else {
        let mut inner = String::new();
        outline(value, 0, &mut inner);
        out.push_str(&format!("{label} {inner}"));
    }
}

/// A scalar without quotes. Control characters are escaped: what comes from a chain must not steer a terminal.
fn plain(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = vec![vec!["a".to_owned(), "xyz".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(columns(&["n", "v"], &rows), "n     v\na     xyz\nlong\n");
    }

    #[test]
    fn values_become_an_outline_that_cannot_steer_a_terminal() {
        let value = serde_json::json!({ "a": { "b": "c\u{1b}[2J" }, "l": [1, { "x": null }], "e": [] });
        let mut out = String::new();
        outline(&value, 0, &mut out);
        assert_eq!(out, "a:\n  b: c\\u{1b}[2J\nl:\n  - 1\n  -\n    x: null\ne: []\n");
    }
}
