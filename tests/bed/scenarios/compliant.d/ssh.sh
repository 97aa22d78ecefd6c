#!/bin/bash
# ssh.sh ROOT   what sshd offers and to whom
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
put /etc/ssh/sshd_config.d/05-hardening.conf 600 <<'S'
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr
MACs hmac-sha2-256,hmac-sha2-512
KexAlgorithms ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256
ClientAliveCountMax 1
Compression no
DisableForwarding yes
GSSAPIAuthentication no
IgnoreUserKnownHosts yes
MaxStartups 10:30:60
RekeyLimit 1G 1h
DenyUsers nobody
S
chmod 700 "$R/etc/ssh/sshd_config.d"
if is_rhel; then
  printf 'Ciphers aes256-gcm@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr\nMACs hmac-sha2-256,hmac-sha2-512\nKexAlgorithms ecdh-sha2-nistp256\n' \
    | tee "$R/etc/crypto-policies/back-ends/openssh.config" > "$R/etc/crypto-policies/back-ends/opensshserver.config"
  echo FIPS > "$R/etc/crypto-policies/config"; echo FIPS > "$R/etc/crypto-policies/state/current"
  printf 'cipher = AES-256-GCM\nmac = HMAC-SHA2-256\nhash = SHA2-256\nsign = ECDSA-SHA2-256\nsha1_in_certs = 0\n' | put /etc/crypto-policies/state/CURRENT.pol
fi
if is_rhel; then echo SSH_USE_STRONG_RNG=32 | add /etc/sysconfig/sshd; chmod 640 "$R/etc/sysconfig/sshd"; fi
