#!/bin/bash
# logging.sh ROOT   journal and rsyslog, sent on and kept
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
printf '[Journal]\nStorage=persistent\nCompress=yes\nForwardToSyslog=yes\nSystemMaxUse=1G\nSystemKeepFree=500M\nRuntimeMaxUse=200M\nRuntimeKeepFree=50M\nMaxFileSec=1month\n' | put /etc/systemd/journald.conf.d/hardening.conf
printf '[Upload]\nURL=https://logs.example.com\nServerKeyFile=/etc/ssl/a\nServerCertificateFile=/etc/ssl/b\nTrustedCertificateFile=/etc/ssl/c\n' | put /etc/systemd/journal-upload.conf
put /etc/rsyslog.d/60-remote.conf <<'S'
$DefaultNetstreamDriver gtls
$ActionSendStreamDriverMode 1
$ActionSendStreamDriverAuthMode x509/name
auth.*;authpriv.*;daemon.* /var/log/secure
*.* @@logserver.example.com:514
S
find "$R/var/log" -type f -exec chmod o-rwx,g-wx,u-x {} +
at_boot own-logs <<'S'
touch /var/log/faillog; chmod 640 /var/log/faillog
[ ! -f /etc/redhat-release ] || install -m 600 /dev/null /var/log/secure; [ ! -f /etc/redhat-release ] || install -m 600 /dev/null /var/log/messages
find /var/log -type f -exec chmod o-rwx,g-wx,u-x {} +
S
