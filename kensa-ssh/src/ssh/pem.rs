//! The armour of private keys, and the ways they are encrypted.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use russh::keys::{PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

/// Why an encrypted key could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    WrongPassphrase,
    /// With this cipher.
    Unsupported(String),
    Damaged(String),
}

/// The text with blanks at line ends, byte order mark and carriage returns removed.
pub(super) fn normalize(text: &str) -> Zeroizing<String> {
    let mut clean = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.trim_start_matches('\u{feff}').lines() {
        clean.push_str(line.trim());
        clean.push('\n');
    }
    clean
}

pub(super) fn is_encrypted(text: &str) -> bool {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return true;
    }
    if text.starts_with("PuTTY-User-Key-File-") {
        return !text.contains("\nEncryption: none");
    }
    PrivateKey::from_openssh(text.as_bytes()).is_ok_and(|key| key.is_encrypted())
}

/// Opens an encrypted key.
pub(super) fn decrypt(text: &str, passphrase: &str) -> Result<PrivateKey, Fault> {
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return decrypt_traditional(text, passphrase);
    }
    if let Ok(key) = PrivateKey::from_openssh(text.as_bytes()) {
        return key.decrypt(passphrase).map_err(|_| Fault::WrongPassphrase);
    }
    // What is left is PKCS#8 and PuTTY: a wrong passphrase shows as bad padding, a bad MAC or bad structure.
    decode_secret_key(text, Some(passphrase)).map_err(|error| match error {
        russh::keys::Error::Pkcs8(error) if error.to_string().contains("unsupported") => {
            Fault::Unsupported("a scheme".to_owned())
        }
        russh::keys::Error::Decode(error) => Fault::Damaged(error.to_string()),
        _ => Fault::WrongPassphrase,
    })
}

/// Traditional PEM: `DEK-Info` names cipher and salt, the key is MD5 of passphrase and salt.
fn decrypt_traditional(text: &str, passphrase: &str) -> Result<PrivateKey, Fault> {
    let damaged = |what: &str| Fault::Damaged(what.to_owned());
    let info = text.lines().find_map(|line| line.strip_prefix("DEK-Info:"));
    let (cipher, iv) =
        info.and_then(|info| info.split_once(',')).ok_or_else(|| damaged("no DEK-Info line"))?;
    let iv = unhex(iv.trim()).ok_or_else(|| damaged("a bad DEK-Info line"))?;
    let iv: [u8; 16] = match iv.try_into() {
        Ok(iv) => iv,
        Err(_) => return Err(Fault::Unsupported(cipher.trim().to_owned())),
    };
    let label = text.lines().find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    let label = label.ok_or_else(|| damaged("no BEGIN line"))?;
    let body = text.lines().filter(|line| !line.contains(':') && !line.starts_with("-----"));
    let body = body.collect::<Vec<_>>().concat();
    let mut der = Zeroizing::new(BASE64.decode(body).map_err(|error| Fault::Damaged(error.to_string()))?);
    let plain = match cipher.trim() {
        "AES-128-CBC" => open::<cbc::Decryptor<aes::Aes128>, 16>(passphrase, &iv, &mut der),
        "AES-192-CBC" => open::<cbc::Decryptor<aes::Aes192>, 24>(passphrase, &iv, &mut der),
        "AES-256-CBC" => open::<cbc::Decryptor<aes::Aes256>, 32>(passphrase, &iv, &mut der),
        other => return Err(Fault::Unsupported(other.to_owned())),
    };
    let plain = plain.ok_or(Fault::WrongPassphrase)?;
    let armour = |word: &str| format!("-----{word} {label}-----\n");
    let open = Zeroizing::new(format!("{}{}\n{}", armour("BEGIN"), BASE64.encode(plain), armour("END")));
    // The padding fits by chance in one of 256 cases; then the structure does not.
    decode_secret_key(&open, None).map_err(|_| Fault::WrongPassphrase)
}

fn open<'d, C: BlockModeDecrypt + KeyIvInit, const KEY: usize>(
    passphrase: &str,
    iv: &[u8; 16],
    data: &'d mut [u8],
) -> Option<&'d [u8]> {
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    let mut digest = Zeroizing::new(Vec::new());
    while key.len() < KEY {
        let mut context = md5::Context::new();
        context.consume(&**digest);
        context.consume(passphrase.as_bytes());
        context.consume(&iv[..8]);
        *digest = context.finalize().0.to_vec();
        key.extend_from_slice(&digest);
    }
    C::new_from_slices(&key[..KEY], iv).ok()?.decrypt_padded::<Pkcs7>(data).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
