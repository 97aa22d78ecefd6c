//! A host of the test bed (tests/bed): real systemd, PAM, sudo and sshd.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "test code")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use kensa_ssh::ssh::{ConnectOptions, SshConfigUse};
use tempfile::TempDir;

/// A running host; it is taken down when dropped.
pub struct Host {
    name: String,
    pub address: String,
    pub port: u16,
    pub key: PathBuf,
    pub dir: TempDir,
}

impl Host {
    /// `None`, said aloud, where the bed cannot run. With KENSA_BED_REQUIRED=1 that is a failure.
    pub fn up(name: &str) -> Option<Self> {
        let name = format!("{name}-{}", std::process::id());
        let ran = script(&["up", &name]);
        if !ran.status.success() {
            let why = String::from_utf8_lossy(&ran.stderr).into_owned();
            let demanded = std::env::var("KENSA_BED_REQUIRED").is_ok_and(|value| value == "1");
            assert!(ran.status.code() == Some(77) && !demanded, "the test bed does not start: {why}");
            eprintln!("SKIPPED: {}", why.trim());
            return None;
        }
        let text = String::from_utf8(script(&["info", &name]).stdout).unwrap();
        let info: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        Some(Self {
            address: info["addr"].to_owned(),
            port: info["port"].parse().unwrap(),
            key: info["key"].into(),
            dir: tempfile::tempdir().unwrap(),
            name,
        })
    }

    /// One of host.sh's commands on this host; returns what it prints.
    pub fn tell(&self, command: &str, arguments: &[&str]) -> String {
        let ran = script(&[&[command, &self.name], arguments].concat());
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    /// Options for an account, with no credential yet.
    pub fn account(&self, user: &str) -> ConnectOptions {
        ConnectOptions::new(&*self.address)
            .port(self.port)
            .user(user)
            .ssh_config(SshConfigUse::None)
            .use_agent(false)
            .known_hosts([self.dir.path().join("known_hosts")])
    }

    pub fn with_key(&self, user: &str) -> ConnectOptions {
        self.account(user).key_path(&self.key)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = script(&["down", &self.name]);
    }
}

fn script(arguments: &[&str]) -> Output {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bed/host.sh");
    Command::new(path).args(arguments).output().unwrap()
}
