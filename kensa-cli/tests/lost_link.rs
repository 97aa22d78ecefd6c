//! The program when the link is lost in mid-scan, or when nothing could be measured at all.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../../tests/bed/host.rs"]
mod bed;
#[path = "../../tests/bed/slow_rules.rs"]
mod slow_rules;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bed::Host;
use kensa::{ScanReport, Status};

/// Checks `host` with slow rules, and has the bed kill `victims` once they run.
fn check(host: &Host, victims: &str, more: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let rules = home.path().join("rules");
    slow_rules::write(&rules, 100);
    let known_hosts = home.path().join("known_hosts");
    let child = Command::new(env!("CARGO_BIN_EXE_kensa"))
        .args(["check", "--quiet", "--sudo", "-u", "scan", "--ssh-config", "none"])
        .args(["-H", host.fact("addr"), "-k", host.fact("key")])
        .args(["--known-hosts".as_ref(), known_hosts.as_os_str(), "--rules".as_ref(), rules.as_os_str()])
        .args(more)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    while host.exec(&format!("pgrep -xf '{}'", slow_rules::PAUSE)).is_empty() {
        assert!(Instant::now() < limit, "no rule runs");
    }
    host.tell("kill-sshd", &[victims]);
    child.wait_with_output().unwrap()
}

#[test]
fn a_scan_that_is_cut_short_ends_with_3_and_one_that_goes_on_does_not() {
    let Some(host) = Host::up("cli-lost", "debian") else { return };
    let whole = check(&host, "sessions", &[]);
    let text = String::from_utf8_lossy(&whole.stdout);
    assert_eq!(whole.status.code(), Some(1), "{text}");
    assert!(text.contains("NOT COMPLIANT: 1 of 100 rules fails\n"), "{text}");

    let cut = check(&host, "sessions", &["--no-reconnect", "--format", "json"]);
    assert_eq!(cut.status.code(), Some(3), "{}", String::from_utf8_lossy(&cut.stderr));
    let report: ScanReport = serde_json::from_slice(&cut.stdout).unwrap();
    assert!(report.completeness.unanswered > 0);
    assert_eq!(report.summary.error, report.completeness.unanswered);

    let stopped = check(&host, "all", &[]);
    let text = String::from_utf8_lossy(&stopped.stdout);
    assert_eq!(stopped.status.code(), Some(3), "{text}");
    assert!(text.contains("INCOMPLETE: ") && text.contains("connection_lost"), "{text}");
}

#[test]
fn a_scan_in_which_nothing_was_measured_ends_with_3_in_every_format() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("system");
    std::fs::create_dir(&folder).unwrap();
    let rule = |id: &str, platform: &str| {
        let text = format!(
            "id: {id}\ntitle: T\ndescription: D\nrationale: R\nseverity: low\ncategory: system\n{platform}\
             implementations:\n  - default: true\n    check: {{method: file_exists, path: /}}\n"
        );
        std::fs::write(folder.join(format!("{id}.yml")), text).unwrap();
    };
    rule("for-others", "platforms:\n  - {family: suse, min_version: 99}\n");
    let check = |format: &str| {
        let check = ["check", "--local", "--quiet", "--format", format, "--rules"];
        Command::new(env!("CARGO_BIN_EXE_kensa")).args(check).arg(home.path()).output().unwrap()
    };
    for format in kensa::report::FORMATS {
        let skipped = check(format.name);
        assert_eq!(skipped.status.code(), Some(3), "{}", format.name);
    }
    let report: ScanReport = serde_json::from_slice(&check("json").stdout).unwrap();
    assert_eq!(report.results[0].status, Status::Skipped);
    // With one rule that is for this machine the same check is a compliant one.
    rule("for-all", "");
    assert_eq!(check("text").status.code(), Some(0));
}
