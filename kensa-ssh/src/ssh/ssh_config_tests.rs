use proptest::prelude::*;

use super::*;

const HOME: &str = "/home/me";

fn parse(text: &str, alias: &str) -> HostConfig {
    HostConfig::parse(text, alias, None, Path::new(HOME))
}

#[test]
fn the_first_value_wins_and_defaults_come_before_or_after() {
    let text = "User early\nHost web\n  User late\n  Port 2222\nHost *\n  Port 2200\n  HostName fallback\n";
    let web = parse(text, "web");
    assert_eq!((web.user.as_deref(), web.port), (Some("early"), Some(2222)));
    assert_eq!(web.host_name.as_deref(), Some("fallback"));
    assert_eq!(parse(text, "db").port, Some(2200));
    assert_eq!(web.warnings, Vec::<String>::new());
}

#[test]
fn negated_patterns_take_hosts_out() {
    let text = "Host *.example.com !bad.example.com \"*.net\"\n  User inside\n";
    assert_eq!(parse(text, "a.example.com").user.as_deref(), Some("inside"));
    assert_eq!(parse(text, "b.net").user.as_deref(), Some("inside"));
    assert_eq!(parse(text, "bad.example.com").user, None);
    assert_eq!(parse("Host !web\n  User other\n", "db").user, None);
}

#[test]
fn a_match_block_is_its_own_block_not_part_of_the_host_before() {
    let text = "Host web\n  Port 2222\nMatch host db\n  HostName elsewhere\n  User stranger\n";
    let web = parse(text, "web");
    assert_eq!((web.port, web.host_name, web.user), (Some(2222), None, None));
    assert_eq!(parse(text, "db").user.as_deref(), Some("stranger"));
}

#[test]
fn match_sees_the_host_name_in_force_and_the_original_one() {
    let text = "Host web\n  HostName 10.0.0.1\nMatch host 10.0.0.*\n  User inner\nMatch originalhost web\n  Port 99\n";
    let web = parse(text, "web");
    assert_eq!((web.user.as_deref(), web.port), (Some("inner"), Some(99)));
    assert_eq!(parse("Match all\n  User everyone\n", "x").user.as_deref(), Some("everyone"));
    assert_eq!(parse("Match !host web\n  User others\n", "web").user, None);
    let both = "Match host web user root\n  Port 7\n";
    assert_eq!(HostConfig::parse(both, "web", Some("root"), Path::new(HOME)).port, Some(7));
    assert_eq!(HostConfig::parse(both, "web", Some("bob"), Path::new(HOME)).port, None);
}

#[test]
fn what_is_not_understood_is_skipped_and_said() {
    let exec = parse("Match exec \"rm -rf /\"\n  User evil\n", "web");
    assert_eq!(exec.user, None);
    assert!(exec.warnings[0].contains("Match exec"), "{:?}", exec.warnings);
    let proxy = parse("Host web\n  ProxyCommand nc %h %p\n  Ciphers aes128-ctr\n  SendEnv LANG\n", "web");
    assert_eq!(proxy.warnings.len(), 2, "{:?}", proxy.warnings);
    assert!(proxy.warnings[0].contains("ssh_config:3: ciphers"), "{:?}", proxy.warnings);
    assert_eq!(parse("Host db\n  Ciphers aes128-ctr\n", "web").warnings, Vec::<String>::new());
    let odd = parse("Port none\nConnectTimeout soon\nUser \"bob\n", "web");
    assert_eq!((odd.port, odd.connect_timeout, odd.user), (None, None, None));
    assert_eq!(odd.warnings.len(), 3);
}

#[test]
fn tokens_and_the_home_folder_are_filled_in() {
    let text = "Host web\n  HostName %h.example.com\n  Port 2222\n  User bob\n  IdentityFile ~/.ssh/%h-%p-%r\n  \
                IdentityFile %d/100%%\n  IdentityFile %Z/x\n  UserKnownHostsFile /a \"/b c\"\n";
    let web = parse(text, "web");
    assert_eq!(web.host_name.as_deref(), Some("web.example.com"));
    let expected = ["/home/me/.ssh/web.example.com-2222-bob", "/home/me/100%"].map(PathBuf::from);
    assert_eq!(web.identity_files, expected);
    assert_eq!(web.user_known_hosts_files, Some(vec!["/a".into(), "/b c".into()]));
    assert!(web.warnings[0].contains("%Z"));
}

