"""Which implementation of a rule fits a host."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

__all__ = ["evaluate_when", "select_implementation"]


def evaluate_when(when: Any, capabilities: Mapping[str, bool]) -> bool:
    """Whether a gate is met: a capability's name, `{all: […]}`, `{any: […]}` or `{not: name}`.

    >>> evaluate_when({"all": ["systemd", "firewalld"]}, {"systemd": True, "firewalld": False})
    False
    >>> evaluate_when({"not": "firewalld"}, {"systemd": True})
    True
    """
    if isinstance(when, str):
        return bool(capabilities.get(when, False))
    if isinstance(when, Mapping):
        gates = []
        if "all" in when:
            gates.append(all(evaluate_when(item, capabilities) for item in when["all"] or []))
        if "any" in when:
            gates.append(any(evaluate_when(item, capabilities) for item in when["any"] or []))
        if "not" in when:
            gates.append(not evaluate_when(when["not"], capabilities))
        return bool(gates) and all(gates)
    return False


def select_implementation(rule: Mapping[str, Any], capabilities: Mapping[str, bool]) -> Optional[Dict[str, Any]]:
    """The implementation the engine would use: the first whose gate is met, the default last; else `None`.

    >>> rule = {"implementations": [{"default": True, "check": 1}, {"when": "systemd", "check": 2}]}
    >>> select_implementation(rule, {"systemd": True})["check"]
    2
    """
    default: Optional[Dict[str, Any]] = None
    for implementation in rule.get("implementations") or []:
        if implementation.get("default") is True:
            default = default or implementation
        elif "when" not in implementation or evaluate_when(implementation["when"], capabilities):
            return dict(implementation)
    return dict(default) if default is not None else None
