//! A transport the host application supplies.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::{ask, output, stdout};
use kensa_core::{Probe, Reason, Transport};
use kensa_ssh::{RanCommand, RunCommand, RunError, Session, SessionOptions};

/// Runs commands on this machine, as an application's own client would elsewhere.
#[derive(Default)]
struct Own {
    scripts: bool,
    bare: bool,
    single: bool,
    fails: Option<RunError>,
    /// Longer commands are refused.
    longest: Option<usize>,
    calls: AtomicU32,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl RunCommand for Own {
    fn host(&self) -> &str {
        "own"
    }

    async fn run(&self, command: &str, timeout: Duration) -> Result<RanCommand, RunError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(command.to_owned());
        if let Some(error) = &self.fails {
            return Err(error.clone());
        }
        if self.longest.is_some_and(|longest| command.len() > longest) {
            return Err(RunError::Other("the command is too long".into()));
        }
        let mut child = tokio::process::Command::new("/bin/sh");
        let child = child.arg("-c").arg(command).env("LC_ALL", "xx_YY").kill_on_drop(true).output();
        let ran = tokio::time::timeout(timeout, child).await;
        let ran = ran.map_err(|_| RunError::TimedOut("too slow".into()))?.unwrap();
        let exit_code = ran.status.code().unwrap_or(137);
        Ok(RanCommand { exit_code, stdout: ran.stdout, stderr: ran.stderr })
    }

    fn takes_scripts(&self) -> bool {
        self.scripts
    }

    fn wants_bare_commands(&self) -> bool {
        self.bare
    }

    fn wants_single_questions(&self) -> bool {
        self.single
    }
}

fn over(own: Own) -> (Arc<Own>, Session) {
    let own = Arc::new(own);
    let options = SessionOptions { command_timeout: Duration::from_secs(1), ..SessionOptions::default() };
    let session = Session::from_runner(Arc::clone(&own) as Arc<dyn RunCommand>, options);
    (own, session)
}

#[tokio::test]
async fn every_kind_of_transport_gives_the_same_answers() {
    let commands =
        ["printf 'a\\0b\\377'", "echo e >&2; exit 3", "cat", "echo $LC_ALL", "if", "echo 'it'\\''s'"];
    for scripts in [false, true] {
        let (own, session) = over(Own { scripts, ..Own::default() });
        assert_eq!(session.host(), "own");
        let answers = ask(&session, &commands).await;
        assert_eq!(output(&answers[0]).stdout, b"a\0b\xff");
        let failed = output(&answers[1]);
        assert_eq!((failed.exit_code, failed.stderr.as_slice()), (3, &b"e\n"[..]));
        assert_eq!(stdout(&answers[2]), "");
        assert_eq!(stdout(&answers[3]), "C\n");
        assert!(output(&answers[4]).exit_code != 0);
        assert_eq!(stdout(&answers[5]), "it's\n");
        assert_eq!(own.calls.load(Ordering::SeqCst), if scripts { 1 } else { 6 });
    }
}

#[tokio::test]
async fn reads_are_folded_and_bare_commands_are_the_ones_evidence_shows() {
    let (own, session) = over(Own { bare: true, ..Own::default() });
    let outputs =
        session.ask_all(&[Probe::read("/etc/passwd"), Probe::stat("/"), Probe::stat("/nowhere")]).await;
    assert!(outputs.stat("/").unwrap().is_some());
    assert_eq!(outputs.stat("/nowhere"), Ok(None));
    let seen = own.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&"cat -- /etc/passwd".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn single_questions_are_the_commands_of_their_probes() {
    let (own, session) = over(Own { bare: true, single: true, ..Own::default() });
    let probes = [Probe::stat("/nowhere"), Probe::stat("/"), Probe::read("/etc/passwd"), Probe::stat("/")];
    let outputs = session.ask_all(&probes).await;
    assert!(outputs.iter().all(|(_, answer)| answer.as_ref().unwrap().via.is_none()));
    let seen = own.seen.lock().unwrap().clone();
    assert_eq!(seen, [&probes[0], &probes[1], &probes[2]].map(Probe::command));
}

#[tokio::test]
async fn in_a_script_one_command_that_kills_or_hangs_costs_the_others_nothing() {
    for (bad, reason) in [("kill -9 $$", None), ("sleep 1000.0101", Some(Reason::TimedOut))] {
        let (own, session) = over(Own { scripts: true, ..Own::default() });
        let answers = ask(&session, &["echo a", bad, "echo b", "echo c"]).await;
        let texts = [0, 2, 3].map(|n| stdout(&answers[n]));
        assert_eq!(texts, ["a\n", "b\n", "c\n"], "{bad}");
        match reason {
            Some(reason) => assert_eq!(answers[1].as_ref().unwrap_err().reason, reason),
            None => assert_eq!(output(&answers[1]).exit_code, 137),
        }
        assert!(own.calls.load(Ordering::SeqCst) <= 5, "{bad}");
    }
}

#[tokio::test]
async fn what_the_transport_cannot_do_is_a_fault_for_each() {
    for (error, reason) in [
        (RunError::ConnectionLost("gone".into()), Reason::ConnectionLost),
        (RunError::TimedOut("slow".into()), Reason::TimedOut),
        (RunError::Other("odd".into()), Reason::Internal),
    ] {
        let (_, session) = over(Own { fails: Some(error), scripts: true, ..Own::default() });
        let answers = ask(&session, &["echo a", "echo b"]).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().reason == reason));
    }
    let (_, session) = over(Own::default());
    let answers = ask(&session, &["echo a\0"]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().reason, Reason::InvalidRule);
}

#[tokio::test]
async fn output_beyond_the_cap_is_marked_as_cut() {
    for scripts in [false, true] {
        let (_, session) = over(Own { scripts, ..Own::default() });
        let answers = ask(&session, &["head -c 3000000 /dev/zero", "echo x"]).await;
        let flood = output(&answers[0]);
        assert!(flood.is_truncated() && flood.stdout_total == 3_000_000 && flood.stdout.len() == 1 << 20);
    }
}

#[tokio::test]
async fn dropping_the_callers_future_drops_the_call() {
    let (_, session) = over(Own { bare: true, ..Own::default() });
    let probes = [Probe::command_text("exec sleep 1000.0202")];
    assert!(tokio::time::timeout(Duration::from_millis(200), session.ask_all(&probes)).await.is_err());
    assert!(!common::stays("sleep 1000.0202").await || !common::is_running("sleep 0.90202"));
    assert_eq!(stdout(&ask(&session, &["echo next"]).await[0]), "next\n");
}

#[tokio::test]
async fn a_folded_command_the_transport_cannot_run_is_asked_one_by_one() {
    let (own, session) = over(Own { bare: true, longest: Some(50), ..Own::default() });
    let paths = ["/", "/etc", "/nowhere", "/a/very/long/path/that/is/too/much"];
    let outputs = session.ask_all(&paths.map(Probe::stat)).await;
    assert!(outputs.stat("/").unwrap().is_some() && outputs.stat("/etc").unwrap().is_some());
    assert_eq!(outputs.stat("/nowhere"), Ok(None));
    assert_eq!(outputs.stat(paths[3]).unwrap_err().reason, Reason::Internal);
    // All at once, and then each alone.
    assert_eq!(own.calls.load(Ordering::SeqCst), 5);
}
