#!/bin/bash
# services.sh ROOT   the services a benchmark wants run; what nobody needs is masked
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
masked ctrl-alt-del.target nginx.service
if is_rhel; then
  stub_unit fapolicyd.service pcscd.socket rngd.service usbguard.service systemd-journal-upload.service dnf-automatic.timer sssd.service
  mkdir -p "$R/etc/usbguard"; printf 'AuditBackend=LinuxAudit\nImplicitPolicyTarget=block\n' | put /etc/usbguard/usbguard-daemon.conf 600
  echo 'allow id 1d6b:0002' | put /etc/usbguard/rules.conf 600
  printf 'deny perm=any all : all\n' | put /etc/fapolicyd/compiled.rules; echo 'permissive = 0' | put /etc/fapolicyd/fapolicyd.conf
  printf '#!/bin/sh\nexit 0\n' | put /usr/sbin/fapolicyd 755; printf '#!/bin/sh\nexit 0\n' | put /usr/bin/usbguard 755
  printf '[commands]\napply_updates = yes\n' | put /etc/dnf/automatic.conf
  printf '[sssd]\ncertificate_verification = ocsp_dgst=sha512\n[pam]\noffline_credentials_expiration = 1\npam_cert_auth = True\n[domain/example]\nid_provider = files\n[certmap/example/rule1]\nmatchrule = x\n' \
    | put /etc/sssd/sssd.conf 600
  printf -- '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n' | put /etc/sssd/pki/sssd_auth_ca_db.pem 644
  ln -sfn multi-user.target "$R/usr/lib/systemd/system/default.target"; ln -sfn /usr/lib/systemd/system/multi-user.target "$R/etc/systemd/system/default.target"
else
  stub_unit apparmor.service systemd-journal-upload.service ufw.service
  wants_nft=$R/etc/systemd/system/sysinit.target.wants; mkdir -p "$wants_nft"; ln -sf /usr/lib/systemd/system/nftables.service "$wants_nft/nftables.service"
  echo 'ENABLED=yes' | put /etc/ufw/ufw.conf
  printf 'DEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="DROP"\nDEFAULT_FORWARD_POLICY="DROP"\n' | put /etc/default/ufw
  echo '-A ufw-before-input -i lo -j ACCEPT' | put /etc/ufw/before.rules 640; echo '-A ufw-user-input -s 127.0.0.0/8 -j DROP' | put /etc/ufw/user.rules 640
fi
