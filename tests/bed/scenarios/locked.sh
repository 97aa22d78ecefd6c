#!/bin/bash
# locked.sh ROOT   no way in but a password: root may not log in, keys do not count, sudo always asks (scanpw, Scan-pw-1)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
put /etc/ssh/sshd_config.d/00-a-locked.conf 600 <<'S'
PermitRootLogin no
PubkeyAuthentication no
UsePAM no
S
sed -i 's/NOPASSWD: *//' "$R/etc/sudoers.d/bed"
# An empty root password, logs without a journal, SELinux booleans the other way, a firewall that answers.
sed -i 's/^root:[^:]*:/root::/' "$R/etc/shadow"
masked systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket
if is_rhel; then
  for b in selinuxuser_execheap selinuxuser_execmod selinuxuser_execstack ssh_sysadm_login; do echo "$b on"; done | put /etc/selinux/bed-booleans
fi
