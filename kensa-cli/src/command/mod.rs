//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod coverage;
pub(crate) mod detect;
pub(crate) mod explain;
pub(crate) mod new_rule;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod rules;

use serde_json::Value;

use crate::arguments::{PlainFormat, PlainOutput};
use crate::exit::{Exit, Failure};
use crate::terminal::{Destination, Terminal};

/// Gives an answer as text or as JSON, where `output` says.
fn answer(
    output: &PlainOutput,
    terminal: &Terminal,
    text: impl FnOnce() -> String,
    json: impl FnOnce() -> Value,
) -> Result<(), Failure> {
    let file = output.output.as_deref().map(Destination::open).transpose()?;
    let answer = match output.format {
        PlainFormat::Text => text(),
        PlainFormat::Json => format!("{:#}\n", json()),
    };
    terminal.deliver(&answer, file.as_ref())
}

/// Columns for people: no frame, the last column wraps to the terminal's width.
fn table(terminal: &Terminal, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(width) = terminal.width() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| kensa::report::printable(cell).replace('\n', " ")));
    }
    let last = table.column_count().saturating_sub(1);
    for column in table.column_iter_mut().take(last) {
        column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The exit code of commands that only say something.
const DONE: Exit = Exit::Compliant;
