//! `junit`: the XML build servers read. One suite per host, one test case per rule.
//!
//! fail is `failure`, could-not-tell is `error`, skipped is `skipped`; the counts of the suite agree. A scan that
//! measured nothing has one more case, `scan`, which is an error: a suite of skipped cases would look well.

use std::time::Duration;

use kensa_core::{CheckResult, ScanReport, Status};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Format, RenderError, RenderOptions, printable, without_verdict};

pub(super) const FORMAT: Format = Format {
    name: "junit",
    summary: "JUnit XML, for build servers (Jenkins, GitLab, GitHub actions)",
    media_type: "application/xml",
    extension: "xml",
    render,
    stream: None,
};

fn render(report: &ScanReport, _: &RenderOptions<'_>) -> Result<String, RenderError> {
    let host = legal(&report.host);
    let mut suite = TestSuite::new(host.as_str());
    suite.set_time(report.completed_at.since(report.started_at));
    suite.extra.insert("hostname".into(), host.into());
    // The suite's own timestamp type belongs to a date library that nothing else here needs.
    suite.extra.insert("timestamp".into(), report.started_at.to_string().into());
    suite.add_property(Property::new("engine_version", legal(&report.engine_version)));
    if let Some(platform) = &report.platform {
        suite.add_property(Property::new("platform", legal(&platform.key())));
        suite.add_property(Property::new("system", legal(&platform.pretty_name)));
    }
    suite.add_properties(report.remarks.iter().map(|text| Property::new("remark", legal(text))));
    suite.add_test_cases(report.results.iter().map(test_case));
    if let Some(why) = without_verdict(report) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(why).set_type("incomplete");
        let mut case = TestCase::new("scan", status);
        case.set_classname("kensa");
        suite.add_test_case(case);
    }
    let mut whole = Report::new("kensa");
    whole.set_time(report.completed_at.since(report.started_at));
    whole.add_test_suite(suite);
    let mut text = whole.to_string().map_err(|error| RenderError::new(FORMAT.name, error))?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

fn test_case(result: &CheckResult) -> TestCase {
    let mut case = TestCase::new(legal(&result.rule_id), status(result));
    case.set_classname(legal(&format!("kensa.{}", result.category)));
    case.set_time(Duration::from_millis(result.duration_ms.unwrap_or(0)));
    case
}

fn status(result: &CheckResult) -> TestCaseStatus {
    let mut status = match result.status {
        Status::Pass => return TestCaseStatus::success(),
        Status::Skipped => TestCaseStatus::skipped(),
        Status::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(legal(&format!("{}: {}", result.title, result.detail)));
    match result.reason {
        Some(reason) => status.set_type(reason.code()),
        None => status.set_type(result.severity.name()),
    };
    if result.status != Status::Skipped {
        status.set_description(legal(&description(result)));
    }
    status
}

/// What a build server shows under the message.
fn description(result: &CheckResult) -> String {
    let source = result.source.as_ref().map(ToString::to_string);
    let mut lines = vec![format!("severity: {}", result.severity)];
    for (label, value) in
        [("expected", &result.expected_value), ("found", &result.actual_value), ("where", &source)]
    {
        lines.extend(value.iter().map(|value| format!("{label}: {value}")));
    }
    lines.extend(result.framework_refs.iter().map(|(key, ids)| format!("{key}: {}", ids.join(", "))));
    lines.extend(result.evidence.iter().map(|evidence| format!("ran: {}", evidence.command)));
    lines.join("\n")
}

/// `text` with what XML 1.0 cannot hold made visible: a parser refuses the whole file for one such character.
fn legal(text: &str) -> String {
    let text = printable(text);
    text.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

#[cfg(test)]
mod tests {
    use super::super::testing::report;
    use super::*;

    #[test]
    fn looks_as_build_servers_expect() {
        insta::assert_snapshot!(render(&report(), &RenderOptions::default()).unwrap());
    }

    #[test]
    fn counts_agree_with_the_summary_and_the_cases() {
        let text = render(&report(), &RenderOptions::default()).unwrap();
        let read = Report::deserialize_from_str(&text).unwrap();
        let summary = report().summary;
        let suite = &read.test_suites[0];
        assert_eq!((read.tests, read.failures, read.errors), (summary.total, summary.fail, summary.error));
        assert_eq!((suite.tests, suite.failures, suite.errors), (summary.total, summary.fail, summary.error));
        assert_eq!(suite.skipped, summary.skipped);
        let count = |tag: &str| text.matches(&format!("<{tag} ")).count();
        assert_eq!(count("testcase"), summary.total);
        assert_eq!(
            (count("failure"), count("error"), count("skipped")),
            (summary.fail, summary.error, summary.skipped)
        );
    }

    #[test]
    fn no_text_of_a_host_makes_a_file_that_parsers_refuse() {
        let mut report = report();
        let hostile: String = (0..0x100).chain(0xfff0..=0xffff).filter_map(char::from_u32).collect();
        report.results[1].detail = hostile.clone();
        report.results[1].actual_value = Some(hostile + "]]> </failure> &amp; <!--");
        let text = render(&report, &RenderOptions::default()).unwrap();
        // XML 1.0, production 2.
        let legal =
            |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(text.chars().find(|c| !legal(*c)), None);
        let read = Report::deserialize_from_str(&text).unwrap();
        assert_eq!(read.test_suites[0].test_cases.len(), report.results.len());
    }
}
