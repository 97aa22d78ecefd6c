//! Results: the stable surface every language and report format shares.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Source;
use crate::facts::{Facts, Platform};
use crate::reason::Reason;
use crate::rule::Severity;
use crate::time::Timestamp;
use crate::timings::Timings;

/// Version of the JSON form of [`ScanReport`] and [`CheckResult`].
pub const RESULT_SCHEMA_VERSION: &str = "1.0";

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The host does what the rule wants.
    Pass,
    /// It does not.
    Fail,
    /// The rule does not apply, or the site has not said what it wants.
    Skipped,
    /// It could not be told.
    Error,
}

impl Status {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Skipped => "skipped",
            Status::Error => "error",
        }
    }
}

/// The result of one rule on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The rule's id.
    pub rule_id: String,
    /// The rule's title.
    pub title: String,
    /// The rule's severity.
    pub severity: Severity,
    /// The rule's category.
    pub category: String,
    /// How the rule ended.
    pub status: Status,
    /// Why it was skipped or could not be told; `null` for pass and fail.
    pub reason: Option<Reason>,
    /// What was found and what was wanted, or why there is no verdict; one sentence or more.
    pub detail: String,
    /// The value the rule wants, of the deciding condition.
    pub expected_value: Option<String>,
    /// The value found, of the deciding condition.
    pub actual_value: Option<String>,
    /// The file and line that decided, where the setting comes from a file.
    pub source: Option<Source>,
    /// The method of the deciding condition.
    pub check_method: Option<String>,
    /// The gate of the implementation used: a capability expression or `default`.
    pub implementation_used: Option<String>,
    /// What was asked and answered, in rule order; empty when nothing ran.
    pub evidence: Vec<Evidence>,
    /// Framework key to control ids; entries for other versions of the host's system are left out.
    pub framework_refs: BTreeMap<String, Vec<String>>,
    /// The one control id to show.
    pub framework_section: Option<String>,
    /// The host.
    pub host: String,
    /// The variables this rule used, as they were set for this scan; sensitive values are masked.
    pub variables: BTreeMap<String, String>,
    /// When the first probe of the rule was asked.
    pub started_at: Option<Timestamp>,
    /// When the last one was answered.
    pub completed_at: Option<Timestamp>,
    /// Time the rule's probes took on the host, in milliseconds; shared probes are split evenly.
    pub duration_ms: Option<u64>,
}

impl CheckResult {
    /// Whether the scan lost its connection, or ran out of time, before the rule had its answers.
    pub fn is_cut_short(&self) -> bool {
        matches!(self.reason, Some(Reason::ConnectionLost | Reason::Cancelled))
    }
}

/// One command and its answer, replayable by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The check method that asked.
    pub method: String,
    /// Run as the same user, this prints `stdout` and ends with `exit_code`.
    pub command: String,
    /// The command that really ran, where many questions were folded into one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Standard output as text; secrets are redacted, NUL is removed, invalid bytes are replaced.
    pub stdout: String,
    /// Standard error, treated alike.
    pub stderr: String,
    /// Exit status; 128 + n for a signal n; -1 when the command never ended.
    pub exit_code: i32,
    /// The value the condition wants.
    pub expected: String,
    /// The value found.
    pub actual: String,
    /// When the command started.
    pub timestamp: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Size of standard output in bytes where `stdout` was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_bytes: Option<u64>,
    /// Size of standard error in bytes where `stderr` was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_bytes: Option<u64>,
    /// Whether anything was replaced by a redaction mark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// Whether bytes that are not text were removed or replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
}

/// Everything a scan of one host says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanReport {
    /// Version of this form.
    pub schema_version: String,
    /// Version of the engine.
    pub engine_version: String,
    /// The host.
    pub host: String,
    /// Its operating system; `null` when it could not be determined.
    pub platform: Option<Platform>,
    /// Its capabilities.
    pub capabilities: BTreeMap<String, bool>,
    /// Capabilities that could not be determined, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undetermined_capabilities: BTreeMap<String, String>,
    /// What has to be known about how the host was reached, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// When the scan began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// How much of what was planned was answered.
    pub completeness: Completeness,
    /// Counts by status and severity.
    pub summary: Summary,
    /// Where the time went, when the scan was asked to measure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// One result per selected rule, in load order.
    pub results: Vec<CheckResult>,
}

impl ScanReport {
    /// Puts `results` and what is known about the host into a report.
    pub fn new(
        engine_version: &str,
        host: &str,
        facts: &Facts,
        started_at: Timestamp,
        completeness: Completeness,
        results: Vec<CheckResult>,
    ) -> Self {
        Self {
            schema_version: RESULT_SCHEMA_VERSION.to_owned(),
            engine_version: engine_version.to_owned(),
            host: host.to_owned(),
            platform: facts.platform.clone(),
            capabilities: facts.capabilities.clone(),
            undetermined_capabilities: facts.undetermined.clone(),
            remarks: Vec::new(),
            started_at,
            completed_at: Timestamp::now(),
            completeness,
            summary: Summary::of(&results),
            timings: None,
            results,
        }
    }