#[test]
fn yes_no_ask_and_durations() {
    let text = "IdentitiesOnly=yes\nStrictHostKeyChecking ask\nConnectTimeout 1m30s\nIdentityAgent none\n";
    let config = parse(text, "web");
    assert_eq!(config.identities_only, Some(true));
    assert_eq!(config.host_key_policy, Some(HostKeyPolicy::Strict));
    assert_eq!(config.connect_timeout, Some(Duration::from_secs(90)));
    assert_eq!(config.identity_agent, Some(None));
    let policy = |text: &str| parse(&format!("StrictHostKeyChecking {text}"), "x").host_key_policy;
    assert_eq!(policy("accept-new"), Some(HostKeyPolicy::AcceptNew));
    assert_eq!(policy("no"), Some(HostKeyPolicy::Off));
}

#[test]
fn jumps_are_a_list_and_none_is_an_empty_one() {
    let hops = parse("ProxyJump bob@first:2222, second\n", "web").proxy_jump;
    assert_eq!(hops, Some(vec!["bob@first:2222".into(), "second".into()]));
    assert_eq!(parse("ProxyJump none\n", "web").proxy_jump, Some(vec![]));
}

#[test]
fn includes_are_read_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let ssh = dir.path().join(".ssh");
    fs::create_dir_all(ssh.join("conf.d")).unwrap();
    fs::write(
        ssh.join("config"),
        "Host web\n  Include conf.d/*.conf missing\n  Port 22\nHost *\n  User last\n",
    )
    .unwrap();
    fs::write(ssh.join("conf.d/1.conf"), "Host db\n  Port 1\nHost web\n  Port 2222\n").unwrap();
    fs::write(ssh.join("conf.d/2.conf"), "HostName second\n").unwrap();
    fs::write(ssh.join("conf.d/.hidden.conf"), "HostName hidden\n").unwrap();
    let path = SshConfigUse::Path(ssh.join("config"));
    let web = HostConfig::read(&path, "web", None, dir.path()).unwrap();
    assert_eq!((web.port, web.host_name.as_deref()), (Some(2222), Some("second")));
    assert_eq!(web.user.as_deref(), Some("last"));
    let db = HostConfig::read(&path, "db", None, dir.path()).unwrap();
    assert_eq!((db.port, db.user.as_deref()), (None, Some("last")));
}

#[test]
fn a_file_that_includes_itself_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, format!("Include {}\nUser bob\n", path.display())).unwrap();
    let config = HostConfig::read(&SshConfigUse::Path(path), "web", None, dir.path()).unwrap();
    assert_eq!(config.user.as_deref(), Some("bob"));
    assert!(config.warnings.iter().any(|warning| warning.contains("too deep")));
}

#[test]
fn a_named_file_must_exist_and_the_default_ones_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let missing = SshConfigUse::Path(dir.path().join("config"));
    assert!(HostConfig::read(&missing, "web", None, dir.path()).is_err());
    assert!(HostConfig::read(&SshConfigUse::Default, "web", None, dir.path()).is_ok());
    assert_eq!(
        HostConfig::read(&SshConfigUse::None, "web", None, dir.path()).unwrap(),
        HostConfig::default()
    );
}

#[test]
fn the_real_client_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let text = "Host web w?b\n\tHostName = \"10.0.0.1\"\nMatch host 10.0.0.* !user bob\nUser alice\nPort=2222\n\
                Match all\nConnectTimeout 7\nProxyJump jump:23\nHost *\nUser zed\n";
    fs::write(&path, text).unwrap();
    for alias in ["web", "wab", "db"] {
        let ran =
            std::process::Command::new("ssh").arg("-F").arg(&path).args(["-G", alias]).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        let theirs = String::from_utf8(ran.stdout).unwrap();
        let value = |name: &str| {
            let line = theirs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.map(str::to_owned)
        };
        let ours = HostConfig::read(&SshConfigUse::Path(path.clone()), alias, None, dir.path()).unwrap();
        assert_eq!(
            ours.host_name.clone().unwrap_or_else(|| alias.into()),
            value("hostname").unwrap(),
            "{alias}"
        );
        assert_eq!(ours.user, value("user"), "{alias}");
        assert_eq!(ours.port.unwrap_or(22).to_string(), value("port").unwrap(), "{alias}");
        assert_eq!(ours.proxy_jump.unwrap().join(","), value("proxyjump").unwrap(), "{alias}");
        let timeout = ours.connect_timeout.unwrap().as_secs().to_string();
        assert_eq!(timeout, value("connecttimeout").unwrap(), "{alias}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", alias in "\\PC{0,10}") {
        parse(&text, &alias);
    }

    #[test]
    fn no_almost_valid_file_makes_the_parser_panic(
        lines in proptest::collection::vec(
            "(Host|Match|User|Port|IdentityFile|ProxyJump|ConnectTimeout|HostName|host=)[ \t=]{0,3}(!?(host|user|all) )?[a-c*?!,\"'\\\\%$\\{\\}hrpud0-9#é]{0,20}",
            0..8,
        ),
    ) {
        parse(&lines.join("\n"), "abc");
    }
}
