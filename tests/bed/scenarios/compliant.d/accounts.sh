#!/bin/bash
# accounts.sh ROOT   ages of passwords, homes, start-up files, masks
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
for pair in PASS_MAX_DAYS:60 PASS_MIN_LEN:15 PASS_MIN_DAYS:1 UMASK:077 FAIL_DELAY:4 SHA_CRYPT_MIN_ROUNDS:100000 SHA_CRYPT_MAX_ROUNDS:100000; do set_key /etc/login.defs "${pair%:*}" "${pair#*:}" $'\t'; done
sed -i -E '/^[^:]*:[$]/s/^([^:]*:[^:]*):[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:/\1:20500:1:60:7:30:/' "$R/etc/shadow"
today=$(( $(date +%s) / 86400 )); sed -i "s/:20500:1:60:7:30:/:$((today - 1)):1:60:7:30:/" "$R/etc/shadow"
chmod 700 "$R"/home/*; chmod -R go-rwx "$R"/root/.[!.]* "$R"/home/*/.[!.]*
for f in /etc/profile /etc/bashrc /etc/csh.cshrc /etc/bash.bashrc; do touch "$R$f"; sed -i '/umask/d' "$R$f"; done
echo 'umask 077' | add /etc/profile; echo 'umask 077' | add /etc/bashrc; echo 'umask 077' | add /etc/csh.cshrc; echo 'umask 077' | add /etc/bash.bashrc; echo 'umask 027' | add /root/.bashrc
printf 'TMOUT=600\nreadonly TMOUT\nexport TMOUT\n' | put /etc/profile.d/tmout.sh
printf '* hard core 0\n* hard maxlogins 10\n' | put /etc/security/limits.d/10-core.conf
printf '[defaults]\ncrypt_style = sha512\n' | put /etc/libuser.conf
printf 'postmaster: root\nroot: admin@example.com\n' | put /etc/aliases
