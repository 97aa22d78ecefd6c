//! ssh_config and jump hosts with real servers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kensa_ssh::ConnectReason;
use kensa_ssh::ssh::{ConnectOptions, HostKeyPolicy, SshConfigUse, SshLink};
use sshd::{Sshd, key, output, public, refused, user};

/// Options with nothing but an alias and a config file.
fn alias(name: &str, config: &std::path::Path) -> ConnectOptions {
    ConnectOptions::new(name)
        .ssh_config(SshConfigUse::Path(config.to_owned()))
        .use_agent(false)
        .connect_timeout(Duration::from_secs(20))
}

fn entry(name: &str, server: &Sshd) -> String {
    format!(
        "Host {name}\n  HostName 127.0.0.1\n  Port {}\n  User {}\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
        server.port,
        user(),
        server.path("user_key").display(),
        server.path("known_hosts").display()
    )
}

#[tokio::test]
async fn an_alias_brings_address_port_user_key_and_known_hosts() {
    let Some(server) = Sshd::start("") else { return };
    let config = server.path("config");
    fs::write(&config, format!("{}  ServerAliveInterval 3\n  Ciphers aes128-ctr\n", entry("web", &server)))
        .unwrap();
    let link = SshLink::connect(alias("web", &config)).await.unwrap();
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    assert_eq!((link.user(), link.port()), (user().as_str(), server.port));
    assert!(link.warnings()[0].contains("ciphers"), "{:?}", link.warnings());
    assert!(fs::read_to_string(server.path("known_hosts")).unwrap().starts_with("[127.0.0.1]:"));
    // What the caller says wins.
    let error = refused(alias("web", &config).port(1)).await;
    assert_eq!((error.reason, error.host.as_str()), (ConnectReason::Refused, "web:1"));
    let error = refused(alias("web", &config).user("nobody-here")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    let policy = alias("web", &config).host_key_policy(HostKeyPolicy::Strict);
    fs::remove_file(server.path("known_hosts")).unwrap();
    assert_eq!(refused(policy).await.reason, ConnectReason::HostKeyUnknown);
}

#[tokio::test]
async fn a_host_key_alias_is_the_name_on_record() {
    let Some(server) = Sshd::start("") else { return };
    let config = server.path("config");
    fs::write(
        &config,
        format!("{}  HostKeyAlias the-web\n  StrictHostKeyChecking yes\n", entry("web", &server)),
    )
    .unwrap();
    let line = format!("the-web {}\n", public(&server.path("host_key")));
    fs::write(server.path("known_hosts"), line).unwrap();
    SshLink::connect(alias("web", &config)).await.unwrap();
}

#[tokio::test]
async fn what_was_ignored_is_said_where_the_host_cannot_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    fs::write(&config, "Host web\n  HostName 127.0.0.1\n  Port 1\n  ProxyCommand nc proxy 22\n").unwrap();
    let error = refused(alias("web", &config)).await;
    assert_eq!(error.reason, ConnectReason::Refused);
    assert!(error.message.contains("ProxyCommand"), "{error}");
    let missing = refused(alias("web", &dir.path().join("absent"))).await;
    assert!(missing.message.contains("absent"), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_jump_host_leads_to_the_target_and_each_key_is_checked() {
    let Some(bastion) = Sshd::start("") else { return };
    let Some(target) = Sshd::start("") else { return };
    let config = target.path("config");
    let text = format!("{}  ProxyJump bastion\n{}", entry("web", &target), entry("bastion", &bastion));
    fs::write(&config, text).unwrap();
    let link = SshLink::connect(alias("web", &config)).await.unwrap();
    assert_eq!(output(&link, "echo through").await.1, "through\n");
    let (_, big, _) = output(&link, "head -c 5000000 /dev/zero | tr '\\0' x").await;
    assert_eq!(big.len(), 5_000_000);
    assert!(bastion.log().contains("Accepted") && target.log().contains("Accepted"));
    assert!(bastion.path("known_hosts").exists() && target.path("known_hosts").exists());

    // A false bastion is noticed, and nothing is said to the target through it.
    let other = key(bastion.dir.path(), "other", &["-t", "ed25519"]);
    let line = format!("[127.0.0.1]:{} {}\n", bastion.port, public(&other));
    fs::write(bastion.path("known_hosts"), line).unwrap();
    let before = target.log();
    let error = refused(alias("web", &config)).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged);
    assert!(error.host.starts_with("web:") && error.message.contains("bastion"), "{error}");
    assert_eq!(target.log(), before);
    fs::remove_file(bastion.path("known_hosts")).unwrap();

    // A false target is noticed too.
    let line = format!("[127.0.0.1]:{} {}\n", target.port, public(&other));
    fs::write(target.path("known_hosts"), line).unwrap();
    let error = refused(alias("web", &config)).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged);
    assert!(!error.message.contains("jump host"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_jumps_named_by_the_caller_and_two_in_a_row() {
    let Some(first) = Sshd::start("") else { return };
    let Some(second) = Sshd::start("") else { return };
    let Some(target) = Sshd::start("") else { return };
    let shared = public(&target.path("user_key"));
    first.authorize(&shared);
    second.authorize(&shared);
    let hop = |server: &Sshd| format!("{}@127.0.0.1:{}", user(), server.port);
    let link = SshLink::connect(target.with_key().proxy_jump([hop(&first), hop(&second)])).await.unwrap();
    assert_eq!(output(&link, "echo far").await.1, "far\n");
    for server in [&first, &second] {
        assert!(server.log().contains("Accepted"), "{}", server.log());
    }
    // With options of its own, a hop may have its own key.
    let own = target.with_key().jump_through(first.with_key()).jump_through(second.with_key());
    assert_eq!(output(&SshLink::connect(own).await.unwrap(), "echo own").await.1, "own\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_one_connection_to_the_bastion_carries_all_behind_it() {
    let Some(bastion) = Sshd::start("") else { return };
    let Some(target) = Sshd::start("") else { return };
    let logins = || bastion.log().matches("Accepted publickey").count();
    let through = || target.with_key().jump_through(bastion.with_key());
    let links = join_all((0..6).map(|_| SshLink::connect(through()))).await;
    let mut links: Vec<SshLink> = links.into_iter().map(Result::unwrap).collect();
    for link in &links {
        assert_eq!(output(link, "echo through").await.1, "through\n");
    }
    assert_eq!((logins(), target.log().matches("Accepted publickey").count()), (1, 6));
    // It lives as long as anything behind it.
    links.truncate(1);
    assert_eq!(output(&links[0], "echo on").await.1, "on\n");
    SshLink::connect(through()).await.unwrap();
    assert_eq!(logins(), 1);
    links.clear();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !bastion.log().contains("Disconnected from") && !bastion.log().contains("Connection closed") {
        assert!(Instant::now() < deadline, "the last one leaves the connection open\n{}", bastion.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    SshLink::connect(through()).await.unwrap();
    assert_eq!(logins(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_bastion_is_shared_by_equal_logins_only() {
    let Some(bastion) = Sshd::start("") else { return };
    let Some(target) = Sshd::start("") else { return };
    let logins = || bastion.log().matches("Accepted publickey").count();
    let through = |hop: ConnectOptions| SshLink::connect(target.with_key().jump_through(hop));
    let first = through(bastion.with_key()).await.unwrap();
    // Another key, as a text that has the same name, is another login.
    let other = key(bastion.dir.path(), "other", &["-t", "ed25519"]);
    bastion.authorize(&public(&other));
    let text = |path: &std::path::Path| fs::read_to_string(path).unwrap();
    let own = through(bastion.options().key_data(&*text(&bastion.path("user_key")))).await.unwrap();
    let others = through(bastion.options().key_data(&*text(&other))).await.unwrap();
    assert_eq!(logins(), 3);
    // Who would not have been let in is not let in because somebody else was.
    let stranger = key(bastion.dir.path(), "stranger", &["-t", "ed25519"]);
    let error = refused(target.with_key().jump_through(bastion.options().key_path(stranger))).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed, "{error}");
    let pinned = bastion.with_key().pinned_host_key("SHA256:AAAA");
    let error = refused(target.with_key().jump_through(pinned)).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged, "{error}");
    drop((first, own, others));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_on_the_way_are_named() {
    let Some(bastion) = Sshd::start("AllowTcpForwarding no") else { return };
    let Some(target) = Sshd::start("") else { return };
    let error = refused(target.with_key().jump_through(bastion.with_key())).await;
    assert_eq!(error.reason, ConnectReason::Unreachable);
    assert!(error.message.contains("forwarding"), "{error}");
    let closed = target.with_key().proxy_jump(["127.0.0.1:1"]);
    let error = refused(closed).await;
    assert_eq!(error.reason, ConnectReason::Refused);
    assert!(error.message.contains("jump host 127.0.0.1:1"), "{error}");
    let error = refused(target.with_key().proxy_jump(["a b"])).await;
    assert_eq!(error.reason, ConnectReason::Unreachable, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_lost_bastion_is_a_lost_host() {
    let Some(mut bastion) = Sshd::start("") else { return };
    let Some(target) = Sshd::start("") else { return };
    let link = SshLink::connect(target.with_key().jump_through(bastion.with_key())).await.unwrap();
    use kensa_ssh::link::{Exit, Link};
    let streams = link.open("sleep 60").await.unwrap();
    bastion.kill();
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), streams.exit).await.unwrap(), Exit::Lost);
    bastion.restart();
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo back").await.1, "back\n");
}
