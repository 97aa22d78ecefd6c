use proptest::prelude::*;

use super::*;

/// A well-formed key of the type `kind`, told apart by `seed`.
fn key(kind: &str, seed: u8) -> HostKey {
    let mut blob = (kind.len() as u32).to_be_bytes().to_vec();
    blob.extend(kind.as_bytes());
    blob.extend([0, 0, 0, 32]);
    blob.extend([seed; 32]);
    HostKey::from_blob(blob).unwrap()
}

fn ed(seed: u8) -> HostKey {
    key("ssh-ed25519", seed)
}

fn text(key: &HostKey) -> String {
    key.known_hosts_line("").trim().to_owned()
}

fn read(file: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    let ignored = known.add_text("file", file.as_bytes());
    assert_eq!(ignored, Vec::<String>::new());
    known
}

fn hashed(name: &str) -> String {
    let salt = [7u8; 20];
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
    mac.update(name.as_bytes());
    format!("|1|{}|{}", BASE64.encode(salt), BASE64.encode(mac.finalize().into_bytes()))
}

#[test]
fn a_known_key_a_changed_key_and_an_unknown_host() {
    let known = read(&format!("web {} a comment\n", text(&ed(1))));
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Known);
    assert_eq!(known.find("web", 22, &ed(2)), Finding::Changed { place: "file:1".into() });
    assert_eq!(known.find("db", 22, &ed(1)), Finding::Unknown);
}

#[test]
fn r30_hashed_names_match_with_and_without_a_port() {
    let lines = format!("{} {}\n{} {}\n", hashed("web"), text(&ed(1)), hashed("[db]:2222"), text(&ed(2)));
    let known = read(&lines);
    assert_eq!(known.find("WEB", 22, &ed(1)), Finding::Known);
    assert_eq!(known.find("db", 2222, &ed(2)), Finding::Known);
    assert_eq!(known.find("db", 2222, &ed(1)), Finding::Changed { place: "file:2".into() });
    assert_eq!(known.find("db", 22, &ed(2)), Finding::Unknown);
}

#[test]
fn r30_a_hash_made_by_ssh_keygen_matches() {
    // `ssh-keygen -H` of the name "web.example.com".
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let real = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    std::fs::write(&file, format!("web.example.com ssh-ed25519 {real}\n")).unwrap();
    let ran = std::process::Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let text = std::fs::read(&file).unwrap();
    assert!(text.starts_with(b"|1|"), "{}", String::from_utf8_lossy(&text));
    let mut known = KnownHosts::default();
    assert!(known.add_text("file", &text).is_empty());
    let key = HostKey::from_line(&format!("ssh-ed25519 {real}")).unwrap();
    assert_eq!(known.find("web.example.com", 22, &key), Finding::Known);
}

#[test]
fn r30_a_line_with_a_port_counts_for_that_port_only() {
    let known = read(&format!("[web]:2222 {}\n", text(&ed(1))));
    assert_eq!(known.find("web", 2222, &ed(1)), Finding::Known);
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Unknown);
    assert_eq!(known.find("web", 2223, &ed(1)), Finding::Unknown);
}

#[test]
fn r30_a_line_without_a_port_vouches_for_every_port_but_refuses_none() {
    let known = read(&format!("web {}\n", text(&ed(1))));
    assert_eq!(known.find("web", 2222, &ed(1)), Finding::Known);
    assert_eq!(known.find("web", 2222, &ed(2)), Finding::Unknown);
}

#[test]
fn r30_wildcards_negation_and_several_names() {
    let known = read(&format!("*.example.com,!bad.example.com,10.0.0.? {}\n", text(&ed(1))));
    assert_eq!(known.find("a.example.com", 22, &ed(1)), Finding::Known);
    assert_eq!(known.find("10.0.0.7", 22, &ed(1)), Finding::Known);
    assert_eq!(known.find("10.0.0.77", 22, &ed(1)), Finding::Unknown);
    assert_eq!(known.find("bad.example.com", 22, &ed(1)), Finding::Unknown);
    assert_eq!(known.find("example.com", 22, &ed(1)), Finding::Unknown);
}

#[test]
fn r30_blanks_tabs_crlf_comments_and_case() {
    let file = format!(
        "# note\r\n\r\n  \tWeb.Example.COM \t {}\t\tcomment here\r\n",
        text(&ed(1)).replace(' ', "\t  ")
    );
    let known = read(&file);
    assert_eq!(known.find("wEB.example.com", 22, &ed(1)), Finding::Known);
}

