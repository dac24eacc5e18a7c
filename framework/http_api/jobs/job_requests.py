"""Requests of jobs: each order is done once, over any change of leaders.

With an idempotency key the ids of an order's jobs are known before they are made, and each job has
the digest of its order. So the store decides: what is there was requested before.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio.to_thread

from framework.access import Identity
from framework.http_api.jobs.job_orders import JobOrder, JobOrders, digest, list_orders
from framework.http_api.jobs.job_resolver import JobResolver, Order
from framework.jobs import ids
from framework.service.jobs.job_commands import JobCommands
from framework.service.jobs.job_service import Jobs
from prevs.jobs import JobRecord

T = TypeVar("T")


class JobRequests:
    """Makes the jobs of orders. Belongs to the event loop's thread.

    `new_key` returns a text that was never used.
    """

    def __init__(self, jobs: Jobs, resolver: JobResolver, new_key: Callable[[], str]) -> None:
        self._jobs = jobs
        self._resolver = resolver
        self._new_key = new_key

    async def request(
        self, app: str, order: JobOrder | JobOrders, caller: Identity, key: str
    ) -> Sequence[JobRecord]:
        """Return the jobs of an order: those that it has made before, and new ones.

        Raises KeyOfAnotherOrder, what JobResolver.resolve raises, and what JobCommands.request
        raises.
        """
        wanted = list_orders(order)
        told = digest(key, order) if key else ""
        unique = key or self._new_key()
        all_ids = [ids.of_request(app, caller.name, unique, n) for n in range(len(wanted))]
        known: dict[str, JobRecord] = {}
        if key:
            known |= await self._run(lambda commands: commands.find_known(app, all_ids, told))
        pairs = list(zip(all_ids, wanted, strict=True))
        missing = [(job_id, one) for job_id, one in pairs if job_id not in known]
        if missing:
            new_ids, new = zip(*missing, strict=True)
            # A leader may have died in the middle: the rest belongs to the same commits.
            pins = {one.label: known[job_id].sha for job_id, one in pairs if job_id in known}
            resolved = await self._resolver.resolve(Order(app, caller, new_ids, new, told, pins))
            added = await self._run(lambda commands: commands.request(resolved))
            known |= {job.id: job for job in added}
        return [known[job_id] for job_id in all_ids]

    def name_retry(self, app: str, job_id: str, caller: Identity, key: str) -> str:
        """Return the id of the job that a retry of another makes."""
        return ids.of_retry(app, caller.name, key or self._new_key(), job_id)

    async def _run(self, command: Callable[[JobCommands], T]) -> T:
        return await anyio.to_thread.run_sync(self._jobs.command, command)
