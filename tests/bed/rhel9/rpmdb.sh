#!/bin/bash
# rpmdb.sh ROOT   a real rpm database: each line of packages.txt becomes a package that owns the named files as they stand in
# ROOT, so that rpm -q, -qa, -qf, -qc and -V answer by themselves. Lines that begin with "+" are not installed: the stand-in dnf can.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) R=$1 W=$1/root/rpmbuild
mkdir -p "$W" "$R/etc/rpm" "$R/var/lib/rpm" "$R/usr/share/bed-rpms"
printf '%%_dbpath /var/lib/rpm\n%%_db_backend sqlite\n%%rhel 9\n%%dist .el9\n%%_pkgverify_level none\n' > "$R/etc/rpm/macros"

spec() { # one spec with a subpackage per line, since a run of rpmbuild each would take minutes
  local name epoch version release arch paths p
  printf 'Name: bed-all\nVersion: 1\nRelease: 1\nSummary: bed\nLicense: none\n%%description\n%%prep\n%%build\n%%install\n'
  sed 's/#.*//; s/^+//' "$here/packages.txt" | while read -r name epoch version release arch paths; do
    for p in $paths; do p=${p%!}; echo "mkdir -p \"%{buildroot}${p%/*}\"; cp -a '$p' \"%{buildroot}$p\""; done
  done
  sed 's/#.*//; s/^+//' "$here/packages.txt" | while read -r name epoch version release arch paths; do
    [ "$name" ] || continue
    printf '\n%%package -n %s\nVersion: %s\nRelease: %s\nEpoch: %s\nSummary: %s\nLicense: none\nAutoReqProv: no\n' \
      "$name" "$version" "$release" "$epoch" "$name" | sed '/^Epoch: 0$/d'
    if [ "$arch" = noarch ]; then echo 'BuildArch: noarch'; fi
    printf '%%description -n %s\n%s\n%%files -n %s\n' "$name" "$name" "$name"
    for p in $paths; do
      case $p in *!) p=${p%!}; printf '%%config(noreplace) ' ;; esac
      if [ -L "$R$p" ]; then echo "$p"; else echo "%attr($(stat -c %04a "$R$p"),root,root) $p"; fi
    done
  done
}
spec > "$W/all.spec"

in_root() { chroot "$R" env -i PATH=/usr/sbin:/usr/bin HOME=/root "$@"; }
in_root rpm --initdb
in_root rpmbuild --quiet -bb --target x86_64 --define '_topdir /root/rpmbuild' --define '__os_install_post %{nil}' \
  --define '_build_id_links none' --define '_binary_payload w0.gzdio' --define '__spec_install_pre %{___build_pre}' /root/rpmbuild/all.spec
sed -n 's/^+\([^ ]*\) .*/\1/p' "$here/packages.txt" | while read -r name; do mv "$W"/RPMS/*/"$name"-[0-9]*.rpm "$R/usr/share/bed-rpms/"; done
in_root sh -c 'rpm -i --justdb --nodeps --noscripts --nosignature --ignoreos --ignorearch /root/rpmbuild/RPMS/*/*.rpm'
rm -rf "$W"
