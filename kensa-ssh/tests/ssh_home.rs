//! As a user without rights to the home folder it is told about: a service in a container.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "test code")]

mod sshd;

use kensa_ssh::ssh::{ConnectOptions, HostKeyTrust, SshLink};
use sshd::{Sshd, output, user};

/// Runs this test again as nobody, with the environment such a service has.
const AGAIN: &str = "KENSA_TEST_AS_NOBODY";

#[tokio::test]
async fn a_home_that_may_not_be_read_does_no_harm() {
    if let Ok(port) = std::env::var(AGAIN) {
        return as_nobody(port.parse().unwrap()).await;
    }
    if user() != "root" {
        eprintln!("SKIPPED: only root can become nobody");
        return;
    }
    let Some(server) = Sshd::start("") else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    // Copied, because the build folder may be closed to others.
    let program = std::path::Path::new("/tmp").join(format!("kensa-ssh-home-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let ran = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "a_home_that_may_not_be_read_does_no_harm", "--nocapture"])
        .current_dir("/")
        .env(AGAIN, server.port.to_string())
        .env("HOME", home.path())
        .env("KENSA_TEST_KEY", std::fs::read_to_string(server.path("user_key")).unwrap())
        .output();
    std::fs::remove_file(&program).unwrap();
    let ran = ran.unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(server.log().contains("Accepted publickey"));
}

async fn as_nobody(port: u16) {
    let key = std::env::var("KENSA_TEST_KEY").unwrap();
    let options = ConnectOptions::new("127.0.0.1").port(port).user("root").key_data(key.as_str());
    let link = SshLink::connect(options.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(link.host_key_trust(), HostKeyTrust::New);
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    let again = SshLink::connect(options).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.host_key_trust(), HostKeyTrust::Known);
}
