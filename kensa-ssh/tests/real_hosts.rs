//! Login shells, privilege and faults on real hosts, through the native connection and the system's `ssh`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::{Duration, Instant};

use base64::Engine;
use common::bed::{Bed, WAYS, Way};
use common::{ask, output, seconds, stdout};
use kensa_core::{PackageManager, Probe, Reason, Transport};
use kensa_ssh::{Become, ConnectReason, Session, SessionOptions, detect};

fn sudo() -> Become {
    Become::Sudo { password: None }
}

fn sudo_with(password: &str) -> Become {
    Become::Sudo { password: Some(password.into()) }
}

/// That the session is root's and keeps streams, status and noise apart.
async fn works(session: &Session, who: &str) {
    let commands =
        ["id -u", "echo out; echo err >&2; exit 3", "cat /etc/shadow | wc -l", "pwd; umask; echo $LC_ALL"];
    let answers = ask(session, &commands).await;
    assert_eq!(stdout(&answers[0]), "0\n", "{who}");
    let both = output(&answers[1]);
    assert_eq!(
        (both.exit_code, both.stdout_text(), both.stderr_text()),
        (3, "out\n".into(), "err\n".into()),
        "{who}"
    );
    assert!(stdout(&answers[2]).trim().parse::<u32>().unwrap() > 5, "{who}");
    assert_eq!(stdout(&answers[3]), "/\n0022\nC\n", "{who}");
    assert!(
        answers.iter().skip(2).all(|answer| output(answer).stderr.is_empty()),
        "{who}: noise in evidence"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_sudo_with_and_without_password() {
    let Some(bed) = Bed::up("sudo", "debian") else { return };
    for way in WAYS {
        works(&bed.session(way, "scan", sudo()).await.unwrap(), "scan").await;
        works(&bed.session(way, "scan", sudo_with("not needed")).await.unwrap(), "scan, password not needed")
            .await;
        works(&bed.session(way, "scanpw", sudo_with("Scan-pw-1")).await.unwrap(), "scanpw").await;
        works(&bed.session(way, "u-lecture", sudo_with("Scan-pw-1")).await.unwrap(), "u-lecture").await;
        works(&bed.session(way, "root", sudo()).await.unwrap(), "root").await;

        let refused = [
            ("scanpw", sudo(), "asks for a password and none was given"),
            ("scanpw", sudo_with("wrong"), "refused the password"),
            ("nosudo", sudo(), ""),
            ("nosudo", sudo_with("Scan-pw-1"), "does not allow"),
            ("scan", Become::Doas, "not installed"),
        ];
        for (user, become_, text) in refused {
            let error = bed.session(way, user, become_).await.unwrap_err();
            assert_eq!(error.reason, ConnectReason::SudoDenied, "{user}: {error}");
            assert!(error.message.contains(text), "{user}: {error}");
            assert!(!error.to_string().contains("wrong"), "{error}");
        }
    }
    let logs = bed.tell("logs", &[]);
    assert!(!logs.contains("3 incorrect password attempts"), "a wrong password is tried once");
    assert!(!logs.contains("Scan-pw-1"));
}

/// The test bed's hosts have no doas: they get this machine's, which is of the same system.
fn install_doas(bed: &Bed) -> bool {
    let Ok(program) = std::fs::read("/usr/bin/doas") else {
        let text = "no doas is installed (Debian: opendoas)";
        assert!(!std::env::var("KENSA_BED_REQUIRED").is_ok_and(|value| value == "1"), "{text}");
        println!("skipped: {text}");
        return false;
    };
    let encoded = base64::engine::general_purpose::STANDARD.encode(program);
    let script = format!(
        "base64 -d > /usr/bin/doas <<'EOF'\n{encoded}\nEOF\nchmod 4755 /usr/bin/doas\n\
         printf '@include common-auth\n@include common-account\n' > /etc/pam.d/doas\n\
         printf 'permit nopass scan as root\npermit scanpw as root\n' > /etc/doas.conf\nchmod 600 /etc/doas.conf\n"
    );
    bed.tell("exec", &["sh", "-c", &script]);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_doas_without_a_password() {
    let Some(bed) = Bed::up("doas", "debian") else { return };
    if !install_doas(&bed) {
        return;
    }
    for way in WAYS {
        works(&bed.session(way, "scan", Become::Doas).await.unwrap(), "scan").await;
        for (user, text) in
            [("scanpw", "doas: Authentication required"), ("nosudo", "doas: Operation not permitted")]
        {
            let error = bed.session(way, user, Become::Doas).await.unwrap_err();
            assert_eq!(error.reason, ConnectReason::SudoDenied, "{user}: {error}");
            assert!(error.message.contains(text), "{user}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_su_and_requiretty_over_a_terminal() {
    let Some(bed) = Bed::up("tty", "debian") else { return };
    let su = |password: &str| Become::Su { password: Some(password.into()) };
    for way in WAYS {
        for (user, become_) in [("u-su", su("Root-pw-1")), ("u-tty", sudo())] {
            let session = bed.session_with(way, user, become_, seconds(1.0)).await.unwrap();
            works(&session, user).await;
            // What a terminal could spoil: line feeds, tabs, other control characters, nothing at the end.
            let exact = "printf 'a\\tb\\r\\n\\003\\004\\032x\\377'; printf 'e\\n\\n' >&2; false";
            let commands = [
                exact,
                "sleep 1000",
                "echo next",
                "if",
                "head -c 300000 /dev/zero | tr '\\0' x",
                "cat",
                "exit 7",
            ];
            let answers = ask(&session, &commands).await;
            let first = output(&answers[0]);
            assert_eq!(first.stdout, b"a\tb\r\n\x03\x04\x1ax\xff", "{user} {way:?}");
            assert_eq!((first.stderr.as_slice(), first.exit_code), (&b"e\n\n"[..], 1), "{user} {way:?}");
            let hung = answers[1].as_ref().unwrap_err();
            assert_eq!(hung.reason, Reason::TimedOut, "{user} {way:?}: {hung:?}");
            assert_eq!(
                hung.partial.as_ref().unwrap().exit_code,
                137,
                "{user}: a killed command is no success"
            );
            assert_eq!(stdout(&answers[2]), "next\n", "{user}");
            assert!(output(&answers[3]).exit_code != 0 && !output(&answers[3]).stderr.is_empty(), "{user}");
            assert_eq!(output(&answers[4]).stdout_total, 300_000, "{user}");
            assert_eq!(stdout(&answers[5]), "", "{user}");
            assert_eq!(output(&answers[6]).exit_code, 7, "{user}");
        }
        let error = bed.session(way, "u-su", su("wrong")).await.unwrap_err();
        assert_eq!(error.reason, ConnectReason::SudoDenied, "{error}");
        assert!(error.message.contains("su refused the password"), "{error}");
        let error = bed.session(way, "u-su", Become::Su { password: None }).await.unwrap_err();
        assert!(error.message.contains("none was given"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_every_login_shell_and_none() {
    let Some(bed) = Bed::up("shells", "debian") else { return };
    for way in WAYS {
        for user in ["u-dash", "u-zsh", "u-fish", "u-csh", "u-noisy"] {
            works(&bed.session(way, user, sudo()).await.unwrap_or_else(|e| panic!("{user}: {e}")), user)
                .await;
            let plain = bed.session(way, user, Become::None).await.unwrap();
            assert_ne!(stdout(&ask(&plain, &["id -u"]).await[0]), "0\n", "{user}");
        }
        for (user, text) in [("u-nologin", "not available"), ("u-force", "")] {
            for become_ in [Become::None, sudo()] {
                let error = bed.session(way, user, become_).await.unwrap_err();
                assert_eq!(error.reason, ConnectReason::ShellRefused, "{user}: {error}");
                assert!(error.message.contains(text), "{user}: {error}");
            }
        }
        let error = bed.session(way, "u-expired", sudo()).await.unwrap_err();
        println!("{way:?}: {error}");
        assert!(matches!(error.reason, ConnectReason::AuthFailed | ConnectReason::Closed), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_one_login_and_one_sudo_for_everything() {
    let Some(bed) = Bed::up("count", "debian") else { return };
    bed.tell("mark", &[]);
    let session = bed.session(Way::Native, "scan", sudo()).await.unwrap();
    let probes: Vec<Probe> =
        (0..300).map(|n| Probe::command_text(format!("echo {n}; echo e{n} >&2"))).collect();
    let outputs = session.ask_all(&probes).await;
    for (n, probe) in probes.iter().enumerate() {
        let own = output(outputs.get(probe).unwrap());
        assert_eq!(
            (own.stdout_text(), own.stderr_text()),
            (format!("{n}\n").into(), format!("e{n}\n").into())
        );
    }
    let facts = detect::detect(&session, &Default::default()).await;
    assert_eq!(facts.platform.map(|platform| platform.key()).as_deref(), Some("debian12"));
    let stats = session.stats();
    session.close().await;
    assert_eq!(bed.tell("count", &[]).trim(), "logins=1 sessions=1 sudos=1", "{stats:?}");
    assert!(stats.round_trips <= 5, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r11_r14_hung_and_flooding_commands_on_a_host() {
    let Some(bed) = Bed::up("hung", "debian") else { return };
    for (way, user) in [(Way::Native, "scan"), (Way::OpenSsh, "scan"), (Way::Native, "u-one")] {
        // sudo without password for both; u-one has one session per connection.
        let session = bed.session_with(way, user, sudo(), seconds(1.0)).await.unwrap();
        let begun = Instant::now();
        let answers = ask(&session, &["echo before", "sleep 1001; echo no", "echo after"]).await;
        assert_eq!(answers[1].as_ref().unwrap_err().reason, Reason::TimedOut, "{user}");
        assert_eq!(stdout(&answers[0]) + &stdout(&answers[2]), "before\nafter\n");
        let limit = if user == "u-one" { 5.0 } else { 2.5 };
        assert!(begun.elapsed().as_secs_f64() < limit, "{way:?} {user}: {:?}", begun.elapsed());
        assert!(!bed.stays("sleep 1001").await, "{way:?} {user}");
        let flood = ask(&session, &["yes", "echo next"]).await;
        let total = output(&flood[0]).stdout_total;
        assert!(output(&flood[0]).is_truncated(), "{total}");
        println!("{way:?} {user}: {total} bytes of a flood were taken");
        assert_eq!(stdout(&flood[1]), "next\n");
        // Going away stops what runs.
        let probes = [Probe::command_text("sleep 1002")];
        assert!(tokio::time::timeout(Duration::from_millis(500), session.ask_all(&probes)).await.is_err());
        tokio::time::sleep(Duration::from_millis(if user == "u-one" { 2500 } else { 900 })).await;
        assert!(!bed.stays("sleep 1002").await, "{way:?} {user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r18_nothing_that_became_root_stays_behind_a_cancelled_call() {
    let Some(bed) = Bed::up("left", "debian") else { return };
    let su = Become::Su { password: Some("Root-pw-1".into()) };
    for (way, user, become_, program) in [
        (Way::Native, "scan", sudo(), "sudo -n"),
        (Way::OpenSsh, "scan", sudo(), "sudo -n"),
        (Way::Native, "scanpw", sudo_with("Scan-pw-1"), "sudo -"),
        (Way::Native, "u-su", su, "su root"),
    ] {
        let session = bed.session(way, user, become_).await.unwrap();
        assert!(bed.stays(program).await, "{way:?} {user}: looked for under its name");
        let probes = [Probe::command_text("sleep 1003")];
        assert!(tokio::time::timeout(Duration::from_millis(500), session.ask_all(&probes)).await.is_err());
        drop(session);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(!bed.stays(program).await, "{way:?} {user}: {}", bed.exec("ps -ef"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r16_a_connection_killed_twice_loses_nothing() {
    let Some(bed) = Bed::up("lost", "debian") else { return };
    let session = std::sync::Arc::new(bed.session(Way::Native, "scan", sudo()).await.unwrap());
    let probes: Vec<Probe> = (0..60).map(|n| Probe::command_text(format!("sleep 0.05; echo {n}"))).collect();
    let asking = tokio::spawn({
        let (session, probes) = (std::sync::Arc::clone(&session), probes.clone());
        async move { session.ask_all(&probes).await }
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(800)).await;
        bed.tell("kill-sshd", &["sessions"]);
    }
    let outputs = asking.await.unwrap();
    for (n, probe) in probes.iter().enumerate() {
        assert_eq!(stdout(outputs.get(probe).unwrap()), format!("{n}\n"));
    }
    assert_eq!(session.stats().reconnects, 2, "{:?}", session.stats());
    // A shell that dies is not a connection that was lost.
    let answers = ask(&session, &["kill -9 $$", "echo next"]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().reason, Reason::ShellDied);
    assert_eq!(stdout(&answers[1]), "next\n");
    assert_eq!(session.stats().reconnects, 2);
    // A host that is gone is told, for everything asked.
    bed.tell("kill-sshd", &["all"]);
    let answers = ask(&session, &["echo a", "echo b"]).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().reason == Reason::ConnectionLost));
    bed.tell("start-sshd", &[]);
    assert_eq!(stdout(&ask(&session, &["echo back"]).await[0]), "back\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn r26_folded_units_and_packages_are_what_single_commands_print() {
    for (kind, manager, family) in
        [("debian", PackageManager::Dpkg, "debian"), ("rhel9", PackageManager::Rpm, "rhel")]
    {
        let Some(bed) = Bed::up(&format!("fold-{kind}"), kind) else { return };
        bed.exec("systemctl mask --now rpcbind.socket; systemctl disable cron crond");
        let session = bed.session(Way::Native, "scan", sudo()).await.unwrap();
        let units = [
            "sshd",
            "ssh.service",
            "cron",
            "crond",
            "rpcbind.socket",
            "no-such-unit",
            "getty@tty1",
            "dbus.socket",
            "tmp.mount",
        ];
        let packages = ["bash", "sudo", "no-such-package", "coreutils", "telnet", "kernel", "openssh-server"];
        let keys =
            ["net.ipv4.ip_forward", "kernel.randomize_va_space", "no.such.key", "net.ipv4.tcp_rmem", "a.b"];
        let mut probes: Vec<Probe> = units.iter().map(|name| Probe::unit(*name)).collect();
        probes.extend(packages.iter().map(|name| Probe::package(manager, *name)));
        probes.extend(keys.iter().map(|key| Probe::sysctl(*key)));
        let together = session.ask_all(&probes).await;
        let mut folded = 0;
        for probe in &probes {
            let alone = session.run(&probe.command(), None).await.unwrap();
            let got = output(together.get(probe).unwrap());
            assert_eq!(
                (got.exit_code, got.stdout_text(), got.stderr_text()),
                (alone.exit_code, alone.stdout_text(), alone.stderr_text()),
                "{kind}: {probe}"
            );
            folded += usize::from(got.via.is_some());
        }
        assert_eq!(folded, probes.len(), "{kind}");
        let facts = detect::detect(&session, &Default::default()).await;
        println!(
            "{kind}: {:?}",
            facts.capabilities.iter().filter(|(_, has)| **has).map(|(name, _)| name).collect::<Vec<_>>()
        );
        assert_eq!(facts.platform.as_ref().map(|platform| platform.family.as_str()), Some(family));
        assert_eq!(facts.undetermined, Default::default(), "{kind}");
        for name in ["systemd", "sudo", "sshd", "journald", "cron"] {
            assert_eq!(facts.capability(name), Some(true), "{kind}: {name}");
        }
        assert_eq!(facts.capability("rpm"), Some(kind == "rhel9"));
        let unprivileged = bed.session(Way::Native, "nosudo", Become::None).await.unwrap();
        let facts = detect::detect(&unprivileged, &Default::default()).await;
        println!("{kind}, not root: undetermined {:?}", facts.undetermined);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_name_the_host_and_make_it_nice() {
    let Some(bed) = Bed::up("nice", "debian") else { return };
    let options =
        SessionOptions { nice: Some(7), host: Some("db-1".to_owned()), ..SessionOptions::default() };
    let session = bed.session_with(Way::Native, "scan", sudo(), options).await.unwrap();
    assert_eq!(session.host(), "db-1");
    assert_eq!(stdout(&ask(&session, &["nice"]).await[0]), "7\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_host_that_hangs_as_a_whole_is_given_up() {
    let Some(bed) = Bed::up("frozen", "debian") else { return };
    for frozen in [true, false] {
        let options = SessionOptions { start_timeout: Duration::from_secs(4), ..seconds(2.0) };
        let session = bed.session_with(Way::Native, "scan", sudo(), options).await.unwrap();
        bed.tell(if frozen { "freeze" } else { "drop" }, &[]);
        let begun = Instant::now();
        let answers = ask(&session, &["echo a", "echo b", "echo c"]).await;
        bed.tell(if frozen { "thaw" } else { "heal" }, &[]);
        for answer in &answers {
            let reason = answer.as_ref().unwrap_err().reason;
            assert!(matches!(reason, Reason::ConnectionLost | Reason::TimedOut), "{reason}");
        }
        println!("given up after {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
        assert_eq!(stdout(&ask(&session, &["echo back"]).await[0]), "back\n");
    }
}
