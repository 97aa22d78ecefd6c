//! known_hosts files, whoever wrote them, and what they say about a host's key.

use kensa_ssh::fuzzing::{Finding, HostKey, KnownHosts};

use super::BETWEEN;

/// The lines, then a host's name, a port and the key it shows.
pub fn known_hosts(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == BETWEEN);
    let text = parts.next().unwrap_or_default();
    let host = parts.next().map_or("web".into(), String::from_utf8_lossy);
    let port = parts.next().and_then(|bytes| bytes.first()).map_or(22, |byte| u16::from(*byte) * 22);
    let mut known = KnownHosts::default();
    for ignored in known.add_text("file", text) {
        assert!(ignored.starts_with("file:"), "{ignored}");
    }

    for key in [own_key(), key_in(text)].into_iter().flatten() {
        let found = known.find(&host, port, &key);
        let revoked = known.revoked(&host, port, &key);
        assert_eq!(matches!(found, Finding::Revoked { .. }), revoked.is_some(), "{found:?}");
        let kinds = known.kinds(&host, port);
        match &found {
            Finding::Known | Finding::Changed { .. } => assert!(kinds.contains(&key.kind), "{found:?}"),
            Finding::OtherTypes { kinds: others, .. } => assert_eq!(others, &kinds),
            Finding::Unknown | Finding::Revoked { .. } => {}
        }
        // Another line for this key makes it known, or stays without effect where the key is revoked.
        let name = kensa_ssh::fuzzing::lookup_name(&host, port);
        let usual = |c: char| c.is_ascii_alphanumeric() || "._-[]:".contains(c);
        if !name.is_empty() && name.chars().all(usual) {
            known.add_text("more", key.known_hosts_line(&name).as_bytes());
            let again = known.find(&host, port, &key);
            assert_eq!(again == Finding::Known, revoked.is_none(), "{again:?}");
        }
    }
    known.authorities(&host, port);
}

/// A key that is in no file.
fn own_key() -> Option<HostKey> {
    HostKey::from_blob([&b"\0\0\0\x0bssh-ed25519\0\0\0\x20"[..], &[7; 32]].concat())
}

/// The first key of the file.
fn key_in(text: &[u8]) -> Option<HostKey> {
    let text = String::from_utf8_lossy(text);
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        fields.windows(2).find_map(|pair| HostKey::from_line(&pair.join(" ")))
    })
}
