//! No secret shows in logs, errors or debug output. A test of its own process: it owns the loggers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod loggers;
mod sshd;

use std::fmt::Write as _;

use kensa_ssh::link::Link;
use kensa_ssh::ssh::{HostKeyPolicy, SshLink};
use loggers::{heard, listen, ways};
use sshd::{Sshd, collect, key, public, refused};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn r24_nothing_secret_is_said_anywhere() {
    listen();
    let Some(server) = Sshd::start("PasswordAuthentication yes") else { return };
    let (password, passphrase, typed) = ("zecret-login-word", "zecret-key-phrase", "zecret-sudo-word");
    let path = key(server.dir.path(), "locked", &["-t", "ed25519", "-N", passphrase]);
    server.authorize(&public(&path));
    let text = std::fs::read_to_string(server.path("user_key")).unwrap();

    let mut shown = String::new();
    let by_password = server.options().password(password);
    write!(shown, "{by_password:?}").unwrap();
    write!(shown, "{:?}", refused(by_password).await).unwrap();
    let by_phrase = server.options().key_path(&path).passphrase(passphrase).password(password);
    write!(shown, "{by_phrase:?}").unwrap();
    let link = SshLink::connect(by_phrase).await.unwrap();
    write!(shown, "{link:?}").unwrap();
    let as_text = server.options().key_data(text.as_str()).host_key_policy(HostKeyPolicy::Off);
    write!(shown, "{as_text:?} {:?}", SshLink::connect(as_text.clone()).await.unwrap()).unwrap();
    let damaged = text.replace("KEY", "KEG");
    write!(shown, "{:?}", refused(as_text.key_data(damaged.as_str())).await).unwrap();
    let mut streams = link.open("read -r word; echo got it").await.unwrap();
    streams.stdin.write_all(format!("{typed}\n").as_bytes()).await.unwrap();
    assert_eq!(collect(streams).await.1, "got it\n");
    link.close().await;

    let seen = heard() + &shown;
    assert!(seen.contains("russh") && seen.len() > 10_000, "the loggers did not work: {} bytes", seen.len());
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    for secret in [password, passphrase, typed, &body[100..140]] {
        for way in ways(secret) {
            assert!(!seen.contains(&way), "{secret} shows as {way}");
        }
    }
}
