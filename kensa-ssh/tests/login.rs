//! Accounts whose login shell is not what was hoped for.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::{ask, stdout};
use kensa_core::shell::quote;
use kensa_ssh::link::{Link, Streams};
use kensa_ssh::local::Local;
use kensa_ssh::{Become, ConnectError, ConnectReason, Session, SessionOptions};

/// The local machine with another login shell: shell text that sees the command as `$1`.
#[derive(Debug)]
struct Login {
    local: Local,
    shell: &'static str,
}

#[async_trait]
impl Link for Login {
    fn host(&self) -> &str {
        "login"
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        self.local.open(&format!("set -- {}; {}", quote(command), self.shell)).await
    }

    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError> {
        self.local.open_with_terminal(command).await
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn close(&self) {}
}

async fn session(shell: &'static str, become_: Become) -> Result<Session, ConnectError> {
    let options = SessionOptions { start_timeout: Duration::from_secs(1), ..SessionOptions::default() };
    Session::over(Arc::new(Login { local: Local::default(), shell }), become_, options).await
}

#[tokio::test]
async fn r22_what_is_no_shell_is_refused_with_what_it_said() {
    let cases = [
        ("exec bash -r -c \"$1\"", "restricted"),
        ("echo This account is currently not available.; exit 1", "not available"),
        ("echo Welcome to the appliance", "Welcome to the appliance"),
        ("echo only backups here >&2; cat >/dev/null", "only backups here"),
        ("exit 0", "status 0"),
        ("kill -9 $$", "SIGKILL"),
        ("exec sleep 60", "does not answer"),
    ];
    for (shell, text) in cases {
        for become_ in
            [Become::None, Become::Sudo { password: None }, Become::Sudo { password: Some("x".into()) }]
        {
            let begun = Instant::now();
            let error = session(shell, become_).await.unwrap_err();
            assert_eq!(error.reason, ConnectReason::ShellRefused, "{shell}: {error}");
            assert!(error.message.contains(text), "{shell}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(4), "{shell}");
        }
    }
}

#[tokio::test]
async fn r22_noise_and_hostile_settings_before_the_shell_are_not_evidence() {
    let hostile = "echo motd; echo warning >&2; printf 'no newline'; alias printf=false; PATH=/nowhere:$PATH; \
        LC_ALL=de_DE.UTF-8; export LC_ALL PATH; umask 077; cd /tmp; ENV=/nonexistent; export ENV; eval \"$1\"";
    let session = session(hostile, Become::None).await.unwrap();
    let answers = ask(&session, &["echo out", "ls /nonexistent", "pwd; umask; echo $PATH $ENV"]).await;
    assert_eq!(stdout(&answers[0]), "out\n");
    assert!(answers[1].as_ref().unwrap().stderr_text().contains("No such file or directory"));
    let state = stdout(&answers[2]);
    assert!(state.starts_with("/\n0022\n/usr/local/sbin:") && state.ends_with(":/bin\n"), "{state}");
}

#[tokio::test]
async fn r20_without_sudo_the_program_is_named_as_missing_and_root_needs_none() {
    let session = session("eval \"$1\"", Become::Sudo { password: Some("unused".into()) }).await;
    match session {
        // Root needs no sudo, installed or not.
        Ok(session) => assert_eq!(stdout(&ask(&session, &["id -u"]).await[0]), "0\n"),
        Err(error) => assert_eq!(error.reason, ConnectReason::SudoDenied, "{error}"),
    }
}
