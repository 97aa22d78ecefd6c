"""Records of remediation steps, as a host application stores them. The local store is not built yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Union

from .errors import UnsupportedError

__all__ = ["RemediationStepRecord", "list_snapshots", "prune_snapshots"]


@dataclass
class RemediationStepRecord:
    """A remediation step with the state captured before it, ready to be rolled back.

    `pre_state_data` is a dictionary or its JSON text.

    >>> RemediationStepRecord(step_index=1, mechanism="file_permissions").success
    True
    """

    id: Any = None
    remediation_id: Any = None
    step_index: int = 0
    mechanism: str = ""
    success: bool = True
    detail: str = ""
    pre_state_data: Union[Dict[str, Any], str, None] = None
    pre_state_capturable: Optional[bool] = None
    verified: Optional[bool] = None
    verify_detail: Optional[str] = None
    risk_level: Optional[str] = None
    created_at: Optional[datetime] = None


def prune_snapshots(active_days: int = 7, archive_days: int = 90) -> Dict[str, Any]:
    """Removes captured states older than the limits, in days. Not built yet: raises `UnsupportedError`.

    >>> prune_snapshots()
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: prune_snapshots is not available in this version: remediation is not built yet
    """
    raise unsupported("prune_snapshots")


def list_snapshots(host: Optional[str] = None, rule_id: Optional[str] = None) -> List[Any]:
    """The captured states in the local store. Not built yet: raises `UnsupportedError`.

    >>> list_snapshots()
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: list_snapshots is not available in this version: remediation is not built yet
    """
    raise unsupported("list_snapshots")


def unsupported(name: str, part: str = "remediation is not built yet") -> UnsupportedError:
    return UnsupportedError(f"{name} is not available in this version: {part}", {"feature": name})
