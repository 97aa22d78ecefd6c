//! `csv`: one row per rule, for spreadsheets.

use kensa_core::{CheckResult, ScanReport};

use super::{Format, RenderError, RenderOptions, printable};

pub(super) const FORMAT: Format = Format {
    name: "csv",
    summary: "One row per rule, for spreadsheets; without evidence",
    media_type: "text/csv; charset=utf-8",
    extension: "csv",
    render,
    stream: None,
};

const COLUMNS: [&str; 13] = [
    "host",
    "rule_id",
    "title",
    "severity",
    "category",
    "status",
    "reason",
    "expected",
    "actual",
    "source",
    "detail",
    "controls",
    "completed_at",
];

fn render(report: &ScanReport, _: &RenderOptions<'_>) -> Result<String, RenderError> {
    rows(report).map_err(|error| RenderError::new(FORMAT.name, error))
}

fn rows(report: &ScanReport) -> Result<String, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for result in &report.results {
        writer.write_record(row(result).map(|cell| inert(&cell)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn row(result: &CheckResult) -> [String; COLUMNS.len()] {
    let controls = result.framework_refs.iter().map(|(key, ids)| format!("{key}: {}", ids.join(" ")));
    [
        result.host.clone(),
        result.rule_id.clone(),
        result.title.clone(),
        result.severity.to_string(),
        result.category.clone(),
        result.status.name().to_owned(),
        result.reason.map(|reason| reason.to_string()).unwrap_or_default(),
        result.expected_value.clone().unwrap_or_default(),
        result.actual_value.clone().unwrap_or_default(),
        result.source.as_ref().map(ToString::to_string).unwrap_or_default(),
        result.detail.clone(),
        controls.collect::<Vec<_>>().join("; "),
        result.completed_at.map(|time| time.to_string()).unwrap_or_default(),
    ]
}

/// A cell no spreadsheet takes for a formula: what a host wrote must not run on an auditor's desk.
fn inert(cell: &str) -> String {
    let cell = printable(cell);
    if cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::report;
    use super::*;

    #[test]
    fn one_row_per_rule_with_cells_as_they_are() {
        let text = render(&report(), &RenderOptions::default()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), report().results.len());
        let root_login = rows.iter().find(|row| &row[1] == "ssh-no-root-login").unwrap();
        assert_eq!((&root_login[5], &root_login[7], &root_login[8]), ("fail", "no", "yes"));
        assert_eq!(&root_login[9], "/etc/ssh/sshd_config.d/00-site.conf:3");
        assert_eq!(&root_login[11], "cis_rhel9_v2: 5.1.20; nist_800_53: AC-6(2) IA-2");
    }

    #[test]
    fn a_cell_is_never_a_formula_and_numbers_stay_numbers() {
        assert_eq!(inert("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(inert("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(inert("-1"), "-1");
        assert_eq!(inert("\t=1+1"), "'\t=1+1");
        assert_eq!(inert("no"), "no");
    }
}
