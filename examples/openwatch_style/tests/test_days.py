"""Two days of a host: scan, store, read back, change the host, scan again, compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from conftest import Fleet, Machine

CHANGED = {"etc-passwd-permissions": ("pass", "fail"), "ssh-max-auth-tries": ("fail", "pass")}


def day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()


def age(fleet: Fleet, scan: str, days: int) -> None:
    """Moves a scan into the past: the clock of these tests."""
    fleet.sql(
        "UPDATE posture_snapshots SET observed_at = observed_at - make_interval(days => %s) WHERE scan_id = %s",
        days,
        scan,
    )
    fleet.sql("UPDATE scans SET ended_at = ended_at - make_interval(days => %s) WHERE id = %s", days, scan)


def test_two_days_and_what_changed_between_them(fleet: Fleet, machine: Machine, host: str) -> None:
    first = fleet.scan(host)
    events = list(fleet.events(first))
    kinds, done = [kind for kind, _ in events], [state["done"] for _, state in events]
    assert kinds[-1] == "end" and set(kinds[:-1]) == {"progress"}
    assert done == sorted(done) and any(0 < one < done[-1] for one in done), "results are counted while the scan runs"
    scan = events[-1][1]
    assert scan["status"] == "completed" and scan["done"] == scan["total"] > 500
    assert scan["context"]["platform"]["family"] == "debian" and scan["context"]["completeness"]["unanswered"] == 0

    findings: list[dict[str, Any]] = fleet.get(f"/scans/{first}/findings")
    by_rule = {one["rule_id"]: one for one in findings}
    assert len(by_rule) == len(findings) == scan["total"], "one finding for each rule"
    posture = fleet.get(f"/hosts/{host}/posture")
    for counted, status in [("passed", "pass"), ("failed", "fail"), ("skipped", "skipped"), ("errors", "error")]:
        assert posture[counted] == sum(one["status"] == status for one in findings)
    assert posture["conclusion"] == "findings" and 0 < posture["score"] < 100 and posture["stale"] is None

    login = by_rule["ssh-disable-root-login"]
    assert {"nist_800_53", "pci_dss_v4", "fedramp_moderate", "cis_debian12_v1_1"} <= set(login["framework_refs"])
    control = login["framework_refs"]["nist_800_53"][0]
    answering = fleet.get(f"/scans/{first}/findings", framework="nist_800_53", control=control)
    assert login in answering and all(control in one["framework_refs"]["nist_800_53"] for one in answering)
    # The stored evidence is what the host says when an auditor asks again.
    evidence = by_rule["etc-passwd-permissions"]["evidence"][0]
    assert machine.sh(evidence["command"]) == evidence["stdout"] and evidence["exit_code"] == 0

    age(fleet, first, days=1)
    machine.sh("chmod 0664 /etc/passwd && echo MaxAuthTries 3 > /etc/ssh/sshd_config.d/01-site.conf")
    try:
        second = fleet.scan(host)
        fleet.completed(second)
        drift = fleet.get(f"/hosts/{host}/drift", from_=day(1), to=day(0))
    finally:
        machine.sh("chmod 0644 /etc/passwd && rm /etc/ssh/sshd_config.d/01-site.conf")
    assert (drift["before"]["scan_id"], drift["after"]["scan_id"]) == (first, second)
    found = {one["rule_id"]: (one["before"]["status"], one["after"]["status"]) for one in drift["changes"]}
    assert found == CHANGED
    mode = next(one for one in drift["changes"] if one["rule_id"] == "etc-passwd-permissions")
    assert "644" in mode["before"]["evidence"][0]["stdout"] and "664" in mode["after"]["evidence"][0]["stdout"]

    # Each day is still known as it was.
    assert fleet.get(f"/hosts/{host}/posture", date=day(1))["scan_id"] == first
    assert fleet.get(f"/hosts/{host}/posture", date=day(0))["scan_id"] == second
    assert fleet.get(f"/hosts/{host}/drift", from_=day(0), to=day(0))["changes"] == []
    assert "was not measured by" in fleet.get(f"/hosts/{host}/posture", 404, date=day(2))["detail"]


def test_a_posture_nobody_renewed_is_stale(fleet: Fleet, host: str) -> None:
    scan = fleet.scan(host)
    fleet.completed(scan)
    age(fleet, scan, days=3)
    assert fleet.get(f"/hosts/{host}/posture", date=day(3))["stale"] is None
    assert fleet.get(f"/hosts/{host}/posture")["stale"]["reason"] == "too_old"


def test_controls_count_only_what_was_measured(fleet: Fleet, host: str) -> None:
    scan = fleet.scan(host)
    fleet.completed(scan)
    statuses = {one["rule_id"]: one["status"] for one in fleet.get(f"/scans/{scan}/findings")}
    view = fleet.get(f"/frameworks/cis-debian-12-v1.1.0/hosts/{host}")
    controls = {one["control"]: one for one in view["controls"]}
    assert len(controls) == view["total"] == sum(view[one] for one in ("met", "not_met", "partial", "not_measured"))
    assert (
        view["met_percent"] <= 100 * view["met"] / view["total"]
        and view["met_percent"] < view["measurable_percent"] < 100
    )
    assert all(view[one] for one in ("met", "not_met", "partial", "not_measured"))
    for one in controls.values():
        assert {rule: statuses[rule] for rule in one["rules"]} == one["rules"]
        if one["status"] == "met":
            assert set(one["rules"].values()) <= {"pass", "skipped"} and "pass" in one["rules"].values()
        elif one["status"] in ("partial", "not_measured"):
            assert one["reason"]
    assert controls["5.1.20"]["status"] == "not_met" and controls["1.1.1.10"]["status"] == "not_measured"

    assert fleet.get(f"/frameworks/nist-800-53-r5/hosts/{host}")["not_measured"] > 0
    assert (
        fleet.get(f"/frameworks/cis-rhel9-v2.0.0/hosts/{host}", 422)["detail"]
        == "cis-rhel9-v2.0.0 is not for debian 12"
    )
    assert "cis-debian-12-v1.1.0" in fleet.get(f"/frameworks/cis/hosts/{host}", 404)["detail"]
    assert "cis-debian-12-v1.1.0" in fleet.get("/frameworks")


def test_what_the_user_may_not_read_is_an_error_and_meets_no_control(fleet: Fleet, machine: Machine) -> None:
    host = fleet.add_host(machine, port=2222, username="nosudo", sudo=False)
    scan = fleet.scan(host)
    fleet.completed(scan)
    errors = {one["rule_id"] for one in fleet.get(f"/scans/{scan}/findings", status="error")}
    posture = fleet.get(f"/hosts/{host}/posture")
    assert posture["errors"] == len(errors) > 0 and posture["conclusion"] != "compliant"
    view = fleet.get(f"/frameworks/cis-debian-12-v1.1.0/hosts/{host}")
    assert not [one for one in view["controls"] if one["status"] == "met" and errors & one["rules"].keys()]
    fleet.forget(host)
