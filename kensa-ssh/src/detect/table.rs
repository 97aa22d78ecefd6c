//! Every capability there is. Adding one is one line here, or a line and a function below.

use kensa_core::{Outputs, PackageManager, Probe, Reason};

use super::capability::Test::{Active, Directory, File, Installed, Other, Tool};
use super::capability::{
    Capability, Judged, Test, active, all, any, booted, following, installed, is_file, is_kind, not, said,
    tool, unclear, unit_probes,
};

const fn of(name: &'static str, test: Test, summary: &'static str) -> Capability {
    Capability { name, summary, test }
}

/// Every capability, in alphabetical order.
#[rustfmt::skip]
pub const CAPABILITIES: &[Capability] = &[
    of("aide", Tool(&["aide"]), "aide is installed"),
    of("apparmor", Other { probes: apparmor_probes, judge: apparmor }, "the AppArmor module is loaded"),
    of("apt", Tool(&["apt-get"]), "apt-get is installed"),
    of("apt_unattended_upgrades", Other { probes: unattended_probes, judge: unattended }, "the package unattended-upgrades is installed"),
    of("at", Tool(&["at"]), "at is installed"),
    of("audit", Tool(&["auditctl"]), "the audit tools are installed"),
    of("auditd", Active(&["auditd"]), "auditd is active"),
    of("authselect", Tool(&["authselect"]), "authselect is installed"),
    of("authselect_sssd", Other { probes: authselect_probes, judge: authselect_sssd }, "authselect's current profile is sssd"),
    of("chrony", Installed(&["chronyd", "chrony"]), "chrony has a unit"),
    of("chronyd", Installed(&["chronyd"]), "chronyd.service exists"),
    of("coredump_systemd", Installed(&["systemd-coredump.socket"]), "systemd-coredump.socket exists"),
    of("cron", Installed(&["crond", "cron"]), "crond.service or cron.service exists"),
    of("crypto_policies", Tool(&["update-crypto-policies"]), "update-crypto-policies is installed"),
    of("crypto_policy_modules", Directory(&["/usr/share/crypto-policies/policies/modules", "/etc/crypto-policies/policies/modules"]), "crypto policies know modules"),
    of("dconf", Tool(&["dconf"]), "dconf is installed"),
    of("directory_joined", Other { probes: joined_probes, judge: joined }, "accounts come from a directory: realmd, nsswitch with ldap, winbind or a configured sss, or nslcd"),
    of("dnf_automatic", Installed(&["dnf-automatic.timer"]), "dnf-automatic.timer exists"),
    of("dpkg", Tool(&["dpkg"]), "dpkg is installed"),
    of("fapolicyd", Installed(&["fapolicyd"]), "fapolicyd.service exists"),
    of("fips_mode", Other { probes: fips_probes, judge: fips }, "the kernel runs in FIPS mode"),
    of("firewalld", Installed(&["firewalld"]), "firewalld.service exists"),
    of("firewalld_iptables", Other { probes: firewalld_probes, judge: firewalld_iptables }, "firewalld is active and its back end is iptables"),
    of("firewalld_nftables", Other { probes: firewalld_probes, judge: firewalld_nftables }, "firewalld is active and nft is installed"),
    of("gdm", Other { probes: gdm_probes, judge: gdm }, "the GNOME display manager is installed"),
    of("grub2", Tool(&["grub2-mkconfig", "grub-mkconfig"]), "GRUB 2's tools are installed"),
    of("grub_bls", Directory(&["/boot/loader/entries"]), "boot entries are files in /boot/loader/entries"),
    of("grub_legacy", Other { probes: grub_probes, judge: grub_legacy }, "GRUB is configured by /etc/default/grub without boot entry files"),
    of("iptables", Tool(&["iptables"]), "iptables is installed"),
    of("ipv6", Directory(&["/proc/sys/net/ipv6"]), "the kernel speaks IPv6"),
    of("journald", Active(&["systemd-journald"]), "systemd-journald is active"),
    of("journald_primary", Other { probes: log_probes, judge: journald_primary }, "journald is active and rsyslog is not"),
    of("nftables", Tool(&["nft"]), "nft is installed"),
    of("nftables_active", Active(&["nftables"]), "nftables.service is active"),
    of("pam_faillock", File("/etc/security/faillock.conf"), "/etc/security/faillock.conf exists"),
    of("pam_pwquality", File("/etc/security/pwquality.conf"), "/etc/security/pwquality.conf exists"),
    of("pam_tally2", Other { probes: tally_probes, judge: tally }, "pam_tally2 or its module is installed"),
    of("polkit", Other { probes: polkit_probes, judge: polkit }, "polkit.service or pkexec exists"),
    of("rpm", Tool(&["rpm"]), "rpm is installed"),
    of("rsyslog", Installed(&["rsyslog"]), "rsyslog.service exists"),
    of("rsyslog_active", Active(&["rsyslog"]), "rsyslog is active"),
    of("selinux", Other { probes: selinux_probes, judge: selinux }, "SELinux is enforcing"),
    of("sshd", Tool(&["sshd"]), "sshd is installed"),
    of("sshd_config_d", Other { probes: sshd_probes, judge: sshd_config_d }, "sshd_config includes the directory /etc/ssh/sshd_config.d"),
    of("sssd", Installed(&["sssd"]), "sssd.service exists"),
    of("sssd_configured", Other { probes: sssd_probes, judge: sssd_configured }, "sssd has a configuration or is active"),
    of("subscription_manager", Tool(&["subscription-manager"]), "subscription-manager is installed"),
    of("sudo", Tool(&["sudo"]), "sudo is installed"),
    of("systemd", Other { probes: systemd_probes, judge: booted }, "systemd is the running init"),
    of("systemd_dbus", Other { probes: dbus_probes, judge: systemd_dbus }, "Kensa's systemd helper can be reached over D-Bus"),
    of("systemd_resolved", Active(&["systemd-resolved"]), "systemd-resolved is active"),
    of("timesyncd", Installed(&["systemd-timesyncd"]), "systemd-timesyncd.service exists"),
    of("tmux", Tool(&["tmux"]), "tmux is installed"),
    of("tpm2", Other { probes: tpm_probes, judge: tpm2 }, "the kernel offers a TPM 2"),
    of("ubuntu_advantage", Tool(&["pro", "ua"]), "Ubuntu Pro's client is installed"),
    of("ufw", Installed(&["ufw"]), "ufw.service exists"),
    of("usbguard", Installed(&["usbguard"]), "usbguard.service exists"),
];

