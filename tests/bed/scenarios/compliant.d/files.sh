#!/bin/bash
# files.sh ROOT   banners, sudo, time, mail and the rest of /etc
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
for f in issue issue.net motd; do echo 'Access to this system is for authorised users only; all use is monitored and recorded, and misuse will be prosecuted.' | put /etc/$f; done
mkdir -p "$R/etc/cron.yearly"; chmod 700 "$R/etc/cron.yearly"
printf 'Defaults use_pty\nDefaults logfile="/var/log/sudo.log"\nDefaults timestamp_timeout=0\nDefaults !targetpw\nDefaults !rootpw\nDefaults !runaspw\n' | put /etc/sudoers.d/hardening 440
printf '[Coredump]\nStorage=none\nProcessSizeMax=0\n' | put /etc/systemd/coredump.conf
printf '[Manager]\nCtrlAltDelBurstAction=none\n' | put /etc/systemd/system.conf.d/hardening.conf
printf '[Login]\nStopIdleSessionSec=600\n' | put /etc/systemd/logind.conf.d/hardening.conf
printf 'nameserver 192.0.2.1\nnameserver 192.0.2.2\n' | put /etc/resolv.conf
chrony=/etc/chrony/chrony.conf; if is_rhel; then chrony=/etc/chrony.conf; fi
sed -i -E '/^(pool|server|peer|cmdport|port|makestep)/d' "$R$chrony"
printf 'pool 2.rhel.pool.ntp.org iburst maxpoll 16\ncmdport 0\nport 0\nmakestep 1 -1\n' | add $chrony
rules='p+i+n+u+g+s+b+acl+xattrs+sha512'
if is_rhel; then aide=/etc/aide.conf bin=/usr/sbin; else aide=/etc/aide/aide.conf bin=/sbin; fi
{ echo "FULL = $rules"; for t in auditctl auditd ausearch aureport augenrules; do echo "$bin/$t $rules"; done; } | add $aide
if is_rhel; then
  for f in {,g}shadow{,-}; do if [ -e "$R/etc/$f" ]; then chown root:root "$R/etc/$f"; chmod 000 "$R/etc/$f"; fi; done
  for pair in install_weak_deps=False localpkg_gpgcheck=1 repo_gpgcheck=1; do set_key /etc/dnf/dnf.conf "${pair%=*}" "${pair#*=}" =; done
  printf '[main]\ndns=none\n' | put /etc/NetworkManager/NetworkManager.conf
  echo 'card_drivers = cac;' | put /etc/opensc.conf
  sed -i 's/^%wheel.*/%wheel ALL=(ALL) TYPE=sysadm_t ROLE=sysadm_r ALL/' "$R/etc/sudoers"
  printf 'auditadm_exec_content on\ndeny_execmem on\npolyinstantiation_enabled on\n' | put /etc/selinux/bed-booleans
  printf 'target DROP\ninterfaces lo\nrich rule family="ipv4" source address="127.0.0.1" destination not address="127.0.0.1" drop\n' | put /etc/firewalld/bed
fi
