//! Whether the host is the host: known_hosts, pins and certificates against a real sshd.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::fs;

use kensa_core::Transport;
use kensa_ssh::link::Link;
use kensa_ssh::openssh::{HostKeys, OpenSsh, OpenSshOptions};
use kensa_ssh::ssh::{ConnectOptions, HostKeyPolicy, HostKeyTrust, SshLink};
use kensa_ssh::{Become, ConnectReason, Session, SessionOptions};
use sshd::{Sshd, key, output, public, refused, run};

fn strict(server: &Sshd) -> ConnectOptions {
    server.with_key().host_key_policy(HostKeyPolicy::Strict)
}

fn name(server: &Sshd) -> String {
    format!("[127.0.0.1]:{}", server.port)
}

fn known(server: &Sshd, text: &str) {
    fs::write(server.path("known_hosts"), text).unwrap();
}

fn host_line(server: &Sshd) -> String {
    let public = public(&server.path("host_key"));
    public.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

async fn trust(options: ConnectOptions) -> HostKeyTrust {
    SshLink::connect(options).await.unwrap_or_else(|error| panic!("{error}")).host_key_trust()
}

/// No login may have been tried.
fn assert_no_login(server: &Sshd) {
    let log = server.log();
    for trace in ["Accepted", "Failed", "Postponed", "Invalid user", "userauth"] {
        assert!(!log.contains(trace), "{trace} in\n{log}");
    }
}

#[tokio::test]
async fn r29_a_strict_client_refuses_an_unknown_host_before_any_login() {
    let Some(server) = Sshd::start("LogLevel DEBUG2") else { return };
    let error = refused(strict(&server).password("never sent")).await;
    assert_eq!(error.reason, ConnectReason::HostKeyUnknown);
    assert!(error.message.contains("SHA256:") && error.message.contains("known_hosts"), "{error}");
    assert!(!server.path("known_hosts").exists());
    assert_no_login(&server);
}

#[tokio::test]
async fn r29_a_new_host_is_remembered_and_recognised() {
    let Some(server) = Sshd::start("") else { return };
    assert_eq!(trust(server.with_key()).await, HostKeyTrust::New);
    let written = fs::read_to_string(server.path("known_hosts")).unwrap();
    assert_eq!(written, format!("{} {}\n", name(&server), host_line(&server)));
    assert_eq!(trust(server.with_key()).await, HostKeyTrust::Known);
    assert_eq!(trust(strict(&server)).await, HostKeyTrust::Known);
    assert_eq!(fs::read_to_string(server.path("known_hosts")).unwrap(), written);
    // The real client agrees with what was written.
    let found =
        run("ssh-keygen", &["-F", &name(&server), "-f", server.path("known_hosts").to_str().unwrap()]);
    assert!(found.contains("found"), "{found}");
}

#[tokio::test]
async fn r30_a_hashed_file_written_by_the_real_client_is_understood() {
    let Some(server) = Sshd::start("") else { return };
    known(&server, &format!("{} {}\n", name(&server), host_line(&server)));
    run("ssh-keygen", &["-H", "-f", server.path("known_hosts").to_str().unwrap()]);
    assert!(fs::read_to_string(server.path("known_hosts")).unwrap().starts_with("|1|"));
    assert_eq!(trust(strict(&server)).await, HostKeyTrust::Known);
}

#[tokio::test]
async fn r29_a_changed_key_is_refused_by_every_policy_but_off() {
    let Some(server) = Sshd::start("LogLevel DEBUG2") else { return };
    let other = key(server.dir.path(), "other", &["-t", "ed25519"]);
    known(&server, &format!("# note\n{} {}\n", name(&server), public(&other)));
    for options in [server.with_key(), strict(&server)] {
        let error = refused(options).await;
        assert_eq!(error.reason, ConnectReason::HostKeyChanged);
        assert!(error.message.contains("known_hosts:2"), "{error}");
    }
    assert_no_login(&server);
    let off = server.with_key().host_key_policy(HostKeyPolicy::Off);
    assert_eq!(trust(off).await, HostKeyTrust::Unchecked);
}

#[tokio::test]
async fn r29_a_revoked_key_is_refused_by_every_policy() {
    let Some(server) = Sshd::start("") else { return };
    let line = host_line(&server);
    known(&server, &format!("{} {line}\n@revoked * {line}\n", name(&server)));
    for policy in [HostKeyPolicy::Off, HostKeyPolicy::AcceptNew, HostKeyPolicy::Strict] {
        let error = refused(server.with_key().host_key_policy(policy)).await;
        assert_eq!(error.reason, ConnectReason::HostKeyChanged);
        assert!(error.message.contains("revoked"), "{error}");
    }
}

#[tokio::test]
async fn r30_a_host_known_by_another_type_of_key_only_is_not_new() {
    let Some(server) = Sshd::start("") else { return };
    let other = key(server.dir.path(), "other", &["-t", "ecdsa"]);
    known(&server, &format!("{} {}\n", name(&server), public(&other)));
    let error = refused(server.with_key()).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged);
    assert!(error.message.contains("ecdsa-sha2-nistp256"), "{error}");
}

