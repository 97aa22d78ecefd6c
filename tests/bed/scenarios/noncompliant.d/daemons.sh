#!/bin/bash
# daemons.sh ROOT   sshd, auditd, rsyslog, chrony, aide and package sources with careless settings
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
put /etc/ssh/sshd_config.d/00-a-legacy.conf 644 <<'S'
LogLevel QUIET
MaxSessions 50
PermitEmptyPasswords yes
KerberosAuthentication yes
PrintLastLog no
StrictModes no
X11UseLocalhost no
S
for pair in action_mail_acct=nobody flush=NONE freq=0 local_events=no log_format=RAW max_log_file=1 max_log_file_action=IGNORE overflow_action=IGNORE write_logs=no \
  tcp_listen_port=60; do set_key /etc/audit/auditd.conf "${pair%%=*}" "${pair#*=}" ' = '; done
rm -f "$R"/etc/rsyslog.d/*.conf "$R/etc/logrotate.d/rsyslog"; printf 'module(load="imuxsock")\nmodule(load="imtcp")\n' | put /etc/rsyslog.conf
printf '[Journal]\nForwardToSyslog=no\nStorage=volatile\n' | put /etc/systemd/journald.conf.d/legacy.conf
if [ -f "$R/etc/logrotate.conf" ]; then sed -i '/rotate [0-9]/d' "$R/etc/logrotate.conf"; fi
rm -f "$R"/etc/cron.*/*aide* "$R"/usr/lib/systemd/system/*aide* "$R"/etc/systemd/system/*/*aide*
printf 'user root\n' | tee "$R/etc/chrony.conf" | put /etc/chrony/chrony.conf; rm -f "$R"/etc/chrony/sources.d/* "$R"/etc/chrony/conf.d/*
if is_rhel; then
  rm -rf "$R/etc/chrony"; echo 'OPTIONS="-u root"' | put /etc/sysconfig/chronyd; echo 'CRYPTO_POLICY=' | add /etc/sysconfig/sshd; chmod 666 "$R/etc/sysconfig/sshd"
  for pair in clean_requirements_on_remove=0; do set_key /etc/dnf/dnf.conf "${pair%=*}" "${pair#*=}" =; done
  rm -f "$R"/etc/yum.repos.d/*.repo; printf '[epel]\nname=epel\nenabled=1\ngpgcheck=0\n' | put /etc/yum.repos.d/epel.repo
  sed -i 's/^SELINUXTYPE=.*/SELINUXTYPE=minimum/' "$R/etc/selinux/config"
  echo 'FirewallBackend=iptables' | put /etc/firewalld/firewalld.conf
  echo 'Ciphers aes128-ctr,aes128-cbc' | put /etc/crypto-policies/back-ends/opensshserver.config
  echo '# changed by hand' >> "$R/usr/sbin/grubby"
fi
