//! A report with one of everything, as the cases beside each format use it.

use kensa_core::{
    CheckResult, Completeness, Evidence, Facts, Overhead, Platform, Reason, RuleCost, ScanReport, Severity,
    Source, Status, Timestamp, Timings,
};

const START: i64 = 1_786_096_800_000;

/// A scan with two passes, three failures, two unknowns and two skips, some of it hostile to terminals.
pub(super) fn report() -> ScanReport {
    let results = vec![
        pass("sysctl-no-ip-forward", Severity::Medium, "IP forwarding is off"),
        fail(
            result("banner-text", Severity::Low, "The login banner shows the text the site wants"),
            "the banner is not the one wanted",
            "Authorised use only",
            "Willkommen \u{1b}[31mrot\u{1b}[0m\r\n日本語 ünïcode\u{7}",
        ),
        from_sshd(fail(
            result("ssh-no-root-login", Severity::Critical, "Root cannot log in over SSH"),
            "PermitRootLogin is yes; wanted no",
            "no",
            "yes",
        )),
        fail(
            result(
                "home-directories-private",
                Severity::Medium,
                "Home directories are readable by nobody but the user they belong to, whatever tool made them",
            ),
            "/home/alice has mode 0755, owner alice, group alice; /home/bob has mode 0775, owner bob, group staff; \
             wanted mode at most 0750",
            "mode at most 0750",
            &(0..20).map(|n| format!("/home/user{n}: mode 0755")).collect::<Vec<_>>().join("\n"),
        ),
        unknown("shadow-hashes", Severity::High, Reason::PermissionDenied, "reading /etc/shadow was refused"),
        unknown("audit-rules", Severity::Critical, Reason::ConnectionLost, "the connection was lost"),
        pass("kernel-aslr", Severity::High, "Addresses are randomised"),
        skipped("gdm-banner", Reason::PlatformMismatch, "the rule is for ubuntu, the host is rhel 9.4"),
        skipped("ntp-servers", Reason::UndeclaredValue, "ntp_servers has no value for this site"),
    ];
    finish(results, Completeness { planned: 12, answered: 11, unanswered: 1 })
}

/// A scan of nothing.
pub(super) fn empty() -> ScanReport {
    finish(Vec::new(), Completeness::default())
}

/// A scan in which no rule is for the host.
pub(super) fn nothing_applies() -> ScanReport {
    let results = report().results.into_iter().filter(|result| result.status == Status::Skipped).collect();
    finish(results, Completeness::default())
}

/// A scan of a host that would not say what it is.
pub(super) fn undetected() -> ScanReport {
    let unknown = |mut one: CheckResult| {
        one.status = Status::Error;
        one.reason = Some(Reason::UndeterminedCapability);
        one.evidence.clear();
        one
    };
    let mut report = finish(report().results.into_iter().map(unknown).collect(), Completeness::default());
    report.platform = None;
    report
}

/// A scan in which everything that applies passes.
pub(super) fn compliant() -> ScanReport {
    let keep = |result: &CheckResult| matches!(result.status, Status::Pass | Status::Skipped);
    let results = report().results.into_iter().filter(keep).collect();
    finish(results, Completeness { planned: 2, answered: 2, unanswered: 0 })
}

/// A scan in which nothing fails and something could not be told.
pub(super) fn incomplete() -> ScanReport {
    let results = report().results.into_iter().filter(|result| result.status != Status::Fail).collect();
    finish(results, Completeness { planned: 5, answered: 4, unanswered: 1 })
}

/// [`report`], measured.
pub(super) fn profiled() -> ScanReport {
    let rules =
        (1..=20).map(|n| RuleCost { rule_id: format!("rule-{n}"), time_us: n * 1500, bytes: n * 700 });
    let overhead = Overhead { connect_us: 61_000, login_us: 70_400, judge_us: 900, ..Overhead::default() };
    let mut timings = Timings { wall_us: 0, overhead, rules: rules.collect() };
    timings.wall_us = timings.sum_us();
    ScanReport { timings: Some(timings), ..report() }
}

