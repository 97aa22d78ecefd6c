use std::sync::Arc;

use kensa_core::{Answer, Fault, Output};

use super::*;

/// A host on which everything asked about is absent, except what `answers` say.
fn host(answers: &[(Probe, i32, &str, &str)]) -> Outputs {
    let mut got = Outputs::new();
    for (probe, exit, stdout, stderr) in answers {
        let output = Output::new(probe.command(), *exit, stdout.as_bytes(), stderr.as_bytes());
        got.insert(probe.clone(), Ok(Arc::new(output)));
    }
    for probe in probes() {
        let absent = absent(&probe);
        got.insert(probe, absent);
    }
    got
}

fn absent(probe: &Probe) -> Answer {
    if let Probe::Unit { name } = probe {
        return Ok(Arc::new(Output::new(
            probe.command(),
            0,
            unit(name, "not-found", "inactive").as_bytes(),
            b"",
        )));
    }
    let said = format!("cat: {}: No such file or directory\n", probe.path().unwrap_or("x"));
    let (exit, stdout, stderr) = match probe {
        Probe::Tool { .. } => (127, "", ""),
        Probe::Run { argv } if argv[0] == "grep" => (2, "", "grep: /etc/sssd: No such file or directory\n"),
        Probe::Run { .. } | Probe::Package { .. } => (127, "", "sh: 1: not found\n"),
        _ => (1, "", said.as_str()),
    };
    Ok(Arc::new(Output::new(probe.command(), exit, stdout.as_bytes(), stderr.as_bytes())))
}

fn facts(answers: &[(Probe, i32, &str, &str)]) -> Facts {
    judge(&host(answers), &BTreeMap::new())
}

fn stat(path: &str, kind: &str) -> (Probe, i32, String, &'static str) {
    let probe = Probe::Stat { path: path.to_owned(), follow: true };
    (probe, 0, format!("{kind}|755|root|root|0|0|{path}\n"), "")
}

const SYSTEMD: (&str, &str) = ("/run/systemd/system", "directory");

fn on_systemd(answers: &[(Probe, i32, &str, &str)]) -> Facts {
    let (probe, exit, stdout, stderr) = stat(SYSTEMD.0, SYSTEMD.1);
    let mut all = vec![(probe, exit, stdout.as_str(), stderr)];
    all.extend(answers.iter().cloned());
    facts(&all)
}

fn unit(name: &str, load: &str, active: &str) -> String {
    let name = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
    format!("Id={name}\nNames={name}\nLoadState={load}\nActiveState={active}\nSubState=x\nUnitFileState=\n")
}

