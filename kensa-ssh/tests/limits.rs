//! Time, size and loss: what goes wrong with one command stays with it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::{ask, is_running, output, seconds, session, shells, stays, stdout, within};
use kensa_core::{Ask, Probe, Reason, Transport};
use kensa_ssh::link::{Exit, Link, Streams};
use kensa_ssh::local::Local;
use kensa_ssh::{Become, ConnectError, ConnectReason, Session, SessionOptions};

#[tokio::test]
async fn r11_a_hung_command_ends_in_time_and_alone() {
    for shell in shells() {
        let hung = [
            "sleep 1000.0011",
            "trap '' TERM INT HUP; sleep 1000.0011; sleep 1000.0011",
            "echo partial; echo said >&2; sleep 1000.0011 | cat",
            "perl -e 'use POSIX; setpgid(0,0); sleep 1000' 1000.0011",
            "sh -c 'kill -STOP $$; sleep 1000.0011'",
            "while :; do :; done",
        ];
        for command in hung {
            let session = session(shell, seconds(0.5)).await;
            let begun = Instant::now();
            let answers =
                ask(&session, &["echo before", command, "sleep 0.1; echo after", "echo last"]).await;
            let fault = answers[1].as_ref().err().unwrap_or_else(|| panic!("{shell}: {command} ended"));
            assert_eq!(fault.reason, Reason::TimedOut, "{shell}: {command}");
            let elapsed = begun.elapsed();
            // Half a second is the limit, one more the promise, and what follows takes a tenth.
            assert!(elapsed < within(1.6), "{shell}: {command} {elapsed:?}");
            for (n, text) in [(0, "before\n"), (2, "after\n"), (3, "last\n")] {
                assert_eq!(stdout(&answers[n]), text, "{shell}: {command}");
            }
            let partial = fault.partial.as_ref().unwrap();
            if command.starts_with("echo partial") {
                assert_eq!(partial.stdout, b"partial\n", "{shell}");
                assert_eq!(partial.stderr_text(), "said\n", "{shell}: the shell's own words are removed");
            }
            assert!(!stays("1000.0011").await, "{shell}: {command} left a process");
            let stats = session.stats();
            assert_eq!((stats.kills, stats.shells), (1, 2), "{shell}: one more shell, the one that kills");
        }
    }
}

#[tokio::test]
async fn r11_a_command_in_a_session_of_its_own_is_stopped_too() {
    let session = session("dash", seconds(0.5)).await;
    let answers = ask(&session, &["setsid -w sleep 1000.0022", "echo next"]).await;
    assert_eq!(answers[0].as_ref().err().map(|fault| fault.reason), Some(Reason::TimedOut));
    assert_eq!(stdout(&answers[1]), "next\n");
    assert!(!stays("1000.0022").await);
}

#[tokio::test]
async fn r11_many_hung_commands_cost_their_own_time_only() {
    let session = session("dash", seconds(0.4)).await;
    let commands: Vec<String> = (0..40)
        .map(|n| if n % 10 == 3 { format!("sleep 1000.003{n}") } else { format!("sleep 0.01; echo {n}") })
        .collect();
    let texts: Vec<&str> = commands.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let answers = ask(&session, &texts).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Ok(_) if n % 10 != 3 => assert_eq!(stdout(answer), format!("{n}\n")),
            Err(fault) if n % 10 == 3 => assert_eq!(fault.reason, Reason::TimedOut),
            other => panic!("{n}: {other:?}"),
        }
    }
    assert!(begun.elapsed() < within(5.0), "{:?}", begun.elapsed());
    assert!(!stays("1000.003").await);
}

#[tokio::test]
async fn r12_floods_are_cut_counted_and_stopped() {
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let begun = Instant::now();
        let commands =
            ["head -c 2000000000 /dev/zero", "yes", "yes >&2", "head -c 2000000 /dev/zero", "echo next"];
        let answers = ask(&session, &commands).await;
        for n in [0, 1, 3] {
            let flood = output(&answers[n]);
            assert!(flood.is_truncated() && flood.stdout.len() == 1 << 20, "{shell}: {}", commands[n]);
        }
        let killed = output(&answers[0]);
        assert_eq!(killed.exit_code, 137, "{shell}");
        // How much more than the hard limit arrives depends on the link; a local pipe is fast.
        assert!((8 << 20..1 << 30).contains(&killed.stdout_total), "{shell}: {}", killed.stdout_total);
        let errors = output(&answers[2]);
        assert!(errors.stderr.len() == 1 << 20 && errors.stderr_total > 8 << 20, "{shell}");
        // Below the hard limit a command runs to its end.
        assert_eq!(
            (output(&answers[3]).stdout_total, output(&answers[3]).exit_code),
            (2_000_000, 0),
            "{shell}"
        );
        assert_eq!(stdout(&answers[4]), "next\n", "{shell}");
        assert!(begun.elapsed() < within(10.0), "{shell}: {:?}", begun.elapsed());
        assert_eq!(session.stats().kills, 3, "{shell}");
    }
}

