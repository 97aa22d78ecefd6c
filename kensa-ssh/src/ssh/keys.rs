//! Private keys and user certificates: reading, unlocking, naming what is wrong with them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use zeroize::Zeroizing;

use super::options::{CertificateSource, KeySource};
use super::pem;
use crate::error::ConnectReason;
use crate::secret::Secret;

/// A key that can sign, with the certificate that goes with it.
#[derive(Clone, Debug)]
pub(super) struct LoadedKey {
    /// For messages: the file, or "the key given as text".
    pub(super) name: String,
    pub(super) key: Arc<PrivateKey>,
    pub(super) certificate: Option<Certificate>,
    /// Whether `password` was the text that unlocked it.
    pub(super) unlocked_by_password: bool,
}

/// What is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyError {
    pub(super) reason: ConnectReason,
    pub(super) message: String,
}

/// The texts that may unlock a key.
#[derive(Clone, Copy)]
pub(super) struct Unlocking<'a> {
    pub(super) passphrase: Option<&'a Secret>,
    /// Tried only where no passphrase is given.
    pub(super) password: Option<&'a Secret>,
}

/// Reads and unlocks a key. Blocks: on the file, and up to some hundred milliseconds on the passphrase.
pub(super) fn load(source: &KeySource, unlocking: Unlocking<'_>) -> Result<LoadedKey, KeyError> {
    let (name, text) = match source {
        KeySource::File(path) => {
            let name = format!("the key {}", path.display());
            let text = read(path).map_err(|error| invalid(format!("{name} cannot be read: {error}")))?;
            (name, text)
        }
        KeySource::Text(text) => {
            ("the key given as text".to_owned(), Zeroizing::new(text.reveal().to_owned()))
        }
    };
    let (key, unlocked_by_password) = unlock(&name, &text, unlocking)?;
    if matches!(key.key_data(), KeypairData::SkEd25519(_) | KeypairData::SkEcdsaSha2NistP256(_)) {
        return Err(invalid(format!(
            "{name} lives on a security key; add it to an agent (ssh-add) and use that"
        )));
    }
    let certificate = match source {
        KeySource::File(path) => certificate_beside(path, &key),
        KeySource::Text(_) => None,
    };
    Ok(LoadedKey { name, key: Arc::new(key), certificate, unlocked_by_password })
}

/// Reads a user certificate.
pub(super) fn load_certificate(source: &CertificateSource) -> Result<Certificate, KeyError> {
    let (name, text) = match source {
        CertificateSource::File(path) => {
            let name = format!("the certificate {}", path.display());
            let text =
                fs::read_to_string(path).map_err(|e| invalid(format!("{name} cannot be read: {e}")))?;
            (name, text)
        }
        CertificateSource::Text(text) => ("the certificate given as text".to_owned(), text.clone()),
    };
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Certificate::from_openssh(line).map_err(|error| {
        invalid(format!("{name} is no OpenSSH certificate (the one line of a -cert.pub file): {error}"))
    })
}

/// The public half of a private key file, without unlocking it: from `<path>.pub`, else from the key's own
/// unencrypted part.
pub(super) fn public_half(path: &Path) -> Option<PublicKey> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    let published =
        fs::read_to_string(beside).ok().and_then(|text| PublicKey::from_openssh(text.trim()).ok());
    published.or_else(|| {
        // An IdentityFile may itself be a public key, to choose among the agent's.
        let text = read(path).ok()?;
        let public = PublicKey::from_openssh(text.trim()).ok();
        public.or_else(|| Some(PrivateKey::from_openssh(text.as_bytes()).ok()?.public_key().clone()))
    })
}

fn unlock(name: &str, text: &str, unlocking: Unlocking<'_>) -> Result<(PrivateKey, bool), KeyError> {
    let text = pem::normalize(text);
    if !pem::is_encrypted(&text) {
        return match decode_secret_key(&text, None) {
            Ok(key) => Ok((key, false)),
            Err(error) if !text.contains("PRIVATE KEY") => Err(invalid(format!(
                "{name} is no private key (OpenSSH, PEM or PKCS#8 text is understood): {error}"
            ))),
            Err(error) => Err(invalid(format!("{name} is damaged or of an unsupported type: {error}"))),
        };
    }
    let (secret, is_password) = match (unlocking.passphrase, unlocking.password) {
        (Some(passphrase), _) => (passphrase, false),
        (None, Some(password)) => (password, true),
        (None, None) => {
            return Err(locked(format!("{name} is encrypted and no passphrase is given")));
        }
    };
    match pem::decrypt(&text, secret.reveal()) {
        Ok(key) => Ok((key, is_password)),
        Err(pem::Fault::WrongPassphrase) if is_password => {
            Err(locked(format!("{name} is encrypted, and the password is not its passphrase")))
        }
        Err(pem::Fault::WrongPassphrase) => {
            Err(locked(format!("{name} is encrypted, and the passphrase does not fit")))
        }
        Err(pem::Fault::Unsupported(what)) => Err(invalid(format!(
            "{name} is encrypted with {what}, which is not supported; convert it with ssh-keygen -p"
        ))),
        Err(pem::Fault::Damaged(error)) => Err(invalid(format!("{name} is damaged: {error}"))),
    }
}

/// `<key>-cert.pub`, as OpenSSH finds it; one that belongs to another key is not this key's.
fn certificate_beside(path: &Path, key: &PrivateKey) -> Option<Certificate> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-cert.pub");
    let text = fs::read_to_string(beside).ok()?;
    let certificate = Certificate::from_openssh(text.trim()).ok()?;
    (certificate.public_key() == key.public_key().key_data()).then_some(certificate)
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    /// Far above any key; a wrong path must not fill the memory.
    const LIMIT: u64 = 1 << 20;
    if fs::metadata(path)?.len() > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too large for a key"));
    }
    let bytes = Zeroizing::new(fs::read(path)?);
    let text =
        str::from_utf8(&bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn invalid(message: String) -> KeyError {
    KeyError { reason: ConnectReason::KeyInvalid, message }
}

fn locked(message: String) -> KeyError {
    KeyError { reason: ConnectReason::PassphraseRequired, message }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
