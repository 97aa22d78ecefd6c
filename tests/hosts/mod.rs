//! Recorded hosts: what a real host answered to everything the rules ask, as a [`Transport`].

#![allow(dead_code, unreachable_pub, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kensa::transport::{Ask, Transport};
use kensa::{Corpus, Fault, LoadOptions, Output, Probe, Reason};
use serde::{Deserialize, Serialize};

/// An answer to one probe.
pub type Answer = Result<Arc<Output>, Fault>;

/// The answers of one host.
#[derive(Default)]
pub struct Recorded {
    pub name: String,
    pub answers: BTreeMap<Probe, Answer>,
}

/// A recorded host as a file.
#[derive(Serialize, Deserialize)]
struct Cassette {
    host: String,
    answers: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    probe: Probe,
    exit: i32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    stdout: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    stderr: String,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hosts").join(format!("{name}.json"))
}

impl Recorded {
    /// The recorded host `name`.
    pub fn load(name: &str) -> Self {
        let text = std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let cassette: Cassette = serde_json::from_str(&text).unwrap();
        let answers = cassette.answers.into_iter().map(|entry| {
            let output = Output::new(
                entry.probe.command(),
                entry.exit,
                entry.stdout.as_bytes(),
                entry.stderr.as_bytes(),
            );
            (entry.probe, Ok(Arc::new(output)))
        });
        Self { name: cassette.host, answers: answers.collect() }
    }

    /// Writes the answers, without those that could not be given.
    pub fn save(&self) {
        let answers = self.answers.iter().filter_map(|(probe, answer)| {
            let output = answer.as_ref().ok().filter(|output| !output.is_truncated())?;
            Some(Entry {
                probe: probe.clone(),
                exit: output.exit_code,
                stdout: without_hashes(&output.stdout_text()),
                stderr: output.stderr_text().into_owned(),
            })
        });
        let cassette = Cassette { host: self.name.clone(), answers: answers.collect() };
        let text = serde_json::to_string_pretty(&cassette).unwrap();
        std::fs::write(path(&self.name), text + "\n").unwrap();
    }
}

/// Password hashes are of no use to a test.
fn without_hashes(text: &str) -> String {
    let field = |field: &str| {
        let hash = field.starts_with('$') && field.matches('$').count() >= 3;
        if hash { "$y$j9T$removed$removed".to_owned() } else { field.to_owned() }
    };
    text.split('\n')
        .map(|line| line.split(':').map(field).collect::<Vec<_>>().join(":"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a host that was never asked answers.
pub fn never_recorded(probe: &Probe) -> Answer {
    Err(Fault::new(Reason::ConnectionLost, format!("nothing was recorded for: {probe}")))
}

#[async_trait]
impl Transport for Recorded {
    fn host(&self) -> &str {
        &self.name
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        for probe in ask.probes {
            let answer = self.answers.get(probe).cloned().unwrap_or_else(|| never_recorded(probe));
            each(probe.clone(), answer);
        }
    }
}

/// The bundled rules, and one for every check method they do not use.
pub fn corpus() -> Corpus {
    let extra = EXTRA.iter().enumerate().map(|(number, (method, parameters))| {
        let text = format!(
            "id: extra-{number}\ntitle: Extra\ndescription: Extra.\nrationale: Extra.\nseverity: low\ncategory: system\n\
             implementations:\n  - default: true\n    check: {{method: {method}, {parameters}}}\n"
        );
        (format!("system/extra-{number}.yml"), text)
    });
    let bundled = kensa::bundled_rules_files().map(|(path, text)| (path.to_owned(), text.to_owned()));
    kensa::load::load_embedded(bundled.chain(extra), &LoadOptions::default()).unwrap()
}

/// Conditions the bundled rules do not have, in both outcomes.
const EXTRA: &[(&str, &str)] = &[
    ("apparmor_state", ""),
    ("command", "run: grep -c root /etc/passwd, expected_stdout: '1'"),
    ("command", "run: exit 7, not_assessable_exit: 9"),
    ("config_absent", "path: /etc/login.defs, key: NO_SUCH_KEY"),
    ("config_absent", "path: /etc/login.defs, key: UMASK"),
    ("dpkg_absent", "name: telnetd"),
    ("dpkg_installed", "name: openssh-server"),
    ("dpkg_installed", "name: no-such-package"),
    ("file_absent", "path: /etc/no-such-file"),
    ("file_absent", "path: /etc/passwd"),
    ("file_content", "path: /etc/passwd, expected_content: 'root:x:0:0:'"),
    ("file_content_match", "path: /etc/passwd, pattern: '^root:'"),
    ("file_content_no_match", "path: /etc/passwd, pattern: '^no-such-user:'"),
    ("file_exists", "path: /etc/passwd"),
    ("file_search", "under: /etc/ssh, kind: file, mode_any: '0022'"),
    ("file_search", "under: /etc/ssh, kind: file, mode_all: '0400'"),
    ("package_absent", "name: telnetd"),
    ("package_installed", "name: openssh-server"),
    ("package_state", "name: no-such-package, state: absent"),
    ("service_active", "name: sshd"),
    ("service_active", "name: cron"),
    ("service_enabled", "name: no-such-unit"),
    ("service_state", "name: systemd-journald, active: true"),
    ("selinux_boolean", "name: ssh_sysadm_login, value: 'off'"),
    ("selinux_state", "state: enforcing"),
    ("set_compare", "observed_command: 'cut -d: -f1 /etc/passwd', authorized: root"),
    ("set_compare", "observed_command: 'echo root', authorized: root"),
    ("sysctl_value", "key: kernel.ostype, expected: Linux"),
    ("sysctl_value", "key: kernel.no_such_key, expected: '1'"),
    ("systemd_target", "not_expected: graphical.target"),
];
