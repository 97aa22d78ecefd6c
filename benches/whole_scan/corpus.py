"""The checks every contender runs: the same questions as typed rules, as shell rules and as plain commands.

The mix is that of a real compliance scan (mostly file contents, file attributes, kernel parameters, units,
packages), with at least 500 distinct questions, made from what the host really has.
"""

import json
import pathlib
import shlex
import subprocess


def on_host(host, script):
    """Output lines of a shell script run as root inside the test host, without ssh."""
    done = subprocess.run([*host, "sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def questions(host):
    """(typed check, shell command) pairs; the command prints or tells what the check judges."""
    out = []
    ask = lambda method, command, **params: out.append(({"method": method, **params}, command))
    q = shlex.quote
    find = "find /etc -xdev -type f -size -200k ! -name '*.pem' ! -name '*.crt' ! -name '*key*' | sort"
    files = on_host(host, find)
    keys = on_host(host, "sysctl -aN 2>/dev/null | grep -Ev 'stable_secret|^(dev|sunrpc|abi|debug)' | sort")
    units = on_host(host, "systemctl list-unit-files --no-legend | awk '{print $1}' | grep -E 'service$|socket$|timer$' | grep -v @ | sort")
    packages = on_host(host, "dpkg-query -W -f '${Package}\\n' | sort -u")
    settings = on_host(host, "sshd -T | awk '{print $1}' | sort -u")
    texts = [f for f in files if f.startswith(("/etc/ssh", "/etc/pam.d", "/etc/security", "/etc/login", "/etc/default", "/etc/audit", "/etc/systemd", "/etc/sysctl", "/etc/cron"))]
    for path in texts[:60]:
        for key in ("PermitRootLogin", "umask"):
            ask("file_content_match", f"grep -E -c '^{key}' {q(path)} || true", path=path, pattern=f"^{key}")
    for path in files[:110]:
        ask("file_permission", f"stat -c '%a %U %G' {q(path)}", path=path, max_mode="0644", owner="root")
    for key in keys[:100]:
        ask("sysctl_value", f"sysctl -n {q(key)}", key=key, expected="1")
    for unit in units[:70]:
        ask("service_state", f"systemctl is-enabled {q(unit)}; systemctl is-active {q(unit)}", name=unit, enabled=False)
    for name in [*packages[:45], *(f"absent-package-{i}" for i in range(10))]:
        ask("package_state", f"dpkg-query -W -f '${{Status}}' {q(name)}", name=name, state="present")
    for key in settings[:20]:
        ask("sshd_effective_config", f"sshd -T | grep -i '^{key} '", key=key, expected="no")
    for point in ("/", "/tmp", "/run", "/dev/shm", "/home", "/var/tmp", "/proc", "/sys", "/dev", "/var/log"):
        ask("mount_option", f"findmnt -n -o OPTIONS {point}", mount_point=point, options=["nodev"])
    for path in files[110:150]:
        ask("file_exists", f"[ -e {q(path)} ]", path=path)
    return out


def write(folder, checks, typed):
    """A rule folder with one rule a check, typed or as shell text."""
    root = pathlib.Path(folder) / "system"
    root.mkdir(parents=True)
    for number, (check, command) in enumerate(checks):
        name = f"bench-{number:04}"
        rule = {
            "id": name, "title": "Bench", "description": "Bench.", "rationale": "Bench.", "severity": "low", "category": "system",
            "implementations": [{"default": True, "check": check if typed else {"method": "command", "run": command}}],
        }
        (root / f"{name}.yml").write_text(json.dumps(rule, indent=1) + "\n")


def floor_script(checks):
    """All commands as one script, each in a subshell: what the questions cost without any tool."""
    lines = [f"({command}) </dev/null" for _, command in checks]
    return "\n".join(["export LC_ALL=C", *lines]) + "\n"
