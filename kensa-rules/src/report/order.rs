//! The order in which people want to read results.

use kensa_core::{CheckResult, ScanReport, Status};

/// The results that ended in `status`, worst severity first, in load order within one severity.
pub(super) fn worst_first(report: &ScanReport, status: Status) -> Vec<&CheckResult> {
    let mut results: Vec<_> = report.results.iter().filter(|result| result.status == status).collect();
    results.sort_by_key(|result| std::cmp::Reverse(result.severity));
    results
}