#[test]
fn r30_revoked_keys_are_revoked_even_where_they_are_also_known() {
    let known = read(&format!("web {0}\n@revoked * {0}\n", text(&ed(1))));
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Revoked { place: "file:2".into() });
    assert_eq!(known.find("web", 2222, &ed(1)), Finding::Revoked { place: "file:2".into() });
    assert_eq!(known.find("web", 22, &ed(2)), Finding::Changed { place: "file:1".into() });
    let other = read(&format!("@revoked db {}\n", text(&ed(1))));
    assert_eq!(other.find("web", 22, &ed(1)), Finding::Unknown);
}

#[test]
fn r30_authorities_are_no_host_keys() {
    let known = read(&format!("@cert-authority *.example.com {}\n", text(&ed(1))));
    assert_eq!(known.authorities("web.example.com", 22), [ed(1)]);
    assert_eq!(known.authorities("web.example.com", 2222), [ed(1)]);
    assert!(known.authorities("web.example.org", 22).is_empty());
    assert_eq!(known.find("web.example.com", 22, &ed(1)), Finding::Unknown);
}

#[test]
fn r30_two_keys_of_one_type_are_both_known() {
    let known = read(&format!("web {}\nweb {}\n", text(&ed(1)), text(&ed(2))));
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Known);
    assert_eq!(known.find("web", 22, &ed(2)), Finding::Known);
    assert!(matches!(known.find("web", 22, &ed(3)), Finding::Changed { .. }));
}

#[test]
fn r30_a_known_host_with_another_type_of_key_is_not_an_unknown_host() {
    let known = read(&format!("web {}\n", text(&key("ssh-rsa", 1))));
    let found = known.find("web", 22, &ed(1));
    assert_eq!(found, Finding::OtherTypes { kinds: vec!["ssh-rsa".into()], place: "file:1".into() });
    assert_eq!(known.kinds("web", 22), ["ssh-rsa"]);
    assert_eq!(known.kinds("web", 2222), ["ssh-rsa"]);
}

#[test]
fn r30_types_nobody_knows_yet_are_kept_and_do_no_harm() {
    let known = read(&format!("web {}\nweb {}\n", text(&key("ssh-future@example", 1)), text(&ed(1))));
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Known);
    let only = read(&format!("web {}\n", text(&key("ssh-future@example", 1))));
    assert!(matches!(only.find("web", 22, &ed(1)), Finding::OtherTypes { .. }));
}

#[test]
fn r30_one_bad_line_does_not_spoil_the_others() {
    let mut file = b"caf\xe9 ssh-ed25519 AAAA\nweb ssh-ed25519 !!!\n@odd web ssh-rsa AAAA\nweb\n".to_vec();
    file.extend(format!("web ssh-rsa {}\n", text(&ed(1)).split(' ').nth(1).unwrap()).bytes());
    file.extend(format!("web {} Andr", text(&ed(1))).bytes());
    file.extend(b"\xe9\n");
    let mut known = KnownHosts::default();
    let ignored = known.add_text("file", &file);
    assert_eq!(ignored.len(), 5, "{ignored:?}");
    assert!(ignored[4].contains("type ssh-rsa, but the key is of type ssh-ed25519"));
    assert_eq!(known.find("web", 22, &ed(1)), Finding::Known);
}

#[test]
fn a_written_line_is_read_back() {
    for (host, port) in [("web", 22), ("web", 2222), ("::1", 22), ("fe80::1", 2022)] {
        let known = read(&ed(1).known_hosts_line(&lookup_name(host, port)));
        assert_eq!(known.find(host, port, &ed(1)), Finding::Known);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut known = KnownHosts::default();
        known.add_text("file", &bytes);
        known.find("web", 2222, &ed(1));
    }

    #[test]
    fn no_almost_valid_line_makes_the_parser_panic(
        line in "(@(revoked|cert-authority|x) )?[!*?,|1\\[\\]:a-c=+/]{0,30}[ \t]+(ssh-rsa|ssh-ed25519)?[ \t]*[A-Za-z0-9+/=]{0,60}",
        host in "[a-c.:\\[\\]*?!]{0,8}",
    ) {
        let mut known = KnownHosts::default();
        known.add_text("file", line.as_bytes());
        known.find(&host, 22, &ed(1));
        known.authorities(&host, 22);
        known.kinds(&host, 22);
    }

    #[test]
    fn a_pattern_without_wildcards_matches_itself_only(name in "[a-z.]{1,12}", other in "[a-z.]{1,12}") {
        prop_assert!(glob_matches(&name, &name));
        prop_assert_eq!(glob_matches(&name, &other), name == other);
        let pattern = format!("*{name}*");
        let longer = format!("{other}{name}{other}");
        prop_assert!(glob_matches(&pattern, &longer));
    }
}
