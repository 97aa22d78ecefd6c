use std::path::PathBuf;
use std::process::Command;

use super::*;

const PASS: &str = "correct horse";

/// A key made by the real ssh-keygen or openssl.
fn run(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn make(dir: &Path, kind: &str, format: Option<&str>, passphrase: &str) -> PathBuf {
    let path = dir.join(format!("{kind}-{}-{}", format.unwrap_or("openssh"), passphrase.len()));
    let text = path.to_str().unwrap();
    let bits = if kind == "rsa" { "2048" } else { "256" };
    let mut arguments = vec!["-q", "-t", kind, "-N", passphrase, "-f", text];
    if kind != "ed25519" {
        arguments.extend(["-b", bits]);
    }
    if let Some(format) = format {
        arguments.extend(["-m", format]);
    }
    run("ssh-keygen", &arguments);
    path
}

fn open(path: &Path, passphrase: Option<&str>, password: Option<&str>) -> Result<LoadedKey, KeyError> {
    let (passphrase, password) = (passphrase.map(Secret::from), password.map(Secret::from));
    let unlocking = Unlocking { passphrase: passphrase.as_ref(), password: password.as_ref() };
    load(&KeySource::File(path.to_owned()), unlocking)
}

fn reason(result: Result<LoadedKey, KeyError>) -> ConnectReason {
    result.unwrap_err().reason
}

/// Every kind of key in every format ssh-keygen writes it in.
const FORMS: &[(&str, Option<&str>)] = &[
    ("ed25519", None),
    ("ecdsa", None),
    ("rsa", None),
    ("ecdsa", Some("PEM")),
    ("rsa", Some("PEM")),
    ("ecdsa", Some("PKCS8")),
    ("rsa", Some("PKCS8")),
];

#[test]
fn every_form_of_key_opens_with_the_right_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, format) in FORMS {
        let plain = make(dir.path(), kind, *format, "");
        assert!(open(&plain, None, None).is_ok(), "{kind} {format:?}");
        // A passphrase for a key that needs none does no harm, and is not said to have unlocked it.
        assert!(!open(&plain, Some("x"), Some("y")).unwrap().unlocked_by_password, "{kind} {format:?}");

        let path = make(dir.path(), kind, *format, PASS);
        let public =
            PublicKey::from_openssh(&fs::read_to_string(path.with_extension("pub")).unwrap()).unwrap();
        let loaded = open(&path, Some(PASS), None).unwrap();
        assert_eq!(loaded.key.public_key().key_data(), public.key_data(), "{kind} {format:?}");
        assert!(!loaded.unlocked_by_password);
        assert!(open(&path, None, Some(PASS)).unwrap().unlocked_by_password);
        for (passphrase, password) in
            [(None, None), (Some("wrong"), None), (None, Some("wrong")), (Some("wrong"), Some(PASS))]
        {
            let why = reason(open(&path, passphrase, password));
            assert_eq!(why, ConnectReason::PassphraseRequired, "{kind} {format:?} {passphrase:?}");
        }
    }
}

#[test]
fn keys_written_by_openssl_open_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", &at("ed")]);
    run("openssl", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &at("rsa")]);
    run("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &at("ec")]);
    for key in ["ed", "rsa", "ec"] {
        assert!(open(Path::new(&at(key)), None, None).is_ok(), "{key}");
        let locked = at(&format!("{key}-locked"));
        run(
            "openssl",
            &["pkcs8", "-topk8", "-in", &at(key), "-out", &locked, "-passout", "pass:correct horse"],
        );
        assert!(open(Path::new(&locked), Some(PASS), None).is_ok(), "{key}");
        assert_eq!(reason(open(Path::new(&locked), Some("no"), None)), ConnectReason::PassphraseRequired);
    }
    let aes256 = at("aes256");
    run(
        "openssl",
        &[
            "rsa",
            "-in",
            &at("rsa"),
            "-traditional",
            "-aes256",
            "-out",
            &aes256,
            "-passout",
            "pass:correct horse",
        ],
    );
    assert!(open(Path::new(&aes256), Some(PASS), None).is_ok());
    let des = at("des");
    run(
        "openssl",
        &["rsa", "-in", &at("rsa"), "-traditional", "-des3", "-out", &des, "-passout", "pass:correct horse"],
    );
    let error = open(Path::new(&des), Some(PASS), None).unwrap_err();
    assert_eq!(error.reason, ConnectReason::KeyInvalid);
    assert!(
        error.message.contains("DES-EDE3-CBC") && error.message.contains("ssh-keygen -p"),
        "{}",
        error.message
    );
}

#[test]
fn windows_line_ends_and_blanks_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = make(dir.path(), "rsa", Some("PEM"), PASS);
    let text = fs::read_to_string(&path).unwrap().replace('\n', " \r\n");
    let source = KeySource::Text(Secret::new(format!("\u{feff}{text}")));
    let passphrase = Secret::from(PASS);
    let unlocking = Unlocking { passphrase: Some(&passphrase), password: None };
    assert!(load(&source, unlocking).is_ok());
}

#[test]
fn what_is_no_key_is_called_invalid_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not a key");
    for text in
        ["", "hello secret", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
    {
        fs::write(&path, text).unwrap();
        let error = open(&path, Some(PASS), None).unwrap_err();
        assert_eq!(error.reason, ConnectReason::KeyInvalid, "{text:?}");
        assert!(!error.message.contains("secret") && error.message.contains("not a key"));
    }
    assert_eq!(reason(open(&dir.path().join("absent"), None, None)), ConnectReason::KeyInvalid);
    assert_eq!(reason(open(dir.path(), None, None)), ConnectReason::KeyInvalid);
}

#[test]
fn a_certificate_beside_the_key_is_found_unless_it_is_for_another_key() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, key) = (make(dir.path(), "ed25519", None, ""), make(dir.path(), "ecdsa", None, ""));
    let public = format!("{}.pub", key.display());
    run("ssh-keygen", &["-q", "-s", authority.to_str().unwrap(), "-I", "id", "-n", "bob", &public]);
    assert!(open(&key, None, None).unwrap().certificate.is_some());
    fs::copy(format!("{}-cert.pub", key.display()), format!("{}-cert.pub", authority.display())).unwrap();
    assert!(open(&authority, None, None).unwrap().certificate.is_none());
    assert!(public_half(&key).is_some());
    let error = load_certificate(&CertificateSource::File(key)).unwrap_err();
    assert_eq!(error.reason, ConnectReason::KeyInvalid);
}

#[test]
fn debug_shows_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = make(dir.path(), "ed25519", None, "");
    let text = fs::read_to_string(&path).unwrap();
    let shown =
        format!("{:?} {:?}", open(&path, None, None).unwrap(), KeySource::Text(Secret::new(text.clone())));
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(!shown.contains(&body[60..100]));
}
