//! `json`: the whole report as one object, the form the schema `result` describes.

use std::io::{self, Write};

use kensa_core::ScanReport;

use super::{Format, RenderError, RenderOptions};

pub(super) const FORMAT: Format = Format {
    name: "json",
    summary: "One JSON object with everything the scan found, evidence included",
    media_type: "application/json",
    extension: "json",
    render,
    stream: Some(stream),
};

fn render(report: &ScanReport, _: &RenderOptions<'_>) -> Result<String, RenderError> {
    let mut text =
        serde_json::to_string_pretty(report).map_err(|error| RenderError::new(FORMAT.name, error))?;
    text.push('\n');
    Ok(text)
}

fn stream(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{profiled, report};
    use super::*;

    #[test]
    fn reads_back_as_the_same_report() {
        for report in [report(), profiled()] {
            let text = render(&report, &RenderOptions::default()).unwrap();
            assert_eq!(serde_json::from_str::<ScanReport>(&text).unwrap(), report);
        }
    }

    #[test]
    fn keys_stand_in_the_order_of_the_types() {
        let text = render(&report(), &RenderOptions::default()).unwrap();
        let place = |key: &str| text.find(&format!("\n  \"{key}\":")).unwrap_or_else(|| panic!("no {key}"));
        assert!(place("schema_version") < place("host"));
        assert!(place("summary") < place("results"));
    }
}
