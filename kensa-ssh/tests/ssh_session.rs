//! A whole session over native SSH at real hosts: one login, one sudo, and what happens when things break.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bed_host;

use std::time::{Duration, Instant};

use bed_host::Host;
use kensa_core::Reason;
use kensa_ssh::{Become, ConnectReason, Session, SessionOptions};

const SUDO: Become = Become::Sudo { password: None };

async fn stdout(session: &Session, command: &str) -> String {
    let output = session.run(command, None).await.unwrap_or_else(|fault| panic!("{command}: {fault:?}"));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_login_and_one_sudo_for_many_commands() {
    let Some(host) = Host::up("kssh-ses") else { return };
    host.tell("mark", &[]);
    let session = Session::connect(host.with_key("scan"), SUDO, SessionOptions::default()).await.unwrap();
    assert_eq!(session.uid(), Some(0));
    for n in 0..50 {
        assert_eq!(stdout(&session, &format!("echo {n}")).await, format!("{n}\n"));
    }
    session.close().await;
    let count = host.tell("count", &[]);
    assert!(count.contains("logins=1") && count.contains("sudos=1"), "{count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_password_is_sudos_too() {
    let Some(host) = Host::up("kssh-pw") else { return };
    let with = host.account("scanpw").password("Scan-pw-1");
    let session = Session::connect(with, SUDO, SessionOptions::default()).await.unwrap();
    assert_eq!(stdout(&session, "id -u").await, "0\n");
    let denied =
        Session::connect(host.account("nosudo").password("Scan-pw-1"), SUDO, SessionOptions::default());
    assert_eq!(denied.await.err().map(|error| error.reason), Some(ConnectReason::SudoDenied));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_command_ends_at_a_host_with_one_session() {
    let Some(host) = Host::up("kssh-hng") else { return };
    let session = Session::connect(host.with_key("u-one"), SUDO, SessionOptions::default()).await.unwrap();
    assert_eq!(stdout(&session, "echo before").await, "before\n");
    let started = Instant::now();
    let fault = session.run("sleep 1000", Some(Duration::from_secs(1))).await.unwrap_err();
    assert_eq!(fault.reason, Reason::TimedOut, "{fault:?}");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(stdout(&session, "echo after").await, "after\n");
    // A killed process is still seen until it was given the processor to end on.
    let gone = "n=0; while pgrep -xf 'sleep 1000' && [ $n -lt 20 ]; do sleep 0.1; n=$((n+1)); done >/dev/null; [ $n -lt 20 ] && echo none";
    assert_eq!(stdout(&session, gone).await, "none\n");
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_go_on_after_the_connection_was_killed() {
    let Some(host) = Host::up("kssh-kil") else { return };
    let session = Session::connect(host.with_key("scan"), SUDO, SessionOptions::default()).await.unwrap();
    assert_eq!(stdout(&session, "id -u").await, "0\n");
    host.tell("kill-sshd", &["sessions"]);
    // The first one may have been on its way: it is lost, and never run twice.
    let _ = session.run("echo first", None).await;
    assert_eq!(stdout(&session, "id -u; echo second").await, "0\nsecond\n");
    session.close().await;
}
