"""Running an operation of the engine to its end on the calling thread.

The engine works on threads of its own. The calling thread waits without the interpreter lock in short turns,
so signal handlers run at least ten times a second, and what they raise ends the operation and propagates.
Commands for a supplied transport are run here, on the calling thread, one at a time.
"""

from __future__ import annotations

import inspect
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Set, Tuple

from . import _log, _native, errors

if TYPE_CHECKING:
    import asyncio

TURN = 0.1
"""Seconds between two looks at the interpreter's signals."""

Item = Tuple[Any, ...]

running: "Set[_native.Task]" = set()
"""The operations somebody waits for; at the end of the program they are stopped."""


class Supplied:
    """A transport the program brings: any object with `run(cmd, *, timeout=None)`, sync or async."""

    def __init__(self, transport: Any) -> None:
        if not callable(getattr(transport, "run", None)):
            raise TypeError(f"a session has a method run(cmd, *, timeout=None); {type(transport).__name__} has none")
        self.transport = transport
        self.host = str(getattr(transport, "hostname", None) or getattr(transport, "host", None) or "host")
        self.takes_scripts = bool(getattr(transport, "takes_scripts", False))
        self.bare_commands = bool(getattr(transport, "bare_commands", False))
        self.single_questions = bool(getattr(transport, "single_questions", False))

    def native(self, check_timeout: float) -> _native.Session:
        habits = (self.takes_scripts, self.bare_commands, self.single_questions)
        return _native.Session.supplied(self.host, *habits, check_timeout)

    def call(self, command: str, timeout: float) -> Any:
        """What the transport's `run` returns: an answer, or something to await."""
        return self.transport.run(command, timeout=timeout)

    def answer(self, task: _native.Task, number: int, result: Any) -> None:
        """Hands a result of `run` to the engine."""
        try:
            code = getattr(result, "exit_code", None)
            code = getattr(result, "returncode", None) if code is None else code
            if code is None:
                raise TypeError(f"run() returned {type(result).__name__}, which has no exit_code")
            stdout, stderr = _bytes(result.stdout), _bytes(result.stderr)
            if self.takes_scripts and stdout and not stdout.endswith(b"\n"):
                # Some transports strip the end of what a command printed; the frame needs its last line whole.
                stdout += b"\n"
            task.answer(number, int(code), stdout, stderr)
        except Exception as error:
            self.refuse(task, number, error)

    def refuse(self, task: _native.Task, number: int, error: BaseException) -> None:
        """Tells the engine that this one command has no answer."""
        kind = "timeout" if isinstance(error, TimeoutError) else "other"
        name = type(error).__name__
        # Errors of this package say all there is to say.
        message = error.message if isinstance(error, errors.KensaError) else f"{name}: {error}" if str(error) else name
        task.refuse(number, kind, message)


def _bytes(stream: Any) -> bytes:
    if stream is None:
        return b""
    if isinstance(stream, str):
        return stream.encode("utf-8", "surrogateescape")
    return bytes(stream)


def finish(
    task: _native.Task,
    supplied: Optional[Supplied] = None,
    on_item: Optional[Callable[[Item], None]] = None,
    place: Tuple[str, Optional[int]] = ("host", None),
) -> Any:
    """What the operation gives; raises what made it fail. Every item before is given to `on_item`."""
    _log.follow()
    whole = supplied is None and on_item is None
    private: Optional[_PrivateLoop] = None
    running.add(task)
    try:
        while True:
            items = task.wait(TURN, whole, 64)
            _log.pass_on()
            for item in items:
                kind = item[0]
                if kind == "done":
                    return item[1]
                if kind == "failed":
                    raise failure(item, place)
                if kind == "request" and supplied is not None:
                    if private is None:
                        private = _PrivateLoop()
                    _run(task, supplied, private, item)
                elif on_item is not None:
                    on_item(item)
    except BaseException:
        task.cancel()
        raise
    finally:
        running.discard(task)
        if private is not None:
            private.close()


def _run(task: _native.Task, supplied: Supplied, private: "_PrivateLoop", item: Item) -> None:
    _, number, command, timeout = item
    try:
        result = supplied.call(command, timeout)
        if inspect.isawaitable(result):
            result = private.finish(result)
    except ConnectionError:
        raise
    except Exception as error:
        if raised_by_signal_handler(error):
            raise
        supplied.refuse(task, number, error)
    else:
        supplied.answer(task, number, result)


class _PrivateLoop:
    """An event loop on a thread of its own, for asynchronous transports used by synchronous calls."""

    def __init__(self) -> None:
        self._loop: "Optional[asyncio.AbstractEventLoop]" = None
        self._thread: Optional[threading.Thread] = None

    def finish(self, awaitable: Any) -> Any:
        import asyncio
        import concurrent.futures

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="kensa-transport", daemon=True)
            self._thread.start()

        async def wait() -> Any:
            return await awaitable

        future = asyncio.run_coroutine_threadsafe(wait(), self._loop)
        try:
            # Not `result(TURN)`: a handler's own TimeoutError could not be told from the end of the turn.
            while not future.done():
                concurrent.futures.wait([future], TURN)
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(1.0)
            if not self._thread.is_alive():
                self._loop.close()


def raised_by_signal_handler(error: BaseException) -> bool:
    """Whether a Python signal handler raised `error`, as a job worker's alarm does."""
    handlers = set()
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if code is not None:
            handlers.add(code)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def failure(item: Item, place: Tuple[str, Optional[int]]) -> BaseException:
    """The exception for a `failed` item."""
    _, kind, reason, message = item
    host, port = place
    if kind == "connect":
        return errors._connection_error(reason, message, host, port)
    if kind == "command":
        if reason == "timed_out":
            return errors.CommandTimeout(f"{host}: {message}", {"host": host})
        if reason == "cancelled":
            return errors.NotConnectedError(f"{host}: {message}", {"host": host})
        return errors.CommandError(f"{host}: {message}", {"host": host}, reason=reason)
    if kind == "variable":
        return errors.VariableError(message)
    if kind == "load":
        return errors.RuleLoadError(message)
    if kind == "unknown_rule":
        return errors.RuleNotFoundError(message)
    if kind == "cancelled":
        return errors.NotConnectedError(f"{host}: {message}", {"host": host})
    _log.log().error("%s", message)
    return errors.InternalError(message)


def check_process(native: _native.Session, host: str) -> _native.Session:
    """`native`, unless it was inherited from the process this one was forked from."""
    if native.pid != os.getpid():
        raise errors.NotConnectedError(
            f"{host}: the session belongs to process {native.pid}, which this one was forked from; connect again"
        )
    return native
