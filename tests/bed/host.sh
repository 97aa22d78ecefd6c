#!/bin/bash
# Real hosts on this machine: systemd, sshd, PAM, sudo, each with a network stack of its own. See README.md.
#   host.sh up NAME [debian|rhel9] [--scenario FILE]...     boots a host and prints key=value lines
#   host.sh down NAME... | --all      host.sh list | info NAME      host.sh exec NAME CMD...   (as root, without ssh)
#   host.sh freeze|thaw NAME          the whole host stops or goes on; its TCP connections stay
#   host.sh drop|heal NAME            the ssh ports become a black hole, both ways
#   host.sh kill-sshd NAME [listener|sessions|all]          host.sh start-sshd|rekey NAME
#   host.sh logs NAME | mark NAME | count NAME              what sshd and sudo wrote; counts since the mark or the boot
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "root is needed"
GATE=127.83.255.254                  # this machine's own address on every link
LOCK=/run/lock/kensa-bed.lock      # holds the number of the last address given

dir() { echo "$HOSTS/$1"; }
have() { [ -d "$(dir "${1:?NAME}")" ] || die "no host '$1'; there are: $(ls "$HOSTS" 2>/dev/null | xargs)"; }
# A host lives as long as its cgroup holds a process. (A zombie may keep its pid for seconds, so pids do not tell.)
alive() { grep -qs 'populated 1' "$CG/$TAG/$1/cgroup.events"; }
pid1() { head -n 1 "$CG/$TAG/$1/payload/init.scope/cgroup.procs" 2>/dev/null; }   # asked each time: a reboot changes it
inside() {
  local n=$1 p; shift; p=$(pid1 "$n") && [ -n "$p" ] || die "host '$n' is not running"
  nsenter -t "$p" -m -u -i -n -p -C -- /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root USER=root LOGNAME=root SHELL=/bin/bash TERM="${TERM:-dumb}" "$@"
}
sshd_unit() { case $(<"$(dir "$1")/kind") in rhel9) echo sshd ;; *) echo ssh ;; esac; }

# Every host gets an address of the loopback net on a veth of its own: packets for a host that is gone die on this machine and
# never follow the default route. The kernel must be told to route such addresses, and that they are not its own.
make_link() { # NAME: under a lock, because the interface's number is the address
  local s i ip; s=$(dir "$1")
  touch "$s/net"; unshare --net="$s/net" true
  i=$(cat "$LOCK" 2>/dev/null)       # the last one given: a client may still remember the key of a host that is gone
  for ((i = ${i:-0} % 15000 + 1; ; i = i % 15000 + 1)); do [ -e "/sys/class/net/kb$i" ] || break; done
  echo "$i" > "$LOCK"
  ip link add "kb$i" type veth peer name host0 netns "$s/net"
  ip="127.83.$((i / 250)).$((i % 250 + 1))"; echo "kb$i" > "$s/link"; echo "$ip" > "$s/addr"
  echo 1 > "/proc/sys/net/ipv4/conf/kb$i/route_localnet"
  ip link set "kb$i" up; ip addr add $GATE/32 dev "kb$i"
  ip route add unicast "$ip/32" dev "kb$i" scope link src $GATE table local
  nsenter --net="$s/net" sh -ec "echo 1 > /proc/sys/net/ipv4/conf/host0/route_localnet
    ip link set lo up; ip link set host0 up; ip addr add $ip/32 dev host0
    ip route add unicast $GATE/32 dev host0 scope link src $ip table local"
}

