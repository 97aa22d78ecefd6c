"""The numbers the binding promises, measured on this machine. Run it on an optimised build:

    maturin develop --release && python bench/numbers.py

Every line is: what, measured, promised. The exit status is 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

import kensa
from kensa import aio

broken = 0


def say(what: str, measured: float, promised: float, unit: str) -> None:
    global broken
    kept = measured <= promised
    broken += not kept
    print(f"{what:<58} {measured:>9.1f} {unit:<5} (at most {promised:g} {unit}){'' if kept else '  BROKEN'}")


def imports() -> None:
    def start(code: str) -> float:
        times = []
        for _ in range(15):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        return min(times) * 1000

    bare = start("pass")
    say("import kensa", start("import kensa") - bare, 60, "ms")
    say("import runner.engine", start("import runner.engine") - bare, 60, "ms")


def conversion(session: kensa.LocalSession) -> None:
    from kensa.detect import carrier
    from kensa.orchestration import Request

    native, _, _ = carrier(session)
    best = 1e9
    count = 1
    for _ in range(7):
        task = Request(None).start(native, stream=True)
        # The scan ends while nobody takes its results: what remains is the conversion alone.
        task.wait(600, True, 0)
        gc.collect()
        began = time.perf_counter()
        items = task.poll(100_000)
        best = min(best, time.perf_counter() - began)
        count = sum(item[0] == "result" for item in items)
    say(f"conversion of 1,000 results (measured with {count})", best * 1000 * 1000 / count, 10, "ms")


def overhead(session: kensa.LocalSession) -> None:
    shares = []
    for _ in range(9):
        began = time.perf_counter()
        report = kensa.scan(session)
        wall = time.perf_counter() - began
        rust = (report.completed_at - report.started_at).total_seconds()
        shares.append(100 * (wall - rust) / rust)
    say(f"overhead over the Rust call, {len(report.results)} rules", statistics.median(shares), 5, "%")


def memory(session: kensa.LocalSession, scans: int) -> None:
    def resident() -> float:
        text = Path("/proc/self/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    few = ["critical"]
    for _ in range(scans // 10):
        kensa.scan(session, severity=few)
    gc.collect()
    before = resident()
    for _ in range(scans):
        kensa.scan(session, severity=few)
    gc.collect()
    say(f"memory after {scans} more scans", resident() - before, 10, "MiB")


class Recorder:
    bare_commands = True

    def __init__(self, session: kensa.LocalSession) -> None:
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


def heartbeat(session: kensa.LocalSession, hosts: int) -> None:
    recorder = Recorder(session)
    expected = len(kensa.scan(recorder).results)
    late: List[float] = []

    async def beat() -> None:
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            late.append(time.perf_counter() - due)

    async def one(number: int) -> int:
        return len([result async for result in aio.scan(Simulated(number, recorder.tape))])

    async def main() -> float:
        beating = asyncio.create_task(beat())
        began = time.perf_counter()
        counts = await asyncio.gather(*(one(number) for number in range(hosts)))
        assert counts == [expected] * hosts, counts
        beating.cancel()
        return time.perf_counter() - began

    took = asyncio.run(main())
    late.sort()
    print(f"{hosts} hosts x {expected} rules, {len(recorder.tape)} commands each, from one loop: {took:.1f} s,", end=" ")
    print(f"{len(late)} beats, median {late[len(late) // 2] * 1000:.1f} ms late")
    say(f"the worst beat of 10 ms with {hosts} hosts", late[-1] * 1000, 50, "ms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--hosts", type=int, default=200)
    arguments.add_argument("--scans", type=int, default=1000)
    given = arguments.parse_args()
    imports()
    with kensa.LocalSession() as session:
        conversion(session)
        overhead(session)
        heartbeat(session, given.hosts)
        memory(session, given.scans)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
