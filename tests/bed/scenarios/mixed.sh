#!/bin/bash
# mixed.sh ROOT   after compliant.sh: settings that are there and wrong, values that are nearly right, one aspect wrong at a time.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
good='minlen = 15\nminclass = 4\ndifok = 8\nmaxrepeat = 3\nmaxsequence = 3\nmaxclassrepeat = 4\ndcredit = -1\nucredit = -1\nlcredit = -1\nocredit = -1\nretry = 3\nenforce_for_root\ndictcheck = 1\nenforcing = 1\n'
weak='minlen = 8\nminclass = 1\ndifok = 1\nmaxrepeat = 9\nmaxsequence = 9\nmaxclassrepeat = 9\ndcredit = 1\nucredit = 1\nlcredit = 1\nocredit = 1\nretry = 9\ndictcheck = 0\nenforcing = 0\n'
if is_rhel; then
  # Quality comes from the drop-in alone.
  : | put /etc/security/pwquality.conf; printf "$good" | put /etc/security/pwquality.conf.d/50-site.conf
else
  # The drop-in repairs what the file says, for programs that read it.
  printf "$weak" | put /etc/security/pwquality.conf; printf "$good" | put /etc/security/pwquality.conf.d/50-site.conf
fi
printf 'deny = 20\nunlock_time = 60\nfail_interval = 60\n' | put /etc/security/faillock.conf
printf 'remember = 1\n' | put /etc/security/pwhistory.conf
for pair in FAIL_DELAY:1 SHA_CRYPT_MIN_ROUNDS:5000 PASS_MAX_DAYS:90 PASS_MIN_DAYS:0 PASS_WARN_AGE:3; do set_key /etc/login.defs "${pair%:*}" "${pair#*:}" $'\t'; done
set_key /etc/default/useradd INACTIVE 90 =
printf '[Login]\nStopIdleSessionSec=7200\n' | put /etc/systemd/logind.conf.d/hardening.conf
printf 'ClientAliveInterval 7200\nCompression yes\nGSSAPIAuthentication yes\nLogLevel DEBUG\nKexAlgorithms curve25519-sha256,diffie-hellman-group14-sha1\nBanner /etc/other\n' | put /etc/ssh/sshd_config.d/00-a-mixed.conf 600
for pair in action_mail_acct=nobody flush=NONE freq=500 name_format=none overflow_action=ignore admin_space_left_action=ignore disk_error_action=ignore \
  disk_full_action=ignore space_left_action=ignore max_log_file_action=ignore; do set_key /etc/audit/auditd.conf "${pair%%=*}" "${pair#*=}" ' = '; done
