//! Many hosts in one call, against a real host entered many times over.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "bed/host.rs"]
mod bed;

use std::path::PathBuf;
use std::sync::Arc;

use bed::Host;
use futures_util::{StreamExt, pin_mut};
use kensa::{
    Become, ConnectOptions, ConnectReason, FleetError, HostScan, ScanOptions, Selection, SshConfigUse,
    Target, scan_many,
};

fn connect(host: &Host, user: &str) -> ConnectOptions {
    ConnectOptions::new(host.fact("addr"))
        .user(user)
        .ssh_config(SshConfigUse::None)
        .known_hosts(Vec::<PathBuf>::new())
}

fn few_rules() -> ScanOptions {
    let selection = Selection { category: vec!["kernel".to_owned()], ..Selection::default() };
    ScanOptions { selection, ..ScanOptions::default() }
}

async fn all(targets: Vec<Target>, concurrency: usize) -> Vec<HostScan> {
    let corpus = Arc::new(kensa::bundled_rules().unwrap());
    let hosts = scan_many(targets, corpus, few_rules(), concurrency);
    pin_mut!(hosts);
    let mut settled: Vec<HostScan> = hosts.collect().await;
    settled.sort_by_key(|host| host.index);
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_host_of_many_leaves_the_others_complete() {
    let Some(host) = Host::up("fleet", "debian") else { return };
    let alive = || {
        let connect = connect(&host, "scan").key_path(host.fact("key"));
        Target { become_: Become::Sudo { password: None }, ..Target::new(connect) }
    };
    let mut targets: Vec<Target> = (0..8).map(|_| alive()).collect();
    targets[3].connect = targets[3].connect.clone().port(1);
    let settled = all(targets, 8).await;
    assert_eq!(settled.len(), 8);
    for one in &settled {
        match &one.outcome {
            Ok(report) => {
                assert_ne!(one.index, 3);
                assert_eq!(report.completeness.unanswered, 0);
                assert!(report.summary.total > 20, "{:?}", report.summary);
            }
            Err(FleetError::Connect(error)) => {
                assert_eq!((one.index, error.reason), (3, ConnectReason::Refused), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_tried_once_in_the_whole_fleet() {
    let Some(host) = Host::up("fleet-pw", "debian") else { return };
    let with = |password: &str| Target::new(connect(&host, "plain").password(password));
    host.tell("mark", &[]);
    let settled = all((0..6).map(|_| with("not-this-one")).collect(), 6).await;
    for one in &settled {
        let Err(FleetError::Connect(error)) = &one.outcome else { panic!("{one:?}") };
        assert_eq!(error.reason, ConnectReason::AuthFailed);
    }
    let attempts = host.tell("logs", &[]).matches("Failed password for plain").count();
    assert_eq!(attempts, 1);
    let settled = all((0..6).map(|_| with("Plain-pw-1")).collect(), 6).await;
    assert!(settled.iter().all(|one| one.outcome.is_ok()), "{settled:?}");
    assert_eq!(host.count("logins"), 6);
}
