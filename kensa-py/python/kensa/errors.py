"""Every exception the package raises, in one tree under `KensaError`.

Two of them matter most to a host application: a connect timeout is an `SSHConnectionError` and not a
`TimeoutError`, so that a `TimeoutError` can only be the application's own limit; and `CommandTimeout` comes
from `SSHSession.run` alone, never from a scan.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Type

__all__ = [
    "KensaError",
    "SSHConnectionError",
    "SSHAuthenticationError",
    "HostKeyError",
    "PrivilegeError",
    "NotConnectedError",
    "CommandTimeout",
    "CommandError",
    "RuleLoadError",
    "RuleNotFoundError",
    "VariableError",
    "JobNotFoundError",
    "UpdateError",
    "UpdateVerificationError",
    "UnsupportedError",
    "InternalError",
]


class KensaError(Exception):
    """The root of every exception of this package.

    `message` is one sentence for people; `details` holds JSON types for programs.

    >>> KensaError("no such thing", {"name": "x"}).to_dict()
    {'type': 'KensaError', 'message': 'no such thing', 'details': {'name': 'x'}}
    """

    message: str
    details: Dict[str, Any]

    def __init__(self, message: str = "", details: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return (_rebuild, (type(self), self.message, dict(self.__dict__)))

    def to_dict(self) -> Dict[str, Any]:
        """The exception as plain JSON types: `type`, `message`, `details`.

        >>> sorted(KensaError("x").to_dict())
        ['details', 'message', 'type']
        """
        return {"type": type(self).__name__, "message": self.message, "details": dict(self.details)}


def _rebuild(kind: Type[KensaError], message: str, state: Dict[str, Any]) -> KensaError:
    error = kind.__new__(kind, message)
    error.__dict__.update(state)
    return error


class SSHConnectionError(KensaError, ConnectionError):
    """A host could not be reached or entered, or the connection to it was lost.

    `reason` is one of `unreachable`, `refused`, `timeout`, `auth_failed`, `host_key_unknown`,
    `host_key_changed`, `key_invalid`, `passphrase_required`, `protocol`, `sudo_denied`, `shell_refused`,
    `closed`. The text names host, port and cause.

    >>> str(SSHConnectionError("web-1:22: connection refused", host="web-1", port=22, reason="refused"))
    'web-1:22: connection refused'
    """

    host: Optional[str]
    port: Optional[int]
    reason: str

    def __init__(
        self,
        message: str = "",
        details: Optional[Dict[str, Any]] = None,
        *,
        host: Optional[str] = None,
        port: Optional[int] = None,
        reason: str = "closed",
    ) -> None:
        super().__init__(message, details)
        self.host = host
        self.port = port
        self.reason = reason
        self.details.update(host=host, port=port, reason=reason)


class SSHAuthenticationError(SSHConnectionError):
    """The host refused every credential, or the key could not be used.

    >>> issubclass(SSHAuthenticationError, ConnectionError)
    True
    """


class HostKeyError(SSHConnectionError):
    """The host's key is unknown under the policy `strict`, or differs from the known one.

    >>> HostKeyError("web-1:22: key changed", host="web-1", reason="host_key_changed").reason
    'host_key_changed'
    """


class PrivilegeError(SSHConnectionError):
    """Logged in, but root rights were refused.

    >>> PrivilegeError("web-1: sudo refused", reason="sudo_denied").details["reason"]
    'sudo_denied'
    """


class NotConnectedError(KensaError, RuntimeError):
    """`run` on a session that is not connected: never, no more, or not in this process after `fork`.

    >>> issubclass(NotConnectedError, RuntimeError)
    True
    """


class CommandError(KensaError):
    """One command gave no complete answer: the shell died, or its output passed every limit.

    `reason` is a code as in `RuleResult.reason`.

    >>> CommandError("the shell ended", reason="shell_died").reason
    'shell_died'
    """

    reason: str

    def __init__(
        self, message: str = "", details: Optional[Dict[str, Any]] = None, *, reason: str = "internal"
    ) -> None:
        super().__init__(message, details)
        self.reason = reason
        self.details["reason"] = reason


class CommandTimeout(CommandError, TimeoutError):
    """A single command exceeded its limit. Raised by `run` only; the session stays usable.

    >>> issubclass(CommandTimeout, TimeoutError)
    True
    """

    def __init__(
        self, message: str = "", details: Optional[Dict[str, Any]] = None, *, reason: str = "timed_out"
    ) -> None:
        super().__init__(message, details, reason=reason)


class RuleLoadError(KensaError, ValueError):
    """A rule file does not load. `path` is the file, `rule_id` the rule where it is known.

    >>> RuleLoadError("rules/x.yml:3: no check", path="rules/x.yml").path
    'rules/x.yml'
    """

    path: Optional[str]
    rule_id: Optional[str]

    def __init__(
        self,
        message: str = "",
        details: Optional[Dict[str, Any]] = None,
        *,
        path: Optional[str] = None,
        rule_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, details)
        self.path = path
        self.rule_id = rule_id
        self.details.update(path=path, rule_id=rule_id)


class RuleNotFoundError(KensaError, LookupError):
    """No rule has the id asked for.

    >>> issubclass(RuleNotFoundError, LookupError)
    True
    """


class VariableError(KensaError, ValueError):
    """A variable is undefined, or its value is not allowed where it would stand.

    >>> issubclass(VariableError, ValueError)
    True
    """


class JobNotFoundError(KensaError, LookupError):
    """No remediation job has the id asked for.

    >>> issubclass(JobNotFoundError, LookupError)
    True
    """


class UpdateError(KensaError):
    """A content update failed.

    >>> issubclass(UpdateError, KensaError)
    True
    """


class UpdateVerificationError(UpdateError):
    """A content package is not what it should be: signature, checksum or contents.

    >>> issubclass(UpdateVerificationError, UpdateError)
    True
    """


class UnsupportedError(KensaError, NotImplementedError):
    """This version of the engine does not have the feature yet; the text names it.

    >>> issubclass(UnsupportedError, NotImplementedError)
    True
    """


class InternalError(KensaError, RuntimeError):
    """A defect of the engine. Nothing was concluded from it.

    >>> issubclass(InternalError, KensaError)
    True
    """


_BY_REASON = {
    "auth_failed": SSHAuthenticationError,
    "key_invalid": SSHAuthenticationError,
    "passphrase_required": SSHAuthenticationError,
    "host_key_unknown": HostKeyError,
    "host_key_changed": HostKeyError,
    "sudo_denied": PrivilegeError,
}


def _connection_error(reason: str, message: str, host: str, port: Optional[int]) -> SSHConnectionError:
    """The class that fits `reason`; host and port are put in front of a text that lacks them."""
    place = host if port is None else f"{host}:{port}"
    if not message.startswith(host):
        message = f"{place}: {message}"
    elif port is not None and not message.startswith(place):
        message = place + message[len(host) :]
    return _BY_REASON.get(reason, SSHConnectionError)(message, host=host, port=port, reason=reason)
