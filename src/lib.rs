//! Kensa measures whether a Linux host complies with a set of rules.
//!
//! A program hands it a way to reach a host and a rule set; it returns one [`CheckResult`] per rule, with
//! evidence that can be replayed and references into every framework the rule serves.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let session = kensa::Session::local(kensa::SessionOptions::default()).await?;
//! let results = kensa::check_rules_from_path(&session, "rules", None, None).await?;
//! for result in results.iter().filter(|result| result.status == kensa::Status::Fail) {
//!     println!("{}: {}", result.rule_id, result.detail);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The same in steps, with progress and a report:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kensa::{Become, ConnectOptions, ScanOptions, Session, SessionOptions};
//!
//! let target = ConnectOptions::new("web-1.example.com").user("audit");
//! let session = Session::connect(target, Become::Sudo { password: None }, SessionOptions::default()).await?;
//! let corpus = kensa::bundled_rules()?;
//! let options = ScanOptions { framework: Some("cis".to_owned()), ..ScanOptions::default() };
//! let report = kensa::scan(&session, &corpus, &options, &mut |_event| {}).await?;
//! println!("{} of {} rules fail", report.summary.fail, report.summary.total);
//! session.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! A scan takes any [`Transport`], and a `Transport` can only ask: nothing on the host is changed. A host
//! application that has its own way to run commands implements [`RunCommand`] and hands it to
//! [`Session::from_runner`].

mod bundled;
mod engine;
mod fleet;
mod plan_report;
mod profile;

pub use bundled::{bundled_mappings, bundled_mappings_files, bundled_rules, bundled_rules_files};
pub use engine::{
    ENGINE_VERSION, Error, ScanEvent, ScanOptions, check_rules_from_path, facts_for, load_rules, plan, scan,
    scan_with_facts, validate_rules,
};
pub use fleet::{FleetError, HostScan, Target, scan_many, scan_many_with};
pub use kensa_core::{
    CheckResult, Completeness, Conclusion, CouldNotTell, Evidence, Facts, Fault, Opening, Output, Overhead,
    PackageManager, Platform, Probe, Reason, Rule, RuleCost, ScanReport, Severity, Source, Status, Summary,
    Timestamp, Timings, Transport, Verdict, WritableTransport, check, facts, output, probe, reading, remedy,
    result, rule, shell, timings, transport, value,
};
pub use kensa_rules::load::{self, Corpus, Diagnostic, LoadError, LoadOptions};
pub use kensa_rules::plan as planning;
pub use kensa_rules::plan::{Decision, Plan};
pub use kensa_rules::select::Selection;
pub use kensa_rules::{
    frameworks, lint, mappings, mechanisms, methods, report, scaffold, schema, select, variables,
};
pub use kensa_ssh::openssh;
pub use kensa_ssh::protocol::may_leave_processes;
pub use kensa_ssh::ssh::{
    ConnectOptions, HostKeyPolicy, HostKeyTrust, Reachability, SshConfigUse, reachable,
};
pub use kensa_ssh::{
    Become, ConnectError, ConnectReason, MAX_SHELLS, RanCommand, RunCommand, RunError, Secret, Session,
    SessionOptions, Stats, detect,
};
pub use plan_report::{PlanReport, PlannedDecision, PlannedRule};
pub use schemars;

/// Makes what the engine makes once in a process's life and otherwise when it is first needed, such as compiled
/// patterns; takes a few milliseconds. A program that forks while other threads scan calls it before they start: a child
/// would wait for ever for what a thread of its parent had begun to make. The Python package does so by itself.
pub fn prepare() {
    kensa_rules::prepare();
    kensa_ssh::prepare();
}
