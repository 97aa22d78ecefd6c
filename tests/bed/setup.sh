#!/bin/bash
# setup.sh   makes this machine ready to start bed hosts: packages, client key, both root trees. Safe to run again.
# Exit status 77: not possible here, one line says why (1 where KENSA_BED_REQUIRED=1). README.md has the rest.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

check_machine() {
  [ "$(id -u)" = 0 ] || skip "root is needed"
  command -v apt-get >/dev/null && grep -qE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release || skip "this is not a Debian-like machine"
  unshare --mount --net --pid --ipc --uts --fork true 2>/dev/null || skip "this machine refuses new namespaces"
  mkdir -p "$CG/$TAG" 2>/dev/null && [ -f "$CG/$TAG/cgroup.kill" ] || skip "no writable cgroup v2 hierarchy with cgroup.kill at $CG"
  rmdir "$CG/$TAG" 2>/dev/null || true       # hosts may be running in it
  mkdir -p "$TREES" "$HOSTS" 2>/dev/null || skip "cannot write to $STATE"
}

apt_install() { # PACKAGE...
  ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get update -qq >/dev/null || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}
need() { # COMMAND:PACKAGE...  installs what is missing
  local pair miss=()
  for pair; do command -v "${pair%%:*}" >/dev/null || miss+=("${pair##*:}"); done
  [ ${#miss[@]} = 0 ] && return
  apt_install "${miss[@]}" || { apt-get update -qq >/dev/null 2>&1 && apt_install "${miss[@]}"; } || skip "apt-get cannot install ${miss[*]}"
}

# xattrs: an overlay's layer keeps its opaque directories in trusted.* attributes.
pack() { tar --xattrs --xattrs-include='*' --zstd -cpf "$1" -C "$2" .; }
unpack() { mkdir -p "$2" && tar --xattrs --xattrs-include='*' --zstd -xpf "$1" -C "$2"; }

put_key() { # ROOT: the client key for every account that has an authorized_keys file
  local f
  for f in "$1"/root/.ssh/authorized_keys "$1"/home/*/.ssh/authorized_keys; do
    if [ -f "$f" ] && ! cmp -s "$f" "$KEY.pub"; then cat "$KEY.pub" > "$f"; fi
  done
}

make_tree() { # KIND
  local kind=$1 t archive old; t=$(tree "$1"); archive=$CACHE/${t##*/}.tar.zst
  if [ ! -d "$t" ]; then
    rm -rf "$t.part"
    if ! { [ -f "$archive" ] && unpack "$archive" "$t.part" 2>/dev/null; }; then
      need mmdebstrap:mmdebstrap; [ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || need no-command:debian-archive-keyring
      rm -rf "$t.part"
      echo "building the $kind tree" >&2
      "$BED/$kind/build.sh" "$t.part" "$(tree debian)" >"$STATE/$kind-build.log" 2>&1 ||
        { tail -n 20 "$STATE/$kind-build.log" >&2; rm -rf "$t.part"; die "building the $kind tree failed, log: $STATE/$kind-build.log"; }
      mkdir -p "$CACHE"; rm -f "$CACHE/$kind"-*.tar.zst*
      pack "$archive.part" "$t.part" && mv "$archive.part" "$archive"
    fi
    put_key "$t.part"; mv "$t.part" "$t"
  fi
  put_key "$t"
  for old in "$TREES/$kind"-*; do            # from older inputs, and no host stands on it
    [ "$old" = "$t" ] || grep -qsF "$old" "$HOSTS"/*/layers || rm -rf "$old"
  done
}

check_machine
exec 9> "$STATE/setup.lock"; flock 9
need systemd-nspawn:systemd-container ip:iproute2 nft:nftables ssh:openssh-client sshpass:sshpass zstd:zstd nsenter:util-linux sysctl:procps
[ -f "$KEY" ] || ssh-keygen -q -t ed25519 -N '' -C kensa-bed -f "$KEY"
make_tree debian
make_tree rhel9