fn apparmor_probes() -> Vec<Probe> {
    vec![Probe::run(["aa-status"])]
}

/// `aa-status` says in its first line whether the module is there, whatever it then lacks the right to read.
fn apparmor(got: &Outputs) -> Judged {
    let probe = Probe::run(["aa-status"]);
    let Some((_, text)) = said(got, &probe)? else { return Ok(false) };
    let stderr = got.ran(&probe)?.stderr_text().into_owned();
    let says = |phrase: &str| text.contains(phrase) || stderr.contains(phrase);
    if says("module is loaded") {
        Ok(true)
    } else if says("not present") || says("module is not loaded") {
        Ok(false)
    } else {
        Err(unclear(got, &probe))
    }
}

fn unattended_probes() -> Vec<Probe> {
    vec![Probe::package(PackageManager::Dpkg, "unattended-upgrades")]
}

fn unattended(got: &Outputs) -> Judged {
    match got.package(PackageManager::Dpkg, "unattended-upgrades") {
        Ok(package) => Ok(package.is_some()),
        Err(error) if error.reason == Reason::ToolMissing => Ok(false),
        Err(error) => Err(error),
    }
}

fn authselect_probes() -> Vec<Probe> {
    vec![Probe::run(["authselect", "current", "--raw"])]
}

fn authselect_sssd(got: &Outputs) -> Judged {
    let probe = Probe::run(["authselect", "current", "--raw"]);
    match said(got, &probe)? {
        None => Ok(false),
        Some((0, text)) => Ok(text.split_whitespace().next() == Some("sssd")),
        Some((_, text)) if text.contains("No existing configuration") => Ok(false),
        Some(_) if got.ran(&probe)?.stderr_text().contains("No existing configuration") => Ok(false),
        Some(_) => Err(unclear(got, &probe)),
    }
}

fn joined_probes() -> Vec<Probe> {
    let mut probes =
        vec![Probe::run(["realm", "list"]), Probe::read("/etc/nsswitch.conf"), domain_sections()];
    probes.extend(unit_probes(&["sssd", "nslcd"]));
    probes
}

fn domain_sections() -> Probe {
    let pattern = "^[[:space:]]*[[]domain/";
    Probe::run(["grep", "-rh", "--include=*.conf", "--", pattern, "/etc/sssd/sssd.conf", "/etc/sssd/conf.d"])
}

