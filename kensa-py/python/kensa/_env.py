"""The environment variables the package reads. An invalid value is logged and replaced by the default."""

from __future__ import annotations

import os
from typing import Callable, Optional, TypeVar

from ._log import log

T = TypeVar("T")


def _read(name: str, parse: Callable[[str], T], default: T) -> T:
    text = os.environ.get(name)
    if text is None or not text.strip():
        return default
    try:
        return parse(text.strip())
    except ValueError as error:
        log().warning("%s=%r is ignored: %s", name, text, error)
        return default


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError("seconds must be a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("must be at least 1")
    return value


def _flag(text: str) -> bool:
    low = text.lower()
    if low in ("1", "true", "yes", "on"):
        return True
    if low in ("0", "false", "no", "off"):
        return False
    raise ValueError("must be true or false")


def _policy(text: str) -> str:
    if text not in ("accept-new", "strict", "off"):
        raise ValueError("must be accept-new, strict or off")
    return text


def connect_timeout() -> float:
    return _read("KENSA_SSH_CONNECT_TIMEOUT", _seconds, 30.0)


def command_timeout() -> float:
    return _read("KENSA_SSH_COMMAND_TIMEOUT", _seconds, 60.0)


def check_timeout() -> float:
    return _read("KENSA_CHECK_TIMEOUT", _seconds, 60.0)


def max_concurrent_checks() -> int:
    return _read("KENSA_MAX_CONCURRENT_CHECKS", _count, 10)


def host_key_policy() -> str:
    return _read("KENSA_HOST_KEY_POLICY", _policy, "accept-new")


def known_hosts() -> Optional[str]:
    return os.environ.get("KENSA_KNOWN_HOSTS") or None


def evidence_limit() -> int:
    return _read("KENSA_EVIDENCE_LIMIT", _count, 65536)


def log_check_commands() -> bool:
    return _read("KENSA_LOG_CHECK_COMMANDS", _flag, False)
