//! `junit`: the XML build servers read. One suite per host, one test case per rule.
//!
//! fail is `failure`, could-not-tell is `error`, skipped is `skipped`; the counts of the suite agree.

use std::time::Duration;

use kensa_core::{CheckResult, ScanReport, Status};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Format, RenderError, RenderOptions};

pub(super) const FORMAT: Format = Format {
    name: "junit",
    summary: "JUnit XML, for build servers (Jenkins, GitLab, GitHub actions)",
    media_type: "application/xml",
    extension: "xml",
    render,
};

fn render(report: &ScanReport, _: &RenderOptions<'_>) -> Result<String, RenderError> {
    let mut suite = TestSuite::new(report.host.as_str());
    suite.set_time(report.completed_at.since(report.started_at));
    suite.extra.insert("hostname".into(), report.host.as_str().into());
    // The suite's own timestamp type belongs to a date library that nothing else here needs.
    suite.extra.insert("timestamp".into(), report.started_at.to_string().into());
    suite.add_property(Property::new("engine_version", report.engine_version.as_str()));
    if let Some(platform) = &report.platform {
        suite.add_property(Property::new("platform", platform.key()));
        suite.add_property(Property::new("system", platform.pretty_name.as_str()));
    }
    suite.add_test_cases(report.results.iter().map(test_case));
    let mut whole = Report::new("kensa");
    whole.set_time(report.completed_at.since(report.started_at));
    whole.add_test_suite(suite);
    let mut text = whole.to_string().map_err(|error| RenderError::new(FORMAT.name, error))?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

fn test_case(result: &CheckResult) -> TestCase {
    let mut case = TestCase::new(result.rule_id.as_str(), status(result));
    case.set_classname(format!("kensa.{}", result.category));
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
    status.set_message(format!("{}: {}", result.title, result.detail));
    match result.reason {
        Some(reason) => status.set_type(reason.code()),
        None => status.set_type(result.severity.name()),
    };
    if result.status != Status::Skipped {
        status.set_description(description(result));
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
}
