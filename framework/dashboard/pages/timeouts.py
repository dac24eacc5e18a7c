"""How long a page waits for what may hang: a repository that does not answer, for example."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from framework.errors import Unavailable

WAIT_S = 6.0

T = TypeVar("T")


async def within(work: Coroutine[Any, Any, T], what: str, seconds: float = WAIT_S) -> T:
    """Return what `work` returns. Raises Unavailable, which names `what`, after some seconds.

    A thread that works for it is not waited for: it ends when it ends.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait((task,), timeout=seconds)
    if done:
        return task.result()
    task.add_done_callback(_take_note)
    task.cancel()
    raise Unavailable(what)


def _take_note(task: "asyncio.Future[Any]") -> None:
    """Look at the outcome, which asyncio complains about where nobody does."""
    if not task.cancelled():
        task.exception()
