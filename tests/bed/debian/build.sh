#!/bin/bash
# build.sh ROOT   a Debian 12 server: what every host of the bed has, whichever family it plays.
set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}") R=$1

# The machine's own Debian mirror where it has one: often the only one it can reach.
mirror=${KENSA_BED_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' | head -n 1 || true)}
packages=$(sed 's/#.*//' "$here/packages.txt" | xargs | tr ' ' ,)
mmdebstrap --quiet --variant=minbase --mode=root --dpkgopt=force-unsafe-io --aptopt='APT::Install-Recommends "false"' \
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --include="$packages" bookworm "$R" "${mirror:-http://deb.debian.org/debian}"

cp -r "$here/files/." "$R/"
chmod 440 "$R/etc/sudoers.d/bed"; chmod 640 "$R"/etc/audit/rules.d/*.rules
: > "$R/etc/machine-id"                      # each host gets its own at boot
rm -rf "$R/var/log/journal"                  # journal in memory, as on a stock Enterprise Linux
"$here/accounts.sh" "$R"
"$here/server.sh" "$R"
"$here/modules.sh" "$R"

# Units that cannot work in a container, or that only make noise in a host living for seconds.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer e2scrub_reap.service \
            console-getty.service systemd-networkd.service; do
  ln -sf /dev/null "$R/etc/systemd/system/$unit"
done
# chronyd may not set the machine's clock (-x).
sed -i 's/^DAEMON_OPTS=.*/DAEMON_OPTS="-F 1 -x"/' "$R/etc/default/chrony"
ln -sf ../bed-sysctl.service "$R/etc/systemd/system/sysinit.target.wants/bed-sysctl.service"
