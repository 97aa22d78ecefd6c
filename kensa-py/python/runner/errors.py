"""The exceptions. See `kensa.errors`."""

from kensa.errors import (
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

__all__ = [
    "CommandError",
    "CommandTimeout",
    "HostKeyError",
    "InternalError",
    "JobNotFoundError",
    "KensaError",
    "NotConnectedError",
    "PrivilegeError",
    "RuleLoadError",
    "RuleNotFoundError",
    "SSHAuthenticationError",
    "SSHConnectionError",
    "UnsupportedError",
    "UpdateError",
    "UpdateVerificationError",
    "VariableError",
]
