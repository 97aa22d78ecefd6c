#!/bin/bash
# files.sh ROOT   owners and modes nobody looked after
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
touch "$R/etc/group-" "$R/etc/passwd-" "$R/etc/security/opasswd" "$R/var/log/auth.log" "$R/var/log/syslog" "$R/etc/ssh/ssh_host_dsa_key" "$R/etc/ssh/ssh_host_dsa_key.pub"
mkdir -p "$R/var/log/journal/old" "$R/var/log/audit"; touch "$R/var/log/journal/old/old.journal" "$R/var/log/audit/audit.log"
open() { local p; for p; do if [ -e "$R$p" ]; then chown nobody:games "$R$p"; chmod a+rw "$R$p"; fi; done; }
open /etc/group- /etc/group /etc/passwd- /etc/passwd /etc/issue /etc/issue.net /etc/motd /etc/shells /etc/ssh/ssh_host_dsa_key /etc/ssh/ssh_host_dsa_key.pub \
  /etc/security/opasswd /etc/audit/auditd.conf /etc/audit/audit.rules /usr/sbin/{auditctl,aureport,ausearch,auditd,augenrules} /usr/bin/journalctl \
  /var/log/auth.log /var/log/syslog /var/log/audit/audit.log
for f in "$R"/etc/audit/rules.d/*.rules; do open "${f#"$R"}"; done
at_boot careless-modes <<'S'
chmod 777 /var/log /var/log/audit /var/log/journal; chown nobody:games /var/log /var/log/journal /var/log/journal/* /var/log/journal/*/* /var/log/audit/audit.log; chmod 666 /var/log/journal/*/*.journal /var/log/audit/audit.log
for f in /var/log/auth.log /var/log/syslog; do chown nobody:games $f; chmod 666 $f; done
umount -l /tmp; umount -l /dev/shm
S
printf -- '-w /etc/motd -p wa\n' | put /etc/audit/rules.d/99-forgotten.rules 666
# Libraries and programs of somebody who is gone.
mkdir -p "$R/usr/lib/old-app" "$R/usr/local/bin"; touch "$R/usr/lib/old-app/old.so" "$R/usr/local/bin/old-app"
chown -R 4711:4711 "$R/usr/lib/old-app" "$R/usr/local/bin/old-app" "$R/usr/local/sbin"; chmod -R 777 "$R/usr/lib/old-app" "$R/usr/local/bin/old-app" "$R/usr/local/sbin"
mkdir -p "$R/srv/drop"; chown 4711:4711 "$R/srv/drop"; chmod 777 "$R/srv/drop"
mkdir -p "$R/boot/efi"
add /etc/fstab <<'F'
/boot /boot none bind 0 0
/boot/efi /boot/efi none bind 0 0
tmpfs /var/log/audit tmpfs defaults,size=8M 0 0
F
