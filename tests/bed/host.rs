//! A real host of the test bed, for Rust tests: `#[path = "…/tests/bed/host.rs"] mod bed;`.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A running host; taken down when dropped.
pub struct Host {
    name: String,
    facts: BTreeMap<String, String>,
}

impl Host {
    /// Boots a host of `kind` (`debian`, `rhel9`); `None`, with the reason printed, where this machine cannot.
    /// `KENSA_BED_REQUIRED=1` makes that a failure.
    pub fn up(name: &str, kind: &str) -> Option<Self> {
        Self::up_with(name, kind, &[])
    }

    /// The same with further arguments, such as `--scenario FILE`.
    pub fn up_with(name: &str, kind: &str, arguments: &[&str]) -> Option<Self> {
        let name = format!("{name}-{}", std::process::id());
        let started = script(&[&["up", &name, kind], arguments].concat());
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
        let facts = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Some(Self { name, facts })
    }

    /// `addr`, `port`, `highport`, `key` (path of the client's private key), `hostkey`, `name`, `kind`.
    pub fn fact(&self, name: &str) -> &str {
        &self.facts[name]
    }

    /// Runs `command` on the host as root, without SSH; standard output.
    pub fn exec(&self, command: &str) -> String {
        let output = script(&["exec", &self.name, "sh", "-c", command]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Another verb of the bed's script for this host.
    pub fn tell(&self, verb: &str, arguments: &[&str]) -> String {
        let output = script(&[&[verb, &self.name], arguments].concat());
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// One of `logins`, `sessions`, `sudos` since the last `mark`.
    pub fn count(&self, what: &str) -> usize {
        let text = self.tell("count", &[]);
        let pair = text.split_whitespace().find_map(|pair| pair.strip_prefix(what)?.strip_prefix('='));
        pair.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {what} in {text}"))
    }

    /// Copies a file of this machine to the host, executable.
    pub fn install(&self, from: &Path, to: &str) {
        let text = format!("cat > {to} && chmod 755 {to}");
        let mut child = Command::new("bash")
            .arg(path())
            .args(["exec", &self.name, "sh", "-c", &text])
            .stdin(std::fs::File::open(from).unwrap())
            .spawn()
            .unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        script(&["down", &self.name]);
    }
}

/// The bed's script, from whichever crate of the workspace the test is in.
fn path() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    crates.map(|dir| dir.join("tests/bed/host.sh")).find(|path| path.exists()).unwrap()
}

fn script(arguments: &[&str]) -> Output {
    Command::new("bash").arg(path()).args(arguments).output().unwrap()
}
