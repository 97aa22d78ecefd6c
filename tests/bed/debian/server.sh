#!/bin/bash
# server.sh ROOT   what a server in use has gathered, good and bad, so that a scan has something to find.
set -euo pipefail
R=$1

printf 'deb http://deb.debian.org/debian bookworm main\ndeb http://deb.debian.org/debian-security bookworm-security main\n' > "$R/etc/apt/sources.list"

# People and a service account; passwords of different age and policy, all locked.
chroot "$R" useradd -m -s /bin/bash -c 'Alice Example' alice
chroot "$R" useradd -m -s /bin/bash -c 'Bob, left in spring' bob
chroot "$R" useradd -r -d /srv/app -s /usr/sbin/nologin -c 'application' app
chroot "$R" chage -M 90 -m 1 -W 14 -d 2024-05-02 alice
chroot "$R" chage -M 99999 -d 2021-01-15 bob
chmod 755 "$R/home/bob"; chmod 700 "$R/home/alice"

# The application, its nightly job, and a secret that everybody can read.
install -d "$R/srv/app/bin" "$R/srv/app/data"
printf 'db_user=app\ndb_password=not-a-real-one\n' > "$R/srv/app/app.conf"
printf '#!/bin/sh\nfind /srv/app/data -mtime +30 -delete\n' > "$R/srv/app/bin/clean"; chmod 755 "$R/srv/app/bin/clean"
printf '15 3 * * * app /srv/app/bin/clean\n' > "$R/etc/cron.d/app"
chroot "$R" chown -R app:app /srv/app
# Classics: a directory for everybody without the sticky bit, a file of a user who is gone, a set-uid copy.
install -d -m 777 "$R/srv/exchange"
: > "$R/srv/app/data/old-export.csv"; chown 4711:4711 "$R/srv/app/data/old-export.csv"
cp "$R/usr/bin/id" "$R/usr/local/bin/id-debug"; chmod 4755 "$R/usr/local/bin/id-debug"

printf 'net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.all.accept_redirects = 0\nkernel.dmesg_restrict = 1\n' > "$R/etc/sysctl.d/60-server.conf"
printf 'install usb-storage /bin/false\nblacklist usb-storage\n' > "$R/etc/modprobe.d/usb-storage.conf"
# Mounts with options of their own; tmpfs stands in for partitions.
printf 'tmpfs /dev/shm tmpfs defaults,nodev,nosuid 0 0\ntmpfs /var/tmp tmpfs rw,nodev,nosuid,noexec,mode=1777 0 0\n' >> "$R/etc/fstab"
