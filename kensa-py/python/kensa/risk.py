"""How much a remediation step puts at stake, for approval gates."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Tuple

__all__ = ["RISK_LEVELS", "classify_step_risk", "max_risk"]

RISK_LEVELS: Tuple[str, ...] = ("na", "low", "medium", "high")
"""The risk levels, lowest first."""

_HIGH = frozenset(
    """
    grub_parameter_set grub_parameter_remove pam_module_configure pam_module_arg pam_faillock_configure
    authselect_feature_enable authselect_feature_disable authselect_profile mount_option_set crypto_policy_set
    crypto_policy_subpolicy firewall_service_enable firewalld_service firewalld_rule firewall_rule nftables_rule
    iptables_rule ufw_rule selinux_state_set selinux_boolean_set sshd_config_set ssh_config_set
    """.split()
)
_LOW = frozenset({"file_permissions", "file_permission"})
_HIGH_PREFIXES = ("grub_", "pam_", "authselect", "mount_", "crypto_policy", "firewall", "nftables", "iptables", "ufw", "sshd_")
_HIGH_PATHS = ("/etc/pam.d", "/etc/fstab", "/etc/default/grub", "/boot", "/etc/ssh", "/etc/crypto-policies", "/etc/firewalld",
               "/etc/nftables", "/etc/authselect", "/etc/grub")  # fmt: skip
_PATH_KEYS = ("path", "file", "dir", "directory", "target", "dest", "filename", "paths", "files", "find_paths", "glob")
_HIGH_UNITS = ("sshd", "ssh", "firewalld", "nftables", "iptables", "ufw")
_MEDIUM = "medium"


def max_risk(levels: Iterable[str]) -> str:
    """The highest of `levels`; unknown words count as `high`, nothing as `na`.

    >>> max_risk(["low", "high", "na"])
    'high'
    >>> max_risk([])
    'na'
    """
    known = [level if level in RISK_LEVELS else "high" for level in levels]
    return max(known, key=RISK_LEVELS.index) if known else "na"


def classify_step_risk(mechanism: Any, remediation: Optional[Mapping[str, Any]] = None) -> str:
    """The risk of a step: `high`, `medium`, `low`, or `na` where nothing is changed. Never raises.

    `remediation` is the step, or a remediation with `steps`, or nothing; the paths and services it names can
    only raise the risk.

    >>> classify_step_risk("file_permissions", {"path": "/etc/motd"})
    'low'
    >>> classify_step_risk("file_permissions", {"path": "/etc/ssh/sshd_config"})
    'high'
    >>> classify_step_risk("service_enabled")
    'medium'
    >>> classify_step_risk("manual")
    'na'
    """
    name = mechanism.strip().lower() if isinstance(mechanism, str) else ""
    if name in ("", "manual"):
        return "na"
    steps = _steps_of(name, remediation)
    risk = "high" if name in _HIGH or name.startswith(_HIGH_PREFIXES) else "low" if name in _LOW else _MEDIUM
    return max_risk([risk, *("high" for step in steps if _touches_control(step))])


def _steps_of(mechanism: str, remediation: Any) -> "list[Mapping[str, Any]]":
    if not isinstance(remediation, Mapping):
        return []
    steps = remediation.get("steps")
    if not isinstance(steps, (list, tuple)):
        return [remediation]
    return [step for step in steps if isinstance(step, Mapping) and step.get("mechanism") == mechanism]


def _touches_control(step: Mapping[str, Any]) -> bool:
    for key in _PATH_KEYS:
        for path in _texts(step.get(key)):
            # A path that starts below the root only after a variable cannot be ruled out by its beginning.
            if any(path == high or path.startswith((high + "/", high + ".", high + "*")) for high in _HIGH_PATHS):
                return True
    for key in ("reload", "restart", "service", "name", "unit"):
        for unit in _texts(step.get(key)):
            if (unit[:-8] if unit.endswith(".service") else unit) in _HIGH_UNITS:
                return True
    return False


def _texts(value: Any) -> "list[str]":
    if isinstance(value, str):
        return [_normal(value)]
    if isinstance(value, (list, tuple)):
        return [_normal(item) for item in value if isinstance(item, str)]
    return []


def _normal(path: str) -> str:
    parts: "list[str]" = []
    if not path.startswith("/"):
        return path
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
