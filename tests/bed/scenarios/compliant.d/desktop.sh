#!/bin/bash
# desktop.sh ROOT   a graphical login, locked down: real dconf files; the display manager itself is a unit that does nothing
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
stub_unit gdm.service
idle='[org/gnome/desktop/session]\nidle-delay=uint32 900\n[org/gnome/desktop/screensaver]\nlock-enabled=true\nlock-delay=uint32 5\npicture-uri=string '"''"'\n'
login='[org/gnome/login-screen]\nbanner-message-enable=true\nbanner-message-text='"'Authorised users only'"'\ndisable-restart-buttons=true\ndisable-user-list=true\n'
media='[org/gnome/desktop/media-handling]\nautomount=false\nautomount-open=false\nautorun-never=true\n'
keys='[org/gnome/settings-daemon/plugins/media-keys]\nlogout=['"''"']\n[org/gnome/settings-daemon/peripherals/smartcard]\nremoval-action='"'lock-screen'"'\n'
printf "$idle$login$media$keys" | put /etc/dconf/db/local.d/00-hardening
printf "$login" | put /etc/dconf/db/gdm.d/00-login
put /etc/dconf/db/local.d/locks/hardening <<'L'
/org/gnome/desktop/media-handling/autorun-never
/org/gnome/desktop/media-handling/automount
/org/gnome/desktop/media-handling/automount-open
/org/gnome/login-screen/disable-restart-buttons
/org/gnome/login-screen/banner-message-enable
/org/gnome/desktop/session/idle-delay
/org/gnome/desktop/screensaver/lock-delay
/org/gnome/desktop/screensaver/lock-enabled
/org/gnome/desktop/screensaver/picture-uri
/org/gnome/settings-daemon/peripherals/smartcard/removal-action
/org/gnome/settings-daemon/plugins/media-keys/logout
L
for d in local gdm; do find "$R/etc/dconf/db/$d.d" -type f -exec touch -d yesterday {} +; touch "$R/etc/dconf/db/$d"; done
printf '[daemon]\nAutomaticLoginEnable=false\n[xdmcp]\nEnable=false\n' | tee >(put /etc/gdm/custom.conf) >(put /etc/gdm3/custom.conf) | put /etc/gdm3/daemon.conf
