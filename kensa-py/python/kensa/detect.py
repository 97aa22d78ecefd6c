"""What a host is: its operating system and its capabilities."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from . import _drive, _env, _native, ssh

__all__ = ["CAPABILITY_PROBES", "Capabilities", "PlatformInfo", "detect_capabilities", "detect_platform"]


class _Platform(NamedTuple):
    family: str
    version: int


class PlatformInfo(_Platform):
    """The operating system: a tuple `(family, version)` with more attributes.

    `family` is `rhel` for RHEL and its rebuilds, else the `ID` of os-release; `version` is the major version.

    >>> info = PlatformInfo("rhel", 9, id="rocky", version_id="9.4")
    >>> family, version = info
    >>> family, version, info.platform_version
    ('rhel', 9, '9.4')
    """

    id: str
    version_id: str
    pretty_name: str

    def __new__(
        cls, family: str, version: int, id: str = "", version_id: str = "", pretty_name: str = ""
    ) -> "PlatformInfo":
        self = super().__new__(cls, family, version)
        self.id = id or family
        self.version_id = version_id or str(version)
        self.pretty_name = pretty_name or f"{self.id} {self.version_id}"
        return self

    def __getnewargs__(self) -> Tuple[Any, ...]:
        return (self.family, self.version, self.id, self.version_id, self.pretty_name)

    @property
    def major(self) -> int:
        """The same as `version`."""
        return self.version

    @property
    def platform_family(self) -> str:
        """The same as `family`."""
        return self.family

    @property
    def platform_version(self) -> str:
        """The same as `version_id`: the full version text."""
        return self.version_id


class Capabilities(Dict[str, bool]):
    """What a host can do: a dictionary of probe name to yes or no, with the platform beside it.

    What could not be determined counts as no and is named in `undetermined` with the reason; handed back to
    the engine, it stays undetermined. `detected_at` is aware and in UTC.

    >>> found = Capabilities({"systemd": True, "firewalld": False})
    >>> found["systemd"], found.capabilities, found.platform_family
    (True, ['systemd'], 'unknown')
    """

    platform: Optional[PlatformInfo]
    detected_at: datetime
    undetermined: Dict[str, str]

    def __init__(
        self,
        values: Optional[Mapping[str, bool]] = None,
        *,
        platform: Optional[PlatformInfo] = None,
        undetermined: Optional[Mapping[str, str]] = None,
        detected_at: Optional[datetime] = None,
    ) -> None:
        super().__init__(values or {})
        self.platform = platform
        self.undetermined = dict(undetermined or {})
        self.detected_at = detected_at or datetime.now(timezone.utc)

    @property
    def platform_family(self) -> str:
        """The platform's family, `unknown` where it was not detected."""
        return self.platform.family if self.platform else "unknown"

    @property
    def platform_version(self) -> str:
        """The platform's full version, `unknown` where it was not detected."""
        return self.platform.version_id if self.platform else "unknown"

    @property
    def capabilities(self) -> List[str]:
        """The names of what is there, sorted."""
        return sorted(name for name, present in self.items() if present)


def detect_platform(ssh: Any) -> Optional[PlatformInfo]:
    """The host's operating system; `None` when it cannot be determined.

    `ssh` is a connected session or any object with `run`.

    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     isinstance(detect_platform(session), (PlatformInfo, type(None)))
    True
    """
    return detect_capabilities(ssh).platform


def detect_capabilities(
    ssh: Any, *, verbose: bool = False, overrides: Optional[Mapping[str, bool]] = None
) -> Capabilities:
    """The host's capabilities and platform; `overrides` replace what is probed.

    `verbose` logs what was found to the logger `kensa`. Raises `NotConnectedError` for a closed session and
    `SSHConnectionError` when the connection is lost.

    >>> from kensa import LocalSession
    >>> with LocalSession() as session:
    ...     detect_capabilities(session, overrides={"fips_mode": True})["fips_mode"]
    True
    """
    task, supplied, place = start(ssh, overrides)
    return detected(_drive.finish(task, supplied, place=place), place, verbose)


def start(
    ssh: Any, overrides: Optional[Mapping[str, bool]]
) -> "Tuple[_native.Task, Optional[_drive.Supplied], Tuple[str, Optional[int]]]":
    """Starts to detect what the host behind `ssh` is."""
    native, supplied, place = carrier(ssh)
    return native.start_detect({str(name): bool(value) for name, value in (overrides or {}).items()}), supplied, place


def detected(facts: Any, place: Tuple[str, Optional[int]], verbose: bool) -> Capabilities:
    """What detection found."""
    platform, capabilities, undetermined = facts
    values = {**{name: False for name in CAPABILITY_PROBES}, **{name: False for name in undetermined}, **capabilities}
    found = Capabilities(values, platform=platform_of(platform), undetermined=undetermined)
    if verbose:
        from ._log import log

        log().info("%s: %s, capabilities %s", place[0], found.platform, ", ".join(found.capabilities) or "none")
    return found


def carrier(session: Any) -> "Tuple[_native.Session, Optional[_drive.Supplied], Tuple[str, Optional[int]]]":
    """How the engine reaches the host behind `session`: natively, or by calling its `run`."""
    if isinstance(session, ssh._Session):
        return session._connected(), None, session._place
    inner = getattr(session, "_session", None)
    if isinstance(inner, ssh._Session):
        return inner._connected(), None, inner._place
    supplied = _drive.Supplied(session)
    return supplied.native(_env.check_timeout()), supplied, (supplied.host, None)


def platform_of(parts: Any) -> Optional[PlatformInfo]:
    if parts is None:
        return None
    family, version, id, version_id, pretty_name = parts
    return PlatformInfo(family, version, id, version_id, pretty_name)


CAPABILITY_PROBES: Dict[str, str] = dict(_native.capabilities())
"""Every capability the engine detects, and when a host has it."""
