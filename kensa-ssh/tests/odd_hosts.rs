//! Hosts on which something is missing, full, exhausted or unusual. Each test breaks a real host in one way and wants
//! true answers or faults, and nothing between.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use common::bed::{Bed, WAYS, Way};
use common::{ask, output, seconds, stdout};
use kensa_core::{Answer, Probe, Reason, Transport};
use kensa_ssh::{Become, ConnectReason, Session};

const SUDO: Become = Become::Sudo { password: None };

/// That commands run, streams are apart, a hung one is stopped and nothing of it stays.
async fn works(bed: &Bed, session: &Session, who: &str, terminal: bool) {
    // Over a terminal, a child in the background that holds standard error keeps a command from ending.
    let background = if terminal { "sleep 9 2>/dev/null & echo x" } else { "sleep 9 & echo x" };
    let commands = ["id -u", "echo out; echo err >&2; exit 3", "sleep 1003", background, "yes", "echo last"];
    let answers = ask(session, &commands).await;
    assert_eq!(stdout(&answers[0]), "0\n", "{who}");
    let both = output(&answers[1]);
    assert_eq!((both.exit_code, both.stdout_text(), both.stderr_text()), (3, "out\n".into(), "err\n".into()));
    assert_eq!(answers[2].as_ref().unwrap_err().reason, Reason::TimedOut, "{who}");
    assert!(!bed.stays("sleep 1003").await, "{who}");
    assert_eq!(stdout(&answers[3]), "x\n", "{who}");
    assert!(output(&answers[4]).is_truncated(), "{who}");
    assert_eq!(stdout(&answers[5]), "last\n", "{who}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_missing_programs_never_break_the_transport() {
    let Some(bed) = Bed::up("bare", "debian") else { return };
    let gone = "timeout setsid stat find sysctl awk sed grep perl python3 systemctl env nohup stty mktemp head tr dd date";
    let left = bed.exec(&format!(
        "for t in {gone}; do for d in bin sbin; do rm -f /usr/$d/$t; done; done; for t in {gone}; do command -v $t; done"
    ));
    assert_eq!(left, "", "still there");
    for way in WAYS {
        let session = bed.session_with(way, "scan", SUDO, seconds(2.0)).await.unwrap();
        works(&bed, &session, "bare", false).await;
        // What cannot be asked is told apart from what is not there.
        let probes = [
            Probe::stat("/etc/passwd"),
            Probe::stat("/no/such"),
            Probe::sysctl("kernel.ostype"),
            Probe::sysctl("kernel.osrelease"),
            Probe::unit("cron"),
            Probe::unit("ssh"),
            Probe::read("/etc/hostname"),
        ];
        let outputs = session.ask_all(&probes).await;
        for path in ["/etc/passwd", "/no/such"] {
            let unknown = outputs.stat(path).unwrap_err();
            assert_eq!(unknown.reason, Reason::ToolMissing, "{path}: {}", unknown.message);
        }
        assert_eq!(outputs.sysctl("kernel.ostype").unwrap_err().reason, Reason::ToolMissing);
        assert_eq!(outputs.unit("cron").unwrap_err().reason, Reason::ToolMissing);
        assert!(outputs.read("/etc/hostname").unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_or_no_place_for_temporary_files_makes_no_difference() {
    let Some(bed) = Bed::up("full", "debian") else { return };
    let full = "for d in /tmp /var/tmp /dev/shm /run/lock; do mount -t tmpfs -o size=16k,noexec none $d; \
                dd if=/dev/zero of=$d/full 2>/dev/null; done; \
                for d in /etc /home /root /opt /usr; do mount --bind $d $d; mount -o remount,bind,ro $d; done; \
                for d in /tmp /var/tmp /dev/shm /run/lock /etc /home/scan /usr/bin; do \
                (echo 12345678901234567890 >$d/more) 2>/dev/null && echo $d; done";
    assert_eq!(bed.exec(full), "", "there is room left");
    for way in WAYS {
        let session = bed.session_with(way, "scan", SUDO, seconds(2.0)).await.unwrap();
        works(&bed, &session, "full", false).await;
    }
    bed.exec("umount /tmp /var/tmp; umount /tmp /var/tmp; rm -rf /tmp /var/tmp");
    assert_eq!(bed.exec("ls -d /tmp /var/tmp 2>/dev/null"), "");
    for way in WAYS {
        let session = bed.session_with(way, "scan", SUDO, seconds(2.0)).await.unwrap();
        works(&bed, &session, "no /tmp", false).await;
    }
    assert_eq!(bed.exec("ls -d /tmp /var/tmp 2>/dev/null"), "", "a scan made it");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_of_processes_there_are_true_answers_and_faults_only() {
    let Some(bed) = Bed::up("pids", "debian") else { return };
    // The limit counts all processes of a user number on this machine.
    bed.exec(
        "useradd -m -u 54321 -s /bin/sh few; cp -r /home/scan/.ssh /home/few; chown -R few /home/few/.ssh",
    );
    let commands = [
        "echo a",
        "echo b | cat | cat | cat | cat | cat | cat",
        "x=$(echo c); echo \"$x\"",
        "stat -c %n -- /etc/passwd",
        "grep -c '^root:' /etc/passwd",
        "for i in 1 2 3; do cat /etc/hostname >/dev/null && echo $i; done",
    ];
    let (mut truth, mut told, mut faults) = (Vec::new(), 0, 0);
    for most in (1..12).rev() {
        let session = bed.session_with(Way::Native, "few", Become::None, seconds(5.0)).await.unwrap();
        if truth.is_empty() {
            truth = ask(&session, &commands).await.iter().map(stdout).collect();
        }
        let limit = format!("prlimit --pid $$ --nproc={most}:{most}");
        assert_eq!(output(&ask(&session, &[&limit]).await[0]).exit_code, 0, "{limit}");
        // A shell that cannot start a process may end; the next one knows no limit.
        for (answer, (command, truth)) in
            ask(&session, &commands).await.iter().zip(commands.iter().zip(&truth))
        {
            match answer {
                Ok(output) if output.exit_code == 0 && output.stderr.is_empty() => {
                    assert_eq!(output.stdout_text(), truth.as_str(), "{most}: {command}");
                    told += 1;
                }
                Ok(_) => faults += 1,
                Err(fault) => {
                    let known = [Reason::ShellDied, Reason::ConnectionLost, Reason::TimedOut, Reason::Killed];
                    assert!(known.contains(&fault.reason), "{most}: {command}: {fault:?}");
                    faults += 1;
                }
            }
        }
    }
    println!("{told} told, {faults} faults");
    assert!(told > 5 && faults > 5, "{told} told, {faults} faults");
    let session = bed.session(Way::Native, "few", Become::None).await.unwrap();
    assert_eq!(stdout(&ask(&session, &["echo back"]).await[0]), "back\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_locale_does_not_reach_the_commands() {
    let Some(bed) = Bed::up("locale", "debian") else { return };
    // Kept by sshd, by PAM and by sudo.
    bed.exec(
        "printf 'LANG=de_DE.UTF-8\\nLC_ALL=de_DE.UTF-8\\nLANGUAGE=de:fr\\nLC_NUMERIC=de_DE.UTF-8\\n' >/etc/environment; \
         cp /etc/environment /etc/default/locale; \
         echo 'Defaults env_keep += \"LANG LANGUAGE LC_* CDPATH ENV BASH_ENV\"' >/etc/sudoers.d/zz-locale; \
         echo 'SetEnv CDPATH=/etc ENV=/etc/passwd BASH_ENV=/etc/passwd' >/etc/ssh/sshd_config.d/00-a.conf",
    );
    bed.tell("kill-sshd", &["listener"]);
    bed.tell("start-sshd", &[]);
    for way in WAYS {
        for become_ in [SUDO, Become::None] {
            let session = bed.session(way, "scan", become_).await.unwrap();
            let commands = ["locale", "echo \"$LANGUAGE|$CDPATH|$ENV|$BASH_ENV\"", "ls /nonexistent", "env"];
            let answers = ask(&session, &commands).await;
            let locale = stdout(&answers[0]);
            assert!(locale.contains("LC_ALL=C") && !locale.contains("LC_TIME=\"de_DE"), "{locale}");
            assert_eq!(stdout(&answers[1]), "|||\n");
            let message = output(&answers[2]).stderr_text().into_owned();
            assert!(message.contains("No such file or directory"), "{message}");
            assert!(stdout(&answers[3]).contains("LC_ALL=C\n"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r20_without_sudo_and_r22_in_a_restricted_shell_the_reason_is_told() {
    let Some(bed) = Bed::up("rbash", "debian") else { return };
    bed.exec("usermod -s /bin/rbash u-dash; test -e /bin/rbash || ln -s bash /bin/rbash");
    for way in WAYS {
        for become_ in [Become::None, SUDO] {
            // rbash refuses `exec`, and nothing is tried to get round it.
            let error = bed.session(way, "u-dash", become_).await.unwrap_err();
            assert_eq!(error.reason, ConnectReason::ShellRefused, "{error}");
            assert!(error.message.contains("restricted"), "{error}");
        }
    }
    bed.exec("mv /usr/bin/sudo /usr/bin/sudo.gone");
    for way in WAYS {
        for password in [None, Some("Scan-pw-1".into())] {
            let error = bed.session(way, "scanpw", Become::Sudo { password }).await.unwrap_err();
            assert_eq!(error.reason, ConnectReason::SudoDenied, "{error}");
            assert!(error.message.contains("not installed"), "{error}");
        }
        // Root needs none.
        assert_eq!(bed.session(way, "root", SUDO).await.unwrap().uid(), Some(0));
    }
    let logs = bed.tell("logs", &[]);
    assert!(!logs.contains("Scan-pw-1"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_sudo_that_logs_and_lectures_leaves_the_streams_clean() {
    let Some(bed) = Bed::up("logsudo", "debian") else { return };
    let defaults = "Defaults log_output, log_input, use_pty, lecture=always, log_subcmds, requiretty\n\
                    Defaults badpass_message=\"wrong\", insults, pwfeedback\n";
    let all = [defaults, &defaults.replace(", requiretty", "")];
    for (terminal, text) in [(true, all[0]), (false, all[1])] {
        bed.exec(&format!("cat >/etc/sudoers.d/zz-log <<'X'\n{text}X\nvisudo -c"));
        for (user, password) in [("scan", None), ("scanpw", Some("Scan-pw-1"))] {
            let become_ = Become::Sudo { password: password.map(Into::into) };
            let session = bed.session_with(Way::Native, user, become_, seconds(2.0)).await;
            let session = session.unwrap_or_else(|error| panic!("{user} {terminal}: {error}"));
            works(&bed, &session, user, terminal).await;
            let answers: Vec<Answer> = ask(&session, &["printf 'a\\tb'; printf 'c\\n\\n' >&2", "true"]).await;
            assert_eq!(output(&answers[0]).stdout, b"a\tb", "{user} {terminal}");
            assert_eq!(output(&answers[0]).stderr, b"c\n\n", "{user} {terminal}");
            assert!(output(&answers[1]).stdout.is_empty() && output(&answers[1]).stderr.is_empty(), "{user}");
        }
    }
}
