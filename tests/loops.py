"""Tests that are coroutines."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, cast

Given = ParamSpec("Given")


class Bench(Protocol):
    """The objects of a test, and those to close in the same event loop."""

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine, and then close everything."""
        ...


def in_a_loop(test: Callable[Given, Coroutine[Any, Any, None]]) -> Callable[Given, None]:
    """Make a test run in its own event loop."""

    @functools.wraps(test)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def in_its_loop(test: Callable[Given, Awaitable[None]]) -> Callable[Given, None]:
    """Make a test run by its fixture `bench`."""

    @functools.wraps(test)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        cast(Bench, kwargs["bench"]).run(lambda: test(*args, **kwargs))

    return run