#[test]
fn the_table_is_sorted_named_once_and_complete() {
    let names: Vec<&str> = CAPABILITIES.iter().map(|capability| capability.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    let wanted = "sshd_config_d authselect crypto_policies fips_mode firewalld_nftables pam_faillock pam_tally2 \
        pam_pwquality grub_bls selinux aide fapolicyd usbguard dconf gdm systemd_resolved nftables_active rsyslog_active \
        journald auditd nftables firewalld rsyslog sssd chronyd ufw cron at coredump_systemd sssd_configured \
        directory_joined dnf_automatic subscription_manager dpkg apt apparmor apt_unattended_upgrades ubuntu_advantage \
        systemd_dbus iptables systemd grub2 audit chrony timesyncd sudo polkit authselect_sssd crypto_policy_modules \
        firewalld_iptables grub_legacy journald_primary tpm2 tmux rpm sshd ipv6";
    for name in wanted.split_whitespace() {
        assert!(Capability::find(name).is_some(), "{name}");
    }
    assert_eq!(wanted.split_whitespace().count(), names.len());
}

#[test]
fn a_bare_host_has_nothing_and_nothing_is_unknown() {
    let facts = facts(&[]);
    assert_eq!(facts.undetermined, BTreeMap::new());
    assert!(facts.capabilities.values().all(|present| !present), "{facts:?}");
    assert_eq!(facts.capabilities.len(), CAPABILITIES.len());
    assert_eq!(facts.platform, None);
}

#[test]
fn without_systemd_no_unit_is_there_whatever_systemctl_says() {
    let said = "System has not been booted with systemd as init system (PID 1). Can't operate.\n";
    let mut answers = Vec::new();
    for probe in probes().into_iter().filter(|probe| matches!(probe, Probe::Unit { .. })) {
        answers.push((probe, 1, "", said));
    }
    let facts = facts(&answers);
    assert_eq!(facts.undetermined, BTreeMap::new());
    assert_eq!(facts.capability("rsyslog_active"), Some(false));
}

#[test]
fn with_systemd_a_unit_that_could_not_be_asked_is_undetermined() {
    let facts =
        on_systemd(&[(Probe::unit("rsyslog"), 1, "", "Failed to connect to bus: Permission denied\n")]);
    assert_eq!(facts.capability("rsyslog_active"), None);
    assert_eq!(facts.capability("rsyslog"), None);
    assert!(facts.undetermined["rsyslog"].contains("Permission denied"));
    // Whether journald alone keeps the logs is settled by journald.
    assert_eq!(facts.capability("journald_primary"), Some(false));
    assert_eq!(facts.capability("systemd"), Some(true));
}

#[test]
fn installed_and_active_are_told_apart() {
    let (rsyslog, crond) = (unit("rsyslog", "loaded", "inactive"), unit("crond", "loaded", "inactive"));
    let running = unit("systemd-journald", "loaded", "active");
    let stopped =
        on_systemd(&[(Probe::unit("rsyslog"), 0, &rsyslog, ""), (Probe::unit("crond"), 0, &crond, "")]);
    assert_eq!(stopped.capability("rsyslog"), Some(true));
    assert_eq!(stopped.capability("rsyslog_active"), Some(false));
    assert_eq!(stopped.capability("cron"), Some(true));
    let active = on_systemd(&[(Probe::unit("systemd-journald"), 0, &running, "")]);
    assert_eq!(
        (active.capability("journald"), active.capability("journald_primary")),
        (Some(true), Some(true))
    );
}

#[test]
fn a_timeout_or_a_refusal_is_no_absence() {
    let timed_out = Fault::new(Reason::TimedOut, "fips-mode-setup --check did not finish within 60 s");
    let mut got = Outputs::new();
    got.insert(Probe::run(["fips-mode-setup", "--check"]), Err(timed_out.clone()));
    got.insert(Probe::tool("aide"), Err(timed_out));
    for (probe, answer) in host(&[]).iter() {
        got.insert(probe.clone(), answer.clone());
    }
    let facts = judge(&got, &BTreeMap::new());
    assert_eq!(facts.capability("fips_mode"), None);
    assert_eq!(facts.capability("aide"), None);
    assert!(facts.undetermined["aide"].contains("did not finish"));
    // With the kernel's word the tool's is not needed.
    got = [(Probe::read("/proc/sys/crypto/fips_enabled"), Ok(Arc::new(Output::new("cat", 0, b"1\n", b""))))]
        .into_iter()
        .chain(got.iter().map(|(probe, answer)| (probe.clone(), answer.clone())))
        .collect();
    assert_eq!(judge(&got, &BTreeMap::new()).capability("fips_mode"), Some(true));
}

#[test]
fn nothing_answered_is_all_undetermined_except_overrides() {
    let overrides = BTreeMap::from([("aide".to_owned(), true), ("house_special".to_owned(), false)]);
    let facts = judge(&Outputs::new(), &overrides);
    assert_eq!(facts.undetermined.len(), CAPABILITIES.len() - 1 + 1);
    assert!(facts.platform_unknown().is_some());
    assert_eq!(facts.capability("aide"), Some(true));
    assert_eq!(facts.capability("house_special"), Some(false));
}

#[test]
fn sshd_config_d_needs_the_directory_and_an_active_include() {
    let (dir, exit, line, _) = stat("/etc/ssh/sshd_config.d", "directory");
    let with = |config: &str| {
        let answers =
            [(dir.clone(), exit, line.as_str(), ""), (Probe::read("/etc/ssh/sshd_config"), 0, config, "")];
        facts(&answers).capability("sshd_config_d")
    };
    assert_eq!(with("Port 22\ninclude /etc/ssh/sshd_config.d/*.conf\n"), Some(true));
    assert_eq!(with("  Include=sshd_config.d/*.conf\n"), Some(true));
    assert_eq!(with("Include \"/etc/ssh/sshd_config.d/*.conf\"\n"), Some(true));
    assert_eq!(with("#Include /etc/ssh/sshd_config.d/*.conf\n"), Some(false));
    assert_eq!(with("Include /etc/ssh/other/*.conf\n"), Some(false));
    let denied =
        (Probe::read("/etc/ssh/sshd_config"), 1, "", "cat: /etc/ssh/sshd_config: Permission denied\n");
    assert_eq!(facts(&[(dir.clone(), exit, line.as_str(), ""), denied]).capability("sshd_config_d"), None);
}

#[test]
fn a_directory_is_joined_only_by_something_that_is_configured() {
    let nsswitch = |text: &'static str| (Probe::read("/etc/nsswitch.conf"), 0, text, "");
    let grep =
        probes().into_iter().find(|probe| matches!(probe, Probe::Run { argv } if argv[0] == "grep")).unwrap();
    let joined = |answers: &[(Probe, i32, &str, &str)]| facts(answers).capability("directory_joined");
    assert_eq!(joined(&[nsswitch("passwd: files ldap\n")]), Some(true));
    assert_eq!(joined(&[nsswitch("passwd: files # ldap\n")]), Some(false));
    assert_eq!(joined(&[nsswitch("passwd: files sss\n")]), Some(false));
    assert_eq!(joined(&[nsswitch("passwd: sss files\n"), (grep.clone(), 0, "[domain/x]\n", "")]), Some(true));
    let denied = "grep: /etc/sssd/conf.d: Permission denied\n";
    assert_eq!(joined(&[nsswitch("passwd: sss files\n"), (grep.clone(), 2, "", denied)]), None);
    assert_eq!(joined(&[nsswitch("passwd: files\n"), (grep, 2, "", denied)]), Some(false));
    let realm = (Probe::run(["realm", "list"]), 0, "x\n  domain-name: x\n", "");
    assert_eq!(joined(&[realm]), Some(true));
}

#[test]
fn the_platform_comes_from_the_first_file_that_names_one() {
    let platform = |path: &str, text: &str| {
        let found = facts(&[(Probe::read(path), 0, text, "")]).platform;
        found.map(|platform| platform.key())
    };
    assert_eq!(platform("/etc/os-release", "ID=rocky\nVERSION_ID=9.4\n").as_deref(), Some("rhel9"));
    assert_eq!(platform("/usr/lib/os-release", "ID=ubuntu\nVERSION_ID=22.04\n").as_deref(), Some("ubuntu22"));
    assert_eq!(
        platform("/etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n").as_deref(),
        Some("rhel7")
    );
    assert_eq!(platform("/etc/debian_version", "12.5\n").as_deref(), Some("debian12"));
    assert_eq!(platform("/etc/debian_version", "trixie/sid\n").as_deref(), Some("debian0"));
    assert_eq!(platform("/etc/os-release", "NAME=x\n"), None);
}

#[test]
fn a_platform_file_that_could_not_be_read_leaves_the_platform_undetermined() {
    let file = |path: &str, text: &'static str| (Probe::read(path), 0, text, "");
    let denied = |path: &str| (Probe::read(path), 1, "", "cat: x: Permission denied\n");
    let why = |answers: &[(Probe, i32, &str, &str)]| {
        let facts = facts(answers);
        assert_eq!(facts.platform.is_some(), facts.platform_unknown().is_none());
        facts.platform_unknown().unwrap_or_default().to_owned()
    };
    let (etc, usr) = ("/etc/os-release", "/usr/lib/os-release");
    assert!(why(&[denied(etc), file(usr, "ID=debian\n")]).contains("Permission denied"));
    assert!(why(&[file(etc, "NAME=x\n"), denied(usr)]).contains("Permission denied"));
    assert!(why(&[denied("/etc/redhat-release"), file("/etc/debian_version", "12\n")]).contains("denied"));
    assert!(why(&[file(etc, ""), file(usr, "\u{0}garbage")]).contains("names no operating system"));
    assert_eq!(why(&[file(etc, "ID=debian\n"), denied(usr)]), "");
    assert_eq!(facts(&[]).platform_unknown(), None);
}

#[test]
fn overrides_are_read_leniently_and_unknown_names_refused() {
    assert_eq!(parse_override("aide=YES"), Ok(("aide".to_owned(), true)));
    assert_eq!(parse_override("fips_mode=off"), Ok(("fips_mode".to_owned(), false)));
    assert!(parse_override("firewald=1").unwrap_err().message.contains("firewalld"));
    assert!(parse_override("aide").is_err() && parse_override("aide=maybe").is_err());
}
