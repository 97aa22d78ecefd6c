#!/bin/bash
# compliant.sh ROOT NAME   a host hardened by hand in the usual places: what a scan should mostly pass.
# The ways in that the tests need (root by key, passwords, two ports) stay as they are.
set -euo pipefail
R=$1
put() { mkdir -p "$(dirname "$R$1")"; cat > "$R$1"; chmod "${2:-644}" "$R$1"; }
set_key() { sed -i -E "/^[# ]*$2\b/d" "$R$1"; echo "$2$4$3" >> "$R$1"; }   # FILE KEY VALUE SEPARATOR

put /etc/ssh/sshd_config.d/10-hardening.conf 600 <<'E'
PermitRootLogin prohibit-password
PermitEmptyPasswords no
HostbasedAuthentication no
IgnoreRhosts yes
PermitUserEnvironment no
X11Forwarding no
AllowTcpForwarding no
MaxAuthTries 4
LoginGraceTime 60
ClientAliveInterval 15
ClientAliveCountMax 3
Banner /etc/issue.net
E
chmod 600 "$R/etc/ssh/sshd_config"
put /etc/sysctl.d/99-hardening.conf <<'E'
net.ipv4.ip_forward = 0
net.ipv6.conf.all.forwarding = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.send_redirects = 0
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv6.conf.all.accept_redirects = 0
net.ipv6.conf.default.accept_redirects = 0
net.ipv4.conf.all.secure_redirects = 0
net.ipv4.conf.default.secure_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.default.accept_source_route = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.conf.default.log_martians = 1
net.ipv4.icmp_echo_ignore_broadcasts = 1
net.ipv4.icmp_ignore_bogus_error_responses = 1
net.ipv4.tcp_syncookies = 1
kernel.randomize_va_space = 2
kernel.yama.ptrace_scope = 1
kernel.kptr_restrict = 1
kernel.dmesg_restrict = 1
fs.suid_dumpable = 0
E
for m in cramfs freevxfs hfs hfsplus jffs2 squashfs udf usb-storage dccp sctp rds tipc; do
  printf 'install %s /bin/false\nblacklist %s\n' $m $m | put /etc/modprobe.d/$m.conf
done
printf 'minlen = 14\nminclass = 4\ndcredit = -1\nucredit = -1\nlcredit = -1\nocredit = -1\nmaxrepeat = 3\n' | put /etc/security/pwquality.conf
printf 'deny = 5\nunlock_time = 900\n' | put /etc/security/faillock.conf
echo '* hard core 0' | put /etc/security/limits.d/10-core.conf
for pair in PASS_MAX_DAYS:365 PASS_MIN_DAYS:1 PASS_WARN_AGE:7 UMASK:027; do set_key /etc/login.defs "${pair%:*}" "${pair#*:}" $'\t'; done
set_key /etc/default/useradd INACTIVE 30 =
printf 'Defaults use_pty\nDefaults logfile="/var/log/sudo.log"\n' | put /etc/sudoers.d/hardening 440
printf '[Journal]\nStorage=persistent\nCompress=yes\n' | put /etc/systemd/journald.conf.d/hardening.conf
printf 'TMOUT=900\nreadonly TMOUT\nexport TMOUT\n' | put /etc/profile.d/tmout.sh
for f in issue issue.net motd; do echo 'Authorized uses only. All activity may be monitored and reported.' | put /etc/$f; done
printf -- '-w /etc/group -p wa -k identity\n-w /etc/gshadow -p wa -k identity\n-w /etc/sudoers -p wa -k scope\n-w /var/log/lastlog -p wa -k logins\n-w /etc/localtime -p wa -k time-change\n' \
  | put /etc/audit/rules.d/50-hardening.rules 640
echo '-e 2' | put /etc/audit/rules.d/99-finalize.rules 640
chmod 600 "$R/etc/crontab"; chmod 700 "$R"/etc/cron.{hourly,daily,weekly,monthly,d}
touch "$R/etc/cron.allow"; chmod 600 "$R/etc/cron.allow"
chmod 1777 "$R/srv/exchange"; chmod 640 "$R/srv/app/app.conf"; rm -f "$R/usr/local/bin/id-debug" "$R/srv/app/data/old-export.csv"; chmod 700 "$R/home/bob"
for u in rpcbind.service rpcbind.socket; do ln -sf /dev/null "$R/etc/systemd/system/$u"; done
if [ -f "$R/etc/redhat-release" ]; then chroot "$R" authselect enable-feature with-faillock; fi
for f in "$(dirname -- "${BASH_SOURCE[0]}")"/compliant.d/*.sh; do bash -e "$f" "$R" "${2:-}"; done
