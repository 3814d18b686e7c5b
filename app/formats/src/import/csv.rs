//! Lists as CSV or TSV with a heading: `item` or `text`, and the answer's columns.
use std::{fs::File, path::Path};

use super::{Collector, Entry};
use crate::{
    answer::Fields,
    error::{Error, Result},
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Item,
    Text,
    Class,
    /// A field of the answer as JSON.
    Json(&'static str),
    Transcript,
    /// Nothing that an import reads.
    Other,
}

fn column(name: &str) -> Column {
    match name.trim().to_ascii_lowercase().as_str() {
        "item" | "file" | "file_name" | "filename" | "path" | "image" | "audio" => Column::Item,
        "text" => Column::Text,
        "class" | "label" => Column::Class,
        "classes" => Column::Json("classes"),
        "boxes" => Column::Json("boxes"),
        "polygons" => Column::Json("polygons"),
        "spans" => Column::Json("spans"),
        "transcript" => Column::Transcript,
        _ => Column::Other,
    }
}

/// Reads the rows; columns that mean nothing are told of.
pub(super) fn read(path: &Path, tabs: bool, into: &mut Collector<'_>) -> Result<Vec<String>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).from_reader(file);
    let heading = reader.headers().map_err(|e| fault(path, &e))?.clone();
    let names: Vec<&str> = heading.iter().map(|h| h.trim_start_matches('\u{feff}')).collect();
    let columns: Vec<Column> = names.iter().map(|h| column(h)).collect();
    for needed in [Column::Item, Column::Text, Column::Class] {
        if columns.iter().filter(|c| **c == needed).count() > 1 {
            return Err(Error::list(path, "line 1", format!("two columns mean the same: {}", names.join(", "))));
        }
    }
    if !columns.contains(&Column::Item) && !columns.contains(&Column::Text) {
        let hint = if names.len() == 1 { "; separate columns by commas" } else { "" };
        return Err(Error::list(path, "line 1", format!("expected a column 'item' or 'text', found {}{hint}", names.join(", "))));
    }
    for row in reader.records() {
        let row = row.map_err(|e| fault(path, &e))?;
        let at = ("line", row.position().map_or(0, csv::Position::line));
        match entry(&columns, &row) {
            Err(why) => into.fault(format!("{} line {}: {why}", path.display(), at.1))?,
            Ok((name, text, fields)) => {
                let answer = into.answer(at, &fields);
                into.add(at, Entry { name, text, answer })?;
            }
        }
    }
    let unused: Vec<&str> = names.iter().zip(&columns).filter(|(_, c)| **c == Column::Other).map(|(n, _)| *n).collect();
    Ok(if unused.is_empty() { Vec::new() } else { vec![format!("columns that mean nothing here: {}", unused.join(", "))] })
}

fn fault(path: &Path, why: &csv::Error) -> Error {
    let line = why.position().map_or(1, csv::Position::line);
    Error::list(path, format!("line {line}"), why.to_string())
}

type Row = (Option<String>, Option<String>, Fields);

/// One row. An empty cell is an absent value; an empty set of classes is written `[]`.
fn entry(columns: &[Column], row: &csv::StringRecord) -> std::result::Result<Row, String> {
    let (mut name, mut text, mut fields) = (None, None, Fields::default());
    for (column, cell) in columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
        match column {
            Column::Item => name = Some(cell.to_owned()),
            Column::Text => text = Some(cell.to_owned()),
            Column::Class => fields.class = Some(cell.trim().to_owned()),
            Column::Transcript => fields.transcript = Some(cell.to_owned()),
            Column::Json("classes") => fields.classes = Some(json(cell)?),
            Column::Json("boxes") => fields.boxes = Some(json(cell)?),
            Column::Json("polygons") => fields.polygons = Some(json(cell)?),
            Column::Json(_) => fields.spans = Some(json(cell)?),
            Column::Other => {}
        }
    }
    Ok((name, text, fields))
}

fn json<T: serde::de::DeserializeOwned>(cell: &str) -> std::result::Result<T, String> {
    serde_json::from_str(cell).map_err(|e| format!("{cell:?} is no JSON list of that kind: {e}"))
}
