//! The password for sudo, during whole sessions with a real host: in no argument, environment, log, answer or debug
//! output, on either side. A process of its own: it owns the loggers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

mod common;
mod loggers;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::bed::{Bed, WAYS};
use common::{ask, output};
use kensa_core::Output;
use kensa_ssh::{Become, SessionOptions, detect};
use loggers::{heard, listen, ways};

/// What a sampler met.
#[derive(Debug, Default)]
struct Sampled {
    passes: usize,
    /// Command lines of sudo.
    sudos: BTreeSet<String>,
    /// Where the secret showed.
    shown: Vec<String>,
}

/// Looks through the arguments and environments of all processes of this machine, which those of the test hosts belong
/// to, until told to stop.
struct Sampler {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Sampled>,
}

impl Sampler {
    fn start(secret: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, ways) = (Arc::clone(&stop), ways(secret));
        let thread = std::thread::spawn(move || {
            let mut sampled = Sampled::default();
            while !stopped.load(Ordering::Relaxed) {
                sample(&ways, &mut sampled);
            }
            sampled
        });
        Self { stop, thread }
    }

    fn end(self) -> Sampled {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn sample(ways: &[String], sampled: &mut Sampled) {
    sampled.passes += 1;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        for name in ["cmdline", "environ"] {
            let Ok(bytes) = std::fs::read(entry.path().join(name)) else { continue };
            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
            if ways.iter().any(|way| text.contains(way)) {
                sampled.shown.push(format!("{}/{name}: {text}", entry.path().display()));
            }
            if name == "cmdline" && text.starts_with("sudo ") {
                sampled.sudos.insert(text);
            }
        }
    }
}

#[test]
fn the_sampler_sees_arguments_and_environments() {
    let secret = "sampled-word-42";
    let encoded = ways(secret).pop().unwrap();
    let cases = [("arguments", secret), ("environment", secret), ("arguments", encoded.as_str())];
    for (place, text) in cases {
        let mut command = Command::new("sh");
        if place == "arguments" {
            command.args(["-c", "read -r x", text]);
        } else {
            command.args(["-c", "read -r x"]).env("PLANTED", text);
        }
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut sampled = Sampled::default();
        // The new process takes its arguments on when it begins to run.
        for _ in 0..100 {
            sample(&ways(secret), &mut sampled);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!sampled.shown.is_empty(), "{place}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_the_password_for_sudo_shows_nowhere() {
    let Some(bed) = Bed::up("secret", "debian") else { return };
    listen();
    let secret = "Qx7-secret-of-sudo-9";
    bed.exec(&format!("echo 'scanpw:{secret}' | chpasswd"));
    let sampler = Sampler::start(secret);
    let mut shown = String::new();
    for way in WAYS {
        for given in [secret, "Qx7-wrong-of-sudo-9"] {
            let become_ = Become::Sudo { password: Some(given.into()) };
            write!(shown, "{become_:?}").unwrap();
            let session = match bed.session_with(way, "scanpw", become_, SessionOptions::default()).await {
                Ok(session) => session,
                Err(error) => {
                    assert_ne!(given, secret, "{error}");
                    write!(shown, "{error} {error:?}").unwrap();
                    continue;
                }
            };
            write!(shown, "{session:?} {:?}", session.stats()).unwrap();
            // What a command can find out about the shell it runs in and everything round it.
            let commands = [
                "id -u",
                "env; set",
                "ps -efww",
                "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ",
                "journalctl --no-pager | tail -n 200; cat /var/log/auth.log",
                "sleep 0.3",
            ];
            let answers = ask(&session, &commands).await;
            assert_eq!(output(&answers[0]).stdout, b"0\n");
            for answer in &answers {
                let Output { stdout, stderr, .. } = output(answer);
                write!(shown, "{} {}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
                    .unwrap();
            }
            write!(shown, "{answers:?}").unwrap();
            detect::detect(&session, &Default::default()).await;
            session.close().await;
        }
    }
    let sampled = sampler.end();
    println!("{} passes, {} different sudos", sampled.passes, sampled.sudos.len());
    assert_eq!(sampled.shown, Vec::<String>::new());
    // It was there when sudo ran, and with the password asked for on its standard input.
    let asking = sampled.sudos.iter().filter(|line| line.starts_with("sudo -S -p")).count();
    assert!(sampled.passes > 10 && asking > 0, "{sampled:?}");

    let heard = heard();
    assert!(heard.contains("russh") && heard.len() > 10_000, "{} bytes of logs", heard.len());
    let logs = bed.tell("logs", &[]);
    for (name, text) in
        [("our logs", &heard), ("answers and debug output", &shown), ("the host's log", &logs)]
    {
        for given in [secret, "Qx7-wrong-of-sudo-9"] {
            for way in ways(given) {
                assert!(!text.contains(&way), "{name} show the password as {way}");
            }
        }
    }
}