fn joined(got: &Outputs) -> Judged {
    let realm = Probe::run(["realm", "list"]);
    let realmd = match said(got, &realm) {
        Ok(None) => Ok(false),
        Ok(Some((0, text))) => Ok(text.lines().any(|line| line.trim().starts_with("domain-name:"))),
        Ok(Some(_)) => Err(unclear(got, &realm)),
        Err(error) => Err(error),
    };
    let services = got.read("/etc/nsswitch.conf").map(|text| passwd_services(&text.unwrap_or_default()));
    let names = |wanted: &[&str]| {
        services.clone().map(|found| found.iter().any(|one| wanted.contains(&one.as_str())))
    };
    let sssd_used = any([has_domains(got), active(got, "sssd")]);
    any([realmd, names(&["ldap", "winbind"]), all([names(&["sss"]), sssd_used]), active(got, "nslcd")])
}

fn passwd_services(nsswitch: &str) -> Vec<String> {
    let lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let services = lines.filter_map(|line| line.strip_prefix("passwd:"));
    services.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// grep says 2 for files that are not there as well as for those it may not read; only its words tell.
fn has_domains(got: &Outputs) -> Judged {
    let probe = domain_sections();
    let output = got.ran(&probe)?;
    let absent = |line: &str| line.ends_with("No such file or directory");
    match output.exit_code {
        0 => Ok(true),
        1 => Ok(false),
        2 if !output.stdout.is_empty() => Ok(true),
        2 if !output.stderr.is_empty() && output.stderr_text().lines().all(absent) => Ok(false),
        _ => Err(unclear(got, &probe)),
    }
}

const FIPS_ENABLED: &str = "/proc/sys/crypto/fips_enabled";

fn fips_probes() -> Vec<Probe> {
    vec![Probe::read(FIPS_ENABLED), Probe::run(["fips-mode-setup", "--check"])]
}

fn fips(got: &Outputs) -> Judged {
    let kernel = got.read(FIPS_ENABLED).map(|text| text.is_some_and(|text| text.trim() == "1"));
    let probe = Probe::run(["fips-mode-setup", "--check"]);
    let tool = match said(got, &probe) {
        Ok(None) => Ok(false),
        Ok(Some((_, text))) if text.contains("FIPS mode is enabled") => Ok(true),
        Ok(Some((_, text))) if text.contains("disabled") || text.contains("not") => Ok(false),
        Ok(Some(_)) => Err(unclear(got, &probe)),
        Err(error) => Err(error),
    };
    any([kernel, tool])
}

const FIREWALLD_CONF: &str = "/etc/firewalld/firewalld.conf";

fn firewalld_probes() -> Vec<Probe> {
    let mut probes = unit_probes(&["firewalld"]);
    probes.extend([Probe::tool("nft"), Probe::read(FIREWALLD_CONF)]);
    probes
}

fn firewalld_iptables(got: &Outputs) -> Judged {
    let backend = got.read(FIREWALLD_CONF).map(|text| {
        let text = text.unwrap_or_default();
        let mut values = text.lines().filter_map(|line| line.trim().strip_prefix("FirewallBackend="));
        values.next_back().is_some_and(|value| value.trim().eq_ignore_ascii_case("iptables"))
    });
    all([active(got, "firewalld"), backend])
}

fn firewalld_nftables(got: &Outputs) -> Judged {
    all([active(got, "firewalld"), tool(got, "nft")])
}

fn gdm_probes() -> Vec<Probe> {
    let mut probes = unit_probes(&["gdm", "gdm3"]);
    probes.extend(["gdm", "gdm3"].map(Probe::tool));
    probes
}

fn gdm(got: &Outputs) -> Judged {
    any([tool(got, "gdm"), tool(got, "gdm3"), installed(got, "gdm"), installed(got, "gdm3")])
}

fn grub_probes() -> Vec<Probe> {
    vec![following("/etc/default/grub"), following("/boot/loader/entries")]
}

fn grub_legacy(got: &Outputs) -> Judged {
    all([is_file(got, "/etc/default/grub"), not(is_kind(got, "/boot/loader/entries", "directory"))])
}

fn log_probes() -> Vec<Probe> {
    unit_probes(&["systemd-journald", "rsyslog"])
}

fn journald_primary(got: &Outputs) -> Judged {
    all([active(got, "systemd-journald"), not(active(got, "rsyslog"))])
}

const TALLY_MODULES: [&str; 4] = [
    "/lib/security/pam_tally2.so",
    "/lib64/security/pam_tally2.so",
    "/usr/lib/security/pam_tally2.so",
    "/usr/lib64/security/pam_tally2.so",
];
const TALLY_PATTERN: &str = "/usr/lib/*/security/pam_tally2.so";

fn tally_probes() -> Vec<Probe> {
    let mut probes: Vec<Probe> = TALLY_MODULES.into_iter().map(following).collect();
    probes.extend([Probe::tool("pam_tally2"), Probe::Glob { pattern: TALLY_PATTERN.to_owned() }]);
    probes
}

fn tally(got: &Outputs) -> Judged {
    let modules = TALLY_MODULES.into_iter().map(|path| is_file(got, path));
    let matches = got.glob(TALLY_PATTERN).map(|paths| !paths.is_empty());
    any(modules.chain([tool(got, "pam_tally2"), matches]))
}

fn polkit_probes() -> Vec<Probe> {
    let mut probes = unit_probes(&["polkit"]);
    probes.push(Probe::tool("pkexec"));
    probes
}

fn polkit(got: &Outputs) -> Judged {
    any([tool(got, "pkexec"), installed(got, "polkit")])
}

fn selinux_probes() -> Vec<Probe> {
    vec![Probe::run(["getenforce"])]
}

fn selinux(got: &Outputs) -> Judged {
    let probe = Probe::run(["getenforce"]);
    match said(got, &probe)? {
        None => Ok(false),
        Some((0, text)) if text.contains("Enforcing") => Ok(true),
        Some((0, text)) if text.contains("Permissive") || text.contains("Disabled") => Ok(false),
        Some(_) => Err(unclear(got, &probe)),
    }
}

const SSHD_CONFIG: &str = "/etc/ssh/sshd_config";
const SSHD_DIRECTORY: &str = "/etc/ssh/sshd_config.d";

fn sshd_probes() -> Vec<Probe> {
    vec![following(SSHD_DIRECTORY), Probe::read(SSHD_CONFIG)]
}

fn sshd_config_d(got: &Outputs) -> Judged {
    let included = got.read(SSHD_CONFIG).map(|text| text.is_some_and(|text| includes_directory(&text)));
    all([is_kind(got, SSHD_DIRECTORY, "directory"), included])
}

/// Keyword and arguments are separated by blanks or one `=`; a relative path is meant below /etc/ssh.
fn includes_directory(sshd_config: &str) -> bool {
    sshd_config.lines().any(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '=').filter(|word| !word.is_empty());
        let is_include = words.next().is_some_and(|word| word.eq_ignore_ascii_case("include"));
        is_include
            && words.map(|word| word.trim_matches('"')).any(|path| {
                let path = path.strip_prefix("/etc/ssh/").unwrap_or(path);
                path.starts_with("sshd_config.d/")
            })
    })
}

