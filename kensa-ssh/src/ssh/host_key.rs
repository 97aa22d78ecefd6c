//! Whether the key a host shows is the host's.

use std::sync::Arc;

use russh::keys::{Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::known_hosts::{Finding, HostKey, KnownHosts, glob_matches};
use super::known_hosts_file::{KnownHostsFiles, Recorded};
use super::options::HostKeyPolicy;
use crate::error::{ConnectError, ConnectReason};

/// Why a host's key was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyTrust {
    /// It is on record.
    Known,
    /// It is the pinned one.
    Pinned,
    /// A trusted authority certified it.
    Certified,
    /// The host was never seen before; the key is on record now.
    New,
    /// Nobody checked: the policy is off.
    Unchecked,
}

/// The rules for one host's key.
#[derive(Clone, Debug)]
pub(super) struct HostKeyRules {
    /// `host:port`, for messages.
    pub(super) label: String,
    /// The name and port to look up.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) policy: HostKeyPolicy,
    pub(super) pinned: Option<String>,
    pub(super) known: Arc<KnownHosts>,
    pub(super) files: KnownHostsFiles,
    pub(super) authorities: Vec<HostKey>,
    /// The key of the connection this one replaces.
    pub(super) same_as: Option<PublicKey>,
}

impl HostKeyRules {
    /// Accepts or refuses what the host showed. May block to write a file.
    pub(super) fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<HostKeyTrust, ConnectError> {
        let key = shown.public_key();
        let offered = self.blob(&key)?;
        if let Some(place) = self.known.revoked(&self.host, self.port, &offered) {
            return Err(self.revoked(&key, &place));
        }
        if let Some(before) = &self.same_as
            && before.key_data() != key.key_data()
        {
            let message = format!(
                "the host came back with another key ({}) than before ({}): the connection was not resumed",
                describe(&key),
                describe(before)
            );
            return Err(self.refuse(ConnectReason::HostKeyChanged, message));
        }
        if let Some(pinned) = &self.pinned {
            return self.judge_pinned(pinned, &key);
        }
        if let Some(certificate) = shown.certificate()
            && let Some(trust) = self.judge_certificate(certificate)?
        {
            return Ok(trust);
        }
        self.judge_key(&key, &offered)
    }

    fn judge_pinned(&self, pinned: &str, key: &PublicKey) -> Result<HostKeyTrust, ConnectError> {
        let shown = [HashAlg::Sha256, HashAlg::Sha512].map(|hash| key.fingerprint(hash).to_string());
        let wanted = pinned.trim().trim_end_matches('=');
        if shown.iter().any(|fingerprint| fingerprint == wanted) {
            return Ok(HostKeyTrust::Pinned);
        }
        let message = format!("the host shows {}, but the pinned key is {wanted}", describe(key));
        Err(self.refuse(ConnectReason::HostKeyChanged, message))
    }

    /// `None` where no trusted authority signed it: then the key inside counts as a plain one.
    fn judge_certificate(&self, certificate: &Certificate) -> Result<Option<HostKeyTrust>, ConnectError> {
        let signer = self.blob(&PublicKey::new(certificate.signature_key().clone(), ""))?;
        if let Some(place) = self.known.revoked(&self.host, self.port, &signer) {
            let authority = PublicKey::new(certificate.signature_key().clone(), "");
            return Err(self.revoked(&authority, &place));
        }
        if !self.authorities.contains(&signer) {
            return Ok(None);
        }
        let fingerprint = certificate.signature_key().fingerprint(HashAlg::Sha256);
        let fault = if !certificate.cert_type().is_host() {
            Some("is a user's, not a host's".to_owned())
        } else if !certificate.critical_options().is_empty() {
            Some("has critical options, and none are known for hosts".to_owned())
        } else if !certificate.valid_principals().iter().any(|name| self.is_principal(name)) {
            Some(format!("is for {:?}, not for {}", certificate.valid_principals(), self.host))
        } else if certificate.validate([&fingerprint]).is_err() {
            Some("is not valid now, or its signature is wrong".to_owned())
        } else {
            None
        };
        match fault {
            None => Ok(Some(HostKeyTrust::Certified)),
            Some(fault) => {
                let message = format!("the host certificate {:?} {fault}", certificate.key_id());
                Err(self.refuse(ConnectReason::HostKeyChanged, message))
            }
        }
    }

