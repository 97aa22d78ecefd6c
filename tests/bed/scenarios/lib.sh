# lib.sh   words the scenarios share; sourced with ROOT as first argument. Everything happens in the tree of a host that is down.
set -euo pipefail
R=$1
is_rhel() { [ -f "$R/etc/redhat-release" ]; }
put() { mkdir -p "$(dirname "$R$1")"; cat > "$R$1"; chmod "${2:-644}" "$R$1"; }   # FILE [MODE] < text
add() { mkdir -p "$(dirname "$R$1")"; cat >> "$R$1"; }                              # FILE < text
set_key() { touch "$R$1"; sed -i -E "/^[# ]*$2\b/d" "$R$1"; echo "$2$4$3" >> "$R$1"; } # FILE KEY VALUE SEPARATOR
installed() { # NAME...: in the package database, without a file of its own
  local n f
  for n; do
    if is_rhel; then
      chroot "$R" rpm -q "$n" >/dev/null && continue
      f=$(cd "$R" && ls usr/share/bed-rpms/"$n"-[0-9]*.rpm | head -n 1)
      chroot "$R" rpm -i --justdb --nodeps --noscripts --nosignature --ignoreos --ignorearch "/$f"
    elif grep -qx "Package: $n" "$R/var/lib/dpkg/status"; then
      sed -i "/^Package: $n\$/,/^\$/s/^Status: .*/Status: install ok installed/" "$R/var/lib/dpkg/status"
    else
      printf 'Package: %s\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: none <none@example.com>\nArchitecture: all\nVersion: 1.0-1\nDescription: stub\n\n' "$n" \
        >> "$R/var/lib/dpkg/status"
    fi
  done
}
uninstalled() { # NAME...: the package database forgets it; its files stay
  local n
  for n; do
    if is_rhel; then chroot "$R" rpm -q "$n" >/dev/null && chroot "$R" rpm -e --justdb --nodeps --noscripts "$n" 2>/dev/null || true
    else sed -i "/^Package: $n\$/,/^\$/s/^Status: .*/Status: deinstall ok config-files/" "$R/var/lib/dpkg/status"; fi
  done
}
stub_unit() { # NAME...: units that run and do nothing, enabled; sockets listen on a path of their own
  local n u=/etc/systemd/system
  for n; do
    rm -f "$R$u/$n"
    case $n in
    *.socket) printf '[Socket]\nListenStream=/run/bed-%s\nAccept=yes\n[Install]\nWantedBy=sockets.target\n' "$n" | put "$u/$n"
      [ -e "$R$u/${n%.socket}@.service" ] || printf '[Service]\nExecStart=/bin/true\n' | put "$u/${n%.socket}@.service"; wants "$n" sockets ;;
    *.timer) printf '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n' | put "$u/$n"
      printf '[Service]\nExecStart=/bin/true\n' | put "$u/${n%.timer}.service"; wants "$n" timers ;;
    *) printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' | put "$u/$n"; wants "$n" multi-user ;;
    esac
  done
}
wants() { mkdir -p "$R/etc/systemd/system/$2.target.wants"; ln -sf "/etc/systemd/system/$1" "$R/etc/systemd/system/$2.target.wants/$1"; }  # UNIT TARGET
masked() { local n; for n; do ln -sf /dev/null "$R/etc/systemd/system/$n"; done; }
at_boot() { # NAME < script: runs once as root before the ordinary services, after the scripts put there before it
  local unit=/etc/systemd/system/bed-$1.service before
  put "/usr/lib/bed/$1" 755
  [ -e "$R$unit" ] && return
  before=$(cd "$R/etc/systemd/system" && ls -d bed-*.service 2>/dev/null | tr '\n' ' ') || true
  printf '[Unit]\nDefaultDependencies=no\nAfter=local-fs.target bed-sysctl.service systemd-tmpfiles-setup.service %s\nBefore=systemd-sysctl.service basic.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh /usr/lib/bed/%s\n[Install]\nWantedBy=basic.target\n' "$before" "$1" | put "$unit"
  wants "bed-$1.service" basic
}
