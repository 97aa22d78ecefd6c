//! Report formats, one file each; [`FORMATS`] is the only list of them.
//!
//! A format turns a [`ScanReport`] into text and decides nothing: what a host comes to is said by
//! [`ScanReport::conclusion`], once for all formats.

use std::io::{self, Write};
use std::sync::Arc;

use kensa_core::{Conclusion, Rule, ScanReport};

mod csv;
mod json;
mod jsonl;
mod junit;
mod order;
mod sarif;
#[cfg(test)]
mod testing;
mod text;

pub use text::printable;

/// Every report format; the first is for people, the others for programs.
pub const FORMATS: &[Format] =
    &[text::FORMAT, json::FORMAT, jsonl::FORMAT, csv::FORMAT, junit::FORMAT, sarif::FORMAT];

/// Writes a report piece by piece.
type Stream = fn(&ScanReport, &mut dyn Write) -> io::Result<()>;

/// One report format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name on the command line and in the bindings.
    pub name: &'static str,
    /// One line: who reads it.
    pub summary: &'static str,
    /// Media type, for an HTTP answer or a mail.
    pub media_type: &'static str,
    /// File name extension without the dot.
    pub extension: &'static str,
    /// Writes the report. The text ends with a line feed.
    pub render: fn(&ScanReport, &RenderOptions<'_>) -> Result<String, RenderError>,
    /// Writes the same piece by piece, where the text can be big.
    stream: Option<Stream>,
}

impl Format {
    /// The format called `name`.
    ///
    /// # Errors
    /// [`UnknownFormat`] names every format there is.
    pub fn find(name: &str) -> Result<&'static Format, UnknownFormat> {
        FORMATS.iter().find(|format| format.name == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }

    /// Writes to `out` what [`Format::render`] returns, without holding all of it in memory where the format allows.
    ///
    /// # Errors
    /// Those of `out`, and a [`RenderError`] as one of kind `Other`.
    pub fn write(
        &self,
        report: &ScanReport,
        options: &RenderOptions<'_>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self.stream {
            Some(stream) => stream(report, out),
            None => {
                let text = (self.render)(report, options).map_err(io::Error::other)?;
                out.write_all(text.as_bytes())
            }
        }
    }
}

/// How to write a report. The default is right for a file: 100 columns, no colour, no extras.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions<'a> {
    /// Columns of the terminal; `None` for a file. Only `text` cares.
    pub width: Option<usize>,
    /// Colour by ANSI escape sequences. Only `text` cares.
    pub color: bool,
    /// Also what is usually left out: in `text` the rules that pass or are skipped and the commands that
    /// were run, in `sarif` the rules that pass or do not apply.
    pub verbose: bool,
    /// The rules of the scan, for formats that carry help texts (`sarif`). May be empty.
    pub rules: &'a [Arc<Rule>],
}

/// A report could not be written. Not seen with the results of a scan; the text says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot write the {format} report: {message}")]
pub struct RenderError {
    /// Name of the format.
    pub format: &'static str,
    /// What went wrong.
    pub message: String,
}

impl RenderError {
    fn new(format: &'static str, error: impl std::fmt::Display) -> Self {
        Self { format, message: error.to_string() }
    }
}

/// There is no format of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no report format {0:?}; there are {names}", names = names())]
pub struct UnknownFormat(
    /// The name asked for.
    pub String,
);

fn names() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// Why a report without a single error is incomplete all the same. Formats whose readers count findings and errors
/// say so in a form that counts: a scan of nothing must not look compliant.
fn without_verdict(report: &ScanReport) -> Option<&'static str> {
    let silent = report.conclusion() == Conclusion::Incomplete && report.summary.error == 0;
    silent.then_some(if report.summary.pass + report.summary.fail == 0 {
        "no rule was measured: nothing is known about this host"
    } else {
        "not every question was answered"
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::testing::{empty, nothing_applies, report, undetected};
    use super::*;

    #[test]
    fn folder_and_registry_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().path().file_stem()?.to_str().map(str::to_owned))
            .filter(|name| !["mod", "testing", "order", "snapshots"].contains(&name.as_str()))
            .collect();
        let registered: BTreeSet<String> = FORMATS.iter().map(|format| format.name.to_owned()).collect();
        assert_eq!(files, registered);
        assert_eq!(registered.len(), FORMATS.len(), "a name is used twice");
    }

    #[test]
    fn every_format_names_every_finding_and_every_unknown_and_ends_its_last_line() {
        let report = report();
        for format in FORMATS {
            let text = (format.render)(&report, &RenderOptions::default()).unwrap();
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}", format.name);
            for result in report.results.iter().filter(|result| result.reason.is_none_or(|r| !r.is_skip())) {
                if result.status != kensa_core::Status::Pass {
                    assert!(text.contains(&result.rule_id), "{}: {}", format.name, result.rule_id);
                }
            }
            let mut written = Vec::new();
            format.write(&report, &RenderOptions::default(), &mut written).unwrap();
            assert_eq!(written, text.as_bytes(), "{}", format.name);
            let nothing = (format.render)(&empty(), &RenderOptions::default());
            assert!(nothing.is_ok(), "{}: {nothing:?}", format.name);
        }
    }

    #[test]
    fn every_format_that_has_a_place_for_it_shows_what_the_transport_remarks() {
        let remarks = vec!["The host's key was not checked.".to_owned()];
        for format in FORMATS.iter().filter(|format| format.name != "csv") {
            let with = ScanReport { remarks: remarks.clone(), ..report() };
            let text = (format.render)(&with, &RenderOptions::default()).unwrap();
            assert!(text.contains("key was not checked."), "{}", format.name);
        }
    }

    #[test]
    fn no_format_lets_control_characters_of_the_host_through() {
        let report = report();
        for format in FORMATS {
            let options = RenderOptions { verbose: true, ..RenderOptions::default() };
            let text = (format.render)(&report, &options).unwrap();
            let wrong = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(wrong, None, "{}", format.name);
        }
    }

    /// What each format's readers take for a bad end.
    fn looks_bad(format: &str, text: &str) -> bool {
        match format {
            "text" => text.contains("INCOMPLETE") && !text.contains(" COMPLIANT"),
            "json" | "jsonl" => text.replace(' ', "").contains(r#""pass":0"#),
            "csv" => !text.contains(",pass,"),
            "junit" => !text.contains(r#"errors="0""#),
            "sarif" => text.contains(r#""executionSuccessful": false"#),
            other => panic!("say how {other} shows that nothing was measured"),
        }
    }

    #[test]
    fn no_format_makes_a_scan_of_nothing_look_compliant() {
        for (what, report) in
            [("nothing ran", empty()), ("all skipped", nothing_applies()), ("detection failed", undetected())]
        {
            for format in FORMATS {
                let text = (format.render)(&report, &RenderOptions::default()).unwrap();
                assert!(looks_bad(format.name, &text), "{what}, {}: {text}", format.name);
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Format::find("html").unwrap_err().to_string();
        assert_eq!(error, r#"no report format "html"; there are text, json, jsonl, csv, junit, sarif"#);
        assert_eq!(Format::find("sarif").map(|format| format.extension), Ok("sarif"));
    }
}
