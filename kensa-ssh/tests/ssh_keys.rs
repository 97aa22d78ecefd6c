//! Logging in at a real sshd with keys, certificates and an agent.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kensa_ssh::ConnectReason;
use kensa_ssh::ssh::{ConnectOptions, SshConfigUse, SshLink};
use sshd::{Sshd, key, output, public, refused, run};

const PASS: &str = "correct horse";

async fn works(server: &Sshd, options: ConnectOptions, what: &str) -> SshLink {
    let link = SshLink::connect(options).await.unwrap_or_else(|e| panic!("{what}: {e}\n{}", server.log()));
    assert_eq!(output(&link, "echo in").await.1, "in\n", "{what}");
    link
}

#[tokio::test]
async fn every_kind_and_form_of_key_logs_in() {
    let Some(server) = Sshd::start("") else { return };
    let forms: &[&[&str]] = &[
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "3072", "-m", "PEM"],
        &["-t", "ecdsa", "-b", "256", "-m", "PEM"],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
        &["-t", "ecdsa", "-b", "256", "-m", "PKCS8"],
    ];
    for (index, form) in forms.iter().enumerate() {
        for passphrase in ["", PASS] {
            let name = format!("key{index}-{}", passphrase.len());
            let path = key(server.dir.path(), &name, &[form, &["-N", passphrase][..]].concat());
            server.authorize(&public(&path));
            let what = format!("{form:?} {passphrase:?}");
            let options = server.options().passphrase(PASS);
            works(&server, options.clone().key_path(&path), &what).await;
            let text = fs::read_to_string(&path).unwrap();
            works(&server, options.key_data(text.as_str()), &what).await;
        }
    }
}

#[tokio::test]
async fn a_key_in_pkcs8_from_openssl_logs_in() {
    let Some(server) = Sshd::start("") else { return };
    let path = server.path("pkcs8");
    run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", path.to_str().unwrap()]);
    // ssh-keygen cannot read this form, so the public half is taken from the end of its SPKI.
    let der = server.path("der");
    let arguments = ["pkey", "-in", path.to_str().unwrap(), "-pubout", "-outform", "DER", "-out"];
    run("openssl", &[&arguments[..], &[der.to_str().unwrap()]].concat());
    let spki = fs::read(der).unwrap();
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend(&spki[spki.len() - 32..]);
    fs::write(server.path("blob"), &blob).unwrap();
    let encoded = run("base64", &["-w0", server.path("blob").to_str().unwrap()]);
    server.authorize(&format!("ssh-ed25519 {encoded}"));
    works(&server, server.options().key_path(&path), "PKCS#8 ed25519").await;
}

#[tokio::test]
async fn a_passphrase_that_is_missing_or_wrong_is_said_before_anything_is_sent() {
    let Some(server) = Sshd::start("") else { return };
    let path = key(server.dir.path(), "locked", &["-t", "ed25519", "-N", PASS]);
    let locked = server.options().key_path(&path);
    for options in [
        locked.clone(),
        locked.clone().passphrase("wrong"),
        locked.clone().password("wrong"),
        locked.clone().passphrase("wrong").password(PASS),
    ] {
        let before = server.log().matches("Connection from").count();
        let error = refused(options).await;
        assert_eq!(error.reason, ConnectReason::PassphraseRequired, "{error}");
        assert!(error.message.contains("locked"), "{error}");
        assert_eq!(server.log().matches("Connection from").count(), before);
    }
    server.authorize(&public(&path));
    let link = works(&server, locked.clone().password(PASS), "password as passphrase").await;
    assert!(link.login_password().is_none());
    let link = works(&server, locked.passphrase(PASS).password("other"), "both").await;
    assert_eq!(link.login_password().map(|p| p.reveal().to_owned()), Some("other".to_owned()));
}

