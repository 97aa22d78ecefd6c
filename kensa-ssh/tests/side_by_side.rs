//! Several shells that share what waits: every command is answered once and truly, whatever happens to one of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bed_host;
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use bed_host::Host;
use common::{ask, output, seconds, stays, stdout};
use kensa_core::{Answer, Probe, Reason, Transport};
use kensa_ssh::{Become, Session, SessionOptions};

fn three() -> SessionOptions {
    SessionOptions { shells: 3, ..seconds(30.0) }
}

/// Commands that say their number and the shell they run in, and take long enough for other shells to come up.
fn commands(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("sleep 0.01; echo {n} $$")).collect()
}

async fn asked(session: &Session, commands: &[String]) -> Vec<Answer> {
    ask(session, &commands.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// The shells that answered; each answer is that of its command.
fn shells(answers: &[Answer], except: &[usize]) -> BTreeSet<String> {
    let told = answers.iter().enumerate().filter(|(n, _)| !except.contains(n));
    told.map(|(n, answer)| {
        let text = stdout(answer);
        let (number, shell) = text.trim().split_once(' ').unwrap();
        assert_eq!(number, n.to_string());
        shell.to_owned()
    })
    .collect()
}

#[tokio::test]
async fn many_commands_run_in_as_many_shells_as_allowed() {
    for (options, expected) in [(three(), 2..=3), (seconds(30.0), 1..=1)] {
        let session = Session::local(options).await.unwrap();
        let answers = asked(&session, &commands(400)).await;
        let used = shells(&answers, &[]);
        assert!(expected.contains(&used.len()), "{used:?}");
        assert_eq!(session.stats().shells, used.len() as u64);
        session.close().await;
    }
}

#[tokio::test]
async fn few_commands_stay_in_one_shell() {
    let session = Session::local(three()).await.unwrap();
    assert_eq!(shells(&asked(&session, &commands(60)).await, &[]).len(), 1);
    assert_eq!(session.stats().execs, 1);
}

#[tokio::test]
async fn what_befalls_one_shell_costs_no_other_command() {
    let session = Session::local(SessionOptions { shells: 3, ..seconds(2.0) }).await.unwrap();
    let mut commands = commands(400);
    let (deaths, hung) = ([150, 210, 270], [160, 220]);
    deaths.iter().for_each(|n| commands[*n] = "kill -9 $$".to_owned());
    hung.iter().for_each(|n| commands[*n] = format!("sleep 7{n}"));
    let answers = asked(&session, &commands).await;
    shells(&answers, &[&deaths[..], &hung[..]].concat());
    let reason = |n: &usize| answers[*n].as_ref().unwrap_err().reason;
    assert!(deaths.iter().all(|n| reason(n) == Reason::ShellDied), "{:?}", deaths.map(|n| reason(&n)));
    assert!(hung.iter().all(|n| reason(n) == Reason::TimedOut), "{:?}", hung.map(|n| reason(&n)));
    assert!(!stays("sleep 7160").await && !stays("sleep 7220").await);
    assert_eq!(output(&ask(&session, &["echo on"]).await[0]).stdout, b"on\n");
}

#[tokio::test]
async fn nothing_runs_on_where_nobody_waits() {
    let session = Session::local(three()).await.unwrap();
    let probes: Vec<Probe> =
        (0..300).map(|n| Probe::command_text(format!("sleep 0.01; [ {n} -lt 200 ] || sleep 7999"))).collect();
    let waiting = session.ask_all(&probes);
    assert!(tokio::time::timeout(Duration::from_secs(3), waiting).await.is_err());
    assert!(!stays("sleep 7999").await);
    assert_eq!(stdout(&ask(&session, &["echo on"]).await[0]), "on\n");

    let session = std::sync::Arc::new(session);
    let other = std::sync::Arc::clone(&session);
    let asking = tokio::spawn(async move { other.ask_all(&probes).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    tokio::time::timeout(Duration::from_secs(15), session.close()).await.unwrap();
    assert!(!stays("sleep 7999").await);
    let answers = tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap().unwrap();
    assert_eq!(answers.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_with_one_session_is_asked_in_one_shell_and_others_with_one_login() {
    let Some(host) = Host::up("kssh-sbs") else { return };
    for (account, sudos) in [("u-one", 1..=1), ("scan", 2..=3)] {
        host.tell("mark", &[]);
        let become_ = Become::Sudo { password: None };
        let session = Session::connect(host.with_key(account), become_, three()).await.unwrap();
        let used = shells(&asked(&session, &commands(400)).await, &[]);
        assert!(sudos.contains(&used.len()), "{account}: {used:?}");
        session.close().await;
        let count = host.tell("count", &[]);
        assert!(count.contains("logins=1") && count.contains(&format!("sudos={}", used.len())), "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_link_lost_under_three_shells_loses_no_answer() {
    let Some(host) = Host::up("kssh-sbl") else { return };
    let session =
        Session::connect(host.with_key("scan"), Become::Sudo { password: None }, three()).await.unwrap();
    let commands = commands(600);
    let cut = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        tokio::task::block_in_place(|| host.tell("kill-sshd", &["sessions"]));
    };
    let (answers, ()) = tokio::join!(asked(&session, &commands), cut);
    shells(&answers, &[]);
    assert_eq!(session.stats().reconnects, 1);
    session.close().await;
}
