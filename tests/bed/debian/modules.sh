#!/bin/bash
# modules.sh ROOT   empty kernel modules, so that modprobe -n, modinfo and depmod have something to answer from.
set -euo pipefail
R=$1 D=$1/usr/lib/modules/6.1.0-bed

# The smallest ELF object kmod accepts: header, .modinfo (license=GPL), section names, three section headers.
le() { local n=$1 v=$2 i; for ((i = 0; i < n; i++)); do printf "\\x$(printf %02x $((v & 255)))"; v=$((v >> 8)); done; }
section() { le 4 "$1"; le 4 "$2"; le 16 0; le 8 "$3"; le 8 "$4"; le 8 0; le 8 1; le 8 0; }  # NAME TYPE OFFSET SIZE
stub() {
  printf '\x7fELF\x02\x01\x01'; le 9 0; le 2 1; le 2 62; le 4 1; le 16 0; le 8 96; le 4 0; le 2 64; le 4 0; le 2 64; le 2 3; le 2 1
  printf 'license=GPL\0'; printf '\0.shstrtab\0.modinfo\0'                                  # at 64 and 76, 12 and 20 bytes
  section 0 0 0 0; section 1 3 76 20; section 11 1 64 12
}

for m in fs/{cramfs/cramfs,freevxfs/freevxfs,hfs/hfs,hfsplus/hfsplus,jffs2/jffs2,squashfs/squashfs,udf/udf,overlayfs/overlay} \
         drivers/usb/storage/usb-storage drivers/firewire/firewire-core net/{dccp/dccp,sctp/sctp,rds/rds,tipc/tipc,can/can,atm/atm}; do
  install -d "$D/kernel/${m%/*}"; stub > "$D/kernel/$m.ko"
done
: > "$D/modules.order"; : > "$D/modules.builtin"; : > "$D/modules.builtin.modinfo"
chroot "$R" depmod 6.1.0-bed
