#!/bin/bash
# audit.sh ROOT   everything the benchmarks want recorded, and an auditd that stops rather than loses records
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
put /etc/audit/rules.d/60-watch.rules 600 <<'W'
-w /etc/NetworkManager -p wa -k watch
-w /etc/apparmor.d/ -p wa -k watch
-w /etc/apparmor/ -p wa -k watch
-w /etc/cron.d -p wa -k watch
-w /etc/group -p wa -k watch
-w /etc/gshadow -p wa -k watch
-w /etc/hostname -p wa -k watch
-w /etc/hosts -p wa -k watch
-w /etc/issue -p wa -k watch
-w /etc/issue.net -p wa -k watch
-w /etc/localtime -p wa -k watch
-w /etc/network -p wa -k watch
-w /etc/networks -p wa -k watch
-w /etc/nsswitch.conf -p wa -k watch
-w /etc/pam.conf -p wa -k watch
-w /etc/pam.d -p wa -k watch
-w /etc/passwd -p wa -k watch
-w /etc/security/opasswd -p wa -k watch
-w /etc/selinux -p wa -k watch
-w /etc/shadow -p wa -k watch
-w /etc/sudoers -p wa -k watch
-w /etc/sudoers.d/ -p wa -k watch
-w /etc/sysconfig/network -p wa -k watch
-w /etc/sysconfig/network-scripts/ -p wa -k watch
-w /sbin/modprobe -p x -k watch
-w /usr/sbin/fdisk -p x -k watch
-w /usr/share/selinux -p wa -k watch
-w /var/log/btmp -p wa -k watch
-w /var/log/faillock -p wa -k watch
-w /var/log/faillog -p wa -k watch
-w /var/log/journal -p wa -k watch
-w /var/log/lastlog -p wa -k watch
-w /var/log/sudo.log -p wa -k watch
-w /var/log/wtmp -p wa -k watch
-w /var/run/faillock -p wa -k watch
-w /var/run/utmp -p wa -k watch
-w /var/spool/cron -p wa -k watch
W
put /etc/audit/rules.d/60-calls.rules 600 <<'W'
-a always,exit -F arch=b32 -C euid!=uid -F auid!=unset -S execve -k calls
-a always,exit -F arch=b32 -S adjtimex,settimeofday -k calls
-a always,exit -F arch=b32 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S chown,fchown,fchownat,lchown -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -k calls
-a always,exit -F arch=b32 -S creat,open,openat,truncate,ftruncate -F exit=-EACCES -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S creat,open,openat,truncate,ftruncate -F exit=-EPERM -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S delete_module -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S execve -C gid!=egid -F egid=0 -k calls
-a always,exit -F arch=b32 -S execve -C uid!=euid -F euid=0 -k calls
-a always,exit -F arch=b32 -S init_module,finit_module -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S mount -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S open_by_handle_at -F exit=-EACCES -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S open_by_handle_at -F exit=-EPERM -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S rmdir -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S sethostname,setdomainname -k calls
-a always,exit -F arch=b32 -S setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S umount -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S umount2 -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b32 -S unlink,unlinkat,rename,renameat -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -C euid!=uid -F auid!=unset -S execve -k calls
-a always,exit -F arch=b64 -S adjtimex,settimeofday -k calls
-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S chown,fchown,fchownat,lchown -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -k calls
-a always,exit -F arch=b64 -S creat,open,openat,truncate,ftruncate -F exit=-EACCES -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S creat,open,openat,truncate,ftruncate -F exit=-EPERM -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S delete_module -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S execve -C gid!=egid -F egid=0 -k calls
-a always,exit -F arch=b64 -S execve -C uid!=euid -F euid=0 -k calls
-a always,exit -F arch=b64 -S init_module,finit_module -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S mount -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S open_by_handle_at -F exit=-EACCES -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S open_by_handle_at -F exit=-EPERM -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S rmdir -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S sethostname,setdomainname -k calls
-a always,exit -F arch=b64 -S setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S umount2 -F auid>=1000 -F auid!=unset -k calls
-a always,exit -F arch=b64 -S unlink,unlinkat,rename,renameat -F auid>=1000 -F auid!=unset -k calls
W
put /etc/audit/rules.d/60-programs.rules 600 <<'W'
-a always,exit -F path=/sbin/apparmor_parser -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/chacl -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/chage -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/chcon -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/chfn -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/chsh -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/crontab -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/gpasswd -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/kmod -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/mount -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/newgrp -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/passwd -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/setfacl -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/ssh-agent -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/su -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/sudo -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/sudoedit -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/bin/umount -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/lib/openssh/ssh-keysign -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/libexec/openssh/ssh-keysign -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/init -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/pam_timestamp_check -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/postdrop -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/postqueue -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/poweroff -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/reboot -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/semanage -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/setfiles -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/setsebool -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/shutdown -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/unix_chkpwd -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/unix_update -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/userhelper -F perm=x -F auid>=1000 -F auid!=unset -k programs
-a always,exit -F path=/usr/sbin/usermod -F perm=x -F auid>=1000 -F auid!=unset -k programs
W
sed -i '/^-f/d' "$R"/etc/audit/rules.d/*.rules
printf -- '-c\n-f 2\n--loginuid-immutable\n' | put /etc/audit/rules.d/11-options.rules 600
# Every set-uid and set-gid program that no rule above names.
find "$R" -xdev -type f -perm /6000 -printf '/%P\n' | sort | while read -r file; do
  grep -qs "path=$file " "$R"/etc/audit/rules.d/*.rules || echo "-a always,exit -F path=$file -F perm=x -F auid>=1000 -F auid!=unset -k programs"
done | put /etc/audit/rules.d/65-suid.rules 600
for pair in admin_space_left_action=single admin_space_left=5% disk_error_action=syslog disk_full_action=syslog name_format=hostname \
  space_left_action=email space_left=25% action_mail_acct=root; do set_key /etc/audit/auditd.conf "${pair%%=*}" "${pair#*=}" ' = '; done
mkdir -p "$R/var/log/audit"; touch "$R/var/log/audit/audit.log"; chmod 600 "$R/var/log/audit/audit.log"; chmod 700 "$R/var/log/audit"
