"""The cassettes of tests/conformance give here the JSON they give in Rust and Node; the README there says how."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

import kensa
from kensa import aio

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path("tests/conformance")


def read(path: str) -> Any:
    return json.loads((REPOSITORY / FOLDER / path).read_text(encoding="utf-8"))


CASSETTES = {
    file.parent.name: read(f"{file.parent.name}/cassette.json")
    for file in sorted((REPOSITORY / FOLDER).glob("*/cassette.json"))
}
CALLS = [(name, call) for name, cassette in CASSETTES.items() for call in cassette["calls"]]


def timeless(text: str) -> str:
    """`text` without what differs from run to run and from version to version, in the engine's own form."""
    time = r'"(timestamp|started_at|completed_at)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"'
    text = re.sub(time, r'"\1":"1970-01-01T00:00:00.000Z"', text)
    text = re.sub(r'"duration_ms":\d+([,}])', r'"duration_ms":0\1', text)
    return re.sub(r'"engine_version":"[^"\\]+"', '"engine_version":"0.0.0"', text)


class Answer:
    def __init__(self, recorded: Dict[str, Any]) -> None:
        times = recorded.get("times", 1)
        self.exit_code = recorded["exit"]
        self.stdout = self._bytes(recorded, "stdout") * times
        self.stderr = self._bytes(recorded, "stderr") * times

    @staticmethod
    def _bytes(recorded: Dict[str, Any], stream: str) -> bytes:
        text: str = recorded.get(stream, "")
        return text.encode() + bytes.fromhex(recorded.get(f"{stream}_hex", ""))


class Player:
    """The host of a cassette."""

    bare_commands = True
    single_questions = True

    def __init__(self, cassette: Dict[str, Any]) -> None:
        self.hostname = cassette.get("name", "web-1")
        recorded = read(f"hosts/{cassette['host']}.json")["answers"] if "host" in cassette else []
        self.answers = {answer["command"]: answer for answer in [*recorded, *cassette.get("answers", [])]}

    async def run(self, cmd: str, *, timeout: Optional[float] = None) -> Answer:
        answer = self.answers.get(cmd)
        if answer is None:
            raise kensa.KensaError(f"nothing was recorded for: {cmd}")
        if answer.get("never"):
            await asyncio.Event().wait()
        if "fault" in answer:
            raise (kensa.CommandTimeout if answer["fault"] == "timed_out" else kensa.KensaError)(answer["message"])
        return Answer(answer)


class SynchronousPlayer(Player):
    def run(self, cmd: str, *, timeout: Optional[float] = None) -> Answer:  # type: ignore[override]
        return asyncio.run(super().run(cmd, timeout=timeout))


def options(call: Dict[str, Any], *names: str) -> Dict[str, Any]:
    names = (*names, "severity", "category", "tags", "rule_ids", "capabilities", "framework")
    given = {name: call[name] for name in names if name in call}
    if "variables" in call:
        given["var_overrides"] = call["variables"]
    if "timeout_ms" in call:
        given["scan_timeout"] = call["timeout_ms"] / 1000
    return given


def scanned(cassette: Dict[str, Any], call: Dict[str, Any], rules: Path) -> str:
    async def main() -> Tuple[kensa.ScanReport, List[kensa.RuleResult]]:
        report = await aio.scan(Player(cassette), rules, **options(call))
        return report, [one async for one in aio.scan(Player(cassette), rules, **options(call))]

    report, streamed = asyncio.run(main())

    def own(results: List[kensa.RuleResult]) -> List[str]:
        return sorted(timeless(one.to_json()) for one in results)

    assert own(streamed) == own(report.results), "a result is streamed as it is reported"
    if "timeout_ms" not in call:
        blocking = kensa.scan(SynchronousPlayer(cassette), rules, **options(call))
        assert timeless(blocking.to_json()) == timeless(report.to_json())
    return report.to_json()


def covered(call: Dict[str, Any], folder: Path) -> str:
    return kensa.check_coverage(kensa.load_mapping(folder / call["mapping"]), call["rule_ids"]).to_json()


def validated(call: Dict[str, Any], rules: Path) -> str:
    found = kensa.validate_rules(rules, strict=call.get("strict", False))
    return "[" + ",".join(one.to_json() for one in found) + "]"


@pytest.mark.parametrize("name, called", CALLS)
def test_a_cassette_gives_its_json(name: str, called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    cassette = CASSETTES[name]
    call = cassette["calls"][called]
    folder = FOLDER / name
    rules = folder / call.get("rules", "rules")
    if "evidence_limit" in call:
        monkeypatch.setenv("KENSA_EVIDENCE_LIMIT", str(call["evidence_limit"]))
    if call["call"] == "scan":
        found = scanned(cassette, call, rules)
    elif call["call"] == "plan":
        found = kensa.plan_scan(Player(cassette), rules, **options(call)).to_json()
    elif call["call"] == "validate":
        found = validated(call, rules)
    else:
        assert call["call"] == "coverage"
        found = covered(call, folder)
    expected = (folder / f"{called}.json").read_text(encoding="utf-8").replace("\n", "")
    assert timeless(found) == expected


def test_there_are_cassettes() -> None:
    assert len(CASSETTES) >= 12


def test_the_other_ways_to_check_give_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    cassette, rules = CASSETTES["verdicts"], FOLDER / "verdicts" / "rules"
    expected = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in read("verdicts/scan.json")["results"]]
    results = kensa.check_rules_from_path(Player(cassette), rules)
    assert [timeless(one.to_json()) for one in results] == expected
    each = [kensa.evaluate_rule(Player(cassette), rule) for rule in kensa.load_rules(rules)]
    assert [timeless(one.to_json()) for one in each] == expected