fn finish(results: Vec<CheckResult>, completeness: Completeness) -> ScanReport {
    let mut platform = Platform::new("rhel", "9.4");
    platform.pretty_name = "Red Hat Enterprise Linux 9.4 (Plow)".to_owned();
    let mut facts = Facts { platform: Some(platform), ..Facts::default() };
    facts.capabilities.insert("systemd".to_owned(), true);
    facts.undetermined.insert("fips_mode".to_owned(), "timed out".to_owned());
    let start = Timestamp::from_millis(START);
    let mut report = ScanReport::new("0.1.0", "web1.example.org", &facts, start, completeness, results);
    report.completed_at = Timestamp::from_millis(START + 1_400);
    report
}

fn result(id: &str, severity: Severity, title: &str) -> CheckResult {
    CheckResult {
        rule_id: id.to_owned(),
        title: title.to_owned(),
        severity,
        category: "access-control".to_owned(),
        status: Status::Pass,
        reason: None,
        detail: "as wanted".to_owned(),
        expected_value: None,
        actual_value: None,
        source: None,
        check_method: None,
        implementation_used: None,
        evidence: Vec::new(),
        framework_refs: std::collections::BTreeMap::new(),
        framework_section: None,
        host: "web1.example.org".to_owned(),
        variables: std::collections::BTreeMap::new(),
        started_at: None,
        completed_at: None,
        duration_ms: None,
    }
}

fn asked(mut result: CheckResult, command: &str, exit_code: i32, stdout: &str, stderr: &str) -> CheckResult {
    result.evidence.push(Evidence {
        method: "command".to_owned(),
        command: command.to_owned(),
        via: None,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        exit_code,
        expected: result.expected_value.clone().unwrap_or_default(),
        actual: result.actual_value.clone().unwrap_or_default(),
        timestamp: Timestamp::from_millis(START + 200),
        duration_ms: 4,
        stdout_bytes: None,
        stderr_bytes: None,
        redacted: false,
        lossy: false,
    });
    result.started_at = Some(Timestamp::from_millis(START + 200));
    result.completed_at = Some(Timestamp::from_millis(START + 204));
    result.duration_ms = Some(4);
    result
}

fn pass(id: &str, severity: Severity, title: &str) -> CheckResult {
    let mut result = result(id, severity, title);
    result.expected_value = Some("0".to_owned());
    result.actual_value = Some("0".to_owned());
    asked(result, "sysctl net.ipv4.ip_forward", 0, "net.ipv4.ip_forward = 0\n", "")
}

fn fail(mut result: CheckResult, detail: &str, expected: &str, actual: &str) -> CheckResult {
    result.status = Status::Fail;
    result.detail = detail.to_owned();
    result.expected_value = Some(expected.to_owned());
    result.actual_value = Some(actual.to_owned());
    asked(result, "cat -- /etc/issue", 0, actual, "")
}

fn from_sshd(mut result: CheckResult) -> CheckResult {
    result.source = Some(Source { path: "/etc/ssh/sshd_config.d/00-site.conf".to_owned(), line: Some(3) });
    let controls = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
    result.framework_refs.insert("cis_rhel9_v2".to_owned(), controls(&["5.1.20"]));
    result.framework_refs.insert("nist_800_53".to_owned(), controls(&["AC-6(2)", "IA-2"]));
    result
}

fn unknown(id: &str, severity: Severity, reason: Reason, detail: &str) -> CheckResult {
    let mut result = result(id, severity, "Something only root can see");
    result.status = Status::Error;
    result.reason = Some(reason);
    result.detail = detail.to_owned();
    asked(result, "cat -- /etc/shadow", 1, "", "cat: /etc/shadow: Permission denied\n")
}

fn skipped(id: &str, reason: Reason, detail: &str) -> CheckResult {
    let mut result = result(id, Severity::Medium, "Something that is not for this host");
    result.status = Status::Skipped;
    result.reason = Some(reason);
    result.detail = detail.to_owned();
    result
}
