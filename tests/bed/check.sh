#!/bin/bash
# check.sh [debian|rhel9]...   boots a host of each kind and asserts what README.md promises of the bed itself.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
./setup.sh
[ $# -gt 0 ] || set -- debian rhel9
failed=0
is() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then echo "ok    $1"; else echo "WRONG $1: wanted '$2', got '$3'"; failed=1; fi
}

check() { # KIND
  local h=check-$1 info addr key known out m; known=$(mktemp)
  ./host.sh down "$h"; info=$(./host.sh up "$h" "$1")
  addr=$(sed -n 's/^addr=//p' <<< "$info") key=$(sed -n 's/^key=//p' <<< "$info")
  echo "$addr,[$addr]:2222 $(sed -n 's/^hostkey=//p' <<< "$info")" > "$known"
  local common=(-o StrictHostKeyChecking=yes -o HostKeyAlgorithms=ssh-ed25519 -o UserKnownHostsFile="$known" -o LogLevel=ERROR -o ConnectTimeout=3)
  login() { local user=$1; shift; timeout 20 ssh "${common[@]}" -o BatchMode=yes -o IdentitiesOnly=yes -i "$key" "$user@$addr" "$@" 2>&1 </dev/null | tr -d '\r' | xargs; }
  typed() { local input=$1 user=$2; shift 2; timeout 20 ssh "${common[@]}" -o IdentitiesOnly=yes -i "$key" "$user@$addr" "$@" 2>/dev/null <<< "$input" | tr -d '\r' | tail -n 1; }
  by_password() { timeout 20 sshpass -p "$3" ssh "${common[@]}" -o PubkeyAuthentication=no -o PreferredAuthentications="$1" "$2@$addr" id -un 2>&1; }

  is "$h: all units are well" running "$(./host.sh exec "$h" systemctl is-system-running)"
  for u in root scan u-dash u-zsh u-fish u-csh u-one; do is "$h: $u, sudo free" "$u 0" "$(login $u 'id -un; sudo -n id -u')"; done
  for u in scanpw nosudo u-lecture u-su; do is "$h: $u, sudo -n refused" "$u sudo: a password is required" "$(login $u 'id -un; sudo -n id -u')"; done
  is "$h: port 2222" scan "$(login scan -p 2222 id -un 2>/dev/null)"
  is "$h: u-nologin" 'This account is currently not available.' "$(login u-nologin id)"
  out=$(login u-noisy id -un)      # the two streams arrive in any order
  for m in 'noise on stdout' 'noise on stderr' u-noisy; do is "$h: u-noisy says $m" "$m" "$(grep -o "$m" <<< "$out" | head -n 1)"; done
  is "$h: u-tty without a terminal" 'sudo: sorry, you must have a tty to run sudo' "$(login u-tty sudo -n id -u)"
  is "$h: u-tty with a terminal" 0 "$(login u-tty -tt sudo -n id -u)"
  is "$h: u-force" 'this account runs only this' "$(login u-force id)"
  is "$h: u-expired gets nothing" '' "$(login u-expired id -un | grep -x u-expired)"
  is "$h: plain has no key" '' "$(login plain id -un | grep -x plain)"
  for m in password keyboard-interactive; do
    is "$h: plain by $m" plain "$(by_password $m plain Plain-pw-1)"; is "$h: scanpw by $m" scanpw "$(by_password $m scanpw Scan-pw-1)"
  done
  is "$h: sudo -S" 0 "$(typed Scan-pw-1 scanpw sudo -S id -u)"
  is "$h: sudo -S, lectured" 0 "$(typed Scan-pw-1 u-lecture sudo -S id -u)"
  is "$h: sudo -S, wrong password" '' "$(typed wrong scanpw sudo -S id -u)"
  is "$h: sudo -S, no right" '' "$(typed Scan-pw-1 nosudo sudo -S id -u)"
  is "$h: su by a terminal" 0 "$( (sleep 1; echo Root-pw-1; sleep 1) | timeout 20 ssh "${common[@]}" -i "$key" -tt "u-su@$addr" su -c "'id -u'" 2>/dev/null | tr -d '\r' | tail -n 1)"

  is "$h: all units are well after logins" running "$(./host.sh exec "$h" systemctl is-system-running)"

  ./host.sh mark "$h"
  out=$(login scan 'sudo -n true; sudo -n true'); out=$(login root true); out=$(by_password password plain wrong || true)
  is "$h: counts" 'logins=2 sessions=2 sudos=2' "$(./host.sh count "$h")"
  ./host.sh freeze "$h"; is "$h: frozen" '' "$(login scan id -un | grep -x scan)"; ./host.sh thaw "$h"; is "$h: thawed" scan "$(login scan id -un)"
  ./host.sh drop "$h"; is "$h: dropped" '' "$(login scan id -un | grep -x scan)"; ./host.sh heal "$h"; is "$h: healed" scan "$(login scan id -un)"
  login scan 'sleep 1; echo alive' > "$known.1" & sleep 0.5; ./host.sh kill-sshd "$h" listener; is "$h: no listener" '' "$(login scan id -un | grep -x scan)"
  wait $!; is "$h: the session outlives it" alive "$(< "$known.1")"; ./host.sh start-sshd "$h"
  login scan 'sleep 1; echo alive' > "$known.1" & sleep 0.5; ./host.sh kill-sshd "$h" sessions; wait $! || true
  is "$h: session killed" '' "$(grep -x alive "$known.1")"; is "$h: listener still there" scan "$(login scan id -un)"
  ./host.sh rekey "$h" >/dev/null; is "$h: new host key" 'Host key verification failed' "$(login scan id -un | grep -o 'Host key verification failed')"
  is "$h: audit rules are loaded" 6 "$(./host.sh exec "$h" auditctl -l | wc -l)"
  ./host.sh down "$h"; is "$h: nothing left" '' "$(grep -F "/$h/" /proc/self/mountinfo; find /sys/fs/cgroup -maxdepth 4 -type d -path "*kensa-bed*/$h")"
  rm -f "$known" "$known.1"
}
for kind; do check "$kind"; done
exit $failed
