#!/bin/bash
# desktop.sh ROOT   a graphical login as it came: no lock, no banner, everything mounts itself
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
stub_unit gdm.service
printf '[org/gnome/desktop/session]\nidle-delay=uint32 0\n[org/gnome/desktop/screensaver]\nlock-enabled=false\nlock-delay=uint32 600\n[org/gnome/desktop/media-handling]\nautomount=true\n' | put /etc/dconf/db/local.d/00-site
mkdir -p "$R/etc/dconf/db/local.d/locks" "$R/etc/dconf/db/gdm.d"; touch -d yesterday "$R/etc/dconf/db/local"
printf '[daemon]\nAutomaticLoginEnable=true\n[xdmcp]\nEnable=true\n' | tee >(put /etc/gdm/custom.conf) >(put /etc/gdm3/custom.conf) | put /etc/gdm3/daemon.conf
