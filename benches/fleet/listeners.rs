//! Real sshd listeners, as many as asked for, each with sshd's own limits: nobody is turned away, and a refused
//! password is tried once in the whole fleet.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use kensa::{
    ConnectOptions, ConnectReason, FleetError, HostKeyPolicy, HostScan, LoadOptions, ScanOptions,
    SshConfigUse, Target, scan_many,
};
use serde_json::{Value, json};

use crate::process::cpu;
use crate::rules;

/// Rules of each scan: logins are what is measured here.
const RULES: usize = 20;

/// One sshd.
struct Listener {
    port: u16,
    log: PathBuf,
    child: Child,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Listener {
    fn start(folder: &Path, number: usize) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (at, log) = (folder.display(), folder.join(format!("log-{number}")));
        let config = folder.join(format!("config-{number}"));
        let lines = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/user_key.pub\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication yes\n\
             KbdInteractiveAuthentication no\nLogLevel VERBOSE\nUseDNS no\n"
        );
        fs::write(&config, lines).unwrap();
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-E"]).arg(&log).arg("-f").arg(&config).stdin(Stdio::null());
        Self { port, log, child: sshd.spawn().unwrap() }
    }

    fn target(&self, options: impl Fn(ConnectOptions) -> ConnectOptions) -> Target {
        let connect = ConnectOptions::new("127.0.0.1")
            .port(self.port)
            .ssh_config(SshConfigUse::None)
            .host_key_policy(HostKeyPolicy::Off);
        // The hosts share this machine's cores: what is measured is who is turned away, not who is slow.
        let mut target = Target::new(options(connect).connect_timeout(Duration::from_secs(120)));
        target.session.start_timeout = Duration::from_secs(120);
        target
    }
}

pub(crate) fn measure(count: usize) -> Value {
    let folder = tempfile::tempdir().unwrap();
    for name in ["host_key", "user_key"] {
        let key = folder.path().join(name);
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key).status();
        assert!(made.unwrap().success(), "ssh-keygen");
    }
    let _ = fs::create_dir_all("/run/sshd");
    let listeners: Vec<Listener> = (0..count).map(|number| Listener::start(folder.path(), number)).collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    for listener in &listeners {
        while std::net::TcpStream::connect(("127.0.0.1", listener.port)).is_err() {
            assert!(Instant::now() < deadline, "no sshd at port {}", listener.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    rules::write(&folder.path().join("rules"), RULES);
    let key = folder.path().join("user_key");
    let with_key = |connect: ConnectOptions| connect.key_path(&key);
    let scan = |targets: Vec<Target>| scan(folder.path(), targets);

    let each_its_own = scan(listeners.iter().map(|one| one.target(with_key)).collect());
    // One sshd with its default MaxStartups, and everybody at once.
    let all_at_one = scan((0..count).map(|_| listeners[0].target(with_key)).collect());
    let wrong = |connect: ConnectOptions| connect.user("nobody").password("not-this-one").use_agent(false);
    let logged = |text: &str| -> usize {
        listeners.iter().map(|one| fs::read_to_string(&one.log).unwrap().matches(text).count()).sum()
    };
    let attempts = logged("Failed password");
    let refused = scan(listeners.iter().map(|one| one.target(wrong)).collect());
    json!({
        "count": count,
        "a scan of each": each_its_own,
        "as many scans of one": all_at_one,
        "drops by MaxStartups, in all": logged("MaxStartups"),
        "a wrong password for all": refused,
        "attempts with it": logged("Failed password") - attempts,
    })
}

fn scan(folder: &Path, targets: Vec<Target>) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let corpus = Arc::new(kensa::load_rules(folder.join("rules"), &LoadOptions::default()).unwrap());
    let count = targets.len();
    let (began, used) = (Instant::now(), cpu());
    let settled: Vec<HostScan> =
        runtime.block_on(scan_many(targets, corpus, ScanOptions::default(), count).collect());
    let (took, used) = (began.elapsed(), cpu() - used);
    let of = |wanted: Option<ConnectReason>| {
        let reason = |host: &&HostScan| match &host.outcome {
            Ok(report) => wanted.is_none() && report.summary.pass == RULES,
            Err(FleetError::Connect(error)) => wanted == Some(error.reason),
            Err(_) => false,
        };
        settled.iter().filter(reason).count()
    };
    let (whole, denied) = (of(None), of(Some(ConnectReason::AuthFailed)));
    for host in settled.iter().filter_map(|host| host.outcome.as_ref().err()).take(3) {
        println!("for example: {host}");
    }
    json!({
        "complete": whole,
        "login refused": denied,
        "anything else": count - whole - denied,
        "seconds": took.as_secs_f64(),
        "client CPU ms each": (used.as_secs_f64() * 10_000.0 / count as f64).round() / 10.0,
    })
}
