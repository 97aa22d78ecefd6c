//! `jsonl`: one JSON object per line: the scan, each result, the summary.
//!
//! Every line has a `type`: `scan` first, one `result` per rule in load order, `summary` last. A file
//! without its `summary` line is incomplete.

use kensa_core::ScanReport;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Format, RenderError, RenderOptions};

pub(super) const FORMAT: Format = Format {
    name: "jsonl",
    summary: "One JSON object per line, for log shippers and databases",
    media_type: "application/jsonl",
    extension: "jsonl",
    render,
    stream: None,
};

/// What of a [`ScanReport`] is known only at its end.
const AT_THE_END: [&str; 4] = ["completed_at", "completeness", "summary", "timings"];

fn render(report: &ScanReport, _: &RenderOptions<'_>) -> Result<String, RenderError> {
    lines(report).map_err(|error| RenderError::new(FORMAT.name, error))
}

fn lines(report: &ScanReport) -> Result<String, serde_json::Error> {
    let mut scan = object(&ScanReport { results: Vec::new(), ..report.clone() })?;
    scan.shift_remove("results");
    let mut summary = Map::new();
    for key in AT_THE_END {
        summary.extend(scan.shift_remove(key).map(|value| (key.to_owned(), value)));
    }
    let mut text = line("scan", scan)?;
    for result in &report.results {
        text.push_str(&line("result", object(result)?)?);
    }
    text.push_str(&line("summary", summary)?);
    Ok(text)
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(value)?)
}

fn line(kind: &str, fields: Map<String, Value>) -> Result<String, serde_json::Error> {
    let mut typed = Map::new();
    typed.insert("type".to_owned(), kind.into());
    typed.extend(fields);
    Ok(serde_json::to_string(&typed)? + "\n")
}

#[cfg(test)]
mod tests {
    use kensa_core::CheckResult;

    use super::super::testing::profiled;
    use super::*;

    #[test]
    fn the_lines_together_say_what_the_report_says() {
        let report = profiled();
        let text = render(&report, &RenderOptions::default()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("scan", "summary"));
        assert!(text.starts_with(r#"{"type":"scan","schema_version":"#));

        let results: Vec<CheckResult> = lines
            .iter()
            .filter(|line| line["type"] == "result")
            .map(|line| serde_json::from_value(line.clone()).unwrap())
            .collect();
        assert_eq!(results, report.results);

        let mut whole = lines[0].as_object().unwrap().clone();
        whole.extend(lines[lines.len() - 1].as_object().unwrap().clone());
        whole.insert("results".to_owned(), serde_json::to_value(&report.results).unwrap());
        assert_eq!(serde_json::from_value::<ScanReport>(whole.into()).unwrap(), report);
    }
}
