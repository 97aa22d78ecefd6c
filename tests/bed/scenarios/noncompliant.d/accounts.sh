#!/bin/bash
# accounts.sh ROOT   homes, start-up files, duplicate and broken entries
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
printf 'old:$6$salt$hash:1500:1500::/home/old:/bin/sh\nscan:x:1501:100::/home/scan2:/bin/sh\nlost:x:1502:100:::/bin/sh\n' >> "$R/etc/passwd"
printf 'toor:x:0:\nusers2:x:100:\nusers2:x:1999:\n' >> "$R/etc/group"
sed -i 's/^shadow:x:\([0-9]*\):.*/shadow:x:\1:bob/' "$R/etc/group"
printf 'lost:$1$salt$hash:30000:0:99999:0:::\n' >> "$R/etc/shadow"; sed -i 's/^app:[^:]*:/app:$6$salt$hash:/' "$R/etc/shadow"
if ! is_rhel; then chroot "$R" usermod -aG sudo bob; fi
h=$R/home/bob; touch "$h"/.forward "$h"/.netrc "$h"/.shosts; mkdir -p "$h/.ssh"; ssh-keygen -q -t ed25519 -N '' -C old -f "$h/.ssh/id_ed25519"
printf 'umask 000\nexport PATH=.:$PATH\n' >> "$h/.bashrc"; chmod 666 "$h/.bashrc"; chown nobody:games "$h"
echo 'umask 000' >> "$R/root/.bashrc"; echo 'PATH=$PATH:.:/srv/drop; export PATH' | add /root/.profile; echo 'PATH=$PATH:.:/srv/drop; export PATH' | add /root/.bash_profile
touch "$R/etc/ssh/shosts.equiv" "$R/etc/shosts.equiv" "$R/etc/hosts.equiv"
sed -i 's/^ENCRYPT_METHOD.*/ENCRYPT_METHOD DES/; s/^CREATE_HOME.*/CREATE_HOME no/' "$R/etc/login.defs"
printf 'dictcheck = 0\nenforcing = 0\n' | put /etc/security/pwquality.conf
pam=; if is_rhel; then pam="$R/etc/authselect/system-auth $R/etc/authselect/password-auth"; else pam=$R/etc/pam.d/common-password; fi
sed -i -e '/^password.*pam_pwquality/d' -e '/^password.*pam_unix/{s/ \(yescrypt\|sha512\|use_authtok\)//g;s/$/ remember=3/}' $pam
if is_rhel; then sed -i '/^session.*pam_unix/d' $pam; else sed -i '/pam_unix/d' "$R/etc/pam.d/common-session"; fi
{ echo 'auth optional pam_succeed_if.so quiet uid >= 0'; cat "$R/etc/pam.d/sudo"; } > "$R/etc/pam.d/sudo.new"; cat "$R/etc/pam.d/sudo.new" > "$R/etc/pam.d/sudo"; rm "$R/etc/pam.d/sudo.new"
printf 'Defaults !authenticate\nALL ALL=(ALL) ALL\n' | put /etc/sudoers.d/careless 440
: | put /etc/sudoers.more 440; echo '@include /etc/sudoers.more' >> "$R/etc/sudoers"
echo /usr/sbin/nologin >> "$R/etc/shells"
