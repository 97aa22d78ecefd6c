"""Where the rules, the mappings and the engine's own state are. The environment is read on every call.

The rules directory is the first of: `KENSA_RULES_PATH` if it names a directory, the copy in the wheel,
`/usr/share/kensa/rules`. Nothing here raises.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Set

from ._log import log

__all__ = [
    "get_content_version",
    "get_engine_version",
    "get_mappings_path",
    "get_rules_path",
    "get_state_dir",
    "get_version",
]

_CONTENT = Path(__file__).resolve().parent / "content"
_SYSTEM_RULES = Path("/usr/share/kensa/rules")
_warned: Set[str] = set()


def get_rules_path() -> Path:
    """The directory of the rules, as a `pathlib.Path`.

    >>> get_rules_path().name
    'rules'
    """
    named = _named_directory("KENSA_RULES_PATH")
    if named is not None:
        return named
    bundled = _CONTENT / "rules"
    if not bundled.is_dir() and _SYSTEM_RULES.is_dir():
        return _SYSTEM_RULES
    return bundled


def get_mappings_path() -> Path:
    """The directory of the framework mapping files.

    `KENSA_MAPPINGS_PATH` if it names a directory, else `mappings` inside or next to the rules directory, else
    the copy in the wheel.

    >>> get_mappings_path().name
    'mappings'
    """
    named = named_mappings()
    if named is not None:
        return Path(named)
    rules = get_rules_path()
    for candidate in (rules / "mappings", rules.parent / "mappings"):
        if candidate.is_dir():
            return candidate
    return _CONTENT / "rules" / "mappings"


def get_version() -> str:
    """The version of the content in use; PEP 440, at most 20 characters.

    >>> len(get_version()) <= 20
    True
    """
    return get_content_version()


def get_engine_version() -> str:
    """The version of the engine.

    >>> get_engine_version().count(".") >= 2
    True
    """
    from . import _native

    return _native.ENGINE_VERSION


def get_content_version() -> str:
    """The version of the rules in use: of this wheel, as long as content updates are not built.

    >>> get_content_version() == get_engine_version()
    True
    """
    return get_engine_version()


def get_state_dir() -> Optional[Path]:
    """The directory for known hosts, snapshots and jobs; `None` when no candidate can be written.

    `KENSA_STATE_DIR`, else `/var/lib/kensa` if it is there and writable, else `$XDG_STATE_HOME/kensa`, else
    `~/.local/state/kensa`. The directory is not created by this call.

    >>> state = get_state_dir()
    >>> state is None or state.is_absolute()
    True
    """
    named = os.environ.get("KENSA_STATE_DIR")
    if named:
        path = Path(os.path.abspath(named))
        return path if _can_be_written(path) else None
    system = Path("/var/lib/kensa")
    if system.is_dir() and os.access(system, os.W_OK | os.X_OK):
        return system
    base = os.environ.get("XDG_STATE_HOME")
    if not base or not os.path.isabs(base):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".local", "state")
    path = Path(base) / "kensa"
    return path if _can_be_written(path) else None


def _can_be_written(path: Path) -> bool:
    """Whether `path` is a writable directory or can be made one."""
    try:
        while not path.exists():
            if path == path.parent:
                return False
            path = path.parent
        return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    except OSError:
        return False


def named_mappings() -> Optional[str]:
    """The directory of mappings that the environment names."""
    named = _named_directory("KENSA_MAPPINGS_PATH")
    return None if named is None else str(named)


def _named_directory(variable: str) -> Optional[Path]:
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        path = Path(text)
        if path.is_dir():
            return path
    except (OSError, ValueError):
        pass
    if text not in _warned:
        _warned.add(text)
        log().warning("%s=%r is not a directory and is ignored", variable, text)
    return None
