#!/bin/bash
# noncompliant.sh ROOT NAME   a neglected host: what a scan should mostly fail. It still boots and takes every account's login.
set -euo pipefail
R=$1
put() { mkdir -p "$(dirname "$R$1")"; cat > "$R$1"; chmod "${2:-644}" "$R$1"; }

put /etc/ssh/sshd_config.d/10-legacy.conf <<'E'
PermitRootLogin yes
HostbasedAuthentication yes
IgnoreRhosts no
PermitUserEnvironment yes
X11Forwarding yes
MaxAuthTries 10
LoginGraceTime 0
ClientAliveInterval 0
E
put /etc/sysctl.d/99-legacy.conf <<'E'
net.ipv4.ip_forward = 1
net.ipv4.conf.all.send_redirects = 1
net.ipv4.conf.all.accept_redirects = 1
net.ipv4.conf.default.accept_redirects = 1
net.ipv4.conf.all.accept_source_route = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.all.log_martians = 0
net.ipv4.tcp_syncookies = 0
kernel.randomize_va_space = 0
kernel.dmesg_restrict = 0
fs.suid_dumpable = 1
E
rm -f "$R"/etc/modprobe.d/usb-storage.conf "$R"/etc/audit/rules.d/10-identity.rules
chmod 644 "$R/etc/shadow" "$R/etc/gshadow"; chmod 666 "$R/etc/crontab"; chmod 777 "$R"/etc/cron.d
chmod 755 "$R"/home/*; rm -f "$R/etc/cron.deny"
sed -i -E 's/^(PASS_MAX_DAYS).*/\1 99999/; s/^(PASS_MIN_DAYS).*/\1 0/; s/^(PASS_WARN_AGE).*/\1 0/; s/^UMASK.*/UMASK 000/' "$R/etc/login.defs"
# A second root, a user without a password, sudo for everybody without one.
echo 'toor:x:0:0:second root:/root:/bin/sh' >> "$R/etc/passwd"; echo 'toor:!:19000:0:99999:7:::' >> "$R/etc/shadow"
sed -i 's/^bob:[^:]*:/bob::/' "$R/etc/shadow"
printf 'bob ALL=(ALL) NOPASSWD: ALL\n' | put /etc/sudoers.d/legacy 440
echo '+ +' | put /root/.rhosts
printf 'Welcome to \\n, \\s \\r \\m\n' | put /etc/issue; printf 'Welcome to \\s \\r\n' | put /etc/motd
for unit in cron crond chrony chronyd auditd rsyslog firewalld; do
  if [ -f "$R/usr/lib/systemd/system/$unit.service" ]; then ln -sf /dev/null "$R/etc/systemd/system/$unit.service"; fi
done
if [ -f "$R/etc/redhat-release" ]; then
  sed -i 's/^SELINUX=.*/SELINUX=permissive/' "$R/etc/selinux/config"; sed -i 's/^gpgcheck=.*/gpgcheck=0/' "$R/etc/dnf/dnf.conf"
  echo LEGACY > "$R/etc/crypto-policies/config"; echo LEGACY > "$R/etc/crypto-policies/state/current"
fi
for f in "$(dirname -- "${BASH_SOURCE[0]}")"/noncompliant.d/*.sh; do bash -e "$f" "$R" "${2:-}"; done