    /// What the scan says of the host as a whole. A certain finding outweighs what could not be told of a scan
    /// that came to its end; one that was cut short is incomplete whatever it found. Where nothing was measured,
    /// nothing is said to be compliant.
    pub fn conclusion(&self) -> Conclusion {
        let Summary { pass, fail, error, .. } = self.summary;
        if self.is_cut_short() {
            Conclusion::Incomplete
        } else if fail > 0 {
            Conclusion::Findings
        } else if error > 0 || self.completeness.unanswered > 0 || pass == 0 {
            Conclusion::Incomplete
        } else {
            Conclusion::Compliant
        }
    }
}

impl ScanReport {
    /// Whether the connection was lost, or the time ran out, before every rule had its answers.
    pub fn is_cut_short(&self) -> bool {
        self.results.iter().any(CheckResult::is_cut_short)
    }
}

/// What a scan says of a host as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conclusion {
    /// Every rule that applies was told and passes, and there was at least one.
    Compliant,
    /// The scan came to its end and at least one rule fails, whatever became of the others.
    Findings,
    /// No rule fails, but not every answer is known; or nothing was measured at all; or the scan was cut short.
    Incomplete,
}

/// How many probes were planned and answered. A scan is complete when something was planned and nothing is
/// unanswered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Completeness {
    /// Distinct probes planned.
    pub planned: usize,
    /// Of those, how many the host answered.
    pub answered: usize,
    /// Of those, how many got a fault instead.
    pub unanswered: usize,
}

/// Counts over the results of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// All results.
    pub total: usize,
    /// Of those, passed.
    pub pass: usize,
    /// Of those, failed.
    pub fail: usize,
    /// Of those, skipped.
    pub skipped: usize,
    /// Of those, not told.
    pub error: usize,
    /// The same by severity.
    pub by_severity: BTreeMap<Severity, StatusCounts>,
}

/// Counts by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCounts {
    /// Passed.
    pub pass: usize,
    /// Failed.
    pub fail: usize,
    /// Skipped.
    pub skipped: usize,
    /// Not told.
    pub error: usize,
}

impl Summary {
    /// Counts `results`.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a CheckResult>) -> Self {
        let mut summary = Self::default();
        results.into_iter().for_each(|result| summary.count(result));
        summary
    }

    /// Counts one more result.
    pub fn count(&mut self, result: &CheckResult) {
        let counts = self.by_severity.entry(result.severity).or_default();
        let (all, of_severity) = match result.status {
            Status::Pass => (&mut self.pass, &mut counts.pass),
            Status::Fail => (&mut self.fail, &mut counts.fail),
            Status::Skipped => (&mut self.skipped, &mut counts.skipped),
            Status::Error => (&mut self.error, &mut counts.error),
        };
        *all += 1;
        *of_severity += 1;
        self.total += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scan_that_measured_and_told_everything_is_compliant() {
        let conclusion = |pass, fail, skipped, error, unanswered| {
            let completeness = Completeness { planned: 9, answered: 9 - unanswered, unanswered };
            let start = Timestamp::from_millis(0);
            let mut report = ScanReport::new("0", "h", &Facts::default(), start, completeness, Vec::new());
            report.summary = Summary { pass, fail, skipped, error, ..Summary::default() };
            report.conclusion()
        };
        assert_eq!(conclusion(3, 0, 1, 0, 0), Conclusion::Compliant);
        assert_eq!(conclusion(3, 1, 1, 0, 0), Conclusion::Findings);
        assert_eq!(conclusion(3, 1, 1, 5, 2), Conclusion::Findings);
        assert_eq!(conclusion(3, 0, 1, 1, 0), Conclusion::Incomplete);
        assert_eq!(conclusion(3, 0, 1, 0, 1), Conclusion::Incomplete);
        assert_eq!(conclusion(0, 0, 4, 0, 0), Conclusion::Incomplete);
        assert_eq!(conclusion(0, 0, 0, 0, 0), Conclusion::Incomplete);
    }

    #[test]
    fn a_scan_that_was_cut_short_is_incomplete_whatever_it_found() {
        let result = |status, reason| CheckResult {
            rule_id: String::new(),
            title: String::new(),
            severity: Severity::Low,
            category: String::new(),
            status,
            reason,
            detail: String::new(),
            expected_value: None,
            actual_value: None,
            source: None,
            check_method: None,
            implementation_used: None,
            evidence: Vec::new(),
            framework_refs: BTreeMap::new(),
            framework_section: None,
            host: String::new(),
            variables: BTreeMap::new(),
            started_at: None,
            completed_at: None,
            duration_ms: None,
        };
        let conclusion = |reason| {
            let results = vec![result(Status::Fail, None), result(Status::Error, Some(reason))];
            let completeness = Completeness { planned: 2, answered: 1, unanswered: 1 };
            let start = Timestamp::from_millis(0);
            ScanReport::new("0", "h", &Facts::default(), start, completeness, results).conclusion()
        };
        assert_eq!(conclusion(Reason::PermissionDenied), Conclusion::Findings);
        assert_eq!(conclusion(Reason::ConnectionLost), Conclusion::Incomplete);
        assert_eq!(conclusion(Reason::Cancelled), Conclusion::Incomplete);
    }
}
