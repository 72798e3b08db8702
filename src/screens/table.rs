//! Columns as wide as their widest cell, two spaces apart.

use super::paper::{Paper, Tone};

/// A cell and how it is meant.
pub(super) type Cell = (Tone, String);

/// Plain columns.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let rows = rows.into_iter().map(|row| row.into_iter().map(|cell| (Tone::Plain, cell)).collect());
    let mut lines = lines(&Paper::plain(0), head, rows.collect());
    lines.push(String::new());
    lines.join("\n")
}

/// The lines of a table, the head first.
pub(super) fn lines(paper: &Paper, head: &[&str], rows: Vec<Vec<Cell>>) -> Vec<String> {
    let mut rows = rows;
    rows.insert(0, head.iter().map(|cell| (Tone::Plain, (*cell).to_owned())).collect());
    let length = |row: &Vec<Cell>, column: usize| row.get(column).map_or(0, |(_, text)| text.chars().count());
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| length(row, column)).max().unwrap_or(0)).collect();
    let line = |row: &Vec<Cell>| {
        let cells = row.iter().zip(&widths).map(|((tone, text), width)| {
            let pad = " ".repeat(width - text.chars().count());
            format!("{}{pad}", paper.toned(*tone, text))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
