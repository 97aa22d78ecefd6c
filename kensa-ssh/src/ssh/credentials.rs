//! What a login may be tried with, gathered before connecting.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Certificate, HashAlg};

use super::keys::{self, KeyError, LoadedKey, Unlocking};
use super::options::{CertificateSource, ConnectOptions, KeySource};
use super::ssh_config::HostConfig;
use crate::error::ConnectReason;
use crate::secret::Secret;

/// Makes the hash of a password worthless outside of this process.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&SEED);
}

/// Guessing keys is punished by servers (MaxAuthTries, PerSourcePenalties).
pub(super) const MAX_KEYS: usize = 2;

/// The keys in `~/.ssh` tried when nothing else is named.
const DEFAULT_KEYS: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa"];

/// Everything a login may be tried with. The keys are unlocked; no file is read again.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    pub(super) keys: Vec<LoadedKey>,
    /// Certificates that may belong to a key in the agent.
    pub(super) certificates: Vec<Certificate>,
    pub(super) agent: Option<Agent>,
    /// Never a text that unlocked a key.
    pub(super) password: Option<Secret>,
    /// Keys that were left out, and why.
    pub(super) notes: Vec<String>,
}

/// The agent to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agent {
    pub(super) socket: PathBuf,
    /// These keys first.
    pub(super) preferred: Vec<KeyData>,
    /// Only these keys.
    pub(super) exclusive: bool,
}

impl Credentials {
    /// Reads the keys. Blocks.
    pub(super) fn gather(
        options: &ConnectOptions,
        config: &HostConfig,
        home: &Path,
    ) -> Result<Self, KeyError> {
        let mut gathered = Self::default();
        let given = !options.keys.is_empty() || options.password.is_some();
        let unlocking =
            Unlocking { passphrase: options.passphrase.as_ref(), password: options.password.as_ref() };
        let mut certificates = Vec::new();
        for source in &options.certificates {
            certificates.push(keys::load_certificate(source)?);
        }
        if options.keys.len() > MAX_KEYS {
            let message = format!("{} keys are given; at most {MAX_KEYS} are offered", options.keys.len());
            return Err(KeyError { reason: ConnectReason::KeyInvalid, message });
        }
        for source in &options.keys {
            gathered.keys.push(keys::load(source, unlocking)?);
        }
        let mut named = Vec::new();
        if !given {
            for path in &config.certificate_files {
                match keys::load_certificate(&CertificateSource::File(path.clone())) {
                    Ok(certificate) => certificates.push(certificate),
                    Err(error) => gathered.notes.push(error.message),
                }
            }
            named = gathered.named_in_config(config, home, unlocking);
        }
        let wants_agent = options.use_agent.unwrap_or(!given);
        if wants_agent && let Some(socket) = agent_socket(options, config) {
            let exclusive = options.identities_only.or(config.identities_only).unwrap_or(false);
            gathered.agent = Some(Agent { socket, preferred: named, exclusive });
        }
        gathered.attach(certificates, !options.keys.is_empty())?;
        // What unlocked a key is that key's passphrase and no business of the host's.
        if !gathered.keys.iter().any(|key| key.unlocked_by_password) {
            gathered.password = options.password.clone();
        }
        Ok(gathered)
    }

    /// A text that is equal for equal credentials within one process and tells nothing about the secret ones.
    pub(super) fn identity(&self) -> String {
        let hash = |text: &Secret| SEED.hash_one(text.reveal());
        let keys = self.keys.iter().map(|key| (key.key.fingerprint(HashAlg::Sha256), &key.certificate));
        let keys: Vec<_> = keys.collect();
        format!("{keys:?} {:?} {:?} {:?}", self.certificates, self.agent, self.password.as_ref().map(hash))
    }

    /// The keys of the ssh_config entry, else those in `~/.ssh`. Returns the public halves of all that
    /// exist: the agent may hold what is locked here.
    fn named_in_config(
        &mut self,
        config: &HostConfig,
        home: &Path,
        unlocking: Unlocking<'_>,
    ) -> Vec<KeyData> {
        let defaults = || DEFAULT_KEYS.iter().map(|name| home.join(".ssh").join(name)).collect();
        let is_default = config.identity_files.is_empty();
        let paths: Vec<PathBuf> = if is_default { defaults() } else { config.identity_files.clone() };
        let mut public = Vec::new();
        for path in paths {
            if let Some(half) = keys::public_half(&path) {
                public.push(half.key_data().clone());
            } else if !path.exists() {
                if !is_default {
                    self.notes.push(format!("the key {} does not exist", path.display()));
                }
                continue;
            }
            match keys::load(&KeySource::File(path), unlocking) {
                Ok(key) => self.keys.push(key),
                Err(error) => self.notes.push(error.message),
            }
        }
        // Which keys an agent should prefer is a matter of the entry, not of what lies in ~/.ssh.
        if is_default { Vec::new() } else { public }
    }

    /// Gives each certificate to the key it belongs to.
    fn attach(&mut self, certificates: Vec<Certificate>, must_fit: bool) -> Result<(), KeyError> {
        for certificate in certificates {
            let owner =
                self.keys.iter_mut().find(|key| key.key.public_key().key_data() == certificate.public_key());
            match owner {
                Some(key) => key.certificate = Some(certificate),
                None if must_fit && self.agent.is_none() => {
                    let message =
                        format!("the certificate {:?} belongs to another key", certificate.key_id());
                    return Err(KeyError { reason: ConnectReason::KeyInvalid, message });
                }
                None => self.certificates.push(certificate),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.name.as_str()).collect();
        let mut shown = f.debug_struct("Credentials");
        shown.field("keys", &keys).field("agent", &self.agent);
        shown.field("password", &self.password).field("notes", &self.notes).finish_non_exhaustive()
    }
}

fn agent_socket(options: &ConnectOptions, config: &HostConfig) -> Option<PathBuf> {
    if let Some(socket) = &options.agent_socket {
        return Some(socket.clone());
    }
    match &config.identity_agent {
        Some(socket) => socket.clone(),
        None => std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from),
    }
}