    fn is_principal(&self, name: &str) -> bool {
        glob_matches(&name.to_ascii_lowercase(), &self.host.to_ascii_lowercase())
    }

    fn judge_key(&self, key: &PublicKey, offered: &HostKey) -> Result<HostKeyTrust, ConnectError> {
        let finding = self.known.find(&self.host, self.port, offered);
        match (&finding, self.policy) {
            (Finding::Known, _) => Ok(HostKeyTrust::Known),
            (Finding::Revoked { place }, _) => Err(self.revoked(key, place)),
            (_, HostKeyPolicy::Off) => Ok(HostKeyTrust::Unchecked),
            (Finding::Changed { .. } | Finding::OtherTypes { .. }, _) => Err(self.contradicts(key, &finding)),
            (Finding::Unknown, _) if !self.authorities.is_empty() => {
                let message = format!(
                    "an authority is trusted for this host, but the host shows the plain key {}; \
                     certify its key, or add the key to known_hosts",
                    describe(key)
                );
                Err(self.refuse(ConnectReason::HostKeyUnknown, message))
            }
            (Finding::Unknown, HostKeyPolicy::Strict) => {
                let message = format!(
                    "the host key {} is not known and the policy is strict; check it and add it to known_hosts \
                     (ssh-keyscan), or use the policy accept-new",
                    describe(key)
                );
                Err(self.refuse(ConnectReason::HostKeyUnknown, message))
            }
            (Finding::Unknown, HostKeyPolicy::AcceptNew) => self.accept_new(key, offered),
        }
    }

    fn accept_new(&self, key: &PublicKey, offered: &HostKey) -> Result<HostKeyTrust, ConnectError> {
        match self.files.record(&self.host, self.port, offered) {
            Recorded::File => {}
            Recorded::Memory(why) => {
                let why = why.unwrap_or_else(|| "no file to write is configured".to_owned());
                tracing::info!(host = %self.label, "the new host key is remembered in memory only: {why}");
            }
            Recorded::Conflict(Finding::Known) => {}
            Recorded::Conflict(finding) => return Err(self.contradicts(key, &finding)),
        }
        tracing::info!(host = %self.label, key = %describe(key), "accepted the key of a host never seen before");
        Ok(HostKeyTrust::New)
    }

    fn contradicts(&self, key: &PublicKey, finding: &Finding) -> ConnectError {
        let record = match finding {
            Finding::OtherTypes { kinds, place } => {
                format!("only {} is on record at {place}", kinds.join(", "))
            }
            Finding::Changed { place } | Finding::Revoked { place } => {
                format!("a different key is on record at {place}")
            }
            Finding::Known | Finding::Unknown => "a different key is on record".to_owned(),
        };
        let message = format!(
            "the host shows the key {}, but {record}; either somebody is in between, or the host was set up anew: \
             then check the key and correct that line",
            describe(key)
        );
        self.refuse(ConnectReason::HostKeyChanged, message)
    }

    fn revoked(&self, key: &PublicKey, place: &str) -> ConnectError {
        let message = format!("the host key {} is revoked at {place}", describe(key));
        self.refuse(ConnectReason::HostKeyChanged, message)
    }

    fn blob(&self, key: &PublicKey) -> Result<HostKey, ConnectError> {
        key.to_bytes().ok().and_then(HostKey::from_blob).ok_or_else(|| {
            self.refuse(ConnectReason::Protocol, "the host shows a key that cannot be read".to_owned())
        })
    }

    fn refuse(&self, reason: ConnectReason, message: String) -> ConnectError {
        ConnectError::new(reason, &self.label, message)
    }
}

/// Type and fingerprint, as `ssh-keygen -l` shows them.
pub(super) fn describe(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256))
}
