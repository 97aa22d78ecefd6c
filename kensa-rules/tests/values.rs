//! A scan for a benchmark judges by that benchmark's own numbers.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use kensa_rules::load::{LoadOptions, load_rules};
use kensa_rules::variables::names_used_by;
use serde::Deserialize;

/// A row of `rules/mappings/values.csv`; `tools/values.py` says what the columns mean.
#[derive(Debug, Deserialize)]
struct Row {
    framework: String,
    variable: String,
    published: String,
    ours: String,
    reason: String,
}

#[test]
fn every_benchmark_has_the_values_it_publishes() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let corpus = load_rules(&rules, &LoadOptions::default()).unwrap();
    let used: BTreeSet<&str> = corpus.rules.iter().flat_map(|rule| names_used_by(rule)).collect();
    let rows: Vec<Row> = csv::Reader::from_path(rules.join("mappings/values.csv"))
        .unwrap()
        .into_deserialize()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(rows.len() > 200 && rows.iter().any(|row| row.framework.starts_with("stig-ubuntu")));
    let mut wrong = Vec::new();
    for row in &rows {
        assert!(used.contains(row.variable.as_str()), "no rule uses {}", row.variable);
        assert_eq!(row.ours.is_empty(), row.reason.is_empty(), "{row:?}: another value has a reason");
        let table = corpus.variables.with_framework(Some(&row.framework));
        let value = table.get(&row.variable).map(|setting| setting.text()).unwrap_or_default();
        let wanted = if row.ours.is_empty() { &row.published } else { &row.ours };
        if members(&value) != members(wanted) {
            wrong.push(format!("{} {}: {value}, not {wanted}", row.framework, row.variable));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The actions of a list in no order; anything else as it is.
fn members(value: &str) -> BTreeSet<&str> {
    match value.contains('(') {
        true => [value].into(),
        false => value.split(['|', ',']).map(str::trim).collect(),
    }
}
