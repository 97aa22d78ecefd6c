//! The program against real hosts: the same verdicts over SSH and on the host itself, evidence that replays, the
//! cost as the server counts it, and every refusal as one clear line with its exit code.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../../tests/bed/host.rs"]
mod bed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bed::Host;
use kensa::{Become, ConnectOptions, ScanReport, Session, SessionOptions, SshConfigUse, Status};

/// The program, with a home of its own so that nothing of the user's takes part.
struct Kensa {
    home: tempfile::TempDir,
}

impl Kensa {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn known_hosts(&self) -> PathBuf {
        self.home.path().join("known_hosts")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kensa"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var("PATH").unwrap());
        command
    }

    /// Arguments that reach `host` as `user` with the bed's key.
    fn target<'a>(&'a self, host: &'a Host, user: &'a str) -> Vec<String> {
        let known_hosts = self.known_hosts().display().to_string();
        [
            "-H",
            host.fact("addr"),
            "-u",
            user,
            "-k",
            host.fact("key"),
            "--known-hosts",
            &known_hosts,
            "--ssh-config",
            "none",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn scan(&self, host: &Host, user: &str, more: &[&str]) -> ScanReport {
        let target = self.target(host, user);
        let mut arguments = vec!["check", "--format", "json", "--quiet"];
        arguments.extend(target.iter().map(String::as_str));
        arguments.extend(more);
        report(&self.run(&arguments))
    }
}

fn report(output: &Output) -> ScanReport {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{:?}: {stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

/// What a verdict is, without times and places.
fn verdicts(report: &ScanReport) -> BTreeMap<String, (Status, String)> {
    let results = report.results.iter();
    results.map(|one| (one.rule_id.clone(), (one.status, one.detail.clone()))).collect()
}

const KINDS: [&str; 2] = ["debian", "rhel9"];

#[test]
fn over_ssh_and_on_the_host_itself_every_verdict_is_the_same() {
    for kind in KINDS {
        let Some(host) = Host::up("cli-same", kind) else { return };
        let kensa = Kensa::new();
        let remote = kensa.scan(&host, "scan", &["--sudo"]);
        assert!(remote.results.len() >= 60, "{} rules", remote.results.len());
        assert!(remote.summary.pass > 20 && remote.summary.fail > 20, "{:?}", remote.summary);
        host.install(Path::new(env!("CARGO_BIN_EXE_kensa")), "/run/kensa");
        let local = host.exec("/run/kensa check --local --format json --quiet");
        let local: ScanReport = serde_json::from_str(&local).unwrap();
        let (remote, local) = (verdicts(&remote), verdicts(&local));
        for (rule, verdict) in &remote {
            assert_eq!(Some(verdict), local.get(rule), "{kind}: {rule}");
        }
    }
}

#[test]
fn a_scan_costs_one_login_few_execs_and_one_sudo_and_leaves_no_file() {
    for kind in KINDS {
        let Some(host) = Host::up("cli-cost", kind) else { return };
        let kensa = Kensa::new();
        host.exec("touch /run/before; sleep 0.1");
        host.tell("mark", &[]);
        let report = kensa.scan(&host, "scan", &["--sudo"]);
        assert_eq!(report.completeness.unanswered, 0);
        assert_eq!(host.count("logins"), 1, "{kind}");
        assert!(host.count("sessions") <= 3, "{kind}: {} sessions", host.count("sessions"));
        assert_eq!(host.count("sudos"), 1, "{kind}");
        // Logs, login records and the lock file of rpm's database are those programs' own; the scan writes nothing.
        let written = host.exec(
            "find / -xdev -newer /run/before -type f ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' \
             ! -path '/var/log/*' ! -path '/var/lib/systemd/*' ! -path '/var/lib/chrony/*' ! -path '/var/lib/rpm/*-shm' 2>/dev/null",
        );
        assert_eq!(written, "", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bundled_rules_take_one_shell_and_a_handful_of_round_trips() {
    for kind in KINDS {
        let Some(host) = Host::up("cli-trips", kind) else { return };
        let options = ConnectOptions::new(host.fact("addr"))
            .user("scan")
            .key_path(host.fact("key"))
            .ssh_config(SshConfigUse::None)
            .host_key_policy(kensa::HostKeyPolicy::Off);
        let become_ = Become::Sudo { password: None };
        let session = Session::connect(options, become_, SessionOptions::default()).await.unwrap();
        let corpus = kensa::bundled_rules().unwrap();
        let report =
            kensa::scan(&session, &corpus, &kensa::ScanOptions::default(), &mut |_| {}).await.unwrap();
        let stats = session.stats();
        println!("{kind}: {} rules, {stats:?}", report.results.len());
        assert_eq!(report.completeness.unanswered, 0, "{kind}");
        assert_eq!((stats.execs, stats.shells, stats.reconnects), (1, 1, 0), "{kind}: {stats:?}");
        // The hello, detection, and one for each wave of questions.
        assert!(stats.round_trips <= 8, "{kind}: {stats:?}");
        session.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_piece_of_evidence_replays() {
    for kind in KINDS {
        let Some(host) = Host::up("cli-replay", kind) else { return };
        let kensa = Kensa::new();
        let report = kensa.scan(&host, "scan", &["--sudo"]);
        let options = ConnectOptions::new(host.fact("addr"))
            .user("scan")
            .key_path(host.fact("key"))
            .ssh_config(SshConfigUse::None)
            .known_hosts([kensa.known_hosts()]);
        let become_ = Become::Sudo { password: None };
        let session = Session::connect(options, become_, SessionOptions::default()).await.unwrap();
        let mut again: BTreeMap<String, (i32, String)> = BTreeMap::new();
        let mut replayed = 0;
        for result in &report.results {
            for evidence in &result.evidence {
                if evidence.redacted || evidence.lossy || evidence.stdout_bytes.is_some() {
                    continue;
                }
                if !again.contains_key(&evidence.command) {
                    let output = session.run(&evidence.command, None).await.unwrap();
                    again.insert(
                        evidence.command.clone(),
                        (output.exit_code, output.stdout_text().into_owned()),
                    );
                }
                let (exit_code, stdout) = &again[&evidence.command];
                assert_eq!(
                    (exit_code, stdout),
                    (&evidence.exit_code, &evidence.stdout),
                    "{kind} {}",
                    result.rule_id
                );
                replayed += 1;
            }
        }
        println!("{kind}: {replayed} pieces of evidence, {} commands", again.len());
        assert!(replayed > 200, "{replayed}");
        session.close().await;
    }
}

#[test]
fn the_systems_ssh_gives_the_same_verdicts_as_the_native_one() {
    let Some(host) = Host::up("cli-ways", "debian") else { return };
    let kensa = Kensa::new();
    let native = kensa.scan(&host, "scan", &["--sudo"]);
    let openssh = kensa.scan(&host, "scan", &["--sudo", "--transport", "openssh"]);
    assert_eq!(verdicts(&native), verdicts(&openssh));
}

#[test]
fn a_sudo_password_is_asked_for_once_and_used_once() {
    let Some(host) = Host::up("cli-sudo", "debian") else { return };
    let kensa = Kensa::new();
    let target = kensa.target(&host, "scanpw");
    let mut arguments = vec![
        "check",
        "--format",
        "json",
        "--quiet",
        "--sudo",
        "--password-stdin",
        "--rule",
        "shadow-permissions",
    ];
    arguments.retain(|one| *one != "--rule" && *one != "shadow-permissions");
    arguments.extend(["--category", "filesystem"]);
    arguments.extend(target.iter().map(String::as_str));
    host.tell("mark", &[]);
    let with_password = |password: &str| {
        let mut child = kensa
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), password.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let scanned = report(&with_password("Scan-pw-1\n"));
    assert_eq!(scanned.completeness.unanswered, 0);
    assert_eq!(host.count("sudos"), 1);
    let refused = with_password("wrong\n");
    one_line(&refused, 4, "sudo");
}

/// One clear line on standard error, and the exit code.
fn one_line(output: &Output, code: i32, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let first = stderr.lines().next().unwrap_or_default();
    assert!(first.starts_with("error: ") && first.contains(says), "{stderr}");
    assert!(stderr.lines().count() <= 3, "{stderr}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_refusal_is_one_line_and_an_exit_code() {
    let Some(host) = Host::up("cli-refuse", "debian") else { return };
    let kensa = Kensa::new();
    let check = |more: &[&str], target: &[String]| {
        let mut arguments = vec!["check", "--quiet"];
        arguments.extend(target.iter().map(String::as_str));
        arguments.extend(more);
        kensa.run(&arguments)
    };
    let good = kensa.target(&host, "scan");
    // Wrong host, wrong port.
    one_line(
        &kensa.run(&["check", "-H", "no-such-host.invalid", "--ssh-config", "none"]),
        4,
        "no-such-host.invalid",
    );
    one_line(&check(&["-P", "1"], &good), 4, "refused");
    // Wrong password.
    let known_hosts = kensa.known_hosts().display().to_string();
    let plain =
        ["-H", host.fact("addr"), "-u", "plain", "--known-hosts", &known_hosts, "--ssh-config", "none"];
    let mut child = kensa
        .command(&[&["check", "--password-stdin"][..], &plain].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"wrong\n").unwrap();
    one_line(&child.wait_with_output().unwrap(), 4, "password");
    // No right to sudo.
    one_line(&check(&["--sudo"], &kensa.target(&host, "nosudo")), 4, "sudo");
    // No shell.
    one_line(&check(&[], &kensa.target(&host, "u-nologin")), 4, "shell");
    // A host key that is not known, and one that changed.
    let unknown = kensa.home.path().join("empty").display().to_string();
    let stranger: Vec<String> =
        good.iter().map(|one| if *one == known_hosts { unknown.clone() } else { one.clone() }).collect();
    one_line(&check(&["--host-key-policy", "strict"], &stranger), 4, "host key");
    report(&check(&["--format", "json", "--category", "kernel"], &good));
    host.tell("rekey", &[]);
    one_line(&check(&[], &good), 4, "different key");
}

#[test]
fn unusable_rules_are_one_line_and_exit_code_2() {
    let kensa = Kensa::new();
    let dir = kensa.home.path().join("rules");
    let path = dir.display().to_string();
    let check = || kensa.run(&["check", "--local", "--quiet", "--rules", &path]);
    one_line(&check(), 2, "no such file or folder");
    std::fs::create_dir(&dir).unwrap();
    one_line(&check(), 2, "no file ending in .yml");
    one_line(&kensa.run(&["check", "--local", "--rule", "no-such-rule"]), 2, "no-such-rule");
    one_line(
        &kensa.run(&["check", "--local", "--var", "login_defs_pass_max_days=often"]),
        2,
        "login_defs_pass_max_days",
    );
}
