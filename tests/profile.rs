//! Where the time of a scan goes, at a real host: every part is measured, and they add up.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "bed/host.rs"]
mod bed;
#[path = "bed/slow_rules.rs"]
mod slow_rules;

use std::time::Instant;

use bed::Host;
use kensa::{
    Become, ConnectOptions, Corpus, HostKeyPolicy, LoadOptions, ScanOptions, ScanReport, Session,
    SessionOptions, SshConfigUse, timings,
};

/// The report of a measured scan, and how long the clock on the wall says it took.
async fn measured(host: &Host, corpus: &Corpus) -> (ScanReport, u64) {
    let connect = ConnectOptions::new(host.fact("addr"))
        .user("scan")
        .key_path(host.fact("key"))
        .ssh_config(SshConfigUse::None)
        .host_key_policy(HostKeyPolicy::Off);
    let began = Instant::now();
    let become_ = Become::Sudo { password: None };
    let session = Session::connect(connect, become_, SessionOptions::default()).await.unwrap();
    let options = ScanOptions { profile: true, ..ScanOptions::default() };
    let report = kensa::scan(&session, corpus, &options, &mut |_| {}).await.unwrap();
    let wall = timings::micros(began.elapsed());
    session.close().await;
    (report, wall)
}

fn within(percent: u64, part: u64, whole: u64) -> bool {
    part.abs_diff(whole) * 100 <= whole * percent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_add_up_to_the_time_on_the_wall() {
    let Some(host) = Host::up("profile", "debian") else { return };
    let corpus = kensa::bundled_rules().unwrap();
    let (report, wall) = measured(&host, &corpus).await;
    let timings = report.timings.as_ref().unwrap();
    println!("{wall} us on the wall, {} in parts, {:?}", timings.sum_us(), timings.overhead);
    assert!(within(5, timings.sum_us(), wall), "{} of {wall}", timings.sum_us());
    assert!(within(1, timings.sum_us(), timings.wall_us), "{} of {}", timings.sum_us(), timings.wall_us);
    let overhead = &timings.overhead;
    for (part, time) in overhead.parts() {
        let nothing = part == "load rules" || part == "other" || part == "judge";
        assert!(nothing || time > 0, "{part} took no time");
    }
    // What could not be given to anybody is little.
    assert!(overhead.other_us * 10 < wall, "{overhead:?}");
    let asked: Vec<&str> = report
        .results
        .iter()
        .filter(|result| !result.evidence.is_empty())
        .map(|result| result.rule_id.as_str())
        .collect();
    let measured: Vec<&str> = timings.rules.iter().map(|rule| rule.rule_id.as_str()).collect();
    assert!(asked.len() > 200 && asked.iter().all(|rule| measured.contains(rule)));
    assert!(timings.rules.iter().map(|rule| rule.bytes).sum::<u64>() > 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_takes_its_time_pays_for_it_and_its_neighbours_do_not() {
    let Some(host) = Host::up("profile-slow", "debian") else { return };
    let folder = tempfile::tempdir().unwrap();
    slow_rules::write(folder.path(), 30);
    let slow = folder.path().join("system/slow-017.yml");
    let text = std::fs::read_to_string(&slow).unwrap().replace(slow_rules::PAUSE, "sleep 1.5");
    std::fs::write(&slow, text).unwrap();
    let corpus = kensa::load_rules(folder.path(), &LoadOptions::default()).unwrap();
    let (report, wall) = measured(&host, &corpus).await;
    let timings = report.timings.as_ref().unwrap();
    assert!(within(5, timings.sum_us(), wall), "{} of {wall}", timings.sum_us());
    let dearest = timings.dearest();
    assert_eq!(dearest[0].rule_id, "slow-017");
    assert!((1_450_000..3_000_000).contains(&dearest[0].time_us), "{:?}", dearest[0]);
    // The others wait behind it, and that is not their time.
    assert!(dearest[1..].iter().all(|rule| rule.time_us < 1_000_000), "{:?}", dearest[1]);
    assert_eq!(dearest.len(), 30);
}