const SSSD_CONF: &str = "/etc/sssd/sssd.conf";
const SSSD_PATTERN: &str = "/etc/sssd/conf.d/*.conf";

fn sssd_probes() -> Vec<Probe> {
    let mut probes = unit_probes(&["sssd"]);
    probes.extend([following(SSSD_CONF), Probe::Glob { pattern: SSSD_PATTERN.to_owned() }]);
    probes
}

fn sssd_configured(got: &Outputs) -> Judged {
    let main =
        got.stat_following(SSSD_CONF).map(|stat| stat.is_some_and(|stat| stat.kind != "regular empty file"));
    let parts = got.glob(SSSD_PATTERN).map(|paths| !paths.is_empty());
    any([main, parts, active(got, "sssd")])
}

fn systemd_probes() -> Vec<Probe> {
    unit_probes(&[])
}

const BUS: &str = "/run/dbus/system_bus_socket";
const HELPER: &str = "/usr/libexec/kensa-systemd-helper";

fn dbus_probes() -> Vec<Probe> {
    vec![following(BUS), following(HELPER), Probe::run(["systemctl", "--version"])]
}

fn systemd_dbus(got: &Outputs) -> Judged {
    let helper = got.stat_following(HELPER).map(|stat| stat.is_some_and(|stat| stat.mode & 0o111 != 0));
    let works = said(got, &Probe::run(["systemctl", "--version"])).map(|said| matches!(said, Some((0, _))));
    all([is_kind(got, BUS, "socket"), helper, works])
}

const TPM: &str = "/dev/tpmrm0";

fn tpm_probes() -> Vec<Probe> {
    vec![following(TPM)]
}

/// The kernel makes a resource manager's device for version 2 only.
fn tpm2(got: &Outputs) -> Judged {
    Ok(got.stat_following(TPM)?.is_some())
}
