//! A client that is gone from one moment to the next leaves no shell on the host.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

mod common;
mod sshd;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{ask, is_running, stdout};
use kensa_ssh::{Become, Session, SessionOptions};
use sshd::Sshd;

/// The client that is killed is this test once more, told the server's folder and port.
const AGAIN: &str = "KENSA_TEST_CRASH";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_a_client_that_is_killed_leaves_no_shell() {
    if let Ok(told) = std::env::var(AGAIN) {
        return be_killed(&told).await;
    }
    let Some(server) = Sshd::start("") else { return };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "r18_a_client_that_is_killed_leaves_no_shell", "--nocapture"])
        .env(AGAIN, format!("{} {}", server.port, server.dir.path().display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let shell = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("shell ").map(str::to_owned));
    let shell = shell.expect("the client has a shell");
    let alive = || std::path::Path::new("/proc").join(&shell).exists();
    assert!(alive());
    let begun = Instant::now();
    while !is_running("sleep 2.0181") {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What runs comes to its end, what was sent after it never starts.
    let begun = Instant::now();
    while alive() || is_running("sleep 2.0181") {
        assert!(begun.elapsed() < Duration::from_secs(30), "shell {shell} lives on");
        assert!(!is_running("sleep 1000.0182"), "the next command was started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn be_killed(told: &str) {
    let (port, dir) = told.split_once(' ').unwrap();
    let dir = std::path::Path::new(dir);
    let options = kensa_ssh::ssh::ConnectOptions::new("127.0.0.1")
        .port(port.parse().unwrap())
        .user(sshd::user())
        .ssh_config(kensa_ssh::ssh::SshConfigUse::None)
        .known_hosts([dir.join("known_hosts")])
        .key_path(dir.join("user_key"));
    let session = Session::connect(options, Become::None, SessionOptions::default()).await.unwrap();
    println!("shell {}", stdout(&ask(&session, &["echo $$"]).await[0]).trim());
    ask(&session, &["sleep 2.0181", "sleep 1000.0182"]).await;
}
