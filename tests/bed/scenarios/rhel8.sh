#!/bin/bash
# rhel8.sh ROOT   the Enterprise Linux tree says that it is release 8.10
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
sed -i 's/^VERSION_ID=.*/VERSION_ID="8.10"/; s/^PRETTY_NAME=.*/PRETTY_NAME="Red Hat Enterprise Linux 8.10 (Ootpa)"/' "$R/usr/lib/os-release"
