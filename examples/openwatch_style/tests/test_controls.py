"""What a control's rules say about it, without a host."""

from __future__ import annotations

from datetime import UTC, datetime, timezone
from uuid import UUID

import pytest
from kensa import FrameworkMapping
from kensa.mappings import MappingEntry, UnimplementedEntry

from fleet.controls import framework_posture
from fleet.models import Finding, FrameworkPosture, Posture

FINDINGS = {
    "good": ("pass", None),
    "bad": ("fail", None),
    "other-system": ("skipped", "platform_mismatch"),
    "no-value": ("skipped", "undeclared_value"),
    "no-way": ("skipped", "no_implementation"),
    "denied": ("error", "permission_denied"),
}


def view(sections: dict[str, MappingEntry], **more: UnimplementedEntry) -> FrameworkPosture:
    findings = [
        Finding.model_validate(
            {
                "rule_id": rule,
                "title": rule,
                "severity": "low",
                "category": "x",
                "status": status,
                "reason": reason,
                "detail": "",
                "expected": None,
                "actual": None,
                "evidence": [],
                "framework_refs": {},
                "variables": {},
                "checked_at": None,
            }
        )
        for rule, (status, reason) in FINDINGS.items()
    ]
    nobody, now = UUID(int=0), datetime.now(UTC)
    posture = Posture(
        scan_id=nobody,
        host_id=nobody,
        observed_at=now,
        conclusion="findings",
        passed=1,
        failed=1,
        skipped=3,
        errors=1,
        unanswered=0,
        score=33.3,
    )
    mapping = FrameworkMapping(
        "m", "cis", "M", controls=[*sections, *more, "unheard-of"], sections=sections, unimplemented=more
    )
    return framework_posture(mapping, posture, findings)


@pytest.mark.parametrize(
    ("rules", "partial", "status", "reason"),
    [
        ("good", None, "met", None),
        ("good other-system", None, "met", None),
        ("good bad", None, "not_met", None),
        ("bad denied", None, "not_met", "denied: permission_denied"),
        ("good denied", None, "partial", "denied: permission_denied"),
        ("good no-value", None, "partial", "no-value: undeclared_value"),
        ("good no-way", None, "partial", "no-way: no_implementation"),
        ("good newer", None, "partial", "newer: not in this scan"),
        ("good", "the rest is a process", "partial", "the rest is a process"),
        ("bad", "the rest is a process", "not_met", "the rest is a process"),
        ("denied", None, "not_measured", "denied: permission_denied"),
        ("other-system", None, "not_measured", "none of its rules is for this host"),
        ("newer", None, "not_measured", "newer: not in this scan"),
    ],
)
def test_a_control_is_met_only_when_all_of_it_was_measured(
    rules: str, partial: str | None, status: str, reason: str | None
) -> None:
    metadata = {"rules": rules.split(), **({"partial": partial} if partial else {})}
    control = view({"1": MappingEntry("", "T", metadata)}).controls[0]
    assert (control.control, control.status, control.reason) == ("1", status, reason)


def test_percentages_are_of_all_controls() -> None:
    met = {f"1.{n}": MappingEntry("", "T", {"rules": ["good"]}) for n in range(1999)}
    found = view(met, manual=UnimplementedEntry("Policy", reason="somebody has to judge"))
    assert (found.total, found.met, found.not_measured) == (2001, 1999, 2)
    assert found.met_percent == 99.9, "cut, not rounded"
    reasons = {one.control: one.reason for one in found.controls if one.status == "not_measured"}
    assert reasons == {"manual": "somebody has to judge", "unheard-of": "no rule"}
