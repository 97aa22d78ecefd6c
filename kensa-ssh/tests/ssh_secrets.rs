//! No secret shows in logs, errors or debug output. A test of its own process: it owns the loggers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::fmt::Write as _;
use std::sync::Mutex;

use kensa_ssh::link::Link;
use kensa_ssh::ssh::{HostKeyPolicy, SshLink};
use sshd::{Sshd, collect, key, public, refused};
use tokio::io::AsyncWriteExt;

static SEEN: Mutex<String> = Mutex::new(String::new());

/// Takes everything that russh (log) and this crate (tracing) say, at every level.
struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        // Writing in the lock would let a panic in a Debug poison it.
        let line = format!("{} {}\n", record.target(), record.args());
        SEEN.lock().unwrap().push_str(&line);
    }
    fn flush(&self) {}
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, "{field}={value:?} ");
            }
        }
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        SEEN.lock().unwrap().push_str(&fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// The text itself, and as the list of bytes that `{:?}` of a buffer shows.
fn ways(secret: &str) -> [String; 2] {
    let bytes = format!("{:?}", secret.as_bytes());
    [secret.to_owned(), bytes.trim_matches(['[', ']']).to_owned()]
}

#[tokio::test]
async fn nothing_secret_is_said_anywhere() {
    log::set_logger(&Everything).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(Everything).unwrap();
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

    let seen = SEEN.lock().unwrap().clone() + &shown;
    assert!(seen.contains("russh") && seen.len() > 10_000, "the loggers did not work: {} bytes", seen.len());
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    for secret in [password, passphrase, typed, &body[100..140]] {
        for way in ways(secret) {
            assert!(!seen.contains(&way), "{secret} shows as {way}");
        }
    }
}
