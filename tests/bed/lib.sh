# Shared by the bed's scripts: sourced, never run.
set -euo pipefail
umask 022
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
BED=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
CACHE=${KENSA_BED_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kensa-bed}

# The trees and every host's changes live here. tmpfs halves the time of a build. A state that is already there is kept even
# when the memory has become scarce since, or running hosts would be lost from sight.
default_state() {
  local free; free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR==2{print $4}')
  if [ -d /dev/shm/kensa-bed ] || [ "${free:-0}" -gt 4194304 ]; then echo /dev/shm/kensa-bed; else echo "${TMPDIR:-/tmp}/kensa-bed"; fi
}
STATE=${KENSA_BED_STATE:-$(default_state)}
TREES=$STATE/trees HOSTS=$STATE/hosts KEY=$STATE/id_ed25519
TAG=kensa-bed-$(printf %s "$STATE" | cksum | cut -d' ' -f1)   # two states on one machine keep their cgroups apart

die() { echo "kensa test bed: $*" >&2; exit 1; }
# The bed is not for every machine; only where it is demanded is that a failure.
skip() {
  echo "kensa test bed left out, tests on real hosts do not run: $*" >&2
  if [ "${KENSA_BED_REQUIRED:-}" = 1 ]; then exit 1; fi
  exit 77
}

# The stamp of a tree is the hash of everything it is made from, so a tree or an archive from older inputs is never found.
inputs() { case $1 in debian) echo debian ;; rhel9) echo debian rhel9 ;; *) die "no kind '$1'; there are: debian, rhel9" ;; esac; }
stamp() { # KIND
  local dirs; dirs=$(inputs "$1")
  # shellcheck disable=SC2086
  (cd "$BED" && find $dirs -type f | sort | xargs sha256sum | sha256sum | cut -c1-12)
}
tree() { local h; h=$(stamp "$1"); echo "$TREES/$1-$h"; }
layers() { # KIND: the directories of its overlay, topmost first
  case $1 in rhel9) echo "$(tree rhel9):$(tree debian)" ;; *) tree "$1" ;; esac
}

# cgroup v2 kills and freezes a host as a whole. On a hybrid machine nspawn also uses the "systemd" hierarchy.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then CG=/sys/fs/cgroup CGV1=; else CG=/sys/fs/cgroup/unified CGV1=/sys/fs/cgroup/systemd; fi
cgroups() { echo "$CG/$TAG/$1"; if [ -n "$CGV1" ] && [ -d "$CGV1" ]; then echo "$CGV1/$TAG/$1"; fi; }
