//! Options as JavaScript gives them, in the engine's types. `lib/` has checked names and values before.

use std::collections::BTreeMap;
use std::time::Duration;

use kensa::{
    ConnectOptions, HostKeyPolicy, ScanOptions, Secret, Selection, SessionOptions, Severity, SshConfigUse,
};
use napi_derive::napi;
use serde::Deserialize;

use crate::failure::Failure;

/// How to reach a host and log in there; times in milliseconds.
#[napi(object)]
#[derive(Default)]
pub struct NativeConnectOptions {
    /// Name, address or ssh_config alias.
    pub hostname: String,
    /// Port.
    pub port: Option<u32>,
    /// Login name.
    pub user: Option<String>,
    /// Login password, or passphrase of an encrypted key.
    pub password: Option<String>,
    /// Private key files.
    pub key_paths: Option<Vec<String>>,
    /// A private key as text.
    pub key_data: Option<String>,
    /// Passphrase of the private key.
    pub passphrase: Option<String>,
    /// Whether to ask the agent.
    pub use_agent: Option<bool>,
    /// `strict`, `accept-new` or `off`.
    pub host_key_policy: Option<String>,
    /// The only host key to accept, `SHA256:…`.
    pub pinned_host_key: Option<String>,
    /// Files of known host keys; empty: remembered in memory only.
    pub known_hosts: Option<Vec<String>>,
    /// An ssh_config file; empty: none.
    pub ssh_config: Option<String>,
    /// Hosts to pass through.
    pub proxy_jump: Option<Vec<String>>,
    /// Limit of connect, handshake and login each.
    pub timeout: Option<f64>,
    /// Restrict algorithms to those of FIPS 140.
    pub fips_algorithms: Option<bool>,
    /// Allow what very old servers need.
    pub legacy_algorithms: Option<bool>,
}

/// What every session can be told; times in milliseconds.
#[napi(object)]
#[derive(Default)]
pub struct NativeSessionOptions {
    /// `none`, `sudo`, `doas` or `su`.
    pub become_: Option<String>,
    /// The password `sudo` or `su` asks for.
    pub become_password: Option<String>,
    /// Limit of one command.
    pub command_timeout: Option<f64>,
    /// Bytes kept of each stream of a command.
    pub output_cap: Option<u32>,
    /// Whether a lost connection is replaced.
    pub reconnect: Option<bool>,
    /// Niceness of what runs on the host.
    pub nice: Option<i32>,
    /// How many shells run commands at the same time.
    pub shells: Option<u32>,
    /// The host's name in results.
    pub name: Option<String>,
}

/// What a transport written in JavaScript says of itself.
#[napi(object)]
#[derive(Clone, Copy, Default)]
pub struct NativeHabits {
    /// A command may be a script, so that many travel in one call.
    pub takes_scripts: bool,
    /// Commands are wanted exactly as evidence shows them.
    pub bare_commands: bool,
    /// Every command is to answer one question only.
    pub single_questions: bool,
}

pub(crate) fn milliseconds(value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value / 1000.0)
        .map_err(|_| Failure::argument(format!("{value} is no number of milliseconds")))
}

pub(crate) fn connect(given: NativeConnectOptions) -> Result<ConnectOptions, Failure> {
    let mut options = ConnectOptions::new(given.hostname);
    if let Some(port) = given.port {
        let port = u16::try_from(port).map_err(|_| Failure::argument(format!("{port} is no port")))?;
        options = options.port(port);
    }
    if let Some(user) = given.user {
        options = options.user(user);
    }
    if let Some(password) = given.password {
        options = options.password(Secret::new(password));
    }
    for path in given.key_paths.unwrap_or_default() {
        options = options.key_path(path);
    }
    if let Some(text) = given.key_data {
        options = options.key_data(Secret::new(text));
    }
    if let Some(passphrase) = given.passphrase {
        options = options.passphrase(Secret::new(passphrase));
    }
    if let Some(yes) = given.use_agent {
        options = options.use_agent(yes);
    }
    if let Some(policy) = given.host_key_policy {
        options = options.host_key_policy(match policy.as_str() {
            "strict" => HostKeyPolicy::Strict,
            "accept-new" => HostKeyPolicy::AcceptNew,
            "off" => HostKeyPolicy::Off,
            other => return Err(Failure::argument(format!("{other:?} is no host key policy"))),
        });
    }
    if let Some(fingerprint) = given.pinned_host_key {
        options = options.pinned_host_key(fingerprint);
    }
    if let Some(paths) = given.known_hosts {
        options = options.known_hosts(paths);
    }
    if let Some(path) = given.ssh_config {
        options = options.ssh_config(match path.is_empty() {
            true => SshConfigUse::None,
            false => SshConfigUse::Path(path.into()),
        });
    }
    if let Some(hops) = given.proxy_jump {
        options = options.proxy_jump(hops);
    }
    if let Some(limit) = given.timeout {
        options = options.connect_timeout(milliseconds(limit)?);
    }
    if let Some(yes) = given.fips_algorithms {
        options = options.fips_algorithms(yes);
    }
    if let Some(yes) = given.legacy_algorithms {
        options = options.legacy_algorithms(yes);
    }
    Ok(options)
}

/// What to scan, as JSON from `lib/`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct NativeScanOptions {
    /// File or folder; the bundled rules where it is missing.
    pub(crate) rules_path: Option<String>,
    severity: Vec<String>,
    category: Vec<String>,
    tags: Vec<String>,
    frameworks: Vec<String>,
    rule_ids: Vec<String>,
    variables: BTreeMap<String, String>,
    framework: Option<String>,
    capabilities: BTreeMap<String, bool>,
    /// Milliseconds.
    timeout: Option<f64>,
    evidence_limit: usize,
    profile: bool,
}

impl NativeScanOptions {
    pub(crate) fn read(json: &str) -> Result<Self, Failure> {
        Ok(serde_json::from_str(json)?)
    }

    pub(crate) fn selection(&self) -> Result<Selection, Failure> {
        let severity = |name: &String| {
            Severity::from_name(name).ok_or_else(|| Failure::argument(format!("{name:?} is no severity")))
        };
        Ok(Selection {
            severity: self.severity.iter().map(severity).collect::<Result<_, _>>()?,
            category: self.category.clone(),
            tags: self.tags.clone(),
            frameworks: self.frameworks.clone(),
            rule_ids: self.rule_ids.clone(),
        })
    }

    pub(crate) fn for_engine(&self) -> Result<ScanOptions, Failure> {
        Ok(ScanOptions {
            selection: self.selection()?,
            variables: self.variables.clone(),
            framework: self.framework.clone(),
            capabilities: self.capabilities.clone(),
            scan_timeout: self.timeout.map(milliseconds).transpose()?,
            evidence_limit: self.evidence_limit,
            profile: self.profile,
            stream_results: false,
        })
    }
}

pub(crate) fn session(given: &NativeSessionOptions) -> Result<SessionOptions, Failure> {
    let mut options = SessionOptions::default();
    if let Some(limit) = given.command_timeout {
        options.command_timeout = milliseconds(limit)?;
    }
    if let Some(cap) = given.output_cap {
        options.output_cap = cap as usize;
    }
    options.reconnect = given.reconnect.unwrap_or(true);
    options.nice = given
        .nice
        .map(i8::try_from)
        .transpose()
        .map_err(|_| Failure::argument("nice is 0 to 19".to_owned()))?;
    options.shells = given.shells.map_or(1, |shells| shells as usize);
    options.host = given.name.clone();
    Ok(options)
}
