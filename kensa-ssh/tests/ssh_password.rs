//! Passwords, against a server that records what it is told. Real hosts: `ssh_bed.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kensa_ssh::ConnectReason;
use kensa_ssh::ssh::{ConnectOptions, SshConfigUse, SshLink};
use russh::keys::{HashAlg, PrivateKey};
use russh::server::{self, Auth, Handler, Response};
use russh::{MethodKind, MethodSet};
use sshd::{key, refused};
use tokio::net::TcpListener;

const PASSWORD: &str = "hunter2 \u{e4}\"'\\";

/// A password about which the server never decides.
const UNDECIDED: &str = "hm";

/// How the server behaves.
#[derive(Clone, Copy)]
struct Behaviour {
    methods: &'static [MethodKind],
    /// Questions of keyboard-interactive, one exchange each; the flag says that answers are shown.
    questions: &'static [&'static [(&'static str, bool)]],
    /// Wants a key first.
    key_first: bool,
}

const PLAIN: Behaviour = Behaviour { methods: &[MethodKind::Password], questions: &[], key_first: false };

fn asking(questions: &'static [&'static [(&'static str, bool)]]) -> Behaviour {
    Behaviour { methods: &[MethodKind::KeyboardInteractive], questions, key_first: false }
}

type Heard = Arc<Mutex<Vec<String>>>;

struct Server {
    behaviour: Behaviour,
    heard: Heard,
    asked: usize,
}

impl Server {
    fn heard(&self, what: String) {
        self.heard.lock().unwrap().push(what);
    }

    fn reject(&self) -> Auth {
        let proceed_with_methods = Some(MethodSet::from(self.behaviour.methods));
        Auth::Reject { proceed_with_methods, partial_success: false }
    }
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        self.heard("none".to_owned());
        Ok(self.reject())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.heard(format!("password {user} {password}"));
        if password == UNDECIDED {
            std::future::pending::<()>().await;
        }
        Ok(if password == PASSWORD { Auth::Accept } else { self.reject() })
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        self.heard("key".to_owned());
        if self.behaviour.key_first {
            let proceed_with_methods = Some(MethodSet::from(self.behaviour.methods));
            return Ok(Auth::Reject { proceed_with_methods, partial_success: true });
        }
        Ok(self.reject())
    }

    async fn auth_publickey_offered(
        &mut self,
        _: &str,
        _: server::PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        self.heard("offer".to_owned());
        Ok(if self.behaviour.key_first { Auth::Accept } else { self.reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        if let Some(answers) = response {
            let answers: Vec<String> = answers.map(|a| String::from_utf8_lossy(&a).into_owned()).collect();
            self.heard(format!("answers {answers:?}"));
            if !answers.is_empty() && answers != [PASSWORD] {
                return Ok(self.reject());
            }
        }
        let Some(questions) = self.behaviour.questions.get(self.asked) else { return Ok(Auth::Accept) };
        self.asked += 1;
        let prompts: Vec<(Cow<'static, str>, bool)> =
            questions.iter().map(|(text, shown)| (Cow::Borrowed(*text), *shown)).collect();
        Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() })
    }
}

async fn serve(behaviour: Behaviour) -> (ConnectOptions, Heard) {
    let dir = tempfile::tempdir().unwrap();
    let host = PrivateKey::read_openssh_file(key(dir.path(), "host", &["-t", "ed25519"])).unwrap();
    // Not remembered: the next test's server may get this one's port.
    let fingerprint = host.public_key().fingerprint(HashAlg::Sha256).to_string();
    let config = Arc::new(server::Config {
        keys: vec![host],
        methods: MethodSet::from(&[behaviour.methods, &[MethodKind::PublicKey]].concat()[..]),
        auth_rejection_time: Duration::from_millis(10),
        ..Default::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let shared = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = Server { behaviour, heard: Arc::clone(&shared), asked: 0 };
            if let Ok(session) = server::run_stream(Arc::clone(&config), stream, handler).await {
                tokio::spawn(session);
            }
        }
    });
    let options = ConnectOptions::new("127.0.0.1").port(port).user("bob").ssh_config(SshConfigUse::None);
    (options.pinned_host_key(fingerprint).use_agent(false).connect_timeout(Duration::from_secs(10)), heard)
}

fn heard(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().clone()
}

#[tokio::test]
async fn the_right_password_is_sent_once() {
    let (options, said) = serve(PLAIN).await;
    let link = SshLink::connect(options.password(PASSWORD)).await.unwrap();
    assert_eq!(heard(&said), ["none".to_owned(), format!("password bob {PASSWORD}")]);
    assert_eq!(link.login_password().unwrap().reveal(), PASSWORD);
}

#[tokio::test]
async fn r31_a_wrong_password_is_sent_once_by_one_method() {
    const BOTH: Behaviour = Behaviour {
        methods: &[MethodKind::Password, MethodKind::KeyboardInteractive],
        questions: &[&[("Password: ", false)]],
        key_first: false,
    };
    let (options, said) = serve(BOTH).await;
    let error = refused(options.password("wrong")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert_eq!(heard(&said), ["none", "password bob wrong"]);
    assert!(error.message.contains("bob") && !error.message.contains("wrong"), "{error}");
}

#[tokio::test]
async fn r17_a_server_that_does_not_decide_on_a_login_times_out() {
    let (options, _) = serve(PLAIN).await;
    let options = options.password(UNDECIDED).connect_timeout(Duration::from_millis(500));
    let error = tokio::time::timeout(Duration::from_secs(20), refused(options)).await.unwrap();
    assert_eq!(error.reason, ConnectReason::Timeout, "{error}");
    assert!(error.message.contains("login of bob") && !error.message.contains(UNDECIDED), "{error}");
}

#[tokio::test]
async fn a_password_is_not_sent_where_none_is_taken() {
    const KEYS: Behaviour = Behaviour { methods: &[MethodKind::PublicKey], questions: &[], key_first: false };
    let (options, said) = serve(KEYS).await;
    let error = refused(options.password(PASSWORD)).await;
    assert_eq!((error.reason, heard(&said)), (ConnectReason::AuthFailed, vec!["none".to_owned()]));
    assert!(error.message.contains("publickey"), "{error}");
}

#[tokio::test]
async fn a_hidden_question_is_answered_and_empty_ones_too() {
    let (options, said) = serve(asking(&[&[], &[("Password: ", false)], &[]])).await;
    SshLink::connect(options.password(PASSWORD)).await.unwrap();
    assert_eq!(heard(&said)[2], format!("answers {:?}", [PASSWORD]));
}

#[tokio::test]
async fn other_questions_are_not_answered() {
    let cases: [&'static [&'static [(&'static str, bool)]]; 4] = [
        &[&[("User name: ", true)]],
        &[&[("Password: ", false), ("Code: ", false)]],
        &[&[("Password: ", false)], &[("Code: ", false)]],
        &[&[("Password: ", false)], &[("New password: ", false)]],
    ];
    for questions in cases {
        let (options, said) = serve(asking(questions)).await;
        let error = refused(options.password(PASSWORD)).await;
        assert_eq!(error.reason, ConnectReason::AuthFailed, "{questions:?}");
        let asked = questions.last().unwrap().last().unwrap().0.trim();
        assert!(error.message.contains(asked), "{error}");
        let answers = heard(&said).iter().filter(|said| said.starts_with("answers")).count();
        assert_eq!(answers, questions.len() - 1, "{questions:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_answered_once() {
    let (options, said) = serve(asking(&[&[("Password: ", false)], &[("Password: ", false)]])).await;
    let error = refused(options.password("wrong")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert_eq!(heard(&said).iter().filter(|said| said.contains("wrong")).count(), 1);
}

#[tokio::test]
async fn key_and_password_together_where_the_host_wants_both() {
    const BOTH: Behaviour = Behaviour { methods: &[MethodKind::Password], questions: &[], key_first: true };
    let (options, said) = serve(BOTH).await;
    let dir = tempfile::tempdir().unwrap();
    let path = key(dir.path(), "key", &["-t", "ed25519"]);
    let link = SshLink::connect(options.clone().key_path(&path).password(PASSWORD)).await;
    assert!(link.is_ok(), "{:?} {:?}", link.err(), heard(&said));
    assert_eq!(heard(&said).last().unwrap(), &format!("password bob {PASSWORD}"));
    let error = refused(options.key_path(&path)).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert!(error.message.contains("further proof"), "{error}");
}

#[tokio::test]
async fn a_text_that_unlocked_a_key_is_never_sent() {
    const BOTH: Behaviour = Behaviour {
        methods: &[MethodKind::Password, MethodKind::KeyboardInteractive],
        questions: &[&[("Password: ", false)]],
        key_first: false,
    };
    let dir = tempfile::tempdir().unwrap();
    let path = key(dir.path(), "key", &["-t", "ed25519", "-N", "the passphrase"]);
    let (options, said) = serve(BOTH).await;
    let error = refused(options.clone().key_path(&path).password("the passphrase")).await;
    assert_eq!(error.reason, ConnectReason::AuthFailed);
    assert_eq!(heard(&said), ["offer"]);
    // With a passphrase of its own, the password stays a login password.
    let both = options.key_path(&path).passphrase("the passphrase").password(PASSWORD);
    SshLink::connect(both).await.unwrap();
    assert!(heard(&said).iter().all(|said| !said.contains("the passphrase")));
}

#[tokio::test]
async fn a_password_goes_with_an_unlocked_key_that_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = key(dir.path(), "key", &["-t", "ed25519"]);
    let (options, said) = serve(PLAIN).await;
    SshLink::connect(options.key_path(&path).password(PASSWORD)).await.unwrap();
    assert_eq!(heard(&said).last().unwrap(), &format!("password bob {PASSWORD}"));
}
