"""One rule: the content of its file as a dictionary, with attributes and the keys other programs rely on."""

from __future__ import annotations

import copy
import re
from typing import Any, Dict, List, Mapping, Optional, Set

__all__ = ["Rule"]

_EMPTY: Dict[str, Any] = {
    "id": "",
    "title": "",
    "description": "",
    "rationale": "",
    "severity": "",
    "category": "",
    "tags": [],
    "platforms": [],
    "references": {},
    "implementations": [],
    "depends_on": [],
    "conflicts_with": [],
    "supersedes": [],
    "transactional": True,
    "variables": [],
    "framework_refs": {},
    "frameworks": {},
    "check": None,
    "remediation": None,
}

TEMPLATE = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}")


class Rule(Dict[str, Any]):
    """The content of a rule file as a dictionary; the known keys are attributes as well.

    A known attribute that the file does not have is empty (`""`, `[]`, `{}`, `None` for `remediation`);
    an unknown one is an `AttributeError`. `path` is the file the rule came from, and no key.

    >>> rule = Rule({"id": "x", "title": "T"})
    >>> rule["id"], rule.title, rule.tags, rule.get("severity")
    ('x', 'T', [], None)
    """

    path: Optional[str]
    id: str
    title: str
    description: str
    rationale: str
    severity: str
    category: str
    tags: List[str]
    platforms: List[Dict[str, Any]]
    references: Dict[str, Any]
    implementations: List[Dict[str, Any]]
    depends_on: List[str]
    conflicts_with: List[str]
    supersedes: List[str]
    transactional: bool
    variables: List[str]
    framework_refs: Dict[str, Any]
    frameworks: Dict[str, Any]
    check: Optional[Dict[str, Any]]
    remediation: Optional[Dict[str, Any]]

    def __init__(self, content: Optional[Mapping[str, Any]] = None, *, path: Optional[str] = None) -> None:
        super().__init__(content or {})
        self.path = path

    def __getattr__(self, name: str) -> Any:
        if name not in _EMPTY:
            raise AttributeError(f"a rule has no attribute {name!r}")
        if name in self:
            return self[name]
        return copy.copy(_EMPTY[name])


def derive(content: Mapping[str, Any], path: Optional[str] = None) -> Rule:
    """A rule with the keys the loader adds where the file lacks them."""
    rule = Rule(content, path=path)
    implementations = [one for one in rule.implementations if isinstance(one, dict)]
    default = next((one for one in implementations if one.get("default") is True), None)
    by_preference = ([default] if default is not None else []) + implementations
    if "check" not in rule:
        checks = [one["check"] for one in by_preference if "check" in one]
        if checks:
            rule["check"] = checks[0]
    if "remediation" not in rule:
        fixes = [one["remediation"] for one in by_preference if is_automated(one.get("remediation"))]
        if fixes:
            rule["remediation"] = fixes[0]
    references = rule.references
    rule.setdefault("framework_refs", references)
    rule.setdefault("frameworks", references)
    rule.setdefault("variables", sorted(names_in(implementations)))
    return rule


_DERIVED = ("check", "remediation", "framework_refs", "frameworks", "variables")


def source_of(rule: Mapping[str, Any]) -> Dict[str, Any]:
    """The rule as its file had it: without the keys `derive` adds."""
    source = {key: value for key, value in rule.items() if key not in _DERIVED}
    if not source.get("implementations") and isinstance(rule.get("check"), Mapping):
        source["implementations"] = [{"default": True, "check": rule["check"]}]
    return source


def is_automated(remediation: Any) -> bool:
    """Whether a remediation has a step that is not manual."""
    if not isinstance(remediation, dict):
        return False
    steps = remediation.get("steps")
    listed = steps if isinstance(steps, list) else [remediation]
    return any(isinstance(one, dict) and one.get("mechanism") not in (None, "", "manual") for one in listed)


def names_in(value: Any) -> Set[str]:
    """The template variables in every text of `value`."""
    if isinstance(value, str):
        return set(TEMPLATE.findall(value))
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, (list, tuple)):
        return {name for item in value for name in names_in(item)}
    return set()
