#!/bin/bash
# pam.sh ROOT   locks, quality, history; the stacks themselves and their configuration files
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
printf 'minlen = 15\nminclass = 4\ndifok = 8\nmaxrepeat = 3\nmaxsequence = 3\nmaxclassrepeat = 4\ndcredit = -1\nucredit = -1\nlcredit = -1\nocredit = -1\nretry = 3\nenforce_for_root\n' | put /etc/security/pwquality.conf
printf 'deny = 3\nunlock_time = 0\nfail_interval = 900\ndir = /var/log/faillock\naudit\nsilent\neven_deny_root\n' | put /etc/security/faillock.conf
if is_rhel; then mkdir -p "$R/var/log/faillock"; else sed -i '/^dir/d' "$R/etc/security/faillock.conf"; fi   # its files are not as tight as Ubuntu wants logs
printf 'remember = 5\nenforce_for_root\n' | put /etc/security/pwhistory.conf
if is_rhel; then
  printf 'with-pwhistory\nwithout-nullok\n' >> "$R/etc/authselect/authselect.conf"
  sed -i -e 's/ nullok//' -e 's/^\(password .*pam_unix.so.*\)/\1 rounds=100000/' \
    -e '/^password .*pam_pwquality/a password    required                                     pam_pwhistory.so use_authtok remember=5' \
    "$R/etc/authselect/system-auth" "$R/etc/authselect/password-auth"
  su=/etc/pam.d/su
else
  sed -i -e 's/ nullok//' -e '0,/^auth/s//auth required pam_faildelay.so delay=4000000\nauth/' "$R/etc/pam.d/common-auth"
  sed -i -e '0,/^auth.*pam_unix/s//auth required pam_faillock.so preauth\n&/' -e 's/^\(auth.*\)success=1\(.*pam_unix.*\)/\1success=2\2\nauth [default=die] pam_faillock.so authfail/' "$R/etc/pam.d/common-auth"
  echo 'account required pam_faillock.so' >> "$R/etc/pam.d/common-account"
  sed -i -e 's/ nullok//' -e '/^password.*pam_unix/i password required pam_pwhistory.so use_authtok remember=5 enforce_for_root' "$R/etc/pam.d/common-password"
  su=/etc/pam.d/su
fi
chroot "$R" groupadd -f -r sugroup
{ echo 'auth required pam_wheel.so use_uid group=sugroup'; cat "$R$su"; } > "$R$su.new"; cat "$R$su.new" > "$R$su"; rm "$R$su.new"
chroot "$R" usermod -aG sugroup u-su
