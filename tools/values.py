#!/usr/bin/env python3
"""Writes rules/mappings/values.csv, the numbers that benchmarks ask for, from a folder of fact tables.

    tools/values.py FACTS [OUT]

Columns:
  framework    benchmark whose scan uses the value
  variable     name in rules/defaults.yml
  published    the value in the facts
  ours         another value that rules/defaults.yml gives on purpose; empty means the published one
  reason       why
Lists inside a cell are separated by `|`. Needs nothing but Python's standard library.
"""

import csv
import sys
from pathlib import Path

PROFILES = {
    ("rhel9", "cis"): "cis-rhel9-v2.0.0",
    ("rhel8", "cis"): "cis-rhel8-v4.0.0",
    ("debian12", "cis_level2_server"): "cis-debian-12-v1.1.0",
    ("ubuntu2204", "cis_level2_server"): "cis-ubuntu-22.04-v2.0.0",
    ("ubuntu2404", "cis_level2_server"): "cis-ubuntu-24.04-v1.0.0",
    ("rhel9", "stig"): "stig-rhel9-v2r7",
    ("rhel8", "stig"): "stig-rhel8-v2r8",
    ("ubuntu2204", "stig"): "stig-ubuntu-22.04-v2r8",
    ("ubuntu2404", "stig"): "stig-ubuntu-24.04-v1r5",
    ("rhel9", "pci-dss"): "pci-dss-v4.0",
}

# Name in the facts to name here.
VARIABLES = {
    "inactivity_timeout_value": "gdm_idle_delay_seconds",
    "sshd_idle_timeout_value": "ssh_client_alive_interval",
    "sshd_max_auth_tries_value": "ssh_max_auth_tries",
    "var_account_disable_post_pw_expiration": "account_inactive_days",
    "var_accounts_max_concurrent_login_sessions": "max_concurrent_logins",
    "var_accounts_maximum_age_login_defs": "login_defs_pass_max_days",
    "var_accounts_minimum_age_login_defs": "login_defs_pass_min_days",
    "var_accounts_password_warn_age_login_defs": "login_defs_pass_warn_age",
    "var_accounts_passwords_pam_faillock_deny": "pam_faillock_deny",
    "var_accounts_passwords_pam_faillock_fail_interval": "pam_faillock_fail_interval",
    "var_accounts_passwords_pam_faillock_unlock_time": "pam_faillock_unlock_time",
    "var_accounts_tmout": "shell_idle_timeout_seconds",
    "var_accounts_user_umask": "login_defs_umask",
    "var_audit_backlog_limit": "audit_backlog_limit",
    "var_auditd_admin_space_left_action": "auditd_admin_space_left_action",
    "var_auditd_disk_error_action": "auditd_disk_error_action",
    "var_auditd_disk_full_action": "auditd_disk_full_action",
    "var_auditd_max_log_file": "auditd_max_log_file_mb",
    "var_auditd_max_log_file_action": "auditd_max_log_file_action",
    "var_auditd_space_left_action": "auditd_space_left_action",
    "var_logind_session_timeout": "logind_idle_timeout_seconds",
    "var_password_hashing_min_rounds_login_defs": "shadow_crypt_min_rounds",
    "var_password_pam_dcredit": "pam_pwquality_dcredit",
    "var_password_pam_delay": "pam_faildelay_microseconds",
    "var_password_pam_difok": "pam_pwquality_difok",
    "var_password_pam_lcredit": "pam_pwquality_lcredit",
    "var_password_pam_maxclassrepeat": "pam_pwquality_maxclassrepeat",
    "var_password_pam_maxrepeat": "pam_pwquality_maxrepeat",
    "var_password_pam_maxsequence": "pam_pwquality_maxsequence",
    "var_password_pam_minclass": "pam_pwquality_minclass",
    "var_password_pam_minlen": "pam_pwquality_minlen",
    "var_password_pam_ocredit": "pam_pwquality_ocredit",
    "var_password_pam_remember": "password_remember",
    "var_password_pam_ucredit": "pam_pwquality_ucredit",
    "var_password_pam_unix_rounds": "shadow_crypt_min_rounds",
    "var_screensaver_lock_delay": "gdm_lock_delay_seconds",
    "var_sshd_max_sessions": "ssh_max_sessions",
    "var_sshd_set_keepalive": "ssh_client_alive_count_max",
    "var_sshd_set_login_grace_time": "ssh_login_grace_time",
    "var_sssd_certificate_verification_digest_function": "sssd_ocsp_digest",
    "var_sudo_timestamp_timeout": "sudo_timestamp_timeout",
}

STRICTER = "the further actions do more for the record than the published one"
DIGEST = "a stronger digest than the published one is at least as good"

# (framework or None for all, variable, published) to the value here and the reason.
ON_PURPOSE = {
    ("auditd_space_left_action", "email"): ("email|exec|single|halt", STRICTER),
    ("auditd_admin_space_left_action", "halt"): ("single|halt", "the benchmark takes both; single stops what fills the disk"),
    ("auditd_admin_space_left_action", "single"): ("single|halt", STRICTER),
    ("auditd_max_log_file_action", "syslog"): ("syslog|keep_logs", "keep_logs loses nothing"),
    ("sssd_ocsp_digest", "sha1"): ("sha(1|256|384|512)", DIGEST),
    ("sssd_ocsp_digest", "sha512"): ("sha512", ""),
}


def main(facts, out):
    rows = {}
    with open(Path(facts) / "variables_by_profile.csv", newline="") as table:
        for row in csv.DictReader(table):
            framework = PROFILES.get((row["product"], row["profile"]))
            variable = VARIABLES.get(row["variable"])
            if not (framework and variable):
                continue
            published = row["value"]
            # A list of actions has no order.
            ours, reason = ON_PURPOSE.get((variable, published), ("", ""))
            rows[framework, variable] = (published, "" if ours == published else ours, reason)
    with open(out, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["framework", "variable", "published", "ours", "reason"])
        for (framework, variable), rest in sorted(rows.items()):
            writer.writerow([framework, variable, *rest])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent.parent / "rules/mappings/values.csv")
