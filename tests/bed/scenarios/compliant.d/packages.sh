#!/bin/bash
# packages.sh ROOT   what must be there is there, what must not be is gone
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
if is_rhel; then
  installed audispd-plugins dnf-automatic fapolicyd gnutls-utils libreswan mailx nss-tools opensc openssl-pkcs11 pcsc-lite policycoreutils-python-utils \
    rsyslog-gnutls s-nail sssd systemd-journal-remote usbguard
  uninstalled telnet tuned mcstrans nginx rpcbind cockpit
  touch "$R/var/lib/aide/aide.db.gz"
else
  installed apparmor apparmor-utils audispd-plugins systemd-journal-remote ufw unattended-upgrades opensc opensc-pkcs11 libpam-pkcs11 vlock
  uninstalled telnet inetutils-telnet nginx rpcbind
  mkdir -p "$R/var/lib/aide"; touch "$R/var/lib/aide/aide.db"
  printf 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' | put /etc/apt/apt.conf.d/20auto-upgrades
  printf 'Unattended-Upgrade::Remove-Unused-Dependencies "true";\nUnattended-Upgrade::Remove-Unused-Kernel-Packages "true";\n' | put /etc/apt/apt.conf.d/52remove
  mkdir -p "$R/var/lib/apt/lists"; touch "$R/var/lib/apt/lists/deb.example_InRelease"
fi
