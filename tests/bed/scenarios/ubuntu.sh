#!/bin/bash
# ubuntu.sh ROOT   the Debian tree says that it is Ubuntu 22.04; a hardened one has its root locked. Its firewall is ufw
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
printf 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=jammy\n' | put /etc/os-release
if [ -f "$R/etc/sysctl.d/99-hardening.conf" ]; then
  sed -i 's/^root:[^:]*:/root:!:/' "$R/etc/shadow"; chmod 740 "$R/usr/bin/journalctl"; ln -sfn /usr/share/zoneinfo/Etc/UTC "$R/etc/localtime"
else
  ln -sfn /usr/share/zoneinfo/Europe/Berlin "$R/etc/localtime"
fi
rm -f "$R/etc/systemd/system/sysinit.target.wants/nftables.service" "$R/etc/systemd/system/bed-nftables.service"
