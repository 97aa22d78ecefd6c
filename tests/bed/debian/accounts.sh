#!/bin/bash
# accounts.sh ROOT   the accounts the tests log in with; README.md lists them.
set -euo pipefail
R=$1

account() { # NAME SHELL PASSWORD|- key|nokey
  chroot "$R" useradd -m -s "$2" "$1"
  if [ "$3" != - ]; then echo "$1:$3" | chroot "$R" chpasswd -c SHA512; fi
  if [ "$4" = key ]; then takes_key "$1" "/home/$1"; fi
}
takes_key() { # NAME HOME: an empty file that setup.sh fills, since the key belongs to the machine and not to the cached tree
  install -d -m 700 "$R$2/.ssh"; install -m 600 /dev/null "$R$2/.ssh/authorized_keys"
  chroot "$R" chown -R "$1:$1" "$2/.ssh"
}

echo root:Root-pw-1 | chroot "$R" chpasswd -c SHA512
takes_key root /root
account scan      /bin/bash         -         key
account scanpw    /bin/bash         Scan-pw-1 key
account nosudo    /bin/bash         Scan-pw-1 key
account plain     /bin/bash         Plain-pw-1 nokey
account u-dash    /bin/dash         -         key
account u-zsh     /usr/bin/zsh      -         key
account u-fish    /usr/bin/fish     -         key
account u-csh     /bin/tcsh         -         key
account u-nologin /usr/sbin/nologin -         key
account u-noisy   /bin/bash         -         key
account u-tty     /bin/bash         -         key
account u-lecture /bin/bash         Scan-pw-1 key
account u-expired /bin/bash         -         key
account u-force   /bin/bash         -         key
account u-one     /bin/bash         -         key
account u-su      /bin/bash         -         key

chroot "$R" chage -E 1 u-expired
# First line: Debian's own .bashrc returns early where there is no terminal.
sed -i '1i echo "Welcome, this is noise on stdout"; echo "quota: noise on stderr" >&2' "$R/home/u-noisy/.bashrc"
# zsh asks a new user questions where it finds no start-up file.
chroot "$R" install -o u-zsh -g u-zsh -m 644 /dev/null /home/u-zsh/.zshrc
