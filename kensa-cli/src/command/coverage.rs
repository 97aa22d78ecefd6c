//! `kensa rules coverage`: how much of each benchmark the rules answer.

use kensa::mappings::{CoverageReport, FrameworkMapping, check_coverage};
use serde_json::{Value, json};

use super::{DONE, answer, table};
use crate::cli::CoverageArgs;
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn run(args: &CoverageArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let corpus = engine::rules(&args.set, terminal)?.corpus;
    let mappings = engine::mappings(&args.set, &args.framework)?;
    let ids = || corpus.rules.iter().map(|rule| rule.id.as_str());
    let covered: Vec<(FrameworkMapping, CoverageReport)> = mappings
        .into_iter()
        .map(|mapping| {
            let report = check_coverage(&mapping, ids());
            (mapping, report)
        })
        .collect();
    answer(&args.output, terminal, || text(&covered, terminal), || covered.iter().map(entry).collect())?;
    Ok(DONE)
}

fn text(covered: &[(FrameworkMapping, CoverageReport)], terminal: &Terminal) -> String {
    let head = ["benchmark", "controls", "answered", "of it in part", "with reason", "open", "percent"];
    let rows = covered.iter().map(|(_, report)| {
        vec![
            report.mapping_id.clone(),
            report.total_controls.to_string(),
            report.answered.to_string(),
            report.in_part.to_string(),
            report.with_reason.to_string(),
            report.open.len().to_string(),
            format!("{:.1}", report.coverage_percent),
        ]
    });
    let head = std::iter::once(head.map(str::to_owned).to_vec());
    let mut text = table(terminal, head.chain(rows));
    if terminal.verbose {
        covered.iter().for_each(|(mapping, report)| text += &without_rule(mapping, report));
    }
    text
}

/// The controls that have no rule, with the reason, and those measured in part.
fn without_rule(mapping: &FrameworkMapping, report: &CoverageReport) -> String {
    let mut text = format!("\n{}\n", mapping.title);
    for control in &report.open {
        text += &format!("  {control}: open\n");
    }
    for entry in mapping.unimplemented.iter().filter(|entry| !report.open.contains(&entry.control)) {
        text += &format!("  {}: {}: {}\n", entry.control, entry.kind, entry.reason);
    }
    for entry in &mapping.sections {
        if let Some(reason) = &entry.partial {
            text += &format!("  {}: in part: {reason}\n", entry.control);
        }
    }
    text
}

fn entry((mapping, report): &(FrameworkMapping, CoverageReport)) -> Value {
    let reasons = mapping.unimplemented.iter().filter(|entry| !report.open.contains(&entry.control));
    json!({
        "id": mapping.id,
        "framework": mapping.framework,
        "title": mapping.title,
        "controls": report.total_controls,
        "answered": report.answered,
        "in_part": report.in_part,
        "with_reason": reasons.collect::<Vec<_>>(),
        "open": report.open,
        "missing_rules": report.missing_rules,
        "percent": report.coverage_percent,
    })
}
