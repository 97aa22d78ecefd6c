#!/bin/bash
# build.sh LAYER DEBIAN   the overlay layer that makes the Debian tree answer as an Enterprise Linux 9 host: the same programs
# (systemd 252, PAM, sudo, nftables are close), laid out and named as there, with a real rpm database of stub packages.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
LAYER=$1 DEBIAN=$2 R=$1.mnt

mkdir -p "$LAYER" "$LAYER.work" "$R"
clean() { umount -l "$R/proc" "$R" 2>/dev/null || true; rmdir "$R" 2>/dev/null || true; rm -rf "$LAYER.work"; }
trap clean EXIT
mount -t overlay overlay -o "lowerdir=$DEBIAN,upperdir=$LAYER,workdir=$LAYER.work" "$R"
mount -t proc proc "$R/proc"

# --- rpm, from the mirror the machine uses
mirror=${KENSA_BED_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' | head -n 1 || true)}
echo "deb ${mirror:-http://deb.debian.org/debian} bookworm main" > "$R/etc/apt/sources.list"
cat /etc/resolv.conf > "$R/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' > "$R/usr/sbin/policy-rc.d"; chmod +x "$R/usr/sbin/policy-rc.d"
chroot "$R" env DEBIAN_FRONTEND=noninteractive sh -ec 'apt-get update -qq
  apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io rpm; apt-get clean; rm -rf /var/lib/apt/lists/*'
rm -f "$R/usr/sbin/policy-rc.d"; cp "$DEBIAN/etc/resolv.conf" "$R/etc/resolv.conf"

# --- files; those of another name or place in Debian go
rm -f "$R/etc/debian_version" "$R/etc/issue" "$R"/etc/pam.d/common-* "$R/etc/chrony/chrony.conf" "$R/etc/os-release" "$R"/etc/rsyslog.d/*
rm -f "$R/etc/pam.d"/{sshd,sudo,sudo-i,su,su-l}; rm -rf "$R/etc/dpkg" "$R/etc/apt"
cp -r "$here/files/." "$R/"
link() { mkdir -p "$(dirname "$R$2")"; ln -sfn "$1" "$R$2"; }
link ../usr/lib/os-release /etc/os-release
link redhat-release /etc/system-release
for f in system-auth password-auth postlogin; do link ../authselect/$f /etc/pam.d/$f; done
# cron, login, passwd and their like included Debian's common-*
{ grep -l 'common-' "$R"/etc/pam.d/* || true; } | while read -r f; do
  printf '#%%PAM-1.0\nauth include system-auth\naccount include system-auth\npassword include system-auth\nsession include system-auth\n' > "$f"
done
cp "$R/etc/pam.d/su" "$R/etc/pam.d/su-l"
cp "$R/etc/pam.d/cron" "$R/etc/pam.d/crond"                                 # the program still asks for Debian's name
link ../selinux/config /etc/sysconfig/selinux
printf '\\S\nKernel \\r on an \\m\n\n' > "$R/etc/issue"
cp "$R/etc/aide/aide.conf" "$R/etc/aide.conf"
mkdir -p "$R/var/spool/rsyslog" "$R/var/spool/mail"
printf '/dev/mapper/rhel-root / xfs defaults 0 0\nUUID=0a1b2c3d-0000-4000-8000-000000000001 /boot xfs defaults 0 0\n' > "$R/etc/fstab"
printf 'tmpfs /dev/shm tmpfs defaults,nodev,nosuid 0 0\n' >> "$R/etc/fstab"
chmod 600 "$R"/etc/ssh/sshd_config "$R"/etc/ssh/sshd_config.d/* "$R"/boot/grub2/* "$R"/boot/loader/entries/* "$R"/etc/audit/rules.d/*.rules \
  "$R"/etc/sysconfig/nftables.conf
chmod 440 "$R/etc/sudoers"; chmod 640 "$R/etc/sysconfig/sshd"
chroot "$R" groupadd -f -r wheel; chroot "$R" groupadd -f -r ssh_keys; chroot "$R" usermod -aG wheel alice

# --- units under their names there. Debian's init scripts would come back as ssh.service and race for the port.
units=$R/usr/lib/systemd/system wants=$R/etc/systemd/system/multi-user.target.wants
rename_unit() { # DEBIAN NAME
  rm -f "$wants/$1.service" "$R/etc/systemd/system/$2.service" "$R/etc/systemd/system/$1.service"
  sed '/^Alias=/d' "$units/$1.service" > "$units/$2.service"; rm -f "$units/$1.service"
  if [ -d "$R/etc/systemd/system/$1.service.d" ]; then mv "$R/etc/systemd/system/$1.service.d" "$R/etc/systemd/system/$2.service.d"; fi
  ln -sf "/usr/lib/systemd/system/$2.service" "$wants/$2.service"
}
rename_unit ssh sshd; rename_unit cron crond; rename_unit chrony chronyd
sed -i 's#^ExecStart=.*#ExecStart=/usr/sbin/chronyd -n -f /etc/chrony.conf -x#; s#^Type=.*#Type=simple#; /^PIDFile=/d; /^EnvironmentFile=/d; /^User=/d' "$units/chronyd.service"
rm -rf "$R"/etc/init.d/* "$R"/etc/rc?.d/*
rm -f "$wants/nftables.service" "$R/etc/systemd/system/sysinit.target.wants/nftables.service"
ln -sf /usr/lib/systemd/system/firewalld.service "$wants/firewalld.service"

"$here/rpmdb.sh" "$R"

# --- Debian's own tools out of reach
hidden=$R/usr/lib/bed-debian; mkdir -p "$hidden"
for c in dpkg dpkg-query dpkg-deb dpkg-divert dpkg-trigger dpkg-split dpkg-realpath dpkg-statoverride dpkg-maintscript-helper \
         apt apt-get apt-cache apt-config apt-mark apt-key apt-cdrom debconf update-rc.d invoke-rc.d; do
  for d in bin sbin; do if [ -e "$R/usr/$d/$c" ]; then mv "$R/usr/$d/$c" "$hidden/"; fi; done
done
mv "$R/var/lib/dpkg" "$hidden/var-lib-dpkg"