#[tokio::test]
async fn r30_the_type_on_record_is_asked_for() {
    let Some(server) = Sshd::start("HostKey {dir}/rsa_key") else { return };
    drop(server);
    // The key has to exist before the server starts, so it is made in a folder of its own.
    let dir = tempfile::tempdir().unwrap();
    let rsa = key(dir.path(), "rsa_key", &["-t", "rsa"]);
    let Some(server) = Sshd::start(&format!("HostKey {}", rsa.display())) else { return };
    known(&server, &format!("{} {}\n", name(&server), public(&rsa)));
    assert_eq!(trust(server.with_key()).await, HostKeyTrust::Known);
    known(&server, "");
    let link = SshLink::connect(server.with_key()).await.unwrap();
    let ed25519 = run("ssh-keygen", &["-l", "-f", server.path("host_key").to_str().unwrap()]);
    assert!(ed25519.contains(&link.host_key()), "without a record ed25519 is preferred");
}

#[tokio::test]
async fn where_nothing_can_be_written_the_key_is_remembered_in_memory() {
    let Some(mut server) = Sshd::start("") else { return };
    let nowhere = "/proc/no/such/place/known_hosts";
    let options = server.with_key().known_hosts([nowhere]);
    assert_eq!(trust(options.clone()).await, HostKeyTrust::New);
    assert_eq!(trust(options.clone()).await, HostKeyTrust::Known);
    fs::remove_file(server.path("host_key")).unwrap();
    key(server.dir.path(), "host_key", &["-t", "ed25519"]);
    server.restart();
    assert_eq!(refused(options).await.reason, ConnectReason::HostKeyChanged);
}

#[tokio::test]
async fn r29_only_an_explicit_word_takes_any_key_and_results_say_so() {
    let Some(server) = Sshd::start("") else { return };
    let Some(bastion) = Sshd::start("") else { return };
    let remarks = async |options: ConnectOptions| {
        let session = Session::connect(options, Become::None, SessionOptions::default()).await.unwrap();
        session.remarks()
    };
    assert_eq!(remarks(server.with_key()).await, Vec::<String>::new());
    let off =
        |options: ConnectOptions| options.known_hosts(["/nonexistent"]).host_key_policy(HostKeyPolicy::Off);
    let said = remarks(off(server.with_key())).await;
    assert!(said.len() == 1 && said[0].contains("not checked"), "{said:?}");
    let said = remarks(server.with_key().jump_through(off(bastion.with_key()))).await;
    assert!(said.len() == 1 && said[0].contains("jump host"), "{said:?}");
    for (host_keys, count) in [(HostKeys::Strict, 0), (HostKeys::AcceptNew, 0), (HostKeys::Insecure, 1)] {
        let client = OpenSsh::new(OpenSshOptions { host_keys, ..OpenSshOptions::new("web") });
        assert_eq!(client.remarks().len(), count, "{host_keys:?}");
    }
}

