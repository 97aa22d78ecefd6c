"""Sessions for an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Awaitable, Generator, Optional, Union

from .._twin import like
from ..ssh import LocalSession, Result, SSHSession, _result
from ..ssh import _Session as _SyncSession
from ._detect import detect_capabilities
from ._loop import Items, watch
from ._scan import check_rules_from_path, scan

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type


@like(SSHSession)
def connect(*how: Any, **given: Any) -> "Connecting":
    """A session over SSH, to be used with `async with` or awaited. The arguments are those of `SSHSession`.

    >>> import kensa
    >>> kensa.connect("web-1.example.com", user="audit", sudo=True)
    <connecting SSHSession('web-1.example.com', user='audit', port=22, sudo=True)>
    """
    return Connecting(SSHSession(*how, **given))


@like(LocalSession)
def local(*, command_timeout: Optional[float] = None) -> "Connecting":
    """A session with this machine; `command_timeout` in seconds.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return session.hostname
    >>> asyncio.run(main())
    'localhost'
    """
    return Connecting(LocalSession(command_timeout=command_timeout))


class Session:
    """A session with one host, for asyncio. Made by `connect` and `local`.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return (await session.run("echo hello")).stdout
    >>> asyncio.run(main())
    'hello'
    """

    def __init__(self, session: "Union[SSHSession, LocalSession]") -> None:
        self._session: _SyncSession = session

    @property
    def hostname(self) -> str:
        """The host's name."""
        return self._session.hostname

    @property
    def port(self) -> Optional[int]:
        """The SSH port; `None` for this machine."""
        return self._session.port

    @property
    def is_connected(self) -> bool:
        """Whether the session is connected in this process."""
        return self._session.is_connected

    def __repr__(self) -> str:
        return f"aio.Session({self._session!r})"

    async def connect(self) -> None:
        """Connects; does nothing while connected. Raises the `SSHConnectionError` family."""
        if not self._session.is_connected:
            task = self._session._start_connect()
            self._session._enter(await Items(task, None, self._session._place).last())

    async def run(self, cmd: str, timeout: Optional[float] = None) -> Result:
        """Runs a command; `timeout` in seconds. Raises as `SSHSession.run`."""
        task = self._session._start_run(cmd, timeout)
        value = await Items(task, None, self._session._place).last()
        return _result(value, cmd, self.hostname)

    async def close(self) -> None:
        """Ends the connection. Idempotent, never raises; it goes on in the background when cancelled."""
        task = self._session._start_close()
        if task is None:
            return
        watcher = watch()
        watcher.enter(task)
        try:
            limit = asyncio.get_running_loop().time() + 1.0
            while not task.poll(1):
                left = limit - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                await asyncio.wait([watcher.news(task.id)], timeout=left)
        finally:
            watcher.leave()

    async def __aenter__(self) -> "Session":
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: Optional[BaseException],
        trace: "Optional[TracebackType]",
    ) -> None:
        await self.close()

    # A session is what these calls take first, so they are its methods as they are.
    scan = scan
    check_rules_from_path = check_rules_from_path
    detect_capabilities = detect_capabilities


class Connecting(Awaitable[Session]):
    """A session about to be connected: `async with` it, or await it and close the session yourself.

    >>> import asyncio, kensa
    >>> async def main():
    ...     session = await kensa.local()
    ...     await session.close()
    ...     return session.is_connected
    >>> asyncio.run(main())
    False
    """

    def __init__(self, session: "Union[SSHSession, LocalSession]") -> None:
        self._session = Session(session)

    def __await__(self) -> Generator[Any, None, Session]:
        return self._connected().__await__()

    async def _connected(self) -> Session:
        await self._session.connect()
        return self._session

    async def __aenter__(self) -> Session:
        return await self._connected()

    async def __aexit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: Optional[BaseException],
        trace: "Optional[TracebackType]",
    ) -> None:
        await self._session.close()

    def __repr__(self) -> str:
        return f"<connecting {self._session._session!r}>"
