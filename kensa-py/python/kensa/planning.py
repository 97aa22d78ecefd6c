"""What a scan would do, without doing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from . import _drive
from ._request import Platform, Request
from .detect import PlatformInfo, carrier
from .loading import OneOrMany, PathLike
from .types import _compact

__all__ = ["PlannedRule", "ScanPlan", "plan_scan"]


@dataclass
class PlannedRule:
    """What a scan would do with one rule.

    `decision` is `run`, `skipped` or `error`; the last two have a `reason` (a code, as in results) and a `detail`,
    the first an `implementation`, its check `methods` and the `commands` it would run first.

    >>> PlannedRule("motd-exists", "run", commands=["stat -L -- /etc/motd"]).reason is None
    True
    """

    rule_id: str
    decision: str
    reason: Optional[str] = None
    detail: Optional[str] = None
    implementation: Optional[str] = None
    methods: List[str] = field(default_factory=list)
    commands: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """The entry as JSON types in the engine's own shape.

        >>> PlannedRule("x", "skipped", reason="superseded", detail="superseded by y").to_dict()["reason"]
        'superseded'
        """
        entry: Dict[str, Any] = {"rule_id": self.rule_id, "decision": self.decision}
        if self.decision == "run":
            entry.update(implementation=self.implementation, methods=self.methods, commands=self.commands)
        else:
            entry.update(reason=self.reason, detail=self.detail)
        return entry


@dataclass
class ScanPlan:
    """Everything a scan would do first. Checks may ask for more once the `commands` are answered.

    >>> ScanPlan(commands=["id -u"]).to_dict()["commands"]
    ['id -u']
    """

    platform: Optional[PlatformInfo] = None
    capabilities: Dict[str, bool] = field(default_factory=dict)
    undetermined_capabilities: Dict[str, str] = field(default_factory=dict)
    rules: List[PlannedRule] = field(default_factory=list)
    commands: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """The plan as JSON types in the engine's own shape, which every language shares.

        >>> list(ScanPlan().to_dict())
        ['platform', 'capabilities', 'rules', 'commands']
        """
        platform: Optional[Dict[str, Any]] = None
        if self.platform is not None:
            known = self.platform
            platform = {
                "id": known.id,
                "family": known.family,
                "major": known.version,
                "version_id": known.version_id,
                "pretty_name": known.pretty_name,
            }
        plan: Dict[str, Any] = {"platform": platform, "capabilities": dict(sorted(self.capabilities.items()))}
        if self.undetermined_capabilities:
            plan["undetermined_capabilities"] = dict(sorted(self.undetermined_capabilities.items()))
        plan.update(rules=[rule.to_dict() for rule in self.rules], commands=self.commands)
        return plan

    def to_json(self) -> str:
        """The engine's own JSON on one line, byte for byte the same in every language.

        >>> ScanPlan().to_json()
        '{"platform":null,"capabilities":{},"rules":[],"commands":[]}'
        """
        return _compact(self.to_dict())


def plan_scan(
    ssh: Any,
    rules_path: Optional[PathLike] = None,
    *,
    severity: OneOrMany = None,
    category: OneOrMany = None,
    tags: OneOrMany = None,
    rule_ids: OneOrMany = None,
    capabilities: Optional[Mapping[str, bool]] = None,
    platform: Platform = None,
    framework: Optional[str] = None,
    var_overrides: Optional[Mapping[str, Any]] = None,
) -> ScanPlan:
    """What `scan` with the same arguments would do: every rule's decision, and every command it would run first.

    The host is only asked what it is and has, and not even that where `capabilities` and `platform` are given. Raises
    as `check_rules_from_path`.

    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     plan = plan_scan(session, severity=["critical"])
    >>> len(plan.rules) > 0 and all(rule.decision in ("run", "skipped", "error") for rule in plan.rules)
    True
    """
    request = Request(
        rules_path,
        severity=severity,
        category=category,
        tags=tags,
        rule_ids=rule_ids,
        capabilities=capabilities,
        platform=platform,
        framework=framework,
        var_overrides=var_overrides,
    ).load()
    native, supplied, place = carrier(ssh)
    if request.is_empty:
        return ScanPlan()
    return _plan_of(json.loads(_drive.finish(request.start_plan(native), supplied, place=place)))


def _plan_of(wire: Dict[str, Any]) -> ScanPlan:
    known = wire["platform"]
    platform = None
    if known is not None:
        platform = PlatformInfo(known["family"], known["major"], known["id"], known["version_id"], known["pretty_name"])
    return ScanPlan(
        platform=platform,
        capabilities=wire["capabilities"],
        undetermined_capabilities=wire.get("undetermined_capabilities", {}),
        rules=[PlannedRule(**rule) for rule in wire["rules"]],
        commands=wire["commands"],
    )
