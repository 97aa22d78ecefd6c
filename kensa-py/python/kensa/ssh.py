"""Sessions with hosts: over SSH, and with this machine."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from . import _drive, _env, _native
from .errors import CommandError, NotConnectedError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type

    from typing_extensions import Self

__all__ = ["LocalSession", "Result", "SSHSession"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass
class Result:
    """What a command printed and how it ended. Text is UTF-8 with replacement, without trailing newlines.

    >>> Result(exit_code=0, stdout="x", stderr="").ok
    True
    """

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    duration_ms: Optional[int] = None

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit_code == 0

    @property
    def returncode(self) -> int:
        """The same as `exit_code`."""
        return self.exit_code


_open: "weakref.WeakSet[_Session]" = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """At the end of the program nothing is left running on a host: work is stopped and sessions are closed."""
    for task in list(_drive.running):
        task.abandon()
    closing = [session._start_close() for session in list(_open)]
    limit = time.monotonic() + 2.0
    for closed in closing:
        if closed is not None:
            closed.wait(max(0.0, limit - time.monotonic()), True, 1)


class _Session:
    """What SSH and local sessions share."""

    _link: Optional[_native.Session]
    _command_timeout: float
    hostname: str
    port: Optional[int]

    def _start_connect(self) -> _native.Task:
        raise NotImplementedError

    @property
    def is_connected(self) -> bool:
        """Whether `connect` succeeded in this process and `close` was not called since."""
        return self._link is not None and self._link.pid == os.getpid()

    def connect(self) -> None:
        """Connects, logs in and becomes root where asked; does nothing while connected.

        Raises a class of the `SSHConnectionError` family; its `reason` says which step failed.

        >>> session = LocalSession()
        >>> session.connect()
        >>> session.close()
        """
        if not self.is_connected:
            self._enter(_drive.finish(self._start_connect(), place=self._place))

    def run(self, cmd: str, timeout: Optional[float] = None) -> Result:
        """Runs `cmd` through a POSIX shell on the host; any exit status is a normal result.

        `timeout` is in seconds. Raises `CommandTimeout` when it is exceeded (the session stays usable),
        `NotConnectedError` without a connection, `SSHConnectionError` when it is lost, and `CommandError`
        when the answer is incomplete. Standard input is empty, and there is no terminal.

        >>> with LocalSession() as session:
        ...     session.run("printf '%s' hello").stdout
        'hello'
        """
        value = _drive.finish(self._start_run(cmd, timeout), place=self._place)
        return _result(value, cmd, self.hostname)

    def close(self) -> None:
        """Ends the connection. Idempotent, safe at any time, never raises.

        >>> LocalSession().close()
        """
        task = self._start_close()
        if task is not None:
            task.wait(3.0, True, 1)

    def _enter(self, link: _native.Session) -> None:
        self._link = link
        _open.add(self)

    def _start_close(self) -> Optional[_native.Task]:
        """Begins to close, if there is something to close; goes on also when nobody waits."""
        native, self._link = self._link, None
        _open.discard(self)
        if native is None or native.pid != os.getpid():
            return None
        try:
            task = native.start_close()
        except RuntimeError:
            return None
        task.release()
        return task

    @property
    def _place(self) -> "tuple[str, Optional[int]]":
        return (self.hostname, self.port)

    def _connected(self) -> _native.Session:
        native = self._link
        if native is None:
            raise NotConnectedError(f"{self.hostname}: not connected; call connect() first", {"host": self.hostname})
        return _drive.check_process(native, self.hostname)

    def _start_run(self, cmd: str, timeout: Optional[float]) -> _native.Task:
        if not isinstance(cmd, str):
            raise TypeError(f"cmd is text, not {type(cmd).__name__}")
        limit = self._command_timeout if timeout is None else float(timeout)
        return self._connected().start_run(cmd, limit)

    def __enter__(self) -> "Self":
        self.connect()
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: Optional[BaseException],
        trace: "Optional[TracebackType]",
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a session cannot be pickled: it is a connection of this process")


class SSHSession(_Session):
    """A session with one host over SSH.

    With `key_path` (or `key_filename`, the same thing) or `key_data` (the key as text), `password` is the
    passphrase of an encrypted key, else the login password and the default `sudo_password`. When a key or
    a password is given, neither the agent nor `~/.ssh` is asked. `timeout` and `command_timeout` are in
    seconds; their defaults come from `KENSA_SSH_CONNECT_TIMEOUT` (30) and `KENSA_SSH_COMMAND_TIMEOUT` (60).
    `host_key_policy` is `accept-new`, `strict` or `off`. `read_only` sessions are refused by every function
    that changes a host. A connection lost in mid-scan is replaced, and what was on its way asked again, unless
    `reconnect` is false. `nice` (0 to 19) is the niceness of all that runs on the host. `shells` (1 to 3) says how many
    shells share the commands where many wait; each further one takes a `sudo` and a session of the host. Secrets
    cannot be read back.

    Raises `ValueError` for arguments that contradict each other. One session may be used by several threads.

    >>> session = SSHSession("web-1.example.com", user="audit", key_path="~/.ssh/audit", sudo=True)
    >>> session
    SSHSession('web-1.example.com', user='audit', port=22, sudo=True)
    >>> session.is_connected
    False
    """

    def __init__(
        self,
        hostname: str,
        user: Optional[str] = None,
        password: Optional[str] = None,
        key_filename: Optional[PathLike] = None,
        sudo: bool = False,
        *,
        port: Union[int, str] = 22,
        key_path: Optional[PathLike] = None,
        key_data: Optional[str] = None,
        passphrase: Optional[str] = None,
        sudo_password: Optional[str] = None,
        timeout: Optional[float] = None,
        command_timeout: Optional[float] = None,
        host_key_policy: Optional[str] = None,
        known_hosts: Optional[PathLike] = None,
        read_only: bool = False,
        reconnect: bool = True,
        nice: Optional[int] = None,
        shells: int = 1,
    ) -> None:
        if not hostname or not isinstance(hostname, str):
            raise ValueError("hostname is empty")
        self.hostname = hostname
        self.port = _port(port)
        self.user = user
        self.key_path = _one_key(key_path, key_filename)
        self.sudo = bool(sudo)
        self.read_only = bool(read_only)
        self.timeout: float = _seconds("timeout", timeout, _env.connect_timeout())
        self._command_timeout = _seconds("command_timeout", command_timeout, _env.command_timeout())
        policy = host_key_policy or _env.host_key_policy()
        if policy not in ("accept-new", "strict", "off"):
            raise ValueError(f"host_key_policy is accept-new, strict or off, not {policy!r}")
        self._link = None
        settings: Dict[str, Any] = {
            "port": self.port,
            "user": user,
            "password": password,
            "key_path": os.path.expanduser(self.key_path) if self.key_path else None,
            "key_data": key_data,
            "passphrase": passphrase,
            "sudo": self.sudo,
            "sudo_password": sudo_password,
            "timeout": self.timeout,
            "check_timeout": _env.check_timeout(),
            "host_key_policy": policy,
            "known_hosts": _known_hosts(known_hosts),
            "reconnect": bool(reconnect),
            "nice": None if nice is None else _whole("nice", nice, 0, 19),
            "shells": _whole("shells", shells, 1, 3),
        }
        self._target = _native.Target(hostname, settings)

    def __repr__(self) -> str:
        return f"SSHSession({self.hostname!r}, user={self.user!r}, port={self.port}, sudo={self.sudo})"

    def _start_connect(self) -> _native.Task:
        return self._target.start_connect()


class LocalSession(_Session):
    """A session with this machine, as the user the program runs as.

    >>> with LocalSession() as session:
    ...     session.run("exit 3").exit_code
    3
    """

    def __init__(self, *, command_timeout: Optional[float] = None) -> None:
        self.hostname = "localhost"
        self.port = None
        self.read_only = False
        self._command_timeout = _seconds("command_timeout", command_timeout, _env.command_timeout())
        self._link = None

    def __repr__(self) -> str:
        return "LocalSession()"

    def _start_connect(self) -> _native.Task:
        return _native.start_local(_env.check_timeout(), _env.connect_timeout())


def _result(value: Any, cmd: str, host: str) -> Result:
    code, stdout, stderr, stdout_total, stderr_total, duration_ms = value
    if stdout_total > len(stdout) or stderr_total > len(stderr):
        raise CommandError(
            f"{host}: the command printed {stdout_total + stderr_total} bytes, more than can be kept",
            {"host": host, "stdout_bytes": stdout_total, "stderr_bytes": stderr_total},
            reason="truncated",
        )
    return Result(code, _text(stdout), _text(stderr), duration_ms)


def _text(stream: bytes) -> str:
    return stream.decode("utf-8", "replace").rstrip("\r\n")


def _port(port: Union[int, str]) -> int:
    try:
        number = int(port)
    except (TypeError, ValueError):
        number = 0
    if not 0 < number < 65536:
        raise ValueError(f"port is a number from 1 to 65535, not {port!r}")
    return number


def _one_key(key_path: Optional[PathLike], key_filename: Optional[PathLike]) -> Optional[str]:
    given: List[str] = [os.fspath(one) for one in (key_path, key_filename) if one]
    if len(set(given)) > 1:
        raise ValueError("key_path and key_filename are the same thing and differ")
    return given[0] if given else None


def _seconds(name: str, given: Optional[float], default: float) -> float:
    if given is None:
        return default
    value = float(given)
    if not 0 < value < 1e9:
        raise ValueError(f"{name} is a positive number of seconds, not {given!r}")
    return value


def _whole(name: str, given: int, least: int, most: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}, not {given!r}")
    return given


def _known_hosts(given: Optional[PathLike]) -> List[str]:
    """The file to remember host keys in; none means in memory."""
    named = os.fspath(given) if given else _env.known_hosts()
    if named:
        return [os.path.expanduser(named)]
    from .paths import get_state_dir

    state = get_state_dir()
    return [str(state / "known_hosts")] if state is not None else []
