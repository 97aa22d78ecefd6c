//! A real sshd for tests, on a free loopback port, with keys, files and log of its own.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "test code")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kensa_ssh::ssh::{ConnectOptions, SshConfigUse, SshLink};
use kensa_ssh::{ConnectError, link::Exit, link::Link, link::Streams};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

/// A running server. It ends, with all its sessions, when dropped.
pub struct Sshd {
    pub dir: TempDir,
    pub port: u16,
    config: String,
    child: Child,
}

/// `None`, said aloud, where no sshd is installed. With KENSA_BED_REQUIRED=1 that is a failure.
pub fn program() -> Option<&'static Path> {
    let found =
        ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"].into_iter().map(Path::new).find(|p| p.exists());
    if found.is_none() {
        let text = "no sshd is installed (Debian: openssh-server); tests against a real server cannot run";
        assert!(!std::env::var("KENSA_BED_REQUIRED").is_ok_and(|value| value == "1"), "{text}");
        eprintln!("SKIPPED: {text}");
    }
    found
}

/// Runs a program that has to succeed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// A new key pair in `dir`; returns the private half's path.
pub fn key(dir: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let text = path.to_str().unwrap();
    let passphrase: &[&str] = if arguments.contains(&"-N") { &[] } else { &["-N", ""] };
    run("ssh-keygen", &[&["-q", "-f", text], arguments, passphrase].concat());
    path
}

pub fn public(key: &Path) -> String {
    fs::read_to_string(format!("{}.pub", key.display())).unwrap().trim().to_owned()
}

pub fn user() -> String {
    run("id", &["-un"]).trim().to_owned()
}

impl Sshd {
    /// With an ed25519 host key and further lines of sshd_config; `{dir}` in them is the server's folder.
    pub fn start(lines: &str) -> Option<Self> {
        Self::start_with_host_key(lines, "ed25519")
    }

    pub fn start_with_host_key(lines: &str, kind: &str) -> Option<Self> {
        let program = program()?;
        let dir = tempfile::tempdir().unwrap();
        key(dir.path(), "host_key", &["-t", kind]);
        key(dir.path(), "user_key", &["-t", "ed25519"]);
        fs::write(dir.path().join("authorized_keys"), public(&dir.path().join("user_key"))).unwrap();
        // sshd started by root insists on its folder for privilege separation.
        let _ = fs::create_dir_all("/run/sshd");
        let at = dir.path().display().to_string();
        // Of this one the last line counts.
        let startups = if lines.contains("MaxStartups") { "" } else { "MaxStartups 100\n" };
        let config = format!(
            "{}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel VERBOSE\nUseDNS no\n{startups}",
            lines.replace("{dir}", &at)
        );
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(child) = launch(program, dir.path(), &config, port) {
                return Some(Self { dir, port, config, child });
            }
        }
        panic!("sshd does not start:\n{}", fs::read_to_string(dir.path().join("log")).unwrap());
    }

    /// Ends the server with all its sessions at once.
    pub fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        for session in self.sessions() {
            let _ = Command::new("kill").args(["-9", &session]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.kill();
        let program = program().unwrap();
        self.child = launch(program, self.dir.path(), &self.config, self.port).expect("sshd starts again");
    }

    /// The processes of its connections: sshd gives each a session of its own.
    fn sessions(&self) -> Vec<String> {
        let parent = self.child.id().to_string();
        let table = run("ps", &["-eo", "pid=,ppid="]);
        let pairs: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        let mut found = vec![parent];
        let mut at = 0;
        while at < found.len() {
            for pair in &pairs {
                if pair[1] == found[at] {
                    found.push(pair[0].to_owned());
                }
            }
            at += 1;
        }
        found.split_off(1)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Lets a public key in.
    pub fn authorize(&self, line: &str) {
        let path = self.path("authorized_keys");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{text}\n{line}\n")).unwrap();
    }

    /// What a test needs to reach it, with no credential yet.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions::new("127.0.0.1")
            .port(self.port)
            .user(user())
            .ssh_config(SshConfigUse::None)
            .use_agent(false)
            .known_hosts([self.path("known_hosts")])
            .connect_timeout(Duration::from_secs(20))
    }

    pub fn with_key(&self) -> ConnectOptions {
        self.options().key_path(self.path("user_key"))
    }

    pub async fn connect(&self) -> SshLink {
        SshLink::connect(self.with_key()).await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(program: &Path, dir: &Path, config: &str, port: u16) -> Option<Child> {
    let path = dir.join("sshd_config");
    fs::write(&path, format!("Port {port}\n{config}")).unwrap();
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    let mut command = Command::new(program);
    command.args(["-D", "-e", "-f"]).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut line = String::new();
            let _ = BufReader::new(stream).read_line(&mut line);
            if line.starts_with("SSH-") {
                return Some(child);
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Runs a command to its end: exit, stdout, stderr.
pub async fn output(link: &dyn Link, command: &str) -> (Exit, String, String) {
    let streams = link.open(command).await.unwrap();
    collect(streams).await
}

pub async fn collect(streams: Streams) -> (Exit, String, String) {
    let Streams { stdin, mut stdout, mut stderr, exit } = streams;
    drop(stdin);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (a, b, exit) = tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err), exit);
    a.unwrap();
    b.unwrap();
    (exit, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}

/// The error of a connection that must fail.
pub async fn refused(options: ConnectOptions) -> ConnectError {
    match SshLink::connect(options).await {
        Ok(link) => panic!("connected: {link:?}"),
        Err(error) => error,
    }
}
