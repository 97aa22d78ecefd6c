#!/bin/bash
# rhel8.sh ROOT   the Enterprise Linux tree says that it is release 8.10, as it was often set up: sshd_config is one file, and the PAM stacks
# are kept by hand, not by authselect
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
sed -i 's/^VERSION_ID=.*/VERSION_ID="8.10"/; s/^PRETTY_NAME=.*/PRETTY_NAME="Red Hat Enterprise Linux 8.10 (Ootpa)"/' "$R/usr/lib/os-release"
# What comes first counts; a Match reaches to the end of the file.
ssh=$R/etc/ssh
{ find "$ssh/sshd_config.d" -name '*.conf' ! -name '*bed-accounts*' | sort | xargs cat; sed '/^Include/d' "$ssh/sshd_config"; cat "$ssh"/sshd_config.d/*bed-accounts*; } > "$R/tmp/sshd"
cat "$R/tmp/sshd" > "$ssh/sshd_config"; rm -r "$ssh/sshd_config.d" "$R/tmp/sshd"
for f in "$R"/etc/pam.d/*; do if [ -L "$f" ]; then cp --remove-destination "$R/etc/authselect/$(basename "$(readlink "$f")")" "$f"; fi; done
uninstalled authselect; rm -rf "$R/usr/bin/authselect" "$R/etc/authselect"
