"""A call and its coroutine have one signature, which is written once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")
R = TypeVar("R")


def like(call: "Callable[P, Any]") -> "Callable[[Callable[..., R]], Callable[P, R]]":
    """Gives a function the parameters of `call`, for type checkers and for `inspect.signature`."""

    def dress(function: "Callable[..., R]") -> "Callable[P, R]":
        own = inspect.signature(function)
        function.__signature__ = inspect.signature(call).replace(  # type: ignore[attr-defined]
            return_annotation=own.return_annotation
        )
        return function

    return dress
