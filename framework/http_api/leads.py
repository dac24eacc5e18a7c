"""Resolving labels beside the event loop."""

import functools

import anyio
import anyio.to_thread

from framework.ports import Previews, Refs, Resolved

_AT_A_TIME = 4
"""Labels of one app that are resolved at the same time; a fetch is shared by all that wait."""


class Leads:
    """What labels lead to. Belongs to the event loop's thread.

    Each app has threads of its own, so that a repository that does not answer holds up nobody
    else's.
    """

    def __init__(self, previews: Previews, refs: Refs) -> None:
        self._previews = previews
        self._refs = refs
        self._limits: dict[str, anyio.CapacityLimiter] = {}

    async def resolve(self, app: str, label: str) -> Resolved:
        """Return what a label leads to.

        Raises UnknownApp, UnknownLabel, AmbiguousLabel, RepositoryUnreachable.
        """
        record = self._previews.app(app)
        limit = self._limits.setdefault(app, anyio.CapacityLimiter(_AT_A_TIME))
        work = functools.partial(self._refs.resolve, record, label)
        return await anyio.to_thread.run_sync(work, limiter=limit)
