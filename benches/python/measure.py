"""What the Python package costs, measured beside the Rust call on a host of the test bed.

    benches/python/run [-o benches/results/python.json]

builds what it needs, boots a host and runs this file. Every line is: what, measured, promised. The exit status
is 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import kensa
from kensa import aio
from kensa._request import Request
from kensa.detect import carrier

RULES = 600
Numbers = Dict[str, Any]


class Report:
    """The numbers and whether they keep what is promised."""

    def __init__(self) -> None:
        self.numbers: Numbers = {}
        self.broken = 0

    def say(self, name: str, what: str, measured: float, promised: float, unit: str, **raw: Any) -> None:
        kept = measured <= promised
        self.broken += not kept
        self.numbers[name] = {"measured": round(measured, 2), "promised": promised, "unit": unit, "kept": kept, **raw}
        print(f"{what:<62} {measured:>8.1f} {unit:<4} (at most {promised:g}){'' if kept else '  BROKEN'}", flush=True)


def load() -> float:
    return round(os.getloadavg()[0], 1)


def ms(seconds: List[float]) -> List[float]:
    return [round(1000 * one, 2) for one in seconds]


def imports(report: Report) -> None:
    """The start of the interpreter with and without the import, in turns; the fastest of each, as noise only adds."""

    def start(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
        return time.perf_counter() - began

    modules = ("kensa", "runner.engine", "kensa.aio")
    times: Dict[str, List[float]] = {code: [] for code in ("pass", *(f"import {name}" for name in modules))}
    for _ in range(20):
        for code, taken in times.items():
            taken.append(start(code))
    bare = min(times["pass"])
    for name in modules:
        taken = times[f"import {name}"]
        promised = 60 if name != "kensa.aio" else 120
        cost = 1000 * (min(taken) - bare)
        report.say(f"import {name}", f"import {name}", cost, promised, "ms", raw_ms=ms(taken), bare_ms=ms(times["pass"]))


def overhead(report: Report, session: kensa.SSHSession, rules: Path, scanner: List[str], rounds: int) -> None:
    """The same scan from Rust and from Python in turns, each over a connection of its own."""
    child = subprocess.Popen(scanner, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    rust: List[float] = []
    whole: List[float] = []
    python: List[float] = []
    for turn in range(rounds + 1):
        print("", file=child.stdin, flush=True)
        said = json.loads(child.stdout.readline())
        began = time.perf_counter()
        results = kensa.check_rules_from_path(session, rules)
        taken = time.perf_counter() - began
        assert len(results) == said["results"] == RULES, (len(results), said)
        if turn:  # the first one of each warms up
            rust.append(said["scan"])
            whole.append(said["scan"] + said["load"])
            python.append(taken)
    child.stdin.close()
    child.wait()
    share = 100 * (statistics.median(python) / statistics.median(rust) - 1)
    paired = 100 * statistics.median(mine / theirs - 1 for mine, theirs in zip(python, rust))
    report.say(
        "overhead",
        f"overhead over the Rust call without loading, {RULES} rules",
        share,
        5,
        "%",
        paired_percent=round(paired, 2),
        rust_scan_ms=ms(rust),
        rust_with_load_ms=ms(whole),
        python_ms=ms(python),
    )
    print(f"  medians: Rust {1000 * statistics.median(rust):.0f} ms (with loading {1000 * statistics.median(whole):.0f}),", end=" ")
    print(f"Python {1000 * statistics.median(python):.0f} ms; by pairs {paired:+.1f} %")


def conversion(report: Report, session: kensa.SSHSession, rules: Path) -> None:
    native, _, _ = carrier(session)
    request = Request(rules).load()
    taken: List[float] = []
    for _ in range(9):
        task = request.start(native, stream=True)
        # The scan ends while nobody takes its results: what remains is the conversion alone.
        task.wait(600, True, 0)
        items: List[Any] = []  # those of the scan before go now, not within the time
        gc.collect()
        began = time.perf_counter()
        items = task.poll(100_000)
        taken.append((time.perf_counter() - began) * 1000 / sum(item[0] == "result" for item in items))
    report.say("conversion", f"conversion of 1,000 results (measured with {RULES})", 1000 * min(taken), 10, "ms", raw_ms=ms(taken))


class Recorder:
    """Remembers what a host answers."""

    bare_commands = True

    def __init__(self, session: kensa.SSHSession) -> None:
        self.session = session
        self.tape: Dict[str, kensa.Result] = {}

    def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        self.tape[cmd] = self.session.run(cmd, timeout)
        return self.tape[cmd]


class Simulated:
    """A host that answers from a recording after 20 ms."""

    bare_commands = True

    def __init__(self, number: int, tape: Dict[str, kensa.Result]) -> None:
        self.hostname = f"host-{number}"
        self.tape = tape

    async def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        await asyncio.sleep(0.02)
        return self.tape[cmd]


async def beat(late: List[float], every: float = 0.01) -> None:
    while True:
        due = time.perf_counter() + every
        await asyncio.sleep(every)
        late.append(time.perf_counter() - due)


def heartbeat(report: Report, session: kensa.SSHSession, rules: Path, hosts: int) -> None:
    recorder = Recorder(session)
    assert len(kensa.scan(recorder, rules).results) == RULES

    async def one(number: int) -> int:
        count = 0
        async for _ in aio.scan(Simulated(number, recorder.tape), rules):
            count += 1
        return count

    async def main(count: int, seconds: float) -> "tuple[float, List[float]]":
        late: List[float] = []
        beating = asyncio.create_task(beat(late))
        began = time.perf_counter()
        counts = await asyncio.gather(*(one(number) for number in range(count)))
        assert counts == [RULES] * count, counts
        await asyncio.sleep(max(0.0, seconds))
        beating.cancel()
        return time.perf_counter() - began, sorted(late)

    # The same loop with nothing to do says what this machine adds by itself.
    _, idle = asyncio.run(main(0, 5))
    took, late = asyncio.run(main(hosts, 0))
    report.say(
        "heartbeat",
        f"the worst beat of 10 ms with {hosts} hosts on one loop",
        1000 * late[-1],
        50,
        "ms",
        seconds=round(took, 1),
        commands_a_host=len(recorder.tape),
        beats=len(late),
        median_ms=ms([late[len(late) // 2]])[0],
        p99_ms=ms([late[len(late) * 99 // 100]])[0],
        worst_ms=ms(late[-10:]),
        idle_worst_ms=ms(idle[-10:]),
    )
    print(f"  {hosts} x {RULES} rules, {len(recorder.tape)} commands each: {took:.1f} s, {len(late)} beats, median", end=" ")
    print(f"{1000 * late[len(late) // 2]:.1f} ms late; the idle loop's worst: {1000 * idle[-1]:.1f} ms")


def memory(report: Report, session: kensa.SSHSession, rules: Path, scans: int) -> None:
    def resident() -> float:
        text = Path("/proc/self/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def scan(count: int) -> None:
        for _ in range(count):
            kensa.check_rules_from_path(session, rules, severity="critical")
        gc.collect()

    scan(scans // 10)
    seen = [resident()]
    for _ in range(10):
        scan(scans // 10)
        seen.append(resident())
    report.say("memory", f"memory after {scans} more scans", seen[-1] - seen[0], 10, "MiB", raw_mib=[round(one, 1) for one in seen])


def six_hundred(folder: Path) -> Path:
    """The first rules of the package, with their variables and mappings."""
    root = kensa.get_rules_path()
    files = sorted(file for file in root.glob("*/*.yml") if file.parent.name != "mappings")
    for file in [root / "defaults.yml", *files[:RULES]]:
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    shutil.copytree(root / "mappings", folder / "mappings")
    return folder


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--host", required=True, metavar="ADDRESS PORT USER KEY", nargs=4)
    arguments.add_argument("--scanner", required=True, help="the Rust half: the example scan_repeatedly")
    arguments.add_argument("--hosts", type=int, default=200)
    arguments.add_argument("--scans", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=25)
    arguments.add_argument("-o", "--output", type=Path)
    arguments.add_argument("--from", dest="start", type=Path, default=Path(), help="the folder the output is relative to")
    given = arguments.parse_args()
    address, port, user, key = given.host
    report = Report()
    about = {"python": platform.python_version(), "engine": kensa.__version__, "cpus": os.cpu_count(), "load_before": load()}
    print(f"Python {about['python']}, {about['cpus']} CPUs, load {about['load_before']}", flush=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rules = six_hundred(Path(folder))
        imports(report)
        way: Dict[str, Any] = {"port": port, "key_path": key, "sudo": True, "host_key_policy": "off"}
        with kensa.SSHSession(address, user, **way) as session:
            overhead(report, session, rules, [given.scanner, address, port, user, key, str(rules)], given.rounds)
            conversion(report, session, rules)
            heartbeat(report, session, rules, given.hosts)
            memory(report, session, rules, given.scans)
    about.update(load_after=load(), seconds=round(time.perf_counter() - began))
    print(f"load {about['load_after']} at the end, {about['seconds']} s")
    if given.output is not None:
        (given.start / given.output).write_text(json.dumps({"about": about, **report.numbers}, indent=1) + "\n")
    sys.exit(1 if report.broken else 0)


if __name__ == "__main__":
    main()
