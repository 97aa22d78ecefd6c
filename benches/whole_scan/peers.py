"""How each contender asks the same questions of the same host, under sudo."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

# How many checks a contender runs, where it is not all: the time per check is what counts then.
CHECKS = {"testinfra (paramiko), 50 checks": 50, "ansible-core, 20 checks": 20}
SLOW = {"paramiko, exec per check", "OpenSSH mux, exec per check", *CHECKS}


def kensa(program, at, host, rules, known_hosts, output):
    command = [
        program, "check", "-H", at[0], "-P", at[1], "-u", host.user, "-k", host.key, "--sudo", "--known-hosts", str(known_hosts),
        "--rules", str(rules), "--format", "json", "-o", str(output), "--quiet",
    ]

    def job():
        with open(os.devnull) as nothing, open(f"{output}.err", "w+") as errors:
            child = subprocess.Popen(command, stdin=nothing, stdout=errors, stderr=errors)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            if child.returncode not in (0, 1, 3):
                raise RuntimeError(f"kensa ended with {child.returncode}: {errors.read()}")
        report = json.loads(output.read_text())
        if report["completeness"]["unanswered"]:
            raise RuntimeError(f"incomplete: {report['completeness']}")
        return {"peak_kib": used.ru_maxrss}

    return job


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
