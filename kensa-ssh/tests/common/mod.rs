//! Sessions over given shells, and short ways to ask them.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

pub mod bed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kensa_core::{Answer, Output, Probe, Transport};
use kensa_ssh::link::{Link, Streams};
use kensa_ssh::local::Local;
use kensa_ssh::{Become, ConnectError, Session, SessionOptions};

/// The local machine with another shell in the place of `sh`.
#[derive(Debug)]
pub struct ShellLink {
    local: Local,
    shell: &'static str,
}

impl ShellLink {
    pub fn new(shell: &'static str) -> Self {
        Self { local: Local::default(), shell }
    }
}

#[async_trait]
impl Link for ShellLink {
    fn host(&self) -> &str {
        self.local.host()
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        let command = command.replace("exec sh", &format!("exec {}", self.shell));
        self.local.open(&command).await
    }

    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError> {
        self.local.open_with_terminal(command).await
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        self.local.reconnect().await
    }

    async fn close(&self) {}
}

/// Every shell of this machine the protocol has to work in. CI installs all of them.
pub fn shells() -> Vec<&'static str> {
    let all = ["dash", "bash", "bash --posix", "busybox sh", "mksh"];
    let installed = |shell: &&&str| {
        let program = shell.split(' ').next().unwrap_or_default();
        let found = ["/bin", "/usr/bin"].iter().any(|dir| std::path::Path::new(dir).join(program).exists());
        if !found {
            println!("skipped: {program} is not installed");
        }
        found
    };
    all.iter().filter(installed).copied().collect()
}

pub async fn session(shell: &'static str, options: SessionOptions) -> Session {
    Session::over(Arc::new(ShellLink::new(shell)), Become::None, options).await.unwrap()
}

pub fn seconds(timeout: f64) -> SessionOptions {
    SessionOptions { command_timeout: Duration::from_secs_f64(timeout), ..SessionOptions::default() }
}

/// Asks all commands at once; answers in the order of the commands.
pub async fn ask(session: &Session, commands: &[&str]) -> Vec<Answer> {
    let probes: Vec<Probe> = commands.iter().map(|text| Probe::command_text(*text)).collect();
    let outputs = session.ask_all(&probes).await;
    probes
        .iter()
        .map(|probe| outputs.get(probe).unwrap_or_else(|| panic!("no answer: {probe}")).clone())
        .collect()
}

pub fn output(answer: &Answer) -> &Output {
    answer.as_ref().unwrap_or_else(|fault| panic!("{}: {}", fault.reason, fault.message))
}

pub fn stdout(answer: &Answer) -> String {
    output(answer).stdout_text().into_owned()
}

/// Whether, a moment later, a process whose command line holds `text` still runs: a signal takes its time.
pub async fn stays(text: &str) -> bool {
    for _ in 0..50 {
        if !is_running(text) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

/// Whether a process whose command line holds `text` runs on this machine.
pub fn is_running(text: &str) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(text)
    })
}

/// `seconds` on an idle machine, as much longer as starting processes takes longer here and now.
pub fn within(seconds: f64) -> Duration {
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        std::process::Command::new("true").status().unwrap();
    }
    let factor = (begun.elapsed().as_secs_f64() / 0.06).clamp(1.0, 10.0);
    Duration::from_secs_f64(seconds * factor)
}
