"""How each contender asks the same questions of the same host, under sudo."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time

import oval

# How many checks a contender runs, where it is not all: the time per check is what counts then.
CHECKS = {"testinfra (paramiko), 50 checks": 50, "ansible-core, 20 checks": 20}
SLOW = {"paramiko, exec per check", "OpenSSH mux, exec per check", *CHECKS}


def kensa(program, at, host, rules, known_hosts, output, shells=1):
    """A scan over SSH; `job(peak=True)` measures memory instead of time."""
    command = [
        program, "check", "-H", at[0], "-P", at[1], "-u", host.user, "-k", host.key, "--sudo", "--known-hosts", str(known_hosts),
        "--rules", str(rules), "--format", "json", "-o", str(output), "--quiet",
        "--shells", str(shells),
    ]

    def job(peak=False):
        with open(os.devnull) as nothing, open(f"{output}.err", "w+") as errors:
            child = subprocess.Popen(command, stdin=nothing, stdout=errors, stderr=errors)
            high = highest(child) if peak else None
            if child.wait() not in (0, 1, 3):
                errors.seek(0)
                raise RuntimeError(f"kensa ended with {child.returncode}: {errors.read()}")
        complete(json.loads(output.read_text()))
        return {"peak_kib": high} if peak else None

    return job


def highest(child):
    """The highest memory of a program in KiB. What wait4(2) tells would count this program's own, before it executed the other."""
    high = 0
    while child.poll() is None:
        try:
            status = open(f"/proc/{child.pid}/status").read()
        except OSError:
            break
        found = re.search(r"^Name:\tkensa$.*^VmHWM:\s*(\d+)", status, re.M | re.S)
        high = max(high, int(found[1])) if found else high
        time.sleep(0.001)
    return high


def complete(report):
    if report["completeness"]["unanswered"]:
        raise RuntimeError(f"incomplete: {report['completeness']}")


def on_the_host(host, program):
    """`kensa check --local` with all bundled rules, as root on the host itself, beside the time its walks of the file tree took."""
    copy = "cat >/root/kensa && chmod +x /root/kensa"
    subprocess.run([*host.exec, "sh", "-c", copy], stdin=open(program, "rb"), check=True)
    scan = "/root/kensa check --local --quiet --format json -o /root/report.json; case $? in 0|1|3) ;; *) exit 8 ;; esac\n"

    def job():
        wall = host.accounted(scan)
        done = subprocess.run([*host.exec, "cat", "/root/report.json"], capture_output=True, check=True)
        report = json.loads(done.stdout)
        complete(report)
        pieces = [piece for result in report["results"] for piece in result["evidence"]]
        # A shared walk is split evenly between its questions; the command tells which are walks of a whole tree.
        walks = {piece["command"]: piece["duration_ms"] for piece in pieces if " -xdev" in piece["command"]}
        return {"wall": wall, "walks": sum(walks.values()) / 1000, "rules": len(report["results"])}

    return job


def oscap(host, checks):
    """`oscap` on the host itself, with content that asks what OVAL can; `None` where it is not installed here."""
    if not shutil.which("oscap"):
        print("left out: oscap is not installed", file=sys.stderr)
        return None
    libraries = re.findall(r"=> (/\S+)", subprocess.run(["ldd", shutil.which("oscap")], capture_output=True, text=True, check=True).stdout)
    parts = [*libraries, shutil.which("oscap"), "/usr/share/openscap/schemas", "/usr/share/openscap/cpe"]
    files = [path.lstrip("/") for path in parts if os.path.exists(path)]
    with subprocess.Popen(["tar", "-C", "/", "-chf", "-", *files], stdout=subprocess.PIPE) as packed:
        subprocess.run([*host.exec, "tar", "-C", "/", "--skip-old-files", "-xf", "-"], stdin=packed.stdout, check=True)
    text, count = oval.content(checks)
    subprocess.run([*host.exec, "sh", "-c", "cat >/root/oval.xml"], input=text, text=True, check=True)
    name = f"oscap on the host, {count} checks"
    CHECKS[name] = count
    script = "oscap oval eval --results /root/oval-results.xml /root/oval.xml >/dev/null || exit 8\n"
    return name, lambda: {"wall": host.accounted(script)}


def available(host, commands, work):
    """The contenders that can run here; the others are named on stderr."""
    out = {}
    ssh = ["-i", host.key, "-p", host.port, "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={work}/kh", "-o", "LogLevel=ERROR"]
    target = f"{host.user}@{host.addr}"
    if shutil.which("ssh"):
        out["OpenSSH mux, exec per check"] = lambda: mux(ssh, target, commands, work)
    if importlib.util.find_spec("paramiko"):
        out["paramiko, exec per check"] = lambda: child(PARAMIKO, host, commands)
    if importlib.util.find_spec("testinfra"):
        out["testinfra (paramiko), 50 checks"] = lambda: child(TESTINFRA, host, commands[:50])
    if shutil.which("ansible"):
        out["ansible-core, 20 checks"] = lambda: ansible(host, commands[:20], work)
    for name, there in {"ssh": shutil.which("ssh"), "paramiko": importlib.util.find_spec("paramiko"), "testinfra": importlib.util.find_spec("testinfra"), "ansible": shutil.which("ansible")}.items():
        if not there:
            print(f"left out: {name} is not installed", file=sys.stderr)
    return out


def mux(ssh, target, commands, work):
    """One kept OpenSSH connection, one `sudo -n sh -c` per check."""
    control = ["-o", f"ControlPath={work}/mux-%C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60"]
    for command in commands:
        subprocess.run(["ssh", *ssh, *control, target, "sudo -n sh -c " + quote(command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["ssh", *ssh, *control, "-O", "exit", target], stderr=subprocess.DEVNULL)


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def child(program, host, commands):
    """A Python peer in a process of its own, so that its CPU time is counted alike."""
    job = json.dumps({"addr": host.addr, "port": int(host.port), "user": host.user, "key": host.key, "commands": commands})
    done = subprocess.run([sys.executable, "-c", program], input=job, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


PARAMIKO = """
import json, shlex, sys, paramiko
job = json.load(sys.stdin)
client = paramiko.SSHClient(); client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(job["addr"], job["port"], job["user"], key_filename=job["key"], allow_agent=False, look_for_keys=False)
for command in job["commands"]:
    _, out, err = client.exec_command("sudo -n sh -c " + shlex.quote(command))
    out.read(), err.read(), out.channel.recv_exit_status()
client.close()
"""

TESTINFRA = """
import json, sys, testinfra
job = json.load(sys.stdin)
host = testinfra.get_host(f"paramiko://{job['user']}@{job['addr']}:{job['port']}", ssh_identity_file=job["key"], sudo=True)
for command in job["commands"]:
    host.run(command)
"""


def ansible(host, commands, work):
    """A play with one command task a check, pipelining on."""
    play = [{"hosts": "all", "gather_facts": False, "become": True, "tasks": [{"ansible.builtin.shell": command, "ignore_errors": True, "changed_when": False} for command in commands]}]
    path = work / "play.yml"
    path.write_text(json.dumps(play))
    environment = {**os.environ, "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_PIPELINING": "True"}
    command = ["ansible-playbook", "-i", f"{host.addr},", "-u", host.user, "--private-key", host.key, "-e", f"ansible_port={host.port}", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
