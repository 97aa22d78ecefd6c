"""What the service refuses, and how it says so."""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from conftest import Fleet, Machine
from kensa import RuleResult, ScanReport

from fleet.storage import Superseded, opened


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hostname", "web-1 -oProxyCommand=x"),
        ("hostname", "a,b"),
        ("hostname", "web-1\nweb-2"),
        ("port", 0),
        ("username", "root;id"),
        ("credential", "../../etc/shadow"),
        ("host_key", "ssh-ed25519 AAAA\n* ssh-ed25519 BBBB"),
        ("password", "secret"),
    ],
)
def test_hosts_are_checked_before_they_are_stored(fleet: Fleet, machine: Machine, field: str, value: Any) -> None:
    host = {
        "hostname": machine.addr,
        "username": "scan",
        "credential": "fleet",
        "host_key": machine.hostkey,
        field: value,
    }
    answer = fleet.post("/hosts", host, 422)
    assert [problem["loc"] for problem in answer["detail"]] == [["body", field]]


def test_what_is_not_there_and_what_is_there_already(fleet: Fleet, machine: Machine, host: str) -> None:
    unknown = str(uuid4())
    for path in (f"/hosts/{unknown}", f"/hosts/{unknown}/posture", f"/scans/{unknown}", f"/scans/{unknown}/events"):
        assert unknown in fleet.get(path, 404)["detail"]
    assert unknown in fleet.post("/scans", {"host_id": unknown}, 404)["detail"]
    known = {"hostname": machine.addr, "username": "scan", "credential": "fleet", "host_key": machine.hostkey}
    assert "is known already" in fleet.post("/hosts", known, 409)["detail"]
    scan = fleet.scan(host)
    assert "already" in fleet.post("/scans", {"host_id": host}, 409)["detail"]
    fleet.completed(scan)
    assert fleet.get(f"/scans/{scan}/findings", 422, control="AC-6")["detail"] == "control needs framework"
    assert "before" in fleet.get(f"/hosts/{host}/drift", 422, from_="2026-01-02", to="2026-01-01")["detail"]


def test_only_the_latest_attempt_stores_and_only_once(fleet: Fleet, host: str) -> None:
    scan = fleet.held(host)
    report = ScanReport(host="x", results=[RuleResult(rule_id="a", skipped=True, reason="platform_mismatch")])

    async def main() -> list[str]:
        log = []
        async with opened(os.environ["FLEET_DATABASE"]) as storage:
            slow, quick = await storage.claim(scan, "slow", 2), await storage.claim(scan, "quick", 2)
            assert slow and quick
            for claim in (slow, quick, quick):
                try:
                    await storage.complete(claim, report)
                    log.append("stored")
                except Superseded:
                    log.append("superseded")
            assert await storage.claim(scan, "late", 9) is None
        return log

    assert asyncio.run(main()) == ["superseded", "stored", "superseded"]
    assert len(fleet.get(f"/scans/{scan}/findings")) == 1
    posture = fleet.get(f"/hosts/{host}/posture")
    assert posture["conclusion"] == "incomplete" and posture["score"] is None, "nothing measured is not compliant"


def test_a_scan_that_keeps_killing_its_workers_is_given_up(fleet: Fleet, host: str) -> None:
    scan = fleet.held(host)

    async def main() -> list[bool]:
        async with opened(os.environ["FLEET_DATABASE"]) as storage:
            return [bool(await storage.claim(scan, "doomed", 2)) for _ in range(3)]

    assert asyncio.run(main()) == [True, True, False]
    assert (fleet.get(f"/scans/{scan}")["status"], fleet.get(f"/scans/{scan}")["reason"]) == (
        "failed",
        "too_many_attempts",
    )


@pytest.mark.parametrize("wrong", ["failed = 1", "errors = 1", "unanswered = 1", "passed = 0"])
def test_the_database_refuses_a_compliant_posture_that_is_not(fleet: Fleet, host: str, wrong: str) -> None:
    scan = fleet.sql("INSERT INTO scans (host_id, status) VALUES (%s, 'completed') RETURNING id", host)[0][0]
    fleet.sql("INSERT INTO posture_snapshots VALUES (%s, %s, now(), 'compliant', 9, 0, 3, 0, 0)", scan, host)
    assert fleet.get(f"/hosts/{host}/posture")["score"] == 100
    with pytest.raises(psycopg.errors.CheckViolation):
        fleet.sql(f"UPDATE posture_snapshots SET {wrong} WHERE scan_id = %s", scan)
