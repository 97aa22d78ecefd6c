"""Signals, threads, forks and the end of the interpreter, on this machine itself; over SSH they are in test_ssh.py."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import Host, write_rule

import kensa


def program(text: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=timeout)


def slow_rules(folder: Path, seconds: int, count: int = 1) -> Path:
    for number in range(count):
        run = f'{{method: command, run: "sleep {seconds}; echo {number}", expected_stdout: "{number}"}}'
        write_rule(folder, f"slow-{number}", run)
    return folder


def runs(command: str) -> bool:
    """Whether `command` runs on this machine, looked at for up to three seconds until it does not."""
    for _ in range(30):
        if subprocess.run(["pgrep", "-fx", command], capture_output=True).returncode != 0:
            return False
        time.sleep(0.1)
    return True


class OutOfTime(TimeoutError):
    """The limit of a job worker."""


@pytest.fixture
def alarm() -> Any:
    def ring(number: int, frame: object) -> None:
        raise OutOfTime("the job's own limit")

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.5)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class Mine:
    """A transport of the program, asynchronous or not, whose command takes its time."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    def run(self, cmd: str, *, timeout: Any = None) -> Any:
        if self.asynchronous:
            return self.later()
        time.sleep(44)

    async def later(self) -> Any:
        await asyncio.sleep(44)


@pytest.mark.parametrize("call", ["run", "check", "callback", "detect", "mine", "mine-async"])
def test_an_alarm_gets_through_every_blocking_call(
    local: kensa.LocalSession, tmp_path: Path, alarm: Any, call: str
) -> None:
    rules = slow_rules(tmp_path, 44)
    known = kensa.detect_capabilities(local)
    calls: "Dict[str, Callable[[], Any]]" = {
        "run": lambda: local.run("sleep 44"),
        "check": lambda: kensa.check_rules_from_path(local, rules, capabilities=known),
        "callback": lambda: kensa.check_rules_from_path(local, rules, capabilities=known, on_result=print),
        "detect": lambda: kensa.detect_capabilities(Mine(False)),
        "mine": lambda: kensa.check_rules_from_path(Mine(False), rules),
        "mine-async": lambda: kensa.check_rules_from_path(Mine(True), rules),
    }
    alarm()
    started = time.monotonic()
    with pytest.raises(OutOfTime, match="own limit"):
        calls[call]()
    assert time.monotonic() - started < 5
    assert not runs("sleep 44")
    assert local.run("echo alive").stdout == "alive"


def test_an_alarm_gets_through_a_fleet(host: Host, tmp_path: Path, alarm: Any) -> None:
    target = kensa.HostInfo(host.address, host.port, "scan", host.key)
    alarm()
    with pytest.raises(OutOfTime):
        kensa.check_hosts([target, target], slow_rules(tmp_path, 44))


