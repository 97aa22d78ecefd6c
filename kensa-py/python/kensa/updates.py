"""Signed content updates. Not built yet: the names are here, the calls say so."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, List, Optional, Union

from .errors import UnsupportedError
from .storage import unsupported

__all__ = [
    "PackageManifest",
    "UpdateInfo",
    "UpdateResult",
    "VersionChange",
    "VersionInfo",
    "apply_updates",
    "check_for_updates",
    "rollback_updates",
    "verify_package",
]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass
class VersionChange:
    """One line of a release's change list.

    >>> VersionChange("fixed", "umask rule").rule_ids
    []
    """

    type: str
    description: str
    rule_ids: List[str] = field(default_factory=list)


@dataclass
class VersionInfo:
    """One release in the registry's list.

    >>> VersionInfo("1.2.0").changes
    []
    """

    version: str
    released: Optional[datetime] = None
    changes: List[VersionChange] = field(default_factory=list)
    breaking_changes: List[Any] = field(default_factory=list)
    min_openwatch_version: Optional[str] = None


@dataclass
class UpdateInfo:
    """What the registry offers.

    >>> UpdateInfo(current_version="1.0.0").update_available
    False
    """

    available: bool = False
    current_version: str = ""
    latest_version: Optional[str] = None
    latest_stable_version: Optional[str] = None
    versions: List[VersionInfo] = field(default_factory=list)
    changes: List[VersionChange] = field(default_factory=list)
    min_openwatch_version: Optional[str] = None
    checked_at: Optional[datetime] = None
    error: Optional[str] = None
    registry_url: Optional[str] = None

    @property
    def update_available(self) -> bool:
        """The same as `available`."""
        return self.available


@dataclass
class PackageManifest:
    """What a verified content package says about itself.

    >>> PackageManifest("1.2.0").stats
    {}
    """

    version: str
    changes: List[VersionChange] = field(default_factory=list)
    stats: Dict[str, Any] = field(default_factory=dict)


@dataclass
class UpdateResult:
    """How an installation ended.

    >>> UpdateResult().success
    False
    """

    success: bool = False
    from_version: str = ""
    to_version: str = ""
    rules_path: Optional[str] = None
    mappings_path: Optional[str] = None
    backup_path: Optional[str] = None
    stats: Dict[str, Any] = field(default_factory=dict)
    changes: List[VersionChange] = field(default_factory=list)
    completed_at: Optional[datetime] = None


async def check_for_updates(
    registry_url: Optional[str] = None, *, current_version: Optional[str] = None, timeout: float = 30.0
) -> UpdateInfo:
    """Asks a registry for newer content; `timeout` in seconds. Not built yet: raises `UnsupportedError`.

    >>> import asyncio
    >>> asyncio.run(check_for_updates())
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: check_for_updates is not available in this version: updates are not built yet
    """
    raise _not_yet("check_for_updates")


async def apply_updates(
    info_or_package_path: Union[UpdateInfo, PathLike],
    *,
    public_key: Optional[str] = None,
    allow_downgrade: bool = False,
    progress: Optional[Callable[..., Any]] = None,
) -> UpdateResult:
    """Verifies and activates a content package. Not built yet: raises `UnsupportedError`, changes nothing.

    >>> import asyncio
    >>> asyncio.run(apply_updates("kensa-1.2.0.tar.gz"))
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: apply_updates is not available in this version: updates are not built yet
    """
    raise _not_yet("apply_updates")


async def rollback_updates() -> UpdateResult:
    """Returns to the content before the last update. Not built yet: raises `UnsupportedError`.

    >>> import asyncio
    >>> asyncio.run(rollback_updates())
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: rollback_updates is not available in this version: updates are not built yet
    """
    raise _not_yet("rollback_updates")


def verify_package(
    path: PathLike, *, signature: Optional[PathLike] = None, public_key: Optional[str] = None
) -> PackageManifest:
    """Checks signature and contents of a package. Not built yet: raises `UnsupportedError`.

    >>> verify_package("kensa-1.2.0.tar.gz")
    Traceback (most recent call last):
    ...
    kensa.errors.UnsupportedError: verify_package is not available in this version: updates are not built yet
    """
    raise _not_yet("verify_package")


def _not_yet(name: str) -> UnsupportedError:
    return unsupported(name, "updates are not built yet")
