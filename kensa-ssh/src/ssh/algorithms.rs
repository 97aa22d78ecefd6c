//! Which algorithms are offered, in which order.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

use super::options::ConnectOptions;

const ED25519: &str = "ssh-ed25519";
const RSA: &str = "ssh-rsa";

/// The algorithms for a host whose key types in `known` (as in a key blob) are on record: those are
/// preferred, so that a known host shows the key it is known by. With `certificates` the host may prove
/// itself by a certificate.
pub(super) fn preferred(options: &ConnectOptions, known: &[String], certificates: bool) -> Preferred {
    let mut key = host_keys(options);
    // A stable sort keeps our own order within the two groups.
    key.sort_by_key(|algorithm| !known.iter().any(|name| name == blob_type(algorithm)));
    let host_key_certificates = if certificates { key.clone() } else { Vec::new() };
    Preferred {
        kex: Cow::Owned(key_exchanges(options)),
        key: Cow::Owned(key),
        host_key_certificates: Cow::Owned(host_key_certificates),
        cipher: Cow::Owned(ciphers(options)),
        mac: Cow::Owned(macs(options)),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// The type a key of this algorithm names in its blob; RSA is one type whatever the hash.
fn blob_type(algorithm: &Algorithm) -> &str {
    match algorithm {
        Algorithm::Rsa { .. } => RSA,
        Algorithm::Ed25519 => ED25519,
        other => other.as_str(),
    }
}

fn host_keys(options: &ConnectOptions) -> Vec<Algorithm> {
    let mut list = Vec::new();
    if !options.fips_algorithms {
        list.push(Algorithm::Ed25519);
    }
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    list.extend(curves.map(|curve| Algorithm::Ecdsa { curve }));
    list.push(Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
    list.push(Algorithm::Rsa { hash: Some(HashAlg::Sha256) });
    if options.legacy_algorithms {
        list.push(Algorithm::Rsa { hash: None });
    }
    list
}

/// Cheap exchanges first: group18 and group exchange cost this side up to a second of CPU.
fn key_exchanges(options: &ConnectOptions) -> Vec<kex::Name> {
    let mut list = Vec::new();
    if !options.fips_algorithms {
        list.extend([kex::MLKEM768X25519_SHA256, kex::CURVE25519, kex::CURVE25519_PRE_RFC_8731]);
    }
    list.extend([kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521]);
    list.extend([kex::DH_GEX_SHA256, kex::DH_G14_SHA256, kex::DH_G16_SHA512, kex::DH_G18_SHA512]);
    if options.legacy_algorithms {
        list.push(kex::DH_G14_SHA1);
    }
    // Without these two no RSA hash can be negotiated and Terrapin protection is off.
    list.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    list
}

fn ciphers(options: &ConnectOptions) -> Vec<cipher::Name> {
    let mut list = vec![cipher::AES_256_GCM, cipher::AES_128_GCM];
    if !options.fips_algorithms {
        list.push(cipher::CHACHA20_POLY1305);
    }
    list.extend([cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR]);
    if options.legacy_algorithms {
        list.extend([cipher::AES_256_CBC, cipher::AES_128_CBC]);
    }
    list
}

fn macs(options: &ConnectOptions) -> Vec<mac::Name> {
    let mut list = vec![mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];
    if options.legacy_algorithms {
        list.extend([mac::HMAC_SHA1_ETM, mac::HMAC_SHA1]);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &ConnectOptions, known: &[&str]) -> Vec<String> {
        let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
        preferred(options, &known, false).key.iter().map(|key| key.as_str().to_owned()).collect()
    }

    #[test]
    fn known_key_types_come_first() {
        let options = ConnectOptions::new("h");
        assert_eq!(names(&options, &[])[0], "ssh-ed25519");
        assert_eq!(names(&options, &["ssh-rsa"])[..2], ["rsa-sha2-512", "rsa-sha2-256"]);
        assert_eq!(names(&options, &["ecdsa-sha2-nistp384"])[0], "ecdsa-sha2-nistp384");
        assert_eq!(names(&options, &["ssh-rsa", "ssh-ed25519"])[0], "ssh-ed25519");
    }

    #[test]
    fn the_extensions_stay_in_every_list_and_dear_exchanges_come_last() {
        for options in [ConnectOptions::new("h"), ConnectOptions::new("h").fips_algorithms(true)] {
            let kex = preferred(&options, &[], false).kex;
            assert!(kex.contains(&kex::EXTENSION_SUPPORT_AS_CLIENT));
            assert!(kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
            let place = |name| kex.iter().position(|k| *k == name);
            assert!(place(kex::ECDH_SHA2_NISTP256) < place(kex::DH_GEX_SHA256));
            assert!(place(kex::DH_G14_SHA256) < place(kex::DH_G18_SHA512));
        }
    }

    #[test]
    fn fips_leaves_out_what_is_not_approved_and_sha1_needs_an_option() {
        let fips = preferred(&ConnectOptions::new("h").fips_algorithms(true), &[], false);
        assert!(!fips.kex.contains(&kex::CURVE25519) && !fips.cipher.contains(&cipher::CHACHA20_POLY1305));
        assert!(!fips.key.contains(&Algorithm::Ed25519));
        let usual = preferred(&ConnectOptions::new("h"), &[], false);
        assert!(!usual.mac.contains(&mac::HMAC_SHA1) && !usual.key.contains(&Algorithm::Rsa { hash: None }));
        let old = preferred(&ConnectOptions::new("h").legacy_algorithms(true), &[], false);
        assert!(old.mac.contains(&mac::HMAC_SHA1) && old.key.contains(&Algorithm::Rsa { hash: None }));
    }

    #[test]
    fn certificates_are_asked_for_only_where_an_authority_is_known() {
        let options = ConnectOptions::new("h");
        assert!(preferred(&options, &[], false).host_key_certificates.is_empty());
        assert!(!preferred(&options, &[], true).host_key_certificates.is_empty());
    }
}
