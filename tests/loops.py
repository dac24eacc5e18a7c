"""Tests that are coroutines."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, cast

Given = ParamSpec("Given")


class Bench(Protocol):
    """What a test works on that has an end to be seen to in the same event loop."""

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine, and then see to the end."""
        ...


def in_a_loop(test: Callable[Given, Coroutine[Any, Any, None]]) -> Callable[Given, None]:
    """Have a test run in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def in_its_loop(test: Callable[Given, Awaitable[None]]) -> Callable[Given, None]:
    """Have a test run by its fixture `bench`."""

    @functools.wraps(test)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        cast(Bench, kwargs["bench"]).run(lambda: test(*args, **kwargs))

    return run
