"""Transports the program brings itself."""

import asyncio
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

import kensa
from kensa import aio


class Shell:
    """A transport that runs commands with the machine's shell, and counts."""

    hostname = "mine"

    def __init__(self) -> None:
        self.commands: List[str] = []
        self.threads: "set[int]" = set()

    def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
        self.commands.append(cmd)
        self.threads.add(threading.get_ident())
        done = subprocess.run(["sh", "-c", cmd], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return kensa.Result(done.returncode, done.stdout, done.stderr)


class Scripts(Shell):
    takes_scripts = True


class Asynchronous(Shell):
    async def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:  # type: ignore[override]
        self.commands.append(cmd)
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec("sh", "-c", cmd, stdout=pipe, stderr=pipe, stdin=asyncio.subprocess.DEVNULL)
        try:
            out, err = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            raise
        return kensa.Result(child.returncode or 0, out.decode(), err.decode())


def verdicts(results: List[kensa.RuleResult]) -> Dict[str, str]:
    return {result.rule_id: result.status for result in results}


@pytest.mark.parametrize("transport", [Shell, Scripts, Asynchronous])
def test_any_object_with_run_gives_the_same_verdicts(local: kensa.LocalSession, rules: Path, transport: Any) -> None:
    mine = transport()
    results = kensa.check_rules_from_path(mine, rules)
    assert verdicts(results) == verdicts(kensa.check_rules_from_path(local, rules))
    assert results[0].host == "mine"
    assert not any(command.startswith("sudo") for command in mine.commands)
    if transport is Shell:
        assert mine.threads == {threading.get_ident()}, "a synchronous transport is called on the calling thread"


@pytest.mark.parametrize("transport", [Shell, Scripts, Asynchronous])
def test_the_same_from_an_event_loop(local: kensa.LocalSession, rules: Path, transport: Any) -> None:
    results = asyncio.run(aio.check_rules_from_path(transport(), rules))
    assert verdicts(results) == verdicts(kensa.check_rules_from_path(local, rules))


def test_scripts_save_round_trips() -> None:
    one_by_one, batched = Shell(), Scripts()
    few = ["critical", "high"]
    expected = verdicts(kensa.check_rules_from_path(one_by_one, kensa.get_rules_path(), few, "network"))
    assert verdicts(kensa.check_rules_from_path(batched, kensa.get_rules_path(), few, "network")) == expected
    assert len(batched.commands) * 2 < len(one_by_one.commands)


def test_single_questions_are_the_commands_of_the_evidence(rules: Path) -> None:
    class Single(Shell):
        bare_commands = True
        single_questions = True

    transport = Single()
    found = [item for one in kensa.check_rules_from_path(transport, rules) for item in one.evidence_list]
    assert found and all(item.via is None and item.command in transport.commands for item in found)


def test_detection_over_a_transport() -> None:
    found, platform = kensa.quick_host_info(Shell())
    assert platform is not None and found.platform_family == platform.family


@pytest.mark.parametrize("transport", [Shell, Asynchronous])
def test_a_lost_connection_is_passed_on(rules: Path, transport: Any) -> None:
    class Lost(transport):  # type: ignore[misc]
        def run(self, cmd: str, *, timeout: Optional[float] = None) -> Any:
            raise ConnectionResetError("the bastion went away")

    with pytest.raises(ConnectionError, match="bastion"):
        kensa.check_rules_from_path(Lost(), rules)
    with pytest.raises(ConnectionError, match="bastion"):
        asyncio.run(aio.check_rules_from_path(Lost(), rules))


def test_any_other_exception_belongs_to_the_one_command(rules: Path) -> None:
    class Fussy(Shell):
        def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
            if "echo hello" in cmd:
                raise TimeoutError("too slow") if "slow" in self.hostname else RuntimeError("no")
            return super().run(cmd, timeout=timeout)

    transport = Fussy()
    found = {one.rule_id: one for one in kensa.check_rules_from_path(transport, rules)}
    assert found["d-command"].status == "error" and found["a-passes"].status == "pass"
    transport.hostname = "slow"
    found = {one.rule_id: one for one in kensa.check_rules_from_path(transport, rules)}
    assert found["d-command"].reason == "timed_out" and found["a-passes"].status == "pass"


def test_answers_in_other_shapes(rules: Path) -> None:
    class Bytes(Shell):
        def run(self, cmd: str, *, timeout: Optional[float] = None) -> Any:
            return subprocess.run(["sh", "-c", cmd], capture_output=True)

    assert verdicts(kensa.check_rules_from_path(Bytes(), rules))["a-passes"] == "pass"

    class Nothing(Shell):
        def run(self, cmd: str, *, timeout: Optional[float] = None) -> Any:
            return None

    found = verdicts(kensa.check_rules_from_path(Nothing(), rules))
    assert "pass" not in found.values() and "fail" not in found.values()
    with pytest.raises(TypeError):
        kensa.check_rules_from_path(object(), rules)


def test_a_recording_replays(local: kensa.LocalSession, rules: Path) -> None:
    class Recorder(Shell):
        bare_commands = True

        def __init__(self) -> None:
            super().__init__()
            self.tape: Dict[str, kensa.Result] = {}

        def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
            self.tape[cmd] = super().run(cmd, timeout=timeout)
            return self.tape[cmd]

    class Player:
        bare_commands = True

        def __init__(self, tape: Dict[str, kensa.Result]) -> None:
            self.tape = tape

        async def run(self, cmd: str, *, timeout: Optional[float] = None) -> kensa.Result:
            return self.tape[cmd]

    recorder = Recorder()
    expected = verdicts(kensa.check_rules_from_path(recorder, rules))
    assert verdicts(asyncio.run(aio.check_rules_from_path(Player(recorder.tape), rules))) == expected