#[tokio::test]
async fn a_key_the_host_does_not_know_is_refused_and_named() {
    let Some(server) = Sshd::start("") else { return };
    let path = key(server.dir.path(), "stranger", &["-t", "ed25519"]);
    let error = refused(server.options().key_path(&path)).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert!(error.message.contains("stranger") && error.message.contains("publickey"), "{error}");
    assert_eq!(error.host, format!("127.0.0.1:{}", server.port));
    let missing = refused(server.options().key_path(server.path("absent"))).await;
    assert_eq!(missing.reason, ConnectReason::KeyInvalid);
    let unknown = refused(server.with_key().user("no-such-user-here")).await;
    assert_eq!(unknown.reason, ConnectReason::AuthFailed);
}

#[tokio::test]
async fn a_key_file_is_not_read_again_for_a_new_connection() {
    use kensa_ssh::link::Link;
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    fs::remove_file(server.path("user_key")).unwrap();
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo again").await.1, "again\n");
}

#[tokio::test]
async fn an_rsa_key_signs_with_sha2_and_an_old_server_is_met_only_by_option() {
    let lines = "PubkeyAcceptedAlgorithms ssh-rsa\nLogLevel DEBUG1";
    let Some(server) = Sshd::start(lines) else { return };
    let path = key(server.dir.path(), "rsa", &["-t", "rsa", "-b", "2048"]);
    server.authorize(&public(&path));
    let error = refused(server.options().key_path(&path)).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    SshLink::connect(server.options().key_path(&path).legacy_algorithms(true)).await.unwrap();
}

#[tokio::test]
async fn a_user_certificate_logs_in_and_an_expired_one_does_not() {
    let Some(server) = Sshd::start("TrustedUserCAKeys {dir}/ca.pub") else { return };
    let dir = server.dir.path();
    let authority = key(dir, "ca", &["-t", "ed25519"]);
    for (name, kind) in [("ed", "ed25519"), ("rsa", "rsa")] {
        let path = key(dir, name, &["-t", kind]);
        let public = format!("{}.pub", path.display());
        let sign = ["-q", "-s", authority.to_str().unwrap(), "-I", "id", "-n", &sshd::user()];
        run("ssh-keygen", &[&sign[..], &["-V", "-1h:+1h", &public]].concat());
        works(&server, server.options().key_path(&path), "the certificate beside the key").await;

        let certificate = dir.join(format!("{name}-cert.pub"));
        let text = fs::read_to_string(&certificate).unwrap();
        fs::rename(&certificate, dir.join("moved")).unwrap();
        assert_eq!(refused(server.options().key_path(&path)).await.reason, ConnectReason::AuthFailed);
        let by_path = server.options().key_path(&path).certificate_path(dir.join("moved"));
        works(&server, by_path, "the certificate by path").await;
        works(&server, server.options().key_path(&path).certificate_data(text), "as text").await;

        run("ssh-keygen", &[&sign[..], &["-V", "-2h:-1h", &public]].concat());
        let error = refused(server.options().key_path(&path)).await;
        assert_eq!(error.reason, ConnectReason::AuthFailed, "{error}");
    }
    let other = server.with_key().certificate_path(dir.join("moved"));
    assert_eq!(refused(other).await.reason, ConnectReason::KeyInvalid);
}

/// A real ssh-agent, ended when dropped.
struct Agent {
    socket: std::path::PathBuf,
    child: Child,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        for _ in 0..200 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Self { socket, child }
    }

    fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        command.env("SSH_AUTH_SOCK", &self.socket).arg("-q").arg(key).stdin(Stdio::null());
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_agents_keys_log_in() {
    let Some(server) = Sshd::start("") else { return };
    let agent = Agent::start(server.dir.path());
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let path = key(server.dir.path(), kind, &["-t", kind]);
        server.authorize(&public(&path));
        agent.add(&path);
        fs::remove_file(path).unwrap();
        let options = server.options().use_agent(true).agent_socket(&agent.socket);
        works(&server, options, kind).await;
        let mut clear = Command::new("ssh-add");
        assert!(clear.env("SSH_AUTH_SOCK", &agent.socket).args(["-q", "-D"]).status().unwrap().success());
    }
}

