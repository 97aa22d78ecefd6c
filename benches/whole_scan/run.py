#!/usr/bin/env python3
"""Whole-scan benchmark: Kensa beside its floor and its peers, on one real host, in one run.

    benches/whole_scan/run.py [--runs 3] [--kensa target/release/kensa] [--only "NAME;..."] [-o benches/results/whole_scan.json]

Boots a Debian test host (tests/bed), takes turns between the contenders, and prints for each the median wall
time, its ratio to the floor of the same run, the CPU time of the host, and the client's CPU time and peak memory.
With all peers it takes about three minutes on a quiet machine.
*Floor* is the same commands as one local script on the host, one process each, without SSH. Contenders that are
not installed are left out and named. Needs root (the test bed does).
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import corpus  # noqa: E402
import peers  # noqa: E402

LOCAL = "kensa --local, bundled rules"
ROOT = pathlib.Path(__file__).resolve().parents[2]
BED = ROOT / "tests" / "bed" / "host.sh"


class Host:
    """A booted test host."""

    def __init__(self, name):
        self.name = name
        subprocess.run([BED, "down", name], check=True, stdout=subprocess.DEVNULL)
        text = subprocess.run([BED, "up", name, "debian"], check=True, capture_output=True, text=True).stdout
        info = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        self.addr, self.port, self.key, self.user = info["addr"], info["port"], info["key"], "scan"
        self.exec = [str(BED), "exec", name]

    def cpu(self):
        """CPU seconds used on the host so far: everything below its first process."""
        for line in corpus.on_host(self.exec, "cat /sys/fs/cgroup/cpu.stat"):
            if line.startswith("usage_usec"):
                return int(line.split()[1]) / 1e6
        raise RuntimeError("no cpu.stat on the host")

    def count(self):
        text = subprocess.run([BED, "count", self.name], check=True, capture_output=True, text=True).stdout
        pairs = (pair.split("=") for pair in text.split())
        return {key: int(value) for key, value in pairs}

    def mark(self):
        subprocess.run([BED, "mark", self.name], check=True)

    def accounted(self, script):
        """Seconds a script takes as root on the host itself, its CPU time accounted to the host; entering it not counted."""
        enter = "mkdir -p /sys/fs/cgroup/bench && echo $$ >/sys/fs/cgroup/bench/cgroup.procs || exit 9\n"

        def run(text):
            start = time.monotonic()
            done = subprocess.run([*self.exec, "sh"], input=enter + text, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode in (8, 9):
                raise RuntimeError(done.stderr)
            return time.monotonic() - start

        return run(script) - run(":\n")

    def down(self):
        subprocess.run([BED, "down", self.name], check=False)


def measured(host, job):
    """Runs `job` once: wall and CPU seconds, the client's peak KiB, and what the server counted."""
    idle = host.cpu()
    idle = host.cpu() - idle  # what reading the counter itself costs
    host.mark()
    before, start = host.cpu(), time.monotonic()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    extra = job() or {}
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    host_cpu = max(host.cpu() - before - idle, 0.0)
    return {"wall": wall, "host_cpu": host_cpu, "client_cpu": cpu, **host.count(), **extra}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kensa", default=str(ROOT / "target" / "release" / "kensa"))
    parser.add_argument("--only", default="", help="names of contenders, separated by semicolons")
    parser.add_argument("--rtt", type=float, default=0, help="milliseconds a relay adds to kensa's round trips")
    parser.add_argument("-o", "--output")
    args = parser.parse_args()
    subprocess.run([ROOT / "tests" / "bed" / "setup.sh"], check=True)
    host = Host("bench")
    work = pathlib.Path(tempfile.mkdtemp(prefix="kensa-bench-"))
    relay = None
    try:
        checks = corpus.questions(host.exec)
        corpus.write(work / "typed", checks, typed=True)
        corpus.write(work / "shell", checks, typed=False)
        known = work / "known_hosts"
        at = (host.addr, host.port)
        if args.rtt:
            command = [sys.executable, pathlib.Path(__file__).with_name("relay.py"), *at, str(args.rtt)]
            relay = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            at = ("127.0.0.1", relay.stdout.readline().strip())
        contenders = {"floor": lambda: {"wall": host.accounted(corpus.floor_script(checks))}}
        for kind, shells in (("typed", 1), ("shell", 1), ("typed", 3), ("shell", 2), ("shell", 3)):
            name = f"kensa {kind}" if shells == 1 else f"kensa {kind}, {shells} shells"
            contenders[name] = peers.kensa(args.kensa, at, host, work / kind, known, work / f"{kind}.json", shells)
        contenders[LOCAL] = peers.on_the_host(host, args.kensa)
        contenders |= dict(filter(None, [peers.oscap(host, checks)]))
        contenders |= peers.available(host, [command for _, command in checks], work)
        if args.only:
            contenders = {name: job for name, job in contenders.items() if name in args.only.split(";")}
        rounds = {name: [] for name in contenders}
        for number in range(args.runs):
            for name, job in contenders.items():
                if number and name in peers.SLOW:  # minutes each: once is enough for a ratio
                    continue
                rounds[name].append(measured(host, job))
                print(f"{number + 1}/{args.runs} {name}: {rounds[name][-1]['wall']:.2f} s", file=sys.stderr)
        for name in [name for name in contenders if name.startswith("kensa ") and name != LOCAL]:
            peak = contenders[name](peak=True)
            rounds[name] = [{**one, **peak} for one in rounds[name]]
        report(args, checks, rounds)
    finally:
        if relay:
            relay.kill()
        host.down()
        shutil.rmtree(work, ignore_errors=True)


def report(args, checks, rounds):
    middle = {}
    for name, runs in rounds.items():
        row = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        row["checks"] = int(row.get("rules", peers.CHECKS.get(name, len(checks))))
        row["ms_per_check"] = 1000 * row["wall"] / row["checks"]
        middle[name] = row
    base, typed = middle.get("floor"), middle.get("kensa typed")
    print(f"{len(checks)} checks on one Debian 12 host, {args.runs} runs, medians, {os.cpu_count()} cores")
    heads = ["checks", "wall s", "x floor", "host CPU s", "x floor", "client CPU s", "peak MiB", "ms/check", "x typed", "execs", "sudos"]
    print(f"{'contender':<32}" + "".join(f"{head:>13}" for head in heads))
    for name, row in middle.items():
        over = lambda key, other: f"{row[key] / other[key]:.2f}" if other and other[key] else ""
        cells = [
            row["checks"], f"{row['wall']:.2f}", over("wall", base), f"{row['host_cpu']:.2f}", over("host_cpu", base), f"{row['client_cpu']:.3f}",
            f"{row['peak_kib'] / 1024:.1f}" if "peak_kib" in row else "", f"{row['ms_per_check']:.2f}", over("ms_per_check", typed),
            row["sessions"], row["sudos"],
        ]
        print(f"{name:<32}" + "".join(f"{cell:>13}" for cell in cells))
    if local := middle.get(LOCAL):
        print(f"{LOCAL}: {local['wall']:.2f} s, of it {local['walks']:.2f} s for walks of the file tree")
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()), "command": " ".join(["benches/whole_scan/run.py", *sys.argv[1:]]),
        "checks": len(checks), "cores": os.cpu_count(), "load": os.getloadavg(), "rtt_ms": args.rtt, "runs": rounds, "median": middle,
    }
    if args.output:
        pathlib.Path(args.output).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
