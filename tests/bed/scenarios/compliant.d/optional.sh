#!/bin/bash
# optional.sh ROOT   daemons a host need not have, set up well: at, BIND, IPsec, Postfix, the packet filter
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
printf '#!/bin/sh\n' | put /usr/bin/at 755; : | put /etc/at.allow 640; rm -f "$R/etc/at.deny"
if is_rhel; then
  echo 'include "/etc/crypto-policies/back-ends/bind.config";' | put /etc/named.conf; echo 'include /etc/crypto-policies/back-ends/libreswan.config' | put /etc/ipsec.conf
  printf 'inet_interfaces = loopback-only\nsmtpd_client_restrictions = permit_mynetworks, reject\n' | put /etc/postfix/main.cf
  printf '#!/bin/sh\n# Stand-in: prints a value of main.cf as postconf -h does.\nsed -n "s/^$2 *= *//p" /etc/postfix/main.cf\n' | put /usr/sbin/postconf 755
else
  put /etc/nftables.conf 755 <<'N'
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
 chain input { type filter hook input priority 0; policy drop; iif lo accept; tcp dport { 22, 2222 } accept; ip saddr 127.0.0.0/8 counter drop; ct state established accept; }
 chain forward { type filter hook forward priority 0; policy drop; }
 chain output { type filter hook output priority 0; policy drop; accept; }
}
N
  stub_unit systemd-timesyncd.service; printf '[Time]\nNTP=ntp.example.com\n' | put /etc/systemd/timesyncd.conf
fi
