#!/bin/bash
# optional.sh ROOT   daemons a host need not have, left half set up
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
printf '#!/bin/sh\n' | put /usr/bin/at 755; rm -f "$R/etc/at.allow"; : | put /etc/at.deny 644
idle_unit() { local n; for n; do rm -f "$R/etc/systemd/system/$n"; printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' | put "/etc/systemd/system/$n"; done; }
if is_rhel; then
  echo 'options { };' | put /etc/named.conf; echo 'config setup' | put /etc/ipsec.conf
  printf 'inet_interfaces = all\nsmtpd_client_restrictions = permit\n' | put /etc/postfix/main.cf
  printf '#!/bin/sh\n# Stand-in: prints a value of main.cf as postconf -h does.\nsed -n "s/^$2 *= *//p" /etc/postfix/main.cf\n' | put /usr/sbin/postconf 755
  idle_unit fapolicyd.service usbguard.service sssd.service
  printf '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n' | put /etc/systemd/system/dnf-automatic.timer
  printf '[Service]\nExecStart=/bin/true\n' | put /etc/systemd/system/dnf-automatic.service; printf '[commands]\napply_updates = no\n' | put /etc/dnf/automatic.conf
  printf '[sssd]\ndomains = example\n[domain/example]\nid_provider = files\n' | put /etc/sssd/sssd.conf 600
  printf 'AuditBackend=FileAudit\nImplicitPolicyTarget=allow\n' | put /etc/usbguard/usbguard-daemon.conf 600; : | put /etc/usbguard/rules.conf 600
  printf 'allow perm=any all : all\n' | put /etc/fapolicyd/compiled.rules; echo 'permissive = 1' | put /etc/fapolicyd/fapolicyd.conf
else
  idle_unit ufw.service systemd-timesyncd.service
  printf '[Time]\n' | put /etc/systemd/timesyncd.conf
  printf 'DEFAULT_INPUT_POLICY="ACCEPT"\n' | put /etc/default/ufw; : | put /etc/ufw/before.rules 640; : | put /etc/ufw/user.rules 640
  printf '#!/usr/sbin/nft -f\nflush ruleset\n' | put /etc/nftables.conf 755
  echo 'systemctl start nftables.service' | at_boot nftables   # runs, and is not enabled
  rm -f "$R/etc/apt/apt.conf.d/20auto-upgrades" "$R/etc/apt/apt.conf.d/52remove"
fi