#[tokio::test]
async fn r12_floods_in_a_row_are_all_stopped() {
    let options = SessionOptions { hard_limit: 1 << 20, ..seconds(20.0) };
    let session = session("dash", options).await;
    let commands: Vec<String> = (0..12).map(|n| format!("yes {n}")).collect();
    let texts: Vec<&str> = commands.iter().map(String::as_str).collect();
    for answer in &ask(&session, &texts).await {
        assert!(output(answer).is_truncated() && output(answer).exit_code == 137);
    }
}

#[tokio::test]
async fn r18_dropping_the_callers_future_stops_what_runs() {
    let session = session("dash", SessionOptions::default()).await;
    for text in ["sleep 1000.0044", "sleep 1000.0044 & wait"] {
        let probes = [Probe::command_text(text), Probe::command_text("sleep 1000.0045")];
        let asked = tokio::time::timeout(Duration::from_millis(400), session.ask_all(&probes)).await;
        assert!(asked.is_err());
        let begun = Instant::now();
        while is_running("1000.004") {
            assert!(begun.elapsed() < within(1.0), "{text} still runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(stdout(&ask(&session, &["echo next"]).await[0]), "next\n");
    }
}

#[tokio::test]
async fn r18_dropping_the_session_as_well_stops_what_runs() {
    let session = session("dash", SessionOptions::default()).await;
    let probes = [Probe::command_text("sleep 1000.0055")];
    assert!(tokio::time::timeout(Duration::from_millis(300), session.ask_all(&probes)).await.is_err());
    drop(session);
    let begun = Instant::now();
    while is_running("1000.0055") {
        assert!(begun.elapsed() < within(1.0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_cancelled_call_leaves_other_callers_alone() {
    let session = session("dash", SessionOptions::default()).await;
    let hung = [Probe::command_text("sleep 1000.0066")];
    let (cancelled, other) =
        tokio::join!(tokio::time::timeout(Duration::from_millis(300), session.ask_all(&hung)), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            ask(&session, &["echo other", "echo more"]).await
        });
    assert!(cancelled.is_err());
    assert_eq!(stdout(&other[0]) + &stdout(&other[1]), "other\nmore\n");
}

#[tokio::test]
async fn a_deadline_answers_everything() {
    let session = session("dash", SessionOptions::default()).await;
    let probes = ["echo quick", "sleep 1000.0077", "echo never"].map(Probe::command_text);
    let mut outputs = kensa_core::Outputs::new();
    let ask = Ask { probes: &probes, deadline: Some(Instant::now() + Duration::from_millis(400)) };
    session.ask(ask, &mut |probe, answer| outputs.insert(probe, answer)).await;
    assert_eq!(stdout(outputs.get(&probes[0]).unwrap()), "quick\n");
    for probe in &probes[1..] {
        let fault = outputs.get(probe).unwrap().as_ref().unwrap_err();
        assert_eq!(fault.reason, Reason::Cancelled);
    }
}

#[tokio::test]
async fn run_is_started_once_and_takes_its_own_time_limit() {
    let session = session("dash", SessionOptions::default()).await;
    let ran = session.run("echo out; echo err >&2; exit 3", None).await.unwrap();
    assert_eq!((ran.exit_code, ran.stdout, ran.stderr), (3, b"out\n".to_vec(), b"err\n".to_vec()));
    let fault = session.run("sleep 1000.0088", Some(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(fault.reason, Reason::TimedOut);
    assert!(!stays("1000.0088").await);
}

/// A local machine whose "connection" can be cut, and refuses more than a number of shells at once.
#[derive(Debug)]
struct Fragile {
    local: Local,
    /// Shells open now.
    open: Arc<AtomicU32>,
    most: u32,
    reconnects: AtomicU32,
    cut: Arc<tokio::sync::Notify>,
}

impl Fragile {
    fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            local: Local::new("fragile"),
            open: Arc::default(),
            most,
            reconnects: AtomicU32::new(0),
            cut: Arc::default(),
        })
    }
}

#[async_trait]
impl Link for Fragile {
    fn host(&self) -> &str {
        "fragile"
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        if self.open.fetch_add(1, Ordering::SeqCst) >= self.most {
            self.open.fetch_sub(1, Ordering::SeqCst);
            return Err(ConnectError::new(ConnectReason::Closed, "fragile", "no more sessions"));
        }
        let mut streams = self.local.open(command).await?;
        let (cut, exit) = (Arc::clone(&self.cut), streams.exit);
        streams.exit = Box::pin(async move {
            tokio::select! {
                exit = exit => exit,
                () = cut.notified() => Exit::Lost,
            }
        });
        Ok(streams)
    }

    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError> {
        self.local.open_with_terminal(command).await
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        self.reconnects.fetch_add(1, Ordering::SeqCst);
        self.open.store(0, Ordering::SeqCst);
        self.cut.notify_waiters();
        Ok(())
    }

    async fn close(&self) {}
}

#[tokio::test]
async fn r16_a_lost_connection_is_replaced_and_the_unanswered_asked_again() {
    let link = Fragile::new(100);
    let session = Arc::new(
        Session::over(Arc::clone(&link) as Arc<dyn Link>, Become::None, SessionOptions::default())
            .await
            .unwrap(),
    );
    let probes: Vec<Probe> = (0..60).map(|n| Probe::command_text(format!("sleep 0.02; echo {n}"))).collect();
    let asking = tokio::spawn({
        let (session, probes) = (Arc::clone(&session), probes.clone());
        async move { session.ask_all(&probes).await }
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        link.cut.notify_waiters();
    }
    let outputs = asking.await.unwrap();
    for (n, probe) in probes.iter().enumerate() {
        assert_eq!(stdout(outputs.get(probe).unwrap()), format!("{n}\n"));
    }
    let stats = session.stats();
    assert_eq!((stats.reconnects, stats.shells), (2, 3), "{stats:?}");
    assert!(stats.commands < 200, "finished ones are kept: {stats:?}");
}

#[tokio::test]
async fn r16_a_command_that_always_cuts_the_connection_is_given_up_after_three_attempts() {
    let link = Fragile::new(100);
    let link_of_session = Arc::clone(&link) as Arc<dyn Link>;
    let session = Session::over(link_of_session, Become::None, SessionOptions::default()).await.unwrap();
    let session = Arc::new(session);
    let cutter = tokio::spawn({
        let session = Arc::clone(&session);
        async move {
            let mut cut = 0;
            loop {
                if session.stats().commands > cut {
                    cut += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    link.cut.notify_waiters();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let answers = ask(&session, &["sleep 3.33"]).await;
    cutter.abort();
    assert_eq!(answers[0].as_ref().err().map(|fault| fault.reason), Some(Reason::ConnectionLost));
    assert_eq!(session.stats().commands, 3);
    assert_eq!(stdout(&ask(&session, &["echo alive"]).await[0]), "alive\n");
}

#[tokio::test]
async fn r14_with_one_session_only_a_hung_command_is_stopped_over_a_new_connection() {
    let link = Fragile::new(1);
    let session =
        Session::over(Arc::clone(&link) as Arc<dyn Link>, Become::None, seconds(0.5)).await.unwrap();
    let begun = Instant::now();
    let answers = ask(&session, &["echo before", "sleep 1000.0099", "echo after"]).await;
    assert_eq!(answers[1].as_ref().err().map(|fault| fault.reason), Some(Reason::TimedOut));
    assert_eq!((stdout(&answers[0]), stdout(&answers[2])), ("before\n".to_owned(), "after\n".to_owned()));
    assert!(begun.elapsed() < within(4.0), "{:?}", begun.elapsed());
    assert!(link.reconnects.load(Ordering::SeqCst) >= 1);
}

#[tokio::test]
async fn a_remote_shell_that_is_killed_while_idle_is_replaced() {
    let session = session("dash", SessionOptions::default()).await;
    let pid = stdout(&ask(&session, &["echo $$"]).await[0]);
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let next = stdout(&ask(&session, &["echo $$"]).await[0]);
    assert_ne!(pid, next);
}
