//! Real hosts of the test bed, one per test.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use kensa_ssh::link::Link;
use kensa_ssh::openssh::{HostKeys, OpenSsh};
use kensa_ssh::ssh::{ConnectOptions, HostKeyPolicy, SshConfigUse, SshLink};
use kensa_ssh::{Become, ConnectError, OpenSshOptions, Session, SessionOptions};

/// A running host; taken down when dropped.
pub struct Bed {
    name: String,
    facts: BTreeMap<String, String>,
    known_hosts: tempfile::NamedTempFile,
}

/// Which way to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Native,
    OpenSsh,
}

pub const WAYS: [Way; 2] = [Way::Native, Way::OpenSsh];

impl Bed {
    /// Boots a host; `None`, with the reason printed, where this machine cannot.
    pub fn up(name: &str, kind: &str) -> Option<Self> {
        let name = format!("sh-{name}-{}", std::process::id());
        let started = script(&["up", &name, kind]);
        let said = String::from_utf8_lossy(&started.stderr).into_owned();
        match started.status.code() {
            Some(0) => {}
            Some(77) => {
                println!("skipped: {}", said.trim());
                return None;
            }
            _ => panic!("the test bed gave no host: {said}"),
        }
        let text = String::from_utf8_lossy(&started.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let facts: BTreeMap<String, String> =
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let known_hosts = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(known_hosts.path(), format!("{} {}\n", facts["addr"], facts["hostkey"])).unwrap();
        Some(Self { name, facts, known_hosts })
    }

    /// Runs `command` on the host as root, without ssh.
    pub fn exec(&self, command: &str) -> String {
        let output = script(&["exec", &self.name, "sh", "-c", command]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Another verb of the bed's script for this host.
    pub fn tell(&self, verb: &str, argument: &[&str]) -> String {
        let output = script(&[&[verb, &self.name], argument].concat());
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub async fn link(&self, way: Way, user: &str) -> Result<Arc<dyn Link>, ConnectError> {
        let (address, key) = (self.facts["addr"].as_str(), PathBuf::from(&self.facts["key"]));
        Ok(match way {
            Way::Native => {
                let options = ConnectOptions::new(address)
                    .user(user)
                    .key_path(key)
                    .ssh_config(SshConfigUse::None)
                    .known_hosts([self.known_hosts.path()])
                    .host_key_policy(HostKeyPolicy::Strict);
                Arc::new(SshLink::connect(options).await?)
            }
            Way::OpenSsh => {
                let mut options = OpenSshOptions::new(address);
                options.user = Some(user.to_owned());
                options.identity = Some(key);
                options.config = Some("/dev/null".into());
                options.host_keys = HostKeys::Strict;
                options.extra = vec![format!("UserKnownHostsFile={}", self.known_hosts.path().display())];
                Arc::new(OpenSsh::new(options))
            }
        })
    }

    pub async fn session(&self, way: Way, user: &str, become_: Become) -> Result<Session, ConnectError> {
        self.session_with(way, user, become_, SessionOptions::default()).await
    }

    pub async fn session_with(
        &self,
        way: Way,
        user: &str,
        become_: Become,
        options: SessionOptions,
    ) -> Result<Session, ConnectError> {
        Session::over(self.link(way, user).await?, become_, options).await
    }

    /// Whether, a moment later, a process whose command line holds `text` still runs on the host.
    pub async fn stays(&self, text: &str) -> bool {
        for _ in 0..10 {
            if self.exec(&format!("pgrep -f '[{}]{}'", &text[..1], &text[1..])).is_empty() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        true
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        script(&["down", &self.name]);
    }
}

fn script(arguments: &[&str]) -> Output {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bed/host.sh");
    Command::new("bash").arg(path).args(arguments).output().unwrap()
}
