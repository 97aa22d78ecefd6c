"""Kensa measures whether a Linux host complies with a set of rules.

```python
import kensa

with kensa.SSHSession("web-1.example.com", user="audit", key_path="/etc/keys/audit", sudo=True) as session:
    for result in kensa.check_rules_from_path(session, kensa.get_rules_path(), severity=["critical", "high"]):
        print(result.status, result.rule_id, result.detail)
```

The same for asyncio is in `kensa.aio`; `kensa.connect` and `kensa.local` begin there. Programs written for the
earlier package find its modules under `runner`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._native import ENGINE_VERSION as __version__
from .config import RuleConfig, Variable, list_variables, load_config, resolve_variables
from .detect import Capabilities, PlatformInfo, detect_capabilities, detect_platform
from .errors import (
    CommandError,
    CommandTimeout,
    HostKeyError,
    InternalError,
    JobNotFoundError,
    KensaError,
    NotConnectedError,
    PrivilegeError,
    RuleLoadError,
    RuleNotFoundError,
    SSHAuthenticationError,
    SSHConnectionError,
    UnsupportedError,
    UpdateError,
    UpdateVerificationError,
    VariableError,
)
from .loading import load_rules, rule_applies_to_platform, validate_rule
from .orchestration import (
    check_rules_from_path,
    check_single_rule,
    evaluate_rule,
    quick_host_info,
    rollback_from_stored,
    scan,
)
from .paths import get_mappings_path, get_rules_path, get_version
from .report import REPORT_FORMATS, ScanReport, export
from .risk import classify_step_risk
from .rule import Rule
from .ssh import LocalSession, Result, SSHSession
from .storage import RemediationStepRecord
from .types import (
    CheckResult,
    Evidence,
    EvidenceList,
    PreState,
    RemediationResult,
    RollbackResult,
    RuleResult,
    Source,
    StepResult,
)

if TYPE_CHECKING:
    from . import aio as aio
    from .aio import connect, local
    from .hosts import HostScan, check_hosts
    from .inventory import HostInfo, resolve_targets
    from .mappings import (
        CoverageReport,
        FrameworkMapping,
        build_rule_to_section_map,
        check_coverage,
        get_applicable_mappings,
        load_all_mappings,
        load_mapping,
        order_by_framework,
        rules_for_framework,
    )
    from .planning import PlannedRule, ScanPlan, plan_scan
    from .reach import Reachability, reachable
    from .relations import RuleOrder, find_conflicts, order_rules
    from .remediation import remediate_rule, rollback_remediation
    from .updates import apply_updates, check_for_updates
    from .validation import Diagnostic, validate_rules

__all__ = [
    "REPORT_FORMATS",
    "Capabilities",
    "CheckResult",
    "CommandError",
    "CommandTimeout",
    "CoverageReport",
    "Diagnostic",
    "Evidence",
    "EvidenceList",
    "FrameworkMapping",
    "HostInfo",
    "HostKeyError",
    "HostScan",
    "InternalError",
    "JobNotFoundError",
    "KensaError",
    "LocalSession",
    "NotConnectedError",
    "PlannedRule",
    "PlatformInfo",
    "PreState",
    "PrivilegeError",
    "Reachability",
    "RemediationResult",
    "RemediationStepRecord",
    "Result",
    "RollbackResult",
    "Rule",
    "RuleConfig",
    "RuleLoadError",
    "RuleNotFoundError",
    "RuleOrder",
    "RuleResult",
    "SSHAuthenticationError",
    "SSHConnectionError",
    "SSHSession",
    "ScanPlan",
    "ScanReport",
    "Source",
    "StepResult",
    "UnsupportedError",
    "UpdateError",
    "UpdateVerificationError",
    "Variable",
    "VariableError",
    "__version__",
    "aio",
    "apply_updates",
    "build_rule_to_section_map",
    "check_coverage",
    "check_for_updates",
    "check_hosts",
    "check_rules_from_path",
    "check_single_rule",
    "classify_step_risk",
    "connect",
    "detect_capabilities",
    "detect_platform",
    "evaluate_rule",
    "export",
    "find_conflicts",
    "get_applicable_mappings",
    "get_mappings_path",
    "get_rules_path",
    "get_version",
    "list_variables",
    "load_all_mappings",
    "load_config",
    "load_mapping",
    "load_rules",
    "local",
    "order_by_framework",
    "plan_scan",
    "order_rules",
    "quick_host_info",
    "reachable",
    "remediate_rule",
    "resolve_targets",
    "resolve_variables",
    "rollback_from_stored",
    "rollback_remediation",
    "rule_applies_to_platform",
    "rules_for_framework",
    "scan",
    "validate_rules",
    "validate_rule",
]

# What a program may not need is imported when it is first asked for: asyncio alone costs 30 ms.
_LATER = {
    "aio": ("connect", "local"),
    "hosts": ("HostScan", "check_hosts"),
    "inventory": ("HostInfo", "resolve_targets"),
    "mappings": (
        "CoverageReport",
        "FrameworkMapping",
        "build_rule_to_section_map",
        "check_coverage",
        "get_applicable_mappings",
        "load_all_mappings",
        "load_mapping",
        "order_by_framework",
        "rules_for_framework",
    ),
    "planning": ("PlannedRule", "ScanPlan", "plan_scan"),
    "reach": ("Reachability", "reachable"),
    "relations": ("RuleOrder", "find_conflicts", "order_rules"),
    "remediation": ("remediate_rule", "rollback_remediation"),
    "updates": ("apply_updates", "check_for_updates"),
    "validation": ("Diagnostic", "validate_rules"),
}
_HOME = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> object:
    import importlib

    if name in _LATER:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        value: object = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted(set(globals()) | set(__all__))
