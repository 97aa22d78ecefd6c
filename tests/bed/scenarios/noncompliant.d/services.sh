#!/bin/bash
# services.sh ROOT   everything runs that somebody once tried out, and what should run does not
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
stub_unit autofs.service avahi-daemon.service bluetooth.service cups.service cyrus-imapd.service dhcpd.service dnsmasq.service dovecot.service httpd.service \
  isc-dhcp-server.service named.service nfs-server.service slapd.service smb.service smbd.service snmpd.service squid.service systemd-journal-remote.service \
  tftp.service tftpd-hpa.service vsftpd.service xinetd.service ypserv.service kdump.service kdump-tools.service apport.service rsync.service rsyncd.service \
  telnet.socket cockpit.socket systemd-coredump.socket debug-shell.service
printf '[Socket]\nListenStream=0.0.0.0:25\nAccept=yes\n[Install]\nWantedBy=sockets.target\n' | put /etc/systemd/system/mail.socket
printf '[Service]\nExecStart=/bin/true\n' | put /etc/systemd/system/mail@.service; wants mail.socket sockets
# sshd runs, but nothing says that it should after the next boot but one.
rm -f "$R"/etc/systemd/system/multi-user.target.wants/ssh{,d}.service "$R/etc/systemd/system/sshd.service"
printf '[Unit]\nWants=%s\n' "$(if is_rhel; then echo sshd.service; else echo ssh.service; fi)" | put /etc/systemd/system/multi-user.target.d/ssh.conf
rm -f "$R"/etc/systemd/system/timers.target.wants/logrotate.timer; masked logrotate.timer
for u in rescue emergency; do printf '[Service]\nExecStart=\nExecStart=/bin/sh\n' | put /etc/systemd/system/$u.service.d/open.conf; done
if is_rhel; then wants_dir=$R/etc/systemd/system/multi-user.target.wants; mkdir -p "$wants_dir"; ln -sf /usr/lib/systemd/system/nftables.service "$wants_dir/nftables.service"
  printf '#!/usr/sbin/nft -f\ntable inet bed { }\n' | put /etc/nftables.conf 755; fi
at_boot promiscuous <<'S'
ip link set host0 promisc on || ip link set lo promisc on
S
