"""From findings to a framework's controls, so that nothing counts as compliant that was not measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache

import kensa
from kensa import FrameworkMapping

from .models import Control, ControlStatus, Finding, FrameworkPosture, Posture

NOT_FOR_THIS_HOST = "platform_mismatch"
"""The only reason of a skipped rule that leaves its control to the other rules."""


@cache
def frameworks() -> dict[str, FrameworkMapping]:
    """Every mapping, by id. Read once: restart the service after an update of the rules."""
    return kensa.load_all_mappings()


def framework_posture(mapping: FrameworkMapping, posture: Posture, findings: list[Finding]) -> FrameworkPosture:
    by_rule = {one.rule_id: one for one in kensa.rules_for_framework(mapping, findings)}
    controls = [_control(mapping, control, by_rule) for control in mapping.all_section_ids]
    counts = Counter(one.status for one in controls)
    coverage = kensa.check_coverage(mapping, by_rule)
    return FrameworkPosture(
        framework=mapping.id,
        title=mapping.title,
        posture=posture,
        total=len(controls),
        met_percent=_percent(counts["met"], len(controls)),
        measurable_percent=_percent(coverage.implemented, coverage.total_controls),
        controls=controls,
        met=counts["met"],
        not_met=counts["not_met"],
        partial=counts["partial"],
        not_measured=counts["not_measured"],
    )


def _control(mapping: FrameworkMapping, control: str, findings: Mapping[str, Finding]) -> Control:
    entry = mapping.sections.get(control)
    if entry is None:
        known = mapping.unimplemented.get(control)
        reason, title = (known.reason, known.title) if known else ("no rule", "")
        return Control(control=control, title=title, status="not_measured", reason=reason, rules={})
    rules: dict[str, str] = {}
    unknown = [str(entry.metadata["partial"])] if entry.metadata.get("partial") else []
    for rule in entry.rules:
        finding = findings.get(rule)
        rules[rule] = finding.status if finding else "not_scanned"
        if finding is None:
            unknown.append(f"{rule}: not in this scan")
        elif finding.status in ("skipped", "error") and finding.reason != NOT_FOR_THIS_HOST:
            unknown.append(f"{rule}: {finding.reason}")
    verdicts = set(rules.values())
    if "fail" in verdicts:
        status: ControlStatus = "not_met"
    elif "pass" not in verdicts:
        status = "not_measured"
        unknown = unknown or ["none of its rules is for this host"]
    else:
        status = "partial" if unknown else "met"
    return Control(control=control, title=entry.title, status=status, reason="; ".join(unknown) or None, rules=rules)


def _percent(part: int, whole: int) -> float:
    """Cut after the first decimal, so that 100 means all of them."""
    return part * 1000 // whole / 10 if whole else 0.0
