"""Many workers, one fleet: what they share, what they hand over, and what they never try twice."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest
from conftest import Fleet, Machine, eventually


def counted(machine: Machine) -> dict[str, int]:
    """Logins, sessions and sudos since the mark, as the host's own log has them."""
    return {name: int(number) for name, number in (pair.split("=") for pair in machine.control("count").split())}


def failed_for_good(fleet: Fleet, scan: str) -> dict[str, Any]:
    """How the scan failed, once the queue has nothing left to do for it."""
    end = fleet.end(scan)
    assert end["status"] == "failed", end
    live = """SELECT job.id FROM procrastinate_jobs AS job JOIN scans ON job_id = job.id
              WHERE scans.id = %s AND job.status IN ('todo', 'doing')"""
    eventually(lambda: not fleet.sql(live, scan), "its job goes on")
    return fleet.get(f"/scans/{scan}")  # type: ignore[no-any-return]


def test_two_workers_share_the_queue_and_every_scan_runs_once(fleet: Fleet) -> None:
    eventually(lambda: fleet.sql("SELECT count(*) FROM procrastinate_workers")[0][0] >= 2, "the workers do not start")
    hosts = [fleet.add_host(one, port=port) for one in fleet.machines for port in (22, 2222)]
    for one in fleet.machines:
        one.control("mark")
    scans = [fleet.scan(host) for host in hosts]
    ended = [fleet.completed(scan) for scan in scans]
    assert [one["attempt"] for one in ended] == [1] * len(hosts)
    assert len({one["worker"] for one in ended}) == 2, "both workers had some"
    for one in fleet.machines:
        assert counted(one)["logins"] == 2, "one login for each of the two scans of this machine"
    for scan, end in zip(scans, ended):
        assert len(fleet.get(f"/scans/{scan}/findings")) == end["total"]
    for host in hosts:
        fleet.forget(host)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_goes_in_mid_scan_leaves_it_to_another(
    fleet: Fleet, machine: Machine, host: str, how: signal.Signals
) -> None:
    with machine.slow():
        scan = fleet.scan(host)
        worker = fleet.worker_of(fleet.under_way(scan))
        worker.send_signal(how)
        worker.wait(30)
    fleet.workers.remove(worker)
    fleet.add_worker()
    end = fleet.completed(scan)
    assert end["attempt"] == 2 and fleet.worker_of(end) is not worker
    assert len(fleet.get(f"/scans/{scan}/findings")) == end["total"]
    assert fleet.sql("SELECT count(*) FROM posture_snapshots WHERE host_id = %s", host) == [(1,)]


def test_an_unreachable_host_fails_with_the_reason_and_its_posture_is_stale(
    fleet: Fleet, machine: Machine, host: str
) -> None:
    fleet.completed(fleet.scan(host))
    before = fleet.get(f"/hosts/{host}/posture")
    machine.control("kill-sshd", "listener")
    try:
        end = fleet.end(fleet.scan(host))
    finally:
        machine.control("start-sshd")
    assert (end["status"], end["reason"], end["attempt"]) == ("failed", "unreachable", 3), "tried again, then given up"
    assert machine.addr in end["detail"]
    after = fleet.get(f"/hosts/{host}/posture")
    stale = after.pop("stale")
    assert stale["reason"] == "unreachable" and machine.addr in stale["detail"]
    assert after == {key: value for key, value in before.items() if key != "stale"}
    fleet.completed(fleet.scan(host))
    assert fleet.get(f"/hosts/{host}/posture")["stale"] is None


def test_a_host_that_falls_silent_in_mid_scan_is_tried_again(fleet: Fleet, machine: Machine, host: str) -> None:
    with machine.slow():
        scan = fleet.scan(host)
        fleet.under_way(scan)
        machine.control("kill-sshd", "all")
    try:
        waiting = next(state for _, state in fleet.events(scan) if state["status"] == "queued" and state["reason"])
    finally:
        machine.control("start-sshd")
    assert waiting["reason"] == "unreachable" and fleet.get(f"/scans/{scan}/findings") == []
    assert fleet.completed(scan)["attempt"] > 1 and fleet.get(f"/hosts/{host}/posture")["unanswered"] == 0


def test_a_wrong_password_is_tried_once(fleet: Fleet, machine: Machine) -> None:
    host = fleet.add_host(machine, username="scanpw", credential="mistyped")
    since = machine.control("logs").count("Failed password for scanpw")
    end = failed_for_good(fleet, fleet.scan(host))
    assert (end["reason"], end["attempt"]) == ("auth_failed", 1)
    assert machine.control("logs").count("Failed password for scanpw") == since + 1
    assert fleet.get(f"/hosts/{host}/posture", 404)["detail"].endswith(end["detail"])
    fleet.forget(host)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"},
            "host_key_changed",
        ),
        ({"username": "nosudo"}, "sudo_denied"),
        ({"credential": "nowhere"}, "credential"),
        ({"credential": "open"}, "credential"),
    ],
)
def test_what_trying_again_cannot_mend_is_not_tried_again(
    fleet: Fleet, machine: Machine, given: dict[str, Any], reason: str
) -> None:
    host = fleet.add_host(machine, **given)
    machine.control("mark")
    end = failed_for_good(fleet, fleet.scan(host))
    assert (end["reason"], end["attempt"]) == (reason, 1)
    assert counted(machine)["logins"] == (1 if reason == "sudo_denied" else 0)
    fleet.forget(host)


def test_a_cancelled_scan_stops_and_leaves_no_result(fleet: Fleet, machine: Machine, host: str) -> None:
    with machine.slow():
        scan = fleet.scan(host)
        fleet.under_way(scan)
        assert fleet.client.delete(f"/scans/{scan}").json()["status"] == "cancelled"
        status = "SELECT status::text FROM procrastinate_jobs WHERE id = (SELECT job_id FROM scans WHERE id = %s)"
        eventually(lambda: fleet.sql(status, scan) == [("aborted",)], "the worker goes on")
    assert (
        fleet.get(f"/scans/{scan}/findings") == []
        and "not measured" in fleet.get(f"/hosts/{host}/posture", 404)["detail"]
    )
    eventually(lambda: not machine.sh("pgrep -x sudo || true"), "something of the scan stays on the host")
    fleet.completed(fleet.scan(host))
    assert fleet.client.delete(f"/scans/{scan}").json()["status"] == "cancelled", "ended scans stay as they are"


def test_secrets_are_on_the_workers_and_nowhere_else(fleet: Fleet, machine: Machine) -> None:
    host = fleet.add_host(machine, port=2222, username="scanpw", credential="scanpw")
    fleet.completed(fleet.scan(host))
    dump = fleet.sql(
        """SELECT string_agg(query_to_xml(format('SELECT * FROM %%I', relname), true, true, '')::text, '')
           FROM pg_stat_user_tables WHERE relname NOT LIKE 'pg_%%'"""
    )[0][0]
    logs = "".join(log.read_text() for log in fleet.folder.glob("*.log"))
    arguments = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "scanpw" in dump and "scan_host" in logs, "the places looked at are the right ones"
    for secret in ("Scan-pw-1", "Not-the-password", "PRIVATE KEY"):
        assert secret not in dump and secret not in logs and secret not in arguments
    fleet.forget(host)
