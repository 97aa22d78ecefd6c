#!/bin/bash
# kernel.sh ROOT   the sysctls the first file leaves out, more modules switched off, kernel arguments of the next boot
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
put /etc/sysctl.d/99-hardening-more.conf <<'S'
kernel.core_pattern = |/bin/false
kernel.kexec_load_disabled = 1
kernel.panic_on_oops = 1
kernel.perf_event_paranoid = 2
kernel.sysrq = 0
kernel.unprivileged_bpf_disabled = 1
fs.protected_fifos = 2
fs.protected_regular = 2
fs.protected_hardlinks = 1
fs.protected_symlinks = 1
net.core.bpf_jit_harden = 2
net.ipv4.conf.all.forwarding = 0
net.ipv4.conf.default.forwarding = 0
net.ipv4.conf.all.rp_filter = 1
net.ipv4.conf.default.rp_filter = 1
net.ipv4.conf.all.accept_local = 0
net.ipv4.conf.all.route_localnet = 0
net.ipv4.tcp_rfc1337 = 1
net.ipv6.conf.all.accept_ra = 0
net.ipv6.conf.default.accept_ra = 0
net.ipv6.conf.all.accept_source_route = 0
net.ipv6.conf.default.accept_source_route = 0
net.ipv6.conf.default.forwarding = 0
user.max_user_namespaces = 0
vm.mmap_min_addr = 65536
S
for m in atm can bluetooth uvcvideo firewire-core overlay; do printf 'install %s /bin/false\nblacklist %s\n' $m $m | put /etc/modprobe.d/$m.conf; done
# Parameters of the whole machine get copies of this host's own, as bed-sysctl makes them for kernel.* and fs.*
at_boot own-parameters <<'S'
echo 0 > /run/bed-sysctl/kernel/sysrq
chmod -R o-w /run/bed-sysctl
for d in vm user; do mkdir -p /run/bed-own/$d; cp -r --preserve=mode /proc/sys/$d/. /run/bed-own/$d/ 2>/dev/null; mount --bind /run/bed-own/$d /proc/sys/$d; done
echo 65536 > /proc/sys/vm/mmap_min_addr; echo 0 > /proc/sys/user/max_user_namespaces
S
# The machine's own command line cannot be changed; this host sees another.
at_boot own-command-line <<'S'
echo 'root=/dev/vda audit=1 audit_backlog_limit=8192 apparmor=1 security=apparmor init_on_free=1 page_alloc.shuffle=1 page_poison=1 pti=on vsyscall=none slub_debug=P' > /run/bed-cmdline
mount --bind /run/bed-cmdline /proc/cmdline
S
options='audit=1 audit_backlog_limit=8192 apparmor=1 security=apparmor init_on_free=1 page_alloc.shuffle=1 page_poison=1 pti=on vsyscall=none slub_debug=P'
if is_rhel; then
  sed -i "/^options/s/\$/ $options/" "$R"/boot/loader/entries/*.conf; sed -i "s/^\\(GRUB_CMDLINE_LINUX=\"[^\"]*\\)\"/\\1 $options\"/" "$R/etc/default/grub"
  echo 'GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.AA.BB' | put /boot/grub2/user.cfg 600; printf 'set superusers="grubmaster"\n' | add /boot/grub2/grub.cfg
else
  printf 'set superusers="grubmaster"\npassword_pbkdf2 grubmaster grub.pbkdf2.sha512.10000.AA.BB\nlinux /vmlinuz root=/dev/vda %s\n' "$options" | put /boot/grub/grub.cfg 600
  printf 'GRUB_CMDLINE_LINUX="%s"\n' "$options" | put /etc/default/grub
fi
