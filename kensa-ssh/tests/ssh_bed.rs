//! Logging in at real hosts with PAM, and links that die without a word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bed_host;
mod sshd;

use std::time::{Duration, Instant};

use bed_host::Host;
use kensa_ssh::ConnectReason;
use kensa_ssh::link::{Exit, Link, Streams};
use kensa_ssh::ssh::{ConnectOptions, SshLink, reachable};
use sshd::{output, refused};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

async fn name_there(options: ConnectOptions) -> String {
    let link = SshLink::connect(options).await.unwrap_or_else(|error| panic!("{error}"));
    output(&link, "id -un").await.1.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_at_a_host_with_pam() {
    let Some(host) = Host::up("kssh-pam") else { return };
    assert_eq!(name_there(host.account("plain").password("Plain-pw-1")).await, "plain");
    assert_eq!(name_there(host.account("scanpw").password("Scan-pw-1")).await, "scanpw");
    // An unlocked key and a login password beside it.
    assert_eq!(name_there(host.with_key("plain").password("Plain-pw-1")).await, "plain");

    host.tell("mark", &[]);
    let error = refused(host.account("plain").password("wrong")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed, "{error}");
    let log = host.tell("logs", &[]);
    assert_eq!(log.matches("Failed password for plain").count(), 1, "one attempt only\n{log}");
    let unknown = refused(host.account("nobody-of-that-name").password("wrong")).await;
    assert_eq!(unknown.reason, ConnectReason::AuthFailed);
    let keyless = refused(host.with_key("plain")).await;
    assert_eq!(keyless.reason, ConnectReason::AuthFailed);
    assert!(keyless.message.contains("password"), "{keyless}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyboard_interactive_only() {
    let Some(host) = Host::up("kssh-kbd") else { return };
    let change = "echo 'PasswordAuthentication no' > /etc/ssh/sshd_config.d/00-a-test.conf; \
                  echo 'KbdInteractiveAuthentication yes' >> /etc/ssh/sshd_config.d/00-a-test.conf";
    host.tell("exec", &["sh", "-c", change]);
    host.tell("kill-sshd", &["listener"]);
    host.tell("start-sshd", &[]);
    assert_eq!(name_there(host.account("plain").password("Plain-pw-1")).await, "plain");
    host.tell("mark", &[]);
    let error = refused(host.account("plain").password("wrong")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed, "{error}");
    let log = host.tell("logs", &[]);
    assert_eq!(log.matches("authentication failure").count(), 1, "one attempt only\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_account_is_a_refused_login() {
    let Some(host) = Host::up("kssh-exp") else { return };
    let error = refused(host.with_key("u-expired")).await;
    assert!(matches!(error.reason, ConnectReason::AuthFailed | ConnectReason::Closed), "{error}");
    assert!(error.message.contains("u-expired") && error.message.contains("expired?"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_a_silent_link_is_noticed_within_its_limit() {
    let Some(host) = Host::up("kssh-cut") else { return };
    let options = host.with_key("scan").keepalive(Duration::from_secs(1), 3);
    let options = options.connect_timeout(Duration::from_secs(3));
    let link = SshLink::connect(options).await.unwrap();
    let streams = link.open("sleep 100").await.unwrap();
    host.tell("drop", &[]);
    let cut = Instant::now();
    assert_eq!(timeout(Duration::from_secs(20), streams.exit).await.unwrap(), Exit::Lost);
    assert!(cut.elapsed() < Duration::from_secs(10), "{:?}", cut.elapsed());
    let error = match link.open("true").await {
        Ok(_) => panic!("opened on a dead link"),
        Err(error) => error,
    };
    assert_eq!(error.reason, ConnectReason::Closed);
    assert!(error.message.contains("sign of life"), "{error}");
    let error = link.reconnect().await.unwrap_err();
    assert_eq!(error.reason, ConnectReason::Timeout, "{error}");
    assert!(!reachable(&host.address, host.port, Duration::from_secs(1)).await.reached);
    host.tell("heal", &[]);
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo back").await.1, "back\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_a_link_that_dies_under_an_upload_is_noticed_and_closed() {
    let Some(host) = Host::up("kssh-up") else { return };
    let options = host.with_key("scan").keepalive(Duration::from_secs(1), 3);
    let link = SshLink::connect(options).await.unwrap();
    let Streams { mut stdin, exit, stdout, stderr } = link.open("exec cat >/dev/null").await.unwrap();
    let writing = tokio::spawn(async move {
        let block = vec![0; 1 << 20];
        while stdin.write_all(&block).await.is_ok() {}
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    host.tell("drop", &[]);
    let cut = Instant::now();
    assert_eq!(timeout(Duration::from_secs(20), exit).await.unwrap(), Exit::Lost);
    assert!(cut.elapsed() < Duration::from_secs(10), "{:?}", cut.elapsed());
    timeout(Duration::from_secs(5), writing).await.unwrap().unwrap();
    let started = Instant::now();
    link.close().await;
    assert!(started.elapsed() < Duration::from_secs(2));
    drop((stdout, stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_host_times_out_and_a_rekeyed_one_is_refused() {
    let Some(host) = Host::up("kssh-frz") else { return };
    let options = host.with_key("scan").connect_timeout(Duration::from_secs(2));
    let link = SshLink::connect(options.clone()).await.unwrap();
    host.tell("freeze", &[]);
    let started = Instant::now();
    let error = refused(options.clone()).await;
    assert_eq!(error.reason, ConnectReason::Timeout, "{error}");
    assert!(started.elapsed() < Duration::from_secs(6));
    host.tell("thaw", &[]);
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    host.tell("rekey", &[]);
    let error = refused(options).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged, "{error}");
    let error = link.reconnect().await.unwrap_err();
    assert_eq!(error.reason, ConnectReason::HostKeyChanged, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_a_dead_server_and_odd_shells() {
    let Some(host) = Host::up("kssh-one") else { return };
    let link = SshLink::connect(host.with_key("u-one")).await.unwrap();
    let held = link.open("echo; exec cat").await.unwrap();
    assert_eq!(timeout(Duration::from_secs(20), output(&link, "echo beside")).await.unwrap().1, "beside\n");
    drop(held);
    for shell in ["u-dash", "u-zsh", "u-fish", "u-csh"] {
        assert_eq!(name_there(host.with_key(shell)).await, shell);
    }
    let nologin = SshLink::connect(host.with_key("u-nologin")).await.unwrap();
    assert_eq!(output(&nologin, "true").await.0, Exit::Status(1));
    host.tell("kill-sshd", &["all"]);
    let error = refused(host.with_key("scan")).await;
    assert_eq!(error.reason, ConnectReason::Refused, "{error}");
    host.tell("start-sshd", &[]);
    assert_eq!(name_there(host.with_key("scan")).await, "scan");
}
