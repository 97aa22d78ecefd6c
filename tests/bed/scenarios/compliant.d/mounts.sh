#!/bin/bash
# mounts.sh ROOT   file systems of their own; binds and tmpfs stand in for partitions. They are private, or what is mounted
# on /var were mounted a second time below / and would lie on top.
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
sed -i '/ \/dev\/shm /d; / \/var\/tmp /d; / \/tmp /d' "$R/etc/fstab"
add /etc/fstab <<'F'
tmpfs /dev/shm tmpfs defaults,nodev,nosuid,noexec 0 0
tmpfs /tmp tmpfs defaults,nodev,nosuid,noexec,mode=1777 0 0
/home /home none bind,private,nodev,nosuid,noexec 0 0
/var /var none bind,private,nodev,nosuid 0 0
/var/log /var/log none bind,private,nodev,nosuid,noexec 0 0
/var/log/audit /var/log/audit none bind,private,nodev,nosuid,noexec 0 0
tmpfs /var/tmp tmpfs defaults,nodev,nosuid,noexec,mode=1777 0 0
F
at_boot own-mounts <<'S'
for m in /tmp /dev/shm; do mount -o remount,nodev,nosuid,noexec $m; done
S