printf '[Journal]\nForwardToSyslog=maybe\nCompress=maybe\nStorage=none\nSystemMaxUse=\nSystemKeepFree=\nRuntimeMaxUse=\nRuntimeKeepFree=\nMaxFileSec=\n' | put /etc/systemd/journald.conf.d/hardening.conf
printf '[Upload]\nURL=\nServerKeyFile=\nServerCertificateFile=\nTrustedCertificateFile=\n' | put /etc/systemd/journal-upload.conf
printf 'postmaster:\nroot:\n' | put /etc/aliases
{ for b in /sbin /usr/sbin; do for t in auditctl auditd ausearch aureport augenrules; do echo "$b/$t p+i+n+md5"; done; done; } > "$R/tmp/aide-mixed"
for f in /etc/aide.conf /etc/aide/aide.conf; do if [ -f "$R$f" ]; then sed -i '/sbin\/au/d' "$R$f"; cat "$R/tmp/aide-mixed" >> "$R$f"; fi; done
printf '[daemon]\nAutomaticLoginEnable=false\n[xdmcp]\nEnable=true\n' | put /etc/gdm/custom.conf
printf '[xdmcp]\nEnable=false\n' | put /etc/gdm3/custom.conf; printf '[xdmcp]\nEnable=true\n' | put /etc/gdm3/daemon.conf
sed -i "s/idle-delay=.*/idle-delay=uint32 9999/; s/lock-delay=.*/lock-delay=uint32 99/; s/banner-message-text=.*/banner-message-text='x'/; s/picture-uri=.*/picture-uri=string 'file:x'/; s/logout=.*/logout=['x']/" "$R/etc/dconf/db/local.d/00-hardening"
for f in issue issue.net; do printf 'Access to this system is for authorised users only; all use is monitored and recorded, and misuse will be prosecuted.\n\\s \\r\n' | put /etc/$f; done
if is_rhel; then
  for pair in install_weak_deps=maybe localpkg_gpgcheck=maybe repo_gpgcheck=maybe gpgcheck=maybe clean_requirements_on_remove=maybe; do set_key /etc/dnf/dnf.conf "${pair%=*}" "${pair#*=}" =; done
  printf '[main]\ndns=dnsmasq\n' | put /etc/NetworkManager/NetworkManager.conf; echo 'card_drivers = other;' | put /etc/opensc.conf
  printf '[commands]\napply_updates = maybe\n' | put /etc/dnf/automatic.conf
  printf '[sssd]\ncertificate_verification = no\n[pam]\n' | put /etc/sssd/sssd.conf 600; echo none | put /etc/sssd/pki/sssd_auth_ca_db.pem
  printf 'Ciphers aes128-cbc\nMACs hmac-md5\n' | put /etc/crypto-policies/back-ends/openssh.config
  echo DEFAULT | tee "$R/etc/crypto-policies/config" > "$R/etc/crypto-policies/state/current"
  printf 'mac = HMAC-SHA1-64\nhash = SHA1\nsign = RSA-SHA1\ncipher = AES-128-CBC\nsha1_in_certs = 0\n' | put /etc/crypto-policies/state/CURRENT.pol
  echo 'none' | put /etc/usbguard/rules.conf 600; sed -i 's/superusers=.*/superusers="root"/' "$R/boot/grub2/grub.cfg"; echo 'none' | put /boot/grub2/user.cfg 600
  printf '$DefaultNetstreamDriver ptcp\n$ActionSendStreamDriverMode 0\n$FileCreateMode 0666\n' | put /etc/rsyslog.d/60-remote.conf
  rm -f "$R"/etc/yum.repos.d/*.repo
  # Right owners, wrong modes.
  touch "$R"/etc/{group-,passwd-,shadow-,gshadow-,security/opasswd,security/opasswd.old}
  for f in /etc/{group,passwd,shadow,gshadow}{,-} /etc/issue /etc/issue.net /etc/motd /etc/shells /etc/security/opasswd /etc/security/opasswd.old /etc/cron.allow /etc/at.allow /boot/grub2/grub.cfg \
    /boot/grub2/grubenv /etc/audit/auditd.conf /etc/audit/audit.rules /etc/audit/rules.d/11-options.rules /etc/sssd/pki/sssd_auth_ca_db.pem /etc/ssh/sshd_config; do
    if [ -e "$R$f" ]; then chown root:root "$R$f"; chmod 666 "$R$f"; fi
  done
  for f in auditctl aureport ausearch auditd augenrules; do chmod 777 "$R/usr/sbin/$f"; done
  touch "$R/etc/ssh/ssh_host_dsa_key" "$R/etc/ssh/ssh_host_dsa_key.pub"; chmod 666 "$R"/etc/ssh/ssh_host_dsa_key*
  at_boot wrong-modes <<'S'
touch /var/log/secure /var/log/messages; chmod 666 /var/log/secure /var/log/messages /var/log/audit/*; chmod 777 /var/log /var/log/audit; mkdir -p /var/log/journal; chmod 2777 /var/log/journal; chmod 666 /var/log/journal/*/*.journal
S
else
  printf 'APT::Periodic::Unattended-Upgrade "0";\n' | put /etc/apt/apt.conf.d/20auto-upgrades; printf 'password_pbkdf2 x y\n' | put /boot/grub/grub.cfg 600
  printf 'DEFAULT_INPUT_POLICY="ACCEPT"\nDEFAULT_OUTPUT_POLICY="ACCEPT"\nDEFAULT_FORWARD_POLICY="ACCEPT"\n' | put /etc/default/ufw
  echo '# none' | put /etc/ufw/before.rules 640; echo '# none' | put /etc/ufw/user.rules 640
  printf '[Time]\nNTP=\n' | put /etc/systemd/timesyncd.conf
  # What may be absent is; the other owners of what has to be there.
  rm -f "$R"/etc/{group-,passwd-,shadow-,gshadow-,issue,issue.net,motd,security/opasswd,security/opasswd.old}; rm -rf "$R/etc/cron.yearly"
  chown nobody:games "$R/etc/gshadow"; chmod 640 "$R/etc/gshadow"; chown nobody:games "$R/etc/shadow"
fi
# Kernel parameters and mounts are in force, and nothing would set them at the next boot.
cat "$R"/etc/sysctl.d/99-hardening*.conf > "$R/usr/lib/bed/parameters.conf"; rm "$R"/etc/sysctl.d/99-hardening*.conf
printf '[Service]\nExecStartPost=/sbin/sysctl -q -e -p /usr/lib/bed/parameters.conf\n' | put /etc/systemd/system/systemd-sysctl.service.d/site.conf
at_boot forgotten-options <<'S'
sed -i 's/nodev/dev/g; s/nosuid/suid/g; s/noexec/exec/g' /etc/fstab
S
# Audit rules are loaded and no longer in files, or the other way round.
lost=': > /run/bed-audit/rules'; is_rhel || lost='rm -r /etc/audit/rules.d; : > /etc/audit/audit.rules'
printf "[Service]\nExecStartPost=/bin/sh -c '%s'\n" "$lost" | put /etc/systemd/system/auditd.service.d/site.conf