#[tokio::test]
async fn r31_at_most_two_keys_are_offered_and_the_entry_chooses_which() {
    let Some(server) = Sshd::start("LogLevel DEBUG2") else { return };
    let agent = Agent::start(server.dir.path());
    let paths: Vec<_> =
        (0..4).map(|index| key(server.dir.path(), &format!("agent{index}"), &["-t", "ed25519"])).collect();
    for path in &paths {
        agent.add(path);
    }
    let options = server.options().use_agent(true).agent_socket(&agent.socket);
    let error = refused(options.clone()).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert!(error.message.contains("2 more keys were not offered"), "{error}");
    assert!(server.log().matches("userauth-request for user").count() <= 2, "{}", server.log());

    // Nor are more of those that lie about as files.
    let config = server.path("config");
    let entries: String = paths.iter().map(|path| format!("IdentityFile {}\n", path.display())).collect();
    fs::write(&config, entries).unwrap();
    let before = server.log().matches("userauth-request for user").count();
    let named = server.options().ssh_config(SshConfigUse::Path(config.clone()));
    let error = refused(named).await;
    assert!(error.message.contains("2 more keys were not offered"), "{error}");
    assert!(server.log().matches("userauth-request for user").count() - before <= 2, "{}", server.log());

    server.authorize(&public(&paths[3]));
    // The private half is not needed: its public half chooses among the agent's keys.
    let chosen = format!("{}.pub", paths[3].display());
    fs::write(&config, format!("IdentityFile {chosen}\nIdentitiesOnly yes\n")).unwrap();
    works(&server, options.ssh_config(SshConfigUse::Path(config)), "IdentityFile").await;
}

#[tokio::test]
async fn r31_with_a_key_given_neither_agent_nor_other_keys_are_tried() {
    let Some(server) = Sshd::start("") else { return };
    let agent = Agent::start(server.dir.path());
    let good = key(server.dir.path(), "good", &["-t", "ed25519"]);
    server.authorize(&public(&good));
    agent.add(&good);
    let stranger = key(server.dir.path(), "stranger", &["-t", "ed25519"]);
    // The agent is at hand, but nobody asked for it.
    let options = ConnectOptions::new("127.0.0.1")
        .port(server.port)
        .user(sshd::user())
        .ssh_config(SshConfigUse::None)
        .known_hosts([server.path("known_hosts")])
        .agent_socket(&agent.socket);
    let error = refused(options.clone().key_path(&stranger)).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert!(!error.message.contains("agent"), "{error}");
    assert_eq!(refused(options.clone().password("x")).await.reason, ConnectReason::AuthFailed);
    works(&server, options, "neither key nor password: the agent").await;
}

#[tokio::test]
async fn a_certificate_in_the_agent_or_for_its_key_logs_in() {
    let Some(server) = Sshd::start("TrustedUserCAKeys {dir}/ca.pub") else { return };
    let dir = server.dir.path();
    let authority = key(dir, "ca", &["-t", "ed25519"]);
    let path = key(dir, "held", &["-t", "rsa"]);
    let public = format!("{}.pub", path.display());
    let sign = ["-q", "-s", authority.to_str().unwrap(), "-I", "id", "-n", &sshd::user(), &public];
    run("ssh-keygen", &sign);
    let agent = Agent::start(dir);
    agent.add(&path);
    let options = server.options().use_agent(true).agent_socket(&agent.socket);
    works(&server, options.clone(), "certificate in the agent").await;

    let mut clear = Command::new("ssh-add");
    assert!(clear.env("SSH_AUTH_SOCK", &agent.socket).args(["-q", "-D"]).status().unwrap().success());
    fs::rename(dir.join("held-cert.pub"), dir.join("apart")).unwrap();
    agent.add(&path);
    assert_eq!(refused(options.clone()).await.reason, ConnectReason::AuthFailed);
    works(&server, options.certificate_path(dir.join("apart")), "certificate for the agent's key").await;
}
