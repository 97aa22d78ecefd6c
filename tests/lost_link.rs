//! A link that is lost in mid-scan, at a real host: what was answered is kept and judged, the rest is asked again over
//! a new connection where the caller allows one, and a scan that stays cut short says so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "bed/host.rs"]
mod bed;
#[path = "bed/slow_rules.rs"]
mod slow_rules;

use bed::Host;
use kensa::{
    Become, Conclusion, ConnectOptions, HostKeyPolicy, LoadOptions, Reason, ScanEvent, ScanOptions,
    ScanReport, Session, SessionOptions, SshConfigUse, Stats, Status,
};

const RULES: usize = 100;
/// Answers that are in when the link goes.
const BEFORE: usize = 20;

/// Scans with slow rules and has the bed kill `victims` in the middle of it.
async fn scan(host: &Host, victims: &str, reconnect: bool) -> (ScanReport, Stats) {
    let folder = tempfile::tempdir().unwrap();
    slow_rules::write(folder.path(), RULES);
    let corpus = kensa::load_rules(folder.path(), &LoadOptions::default()).unwrap();
    let connect = ConnectOptions::new(host.fact("addr"))
        .user("scan")
        .key_path(host.fact("key"))
        .ssh_config(SshConfigUse::None)
        .host_key_policy(HostKeyPolicy::Off);
    let options = SessionOptions { reconnect, ..SessionOptions::default() };
    let session = Session::connect(connect, Become::Sudo { password: None }, options).await.unwrap();
    let mut killed = false;
    let mut on_event = |event: ScanEvent<'_>| {
        if let ScanEvent::Answered { answered, .. } = event
            && answered >= BEFORE
            && !std::mem::replace(&mut killed, true)
        {
            host.tell("kill-sshd", &[victims]);
        }
    };
    let report = kensa::scan(&session, &corpus, &ScanOptions::default(), &mut on_event).await.unwrap();
    let stats = session.stats();
    session.close().await;
    assert_eq!(report.results.len(), RULES);
    (report, stats)
}

/// What was answered before is judged as ever; everything else is `connection_lost`, and the report says so.
fn assert_cut_short(report: &ScanReport) {
    let (lost, told): (Vec<_>, Vec<_>) =
        report.results.iter().partition(|result| result.status == Status::Error);
    assert!(told.len() >= BEFORE && !lost.is_empty(), "{} told, {} lost", told.len(), lost.len());
    for result in &lost {
        assert_eq!(result.reason, Some(Reason::ConnectionLost), "{}", result.detail);
    }
    for (number, result) in told.iter().enumerate() {
        assert_eq!(result.status, if number == 0 { Status::Fail } else { Status::Pass }, "{result:?}");
    }
    let completeness = report.completeness;
    assert_eq!(completeness.planned, RULES);
    assert_eq!((completeness.answered, completeness.unanswered), (told.len(), lost.len()));
    // A finding is in, and still the scan does not claim to be a whole one.
    assert_eq!(report.summary.fail, 1);
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_asked_again_over_one_new_connection() {
    let Some(host) = Host::up("lost-again", "debian") else { return };
    host.tell("mark", &[]);
    let (report, stats) = scan(&host, "sessions", true).await;
    assert_eq!(report.completeness.unanswered, 0);
    assert_eq!((report.summary.fail, report.summary.pass), (1, RULES - 1), "{:?}", report.summary);
    assert_eq!(report.conclusion(), Conclusion::Findings);
    assert_eq!((stats.reconnects, host.count("logins")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_new_connection_the_rest_is_lost_and_the_scan_is_incomplete() {
    let Some(host) = Host::up("lost-never", "debian") else { return };
    host.tell("mark", &[]);
    let (report, stats) = scan(&host, "sessions", false).await;
    assert_cut_short(&report);
    assert_eq!((stats.reconnects, host.count("logins")), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_new_connection_is_possible_the_rest_is_lost_too() {
    let Some(host) = Host::up("lost-server", "debian") else { return };
    let (report, stats) = scan(&host, "all", true).await;
    assert_cut_short(&report);
    assert_eq!(stats.reconnects, 0);
}