#[tokio::test]
async fn r29_a_pinned_key_is_the_only_one_accepted() {
    let Some(server) = Sshd::start("") else { return };
    let listed = run("ssh-keygen", &["-l", "-f", server.path("host_key").to_str().unwrap()]);
    let fingerprint = listed.split(' ').nth(1).unwrap();
    assert_eq!(trust(strict(&server).pinned_host_key(fingerprint)).await, HostKeyTrust::Pinned);
    let error = refused(server.with_key().pinned_host_key("SHA256:AAAA")).await;
    assert_eq!(error.reason, ConnectReason::HostKeyChanged);
    assert!(error.message.contains(fingerprint), "{error}");
}

#[tokio::test]
async fn r29_a_host_certificate_is_trusted_through_its_authority() {
    let dir = tempfile::tempdir().unwrap();
    let authority = key(dir.path(), "ca", &["-t", "ed25519"]);
    let host = key(dir.path(), "certified", &["-t", "ed25519"]);
    let host_public = format!("{}.pub", host.display());
    let sign = |extra: &[&str]| {
        let base = ["-q", "-s", authority.to_str().unwrap(), "-I", "host"];
        run("ssh-keygen", &[&base[..], extra, &[&host_public]].concat());
    };
    sign(&["-h", "-n", "127.0.0.1", "-V", "-1h:+1h"]);
    let lines = format!("HostKey {0}\nHostCertificate {0}-cert.pub", host.display());
    let Some(mut server) = Sshd::start(&lines) else { return };
    let trusted = format!("@cert-authority 127.0.0.* {}\n", public(&authority));
    known(&server, &trusted);
    assert_eq!(trust(strict(&server)).await, HostKeyTrust::Certified);
    known(&server, "");
    let by_option = strict(&server).trusted_authority(public(&authority));
    assert_eq!(trust(by_option).await, HostKeyTrust::Certified);

    known(&server, &format!("{trusted}@revoked * {}\n", public(&authority)));
    assert_eq!(refused(strict(&server)).await.reason, ConnectReason::HostKeyChanged);

    known(&server, &trusted);
    for (extra, why) in [
        (&["-h", "-n", "elsewhere", "-V", "-1h:+1h"][..], "elsewhere"),
        (&["-h", "-n", "127.0.0.1", "-V", "-2h:-1h"], "not valid"),
        (&["-h", "-V", "-1h:+1h"], "[]"),
    ] {
        sign(extra);
        server.restart();
        let error = refused(strict(&server)).await;
        assert_eq!(error.reason, ConnectReason::HostKeyChanged, "{error}");
        assert!(error.message.contains(why), "{why}: {error}");
    }
    // Trust in another authority is none in this one.
    sign(&["-h", "-n", "127.0.0.1", "-V", "-1h:+1h"]);
    server.restart();
    let other = key(dir.path(), "other", &["-t", "ed25519"]);
    known(&server, &format!("@cert-authority * {}\n", public(&other)));
    for options in [strict(&server), server.with_key()] {
        assert_eq!(refused(options).await.reason, ConnectReason::HostKeyUnknown);
    }
}

#[tokio::test]
async fn r16_a_connection_is_not_resumed_at_another_host() {
    let Some(mut server) = Sshd::start("") else { return };
    let link = SshLink::connect(server.with_key().host_key_policy(HostKeyPolicy::Off)).await.unwrap();
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    server.restart();
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo back").await.1, "back\n");

    fs::remove_file(server.path("host_key")).unwrap();
    key(server.dir.path(), "host_key", &["-t", "ed25519"]);
    server.restart();
    let error = link.reconnect().await.unwrap_err();
    assert_eq!(error.reason, ConnectReason::HostKeyChanged, "{error}");
}

#[tokio::test]
async fn r30_many_first_connections_at_once_leave_one_line() {
    let Some(server) = Sshd::start("") else { return };
    let links = futures_util::future::join_all((0..6).map(|_| server.connect())).await;
    assert_eq!(links.len(), 6);
    assert_eq!(fs::read_to_string(server.path("known_hosts")).unwrap().lines().count(), 1);
}
