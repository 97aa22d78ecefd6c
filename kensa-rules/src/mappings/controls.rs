//! The control list of a benchmark.

use serde::Deserialize;

/// A row of a control list; `tools/controls.py` says what the columns mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Control {
    /// The id mappings use.
    #[serde(rename = "control_id")]
    pub id: String,
    /// A second name: the STIG id.
    pub other_id: String,
    /// CIS level, or baselines joined by `|`.
    pub level: String,
    /// `CAT I`, `CAT II`, `CAT III`.
    pub severity: String,
    /// `Automated` or `Manual`.
    pub assessment: String,
    /// CCI numbers, joined by `|`.
    pub cci: String,
    /// Upstream rules that serve the control, joined by `|`.
    pub ssg: String,
    /// Controls of other frameworks that stand for this one, as `framework:control`, joined by `|`.
    pub via: String,
    /// Why no rule, or not a rule alone, can answer: `manual`, `not_applicable`, `organisational`, `partial`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same as a sentence.
    pub reason: String,
}

/// Reads a control list. `name` is for the error.
///
/// # Errors
/// A sentence that names the list and the line, when it is not one.
pub fn read_controls(name: &str, text: &str) -> Result<Vec<Control>, String> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().map_err(|error| format!("the control list {name} cannot be read: {error}"))
}

/// The members of a cell.
pub(super) fn members(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('|').filter(|member| !member.is_empty())
}
