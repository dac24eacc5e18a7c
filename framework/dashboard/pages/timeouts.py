"""Limits how long a page waits for something that may hang, such as a repository."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from framework.errors import Unavailable

WAIT_S = 6.0

T = TypeVar("T")


async def within(work: Coroutine[Any, Any, T], what: str, seconds: float = WAIT_S) -> T:
    """Return what `work` returns. Raises Unavailable, with the name `what`, after `seconds`.

    It does not wait for a thread that `work` has started: that one goes on.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait((task,), timeout=seconds)
    if done:
        return task.result()
    task.add_done_callback(_retrieve_error)
    task.cancel()
    raise Unavailable(what)


def _retrieve_error(task: "asyncio.Future[Any]") -> None:
    """Retrieve a task's exception: else asyncio logs that nobody did."""
    if not task.cancelled():
        task.exception()