new_keys() { # NAME: host keys, kept beside the host so that they can be told without asking it
  local s t; s=$(dir "$1"); mkdir -p "$s/keys"; rm -f "$s"/keys/* "$s"/root/etc/ssh/ssh_host_*
  for t in ed25519 ecdsa; do ssh-keygen -q -t $t -N '' -C "root@$1" -f "$s/keys/ssh_host_${t}_key"; done
  cp "$s"/keys/* "$s/root/etc/ssh/"
}

banner() { # ADDR PORT
  local b; ( exec 3<> "/dev/tcp/$1/$2" && read -r -t 2 -n 4 b <&3 && [ "$b" = SSH- ] ) 2>/dev/null
}
wait_sshd() { # NAME: until both ports answer
  local a i; a=$(<"$(dir "$1")/addr")
  for i in $(seq 250); do if banner "$a" 22 && banner "$a" 2222; then return; fi; sleep 0.02; done; return 1
}

start() { # NAME
  local n=$1 s d; s=$(dir "$n")
  for d in $(cgroups "$n"); do mkdir -p "$d"; done
  # Its own cgroup first: nspawn makes "payload" below the caller's, and two hosts must not share it. A reboot inside ends nspawn with 133.
  setsid bash -c 'for d in $1; do echo $$ > "$d/cgroup.procs"; done; shift
    while :; do "$@"; [ $? = 133 ] || exit; done' kensa-bed "$(cgroups "$n")" \
    env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network \
    systemd-nspawn -q -D "$s/root" -M "$n" --hostname="$n" --uuid="$(< /proc/sys/kernel/random/uuid)" --register=no --keep-unit \
      --network-namespace-path="$s/net" --capability=CAP_NET_ADMIN,CAP_SYS_ADMIN --console=pipe --kill-signal=SIGRTMIN+3 \
      --resolv-conf=off --timezone=off --link-journal=no --boot </dev/null > "$s/console.log" 2>&1 &
  disown                             # its end is no news
}
wait_booted() { # NAME: all units have settled, so that a scan sees none of them "activating", and logins are open
  local n=$1 i p
  for i in $(seq 1500); do
    p=$(pid1 "$n") || true
    if [ -n "$p" ] && [ -S "/proc/$p/root/run/systemd/private" ]; then break; fi
    if [ "$i" -gt 50 ] && ! alive "$n"; then return 1; fi
    sleep 0.02
  done
  timeout 60 "$0" exec "$n" systemctl is-system-running --wait >/dev/null 2>&1 || [ $? -ne 124 ] || return 1
  wait_sshd "$n"
}

take_down() { # NAME: whatever is left of it, in any state
  local n=$1 s i d; s=$(dir "$n")
  { echo 1 > "$CG/$TAG/$n/cgroup.kill"; } 2>/dev/null || true
  if [ -f "$s/link" ]; then ip link del "$(<"$s/link")" 2>/dev/null || true; fi
  for i in $(seq 250); do alive "$n" || break; sleep 0.02; done
  for d in "$s/root" "$s/net"; do if mountpoint -q "$d" || [ "$(stat -fc %T "$d" 2>/dev/null)" = nsfs ]; then umount -l "$d"; fi; done
  for i in $(seq 50); do
    for d in $(cgroups "$n"); do if [ -d "$d" ]; then find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || true; fi; done
    [ -d "$CG/$TAG/$n" ] || break; sleep 0.02
  done
  rm -rf "$s"
}

up() {
  local n=${1:?NAME} kind=debian s f scenarios=(); shift
  [[ $n =~ ^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$ ]] || die "a host's name has lower-case letters, digits and dashes: '$n'"
  while [ $# -gt 0 ]; do
    case $1 in
    --scenario) scenarios+=("$(realpath -e "${2:?FILE}")"); shift ;;
    debian | rhel9) kind=$1 ;;
    *) die "'$1' is neither debian, rhel9 nor --scenario FILE" ;;
    esac; shift
  done
  [ -f "$KEY" ] && [ -d "$(tree debian)" ] && [ -d "$(tree "$kind")" ] || "$BED/setup.sh" >&2 || exit $?
  # One systemd takes about six inotify instances; the kernel's default of 128 ends at twenty hosts.
  [ "$(< /proc/sys/fs/inotify/max_user_instances)" -ge 8192 ] || sysctl -qw fs.inotify.max_user_instances=8192
  s=$(dir "$n")
  exec 9>> $LOCK; flock 9
  if [ -d "$s" ]; then
    if [ ! -f "$s/starter" ]; then
      if alive "$n"; then die "host '$n' is up already"; fi
    elif kill -0 "$(<"$s/starter")" 2>/dev/null; then die "host '$n' is being started"; fi   # else its starter was killed: not to be trusted
    take_down "$n"
  fi
  mkdir -p "$s"/{root,upper,work}; echo $$ > "$s/starter"
  trap 'take_down "$STARTING"' EXIT; trap 'exit 1' INT TERM HUP; STARTING=$n
  echo "$kind" > "$s/kind"; layers "$kind" > "$s/layers"
  make_link "$n"
  exec 9>&-
  mount -t overlay overlay -o "lowerdir=$(<"$s/layers"),upperdir=$s/upper,workdir=$s/work" "$s/root"
  echo "$n" > "$s/root/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$(<"$s/addr")" "$n" > "$s/root/etc/hosts"   # sudo and logins are slow where the own name is unknown
  new_keys "$n"
  for f in "${scenarios[@]}"; do bash -e "$f" "$s/root" "$n" >&2 || die "scenario $f failed on $n"; done
  start "$n"
  wait_booted "$n" || { tail -n 5 "$s/console.log" >&2; inside "$n" journalctl -b --no-pager -p warning -n 15 >&2 || true; die "$n did not come up"; }
  rm "$s/starter"; trap - EXIT INT TERM HUP
  info "$n"
}

info() {
  local s; s=$(dir "$1")
  printf '%s=%s\n' name "$1" kind "$(<"$s/kind")" addr "$(<"$s/addr")" port 22 highport 2222 key "$KEY" \
    hostkey "$(cut -d' ' -f1,2 "$s/keys/ssh_host_ed25519_key.pub")"
}
down() {
  local n
  if [ "${1:-}" = --all ]; then   # also what a killed "up" left without a directory
    set -- $( { ls "$HOSTS"; find "$CG/$TAG" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'; } 2>/dev/null | sort -u )
  fi
  for n; do take_down "$n" & done; wait
  for n in $(cgroups .); do rmdir "${n%/.}" 2>/dev/null || true; done
}
block() { # NAME: from outside, so that it also works on a frozen host
  nsenter --net="$(dir "$1")/net" nft 'add table inet bed
    add chain inet bed in { type filter hook input priority -300; }
    add chain inet bed out { type filter hook output priority -300; }
    add rule inet bed in tcp dport { 22, 2222 } drop
    add rule inet bed out tcp sport { 22, 2222 } drop'
}
kill_sshd() { # NAME listener|sessions|all
  local unit; unit=$(sshd_unit "$1")
  case $2 in listener | sessions | all) ;; *) die "kill-sshd takes listener, sessions or all" ;; esac
  inside "$1" bash -c 'main=$(systemctl show -p MainPID --value '"$unit"')
    case '"$2"' in listener|all) systemctl stop '"$unit"';; esac         # the unit has KillMode=process: sessions live on
    case '"$2"' in sessions|all) for p in $(pgrep -x sshd); do [ $p = $main ] || kill -KILL $p; done 2>/dev/null;; esac; true'
}
journal() { # NAME ARGS...: sshd, sudo and su in the order written, after all that was sent has been written
  local n=$1; shift
  grep -q 'frozen 0' "$CG/$TAG/$n/cgroup.events" || die "$n is frozen, thaw it first"
  inside "$n" sh -c 'journalctl --sync; exec journalctl -q --no-pager -t sshd -t sudo -t su "$@"' - "$@"
}
count() {
  local after=(); if [ -s "$(dir "$1")/mark" ]; then after=(--after-cursor="$(<"$(dir "$1")/mark")"); fi
  journal "$1" -o short "${after[@]}" | awk '
    / sshd\[[0-9]+\]: Accepted [^ ]+ for / { logins++ }
    / sshd\[[0-9]+\]: Starting session: / { sessions++ }
    / sudo\[[0-9]+\]: +[^ ]+ : .*COMMAND=/ { sudos++ }
    END { printf "logins=%d sessions=%d sudos=%d\n", logins, sessions, sudos }'
}

cmd=${1:-help}; shift || true
case $cmd in up | down | list | help) ;; *) have "${1:-}" ;; esac
case $cmd in
up) up "$@" ;;
down) down "$@" ;;
list) for n in $(ls "$HOSTS" 2>/dev/null); do echo "$n $(<"$(dir "$n")/addr") $(<"$(dir "$n")/kind") $(alive "$n" && echo up || echo dead)"; done ;;
info) info "$1" ;;
exec) inside "$@" ;;
freeze) echo 1 > "$CG/$TAG/$1/cgroup.freeze"; until grep -q 'frozen 1' "$CG/$TAG/$1/cgroup.events"; do sleep 0.01; done ;;
thaw) echo 0 > "$CG/$TAG/$1/cgroup.freeze"; until grep -q 'frozen 0' "$CG/$TAG/$1/cgroup.events"; do sleep 0.01; done ;;
drop) block "$1" ;;
heal) nsenter --net="$(dir "$1")/net" nft delete table inet bed 2>/dev/null || true ;;
kill-sshd) kill_sshd "$1" "${2:-all}" ;;
start-sshd) inside "$1" systemctl reset-failed "$(sshd_unit "$1")" 2>/dev/null || true; inside "$1" systemctl start "$(sshd_unit "$1")"; wait_sshd "$1" ;;
rekey) new_keys "$1"; inside "$1" systemctl restart "$(sshd_unit "$1")"; wait_sshd "$1"; info "$1" ;;
logs) journal "$1" -o short-iso-precise ;;
mark) journal "$1" --show-cursor -n 0 | sed -n 's/^-- cursor: //p' > "$(dir "$1")/mark" ;;
count) count "$1" ;;
*) sed -n '2,9p' "$0"; exit 2 ;;
esac