def test_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    rules = slow_rules(tmp_path, 44)
    text = (
        "import kensa, sys\n"
        "with kensa.LocalSession() as session:\n"
        "    known = kensa.detect_capabilities(session)\n"
        "    print('ready', flush=True)\n"
        "    try:\n"
        f"        kensa.check_rules_from_path(session, {str(rules)!r}, capabilities=known)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', session.run('echo alive').stdout)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=20)
    assert (said, child.returncode) == ("interrupted alive\n", 0)
    assert not runs("sleep 44")


def test_twenty_sessions_at_once_wait_together(tmp_path: Path) -> None:
    rules = slow_rules(tmp_path / "rules", 1)
    done: List[float] = []
    ready = threading.Barrier(21)

    def work() -> None:
        with kensa.LocalSession() as session:
            known = kensa.detect_capabilities(session)
            ready.wait(120)
            assert kensa.check_rules_from_path(session, rules, capabilities=known)[0].passed
            done.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    ready.wait(120)
    started = time.monotonic()
    for thread in threads:
        thread.join(60)
    # One after the other they would take twenty seconds.
    assert len(done) == 20 and max(done) - started < 15


def test_a_session_moves_between_threads(rules: Path) -> None:
    session = kensa.LocalSession()
    seen: List[int] = []
    steps = (
        session.connect,
        lambda: seen.append(len(asyncio.run(whole()))),
        lambda: seen.append(len(kensa.check_rules_from_path(session, rules))),
        session.close,
    )

    async def whole() -> List[kensa.RuleResult]:
        return await kensa.aio.check_rules_from_path(session, rules)

    for step in steps:
        thread = threading.Thread(target=step)
        thread.start()
        thread.join(60)
    assert seen == [6, 6] and not session.is_connected


def test_a_fork_amid_the_work_of_other_threads(rules: Path) -> None:
    """A pre-fork server: the parent scans on threads and logs everything while it forks; each child starts afresh."""
    done = program(
        "import asyncio, kensa, logging, os, threading\n"
        "logging.getLogger('kensa').setLevel(1)\n"
        f"rules = {str(rules)!r}\n"
        "stop = threading.Event()\n"
        "def work():\n"
        "    while not stop.is_set():\n"
        "        with kensa.LocalSession() as session:\n"
        "            assert len(kensa.check_rules_from_path(session, rules)) == 6\n"
        "threads = [threading.Thread(target=work) for _ in range(3)]\n"
        "[thread.start() for thread in threads]\n"
        "async def main():\n"
        "    async with kensa.local() as session:\n"
        "        return len((await session.scan(rules)).results)\n"
        "for _ in range(8):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        with kensa.LocalSession() as own:\n"
        "            ok = len(kensa.check_rules_from_path(own, rules)) == 6 and asyncio.run(main()) == 6\n"
        "        os._exit(0 if ok else 1)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "stop.set()\n"
        "[thread.join() for thread in threads]\n"
        "print('done')\n".replace("-W error", ""),
        timeout=240,
    )
    assert done.stdout == "done\n", done.stderr


def test_a_pool_of_forked_workers(rules: Path) -> None:
    done = program(
        "import kensa, multiprocessing, json\n"
        f"rules = {str(rules)!r}\n"
        "def scan(number):\n"
        "    with kensa.LocalSession() as session:\n"
        "        return [result.status for result in kensa.check_rules_from_path(session, rules)]\n"
        "first = scan(0)\n"
        "with multiprocessing.get_context('fork').Pool(3) as pool:\n"
        "    print(json.dumps([first, *pool.map(scan, range(6))]))\n",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    every = json.loads(done.stdout)
    assert len(every) == 7 and all(one == every[0] for one in every)


ENDS = {
    "with a scan on a daemon thread": "threading.Thread(target=scan, daemon=True).start(); time.sleep(1)",
    "from a running loop": "asyncio.run(ends())",
    "with a task that was never finished": "loop = asyncio.new_event_loop(); loop.run_until_complete(begins())",
    "by an exception amid a scan": "threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGTERM)).start(); scan()",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends(tmp_path: Path, how: str) -> None:
    rules = slow_rules(tmp_path, 46)
    text = (
        "import asyncio, kensa, os, signal, sys, threading, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "session = kensa.LocalSession()\n"
        "session.connect()\n"
        "known = kensa.detect_capabilities(session)\n"
        "def scan():\n"
        f"    kensa.check_rules_from_path(session, {str(rules)!r}, capabilities=known)\n"
        "async def begins():\n"
        f"    asyncio.ensure_future(kensa.aio.check_rules_from_path(session, {str(rules)!r}, capabilities=known))\n"
        "    await asyncio.sleep(0.5)\n"
        "async def ends():\n"
        "    await begins()\n"
        "    sys.exit(0)\n"
        f"{ENDS[how]}\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "panic" not in done.stderr and "Fatal" not in done.stderr
    assert time.monotonic() - started < 30
    assert not runs("sleep 46")


def test_importing_does_nothing_but_import(tmp_path: Path) -> None:
    done = program(
        "import os, sys, threading\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "import kensa, kensa.aio, runner.engine, runner.updates, runner.remediation, runner.mappings, runner.storage\n"
        "assert threading.active_count() == 1 and len(os.listdir('/proc/self/task')) == 1\n"
        "assert len(os.listdir('/proc/self/fd')) == before\n"
        "print('asyncio.subprocess' in sys.modules)\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    bare = {"PATH": os.environ["PATH"], "KENSA_RULES_PATH": "/nowhere", "KENSA_SSH_CONNECT_TIMEOUT": "x", "HOME": "/nowhere"}
    text = "import runner.engine, runner.paths; print(runner.paths.get_rules_path().name)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=bare, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "rules\n", "")
