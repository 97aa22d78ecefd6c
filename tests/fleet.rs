//! Many hosts in one call, against a real host entered many times over.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "bed/host.rs"]
mod bed;
#[path = "../benches/fleet/rules.rs"]
mod rules;
#[path = "../benches/fleet/servers.rs"]
#[allow(dead_code)]
mod servers;
#[path = "../kensa-ssh/tests/sshd/mod.rs"]
mod sshd;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bed::Host;
use futures_util::{StreamExt, pin_mut};
use kensa::{
    Become, ConnectOptions, ConnectReason, FleetError, HostKeyPolicy, HostScan, LoadOptions, ScanEvent,
    ScanOptions, Selection, SshConfigUse, Target, scan_many, scan_many_with,
};
use sshd::Sshd;

fn connect(host: &Host, user: &str) -> ConnectOptions {
    ConnectOptions::new(host.fact("addr"))
        .user(user)
        .ssh_config(SshConfigUse::None)
        // One address is several hosts' of this program, one after the other.
        .host_key_policy(HostKeyPolicy::Off)
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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_few_in_at_a_time_turns_nobody_away() {
    let Some(server) = Sshd::start("MaxStartups 2:100:3\n") else { return };
    let settled = all((0..30).map(|_| Target::new(server.with_key())).collect(), 30).await;
    for one in &settled {
        let report = one.outcome.as_ref().unwrap();
        assert_eq!(report.completeness.unanswered, 0);
    }
    let log = server.log();
    assert_eq!(log.matches("Accepted publickey").count(), 30);
    assert!(log.contains("MaxStartups"), "it was never crowded\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_on_a_wrong_password_gets_it_once() {
    let Some(server) = Sshd::start("PasswordAuthentication yes\nMaxAuthTries 1\n") else { return };
    let settled =
        all((0..6).map(|_| Target::new(server.options().password("not-this-one"))).collect(), 6).await;
    for one in &settled {
        let Err(FleetError::Connect(error)) = &one.outcome else { panic!("{one:?}") };
        assert_eq!(error.reason, ConnectReason::AuthFailed, "{error}");
    }
    assert_eq!(server.log().matches("Failed password").count(), 1, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_behind_one_jump_host_share_a_connection_to_it() {
    let Some(bastion) = Sshd::start("") else { return };
    let Some(server) = Sshd::start("") else { return };
    server.authorize(&sshd::public(&bastion.path("user_key")));
    let hop = format!("{}@127.0.0.1:{}", sshd::user(), bastion.port);
    let behind = |_| {
        let connect = bastion.with_key().port(server.port).proxy_jump([&hop]);
        Target::new(connect.host_key_policy(HostKeyPolicy::Off))
    };
    let settled = all((0..12).map(behind).collect(), 12).await;
    assert!(settled.iter().all(|one| one.outcome.is_ok()), "{settled:?}");
    assert_eq!(server.log().matches("Accepted publickey").count(), 12);
    assert_eq!(bastion.log().matches("Accepted publickey").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_give_their_results_as_they_settle_and_keep_none() {
    const HOSTS: usize = 40;
    const RULES: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let host_key = sshd::key(folder.path(), "host_key", &["-t", "ed25519"]);
    let user_key = sshd::key(folder.path(), "user_key", &["-t", "ed25519"]);
    rules::write(folder.path(), RULES);
    let corpus = Arc::new(kensa::load_rules(folder.path().join("system"), &LoadOptions::default()).unwrap());
    let ports = servers::start(&host_key, HOSTS).await;
    let targets = ports.into_iter().map(|port| {
        let connect = ConnectOptions::new("127.0.0.1").port(port).user("u").key_path(&user_key);
        Target::new(connect.ssh_config(SshConfigUse::None).host_key_policy(HostKeyPolicy::Off))
    });
    let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..HOSTS).map(|_| AtomicUsize::new(0)).collect());
    let counted = Arc::clone(&seen);
    let on_event = move |index: usize, event: ScanEvent<'_>| {
        if let ScanEvent::Result(result) = event {
            assert_eq!(result.evidence[0].stdout.lines().count(), 1);
            counted[index].fetch_add(1, Ordering::SeqCst);
        }
    };
    let options = ScanOptions { stream_results: true, ..ScanOptions::default() };
    let hosts = scan_many_with(targets, corpus, options, HOSTS, on_event);
    pin_mut!(hosts);
    let mut settled = 0;
    while let Some(host) = hosts.next().await {
        let report = host.outcome.unwrap();
        assert_eq!((report.summary.pass, report.summary.total, report.results.len()), (RULES, RULES, 0));
        assert_eq!(seen[host.index].load(Ordering::SeqCst), RULES);
        settled += 1;
    }
    assert_eq!(settled, HOSTS);
}
