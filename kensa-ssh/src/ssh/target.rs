//! What is known about a host before the first byte is sent: options and ssh_config put together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::Credentials;
use super::dial::label;
use super::host_key::HostKeyRules;
use super::jump::{parse_jump, through};
use super::known_hosts::HostKey;
use super::known_hosts_file::KnownHostsFiles;
use super::options::{ConnectOptions, HostKeyPolicy, Jump};
use super::ssh_config::{HostConfig, local_user};
use crate::error::{ConnectError, ConnectReason};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// One host to connect to and log in at, with the hosts on the way to it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) options: ConnectOptions,
    /// `host:port` with the host as the caller named it.
    pub(super) label: String,
    /// Where to connect.
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) limit: Duration,
    pub(super) credentials: Credentials,
    pub(super) hops: Vec<Target>,
    /// The hosts on the way, for names: an address means another machine behind another host.
    pub(super) way: String,
    /// What in ssh_config was not understood.
    pub(super) warnings: Vec<String>,
    files: KnownHostsFiles,
    key_name: String,
    key_port: u16,
    policy: HostKeyPolicy,
    authorities: Vec<HostKey>,
}

impl Target {
    /// Reads ssh_config and the keys. Blocks.
    pub(super) fn resolve(options: &ConnectOptions) -> Result<Self, ConnectError> {
        resolve(options, true)
    }

    /// The rules for this host's key, known_hosts read afresh. Blocks.
    pub(super) fn host_key_rules(&self) -> Result<HostKeyRules, ConnectError> {
        let (known, ignored) = self
            .files
            .load()
            .map_err(|message| ConnectError::new(ConnectReason::HostKeyUnknown, &self.label, message))?;
        for line in ignored {
            tracing::debug!(host = %self.label, "known_hosts line not used: {line}");
        }
        let mut authorities = known.authorities(&self.key_name, self.key_port);
        authorities.extend(self.authorities.iter().cloned());
        Ok(HostKeyRules {
            label: self.label.clone(),
            host: self.key_name.clone(),
            port: self.key_port,
            policy: self.policy,
            pinned: self.options.pinned_host_key.clone(),
            known: Arc::new(known),
            files: self.files.clone(),
            authorities,
            same_as: None,
        })
    }

    /// Whether any key but a revoked one is accepted of this host.
    pub(super) fn is_unchecked(&self) -> bool {
        self.policy == HostKeyPolicy::Off && self.options.pinned_host_key.is_none()
    }

    /// A text that is equal for targets whose connections may stand for one another: where to, as whom, with which
    /// credentials, and whom to trust. Nothing in it is secret.
    pub(super) fn identity(&self) -> String {
        format!("{self:?} {:?}", self.credentials.identity())
    }

    pub(super) fn error(&self, reason: ConnectReason, message: impl Into<String>) -> ConnectError {
        ConnectError::new(reason, &self.label, message)
    }
}

fn resolve(options: &ConnectOptions, follow_jumps: bool) -> Result<Target, ConnectError> {
    let host = options.host.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
    let named = label(&host, options.port.unwrap_or(22));
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(ConnectError::new(ConnectReason::Unreachable, &named, "this is not a host name"));
    }
    let home = home();
    let config = HostConfig::read(&options.ssh_config, &host, options.user.as_deref(), &home)
        .map_err(|message| ConnectError::new(ConnectReason::Unreachable, &named, message))?;
    let port = options.port.or(config.port).unwrap_or(22);
    let named = label(&host, port);
    for warning in &config.warnings {
        tracing::warn!(host = %named, "ssh_config: {warning}");
    }
    let user = options.user.clone().or_else(|| config.user.clone()).or_else(local_user);
    let Some(user) = user else {
        let message = "no user name is given and the own one is not known; name a user";
        return Err(ConnectError::new(ConnectReason::AuthFailed, &named, message));
    };
    let mut authorities = Vec::new();
    for line in &options.trusted_authorities {
        let authority = HostKey::from_line(line).ok_or_else(|| {
            let message = format!("the trusted authority {line:?} is no public key line (`type base64`)");
            ConnectError::new(ConnectReason::KeyInvalid, &named, message)
        })?;
        authorities.push(authority);
    }
    let credentials = Credentials::gather(options, &config, &home)
        .map_err(|error| ConnectError::new(error.reason, &named, error.message))?;
    let hops = if follow_jumps { hops(options, &config, &named)? } else { Vec::new() };
    let mut kept = options.clone();
    // The credentials hold what is still needed.
    (kept.password, kept.passphrase, kept.keys) = (None, None, Vec::new());
    Ok(Target {
        address: config.host_name.clone().unwrap_or_else(|| host.clone()),
        key_name: config.host_key_alias.clone().or_else(|| config.host_name.clone()).unwrap_or(host),
        limit: options.connect_timeout.or(config.connect_timeout).unwrap_or(DEFAULT_TIMEOUT),
        policy: options.host_key_policy.or(config.host_key_policy).unwrap_or_default(),
        files: known_hosts_files(options, &config, &home),
        options: kept,
        // As in OpenSSH, an alias stands for the host whatever the port.
        key_port: if config.host_key_alias.is_some() { 22 } else { port },
        label: named,
        port,
        user,
        credentials,
        way: hops.iter().map(|hop| format!("{}>", hop.label)).collect(),
        hops,
        warnings: config.warnings,
        authorities,
    })
}

/// The hosts on the way, each with its own entry of the file.
fn hops(options: &ConnectOptions, config: &HostConfig, named: &str) -> Result<Vec<Target>, ConnectError> {
    let from_file = || config.proxy_jump.iter().flatten().cloned().map(Jump::Spec).collect();
    let jumps: Vec<Jump> = options.proxy_jump.clone().unwrap_or_else(from_file);
    let mut targets = Vec::new();
    for jump in jumps {
        let hop = match jump {
            Jump::Options(hop) => *hop,
            Jump::Spec(spec) => parse_jump(&spec, options).ok_or_else(|| {
                let message = format!("the jump host {spec:?} is not [user@]host[:port]");
                ConnectError::new(ConnectReason::Unreachable, named, message)
            })?,
        };
        // A hop's own ProxyJump is not followed, as in OpenSSH when a list is given.
        targets.push(resolve(&hop, false).map_err(|error| through(named, &error))?);
    }
    Ok(targets)
}

fn known_hosts_files(
    options: &ConnectOptions,
    config: &HostConfig,
    home: &std::path::Path,
) -> KnownHostsFiles {
    if let Some(paths) = &options.known_hosts {
        return KnownHostsFiles { read: paths.clone(), named: true, write: paths.first().cloned() };
    }
    let ssh = home.join(".ssh");
    let own = config
        .user_known_hosts_files
        .clone()
        .unwrap_or_else(|| vec![ssh.join("known_hosts"), ssh.join("known_hosts2")]);
    let global = config.global_known_hosts_files.clone().unwrap_or_else(|| {
        ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"].map(PathBuf::from).to_vec()
    });
    let write = own.first().cloned();
    let named = config.user_known_hosts_files.is_some() || config.global_known_hosts_files.is_some();
    KnownHostsFiles { read: own.into_iter().chain(global).collect(), named, write }
}

/// A folder that does not exist stands for a missing home: never the current one.
fn home() -> PathBuf {
    std::env::home_dir().filter(|home| home.is_absolute()).unwrap_or_else(|| "/nonexistent".into())
}
