"""Requests of tasks: each becomes a job at the main branch's commit."""

from collections.abc import Callable, Sequence

import anyio.to_thread

from framework.access import Identity
from framework.http_api.ironworker.code_packages import CodePackages
from framework.http_api.ironworker.task_orders import TaskOrder
from framework.http_api.jobs.job_resolver import JobResolver, Order
from framework.jobs import ids
from framework.jobs.conventions import IRONWORKER
from framework.service.jobs.job_service import Jobs
from prevs.jobs import JobRecord


class TaskRequests:
    """Makes the jobs of tasks. Belongs to the event loop's thread.

    IronWorker has no idempotency keys, so each request is a new one: `new_key` returns a text that
    was never used.
    """

    def __init__(
        self,
        jobs: Jobs,
        resolver: JobResolver,
        packages: CodePackages,
        new_key: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._resolver = resolver
        self._packages = packages
        self._new_key = new_key

    async def request(
        self, app: str, tasks: Sequence[TaskOrder], caller: Identity
    ) -> Sequence[JobRecord]:
        """Return the new jobs of tasks, in order.

        Raises what CodePackages.find_label, JobResolver.resolve and JobCommands.request raise.
        """
        label = await self._packages.find_label(app)
        wanted = [task.order(label) for task in tasks]
        key = self._new_key()
        new_ids = [ids.of_request(app, caller.name, key, n) for n in range(len(wanted))]
        resolved = await self._resolver.resolve(Order(app, caller, new_ids, wanted, "", {}))
        told = [
            order._replace(convention=IRONWORKER, starts_in=task.delay or 0.0)
            for order, task in zip(resolved, tasks, strict=True)
        ]
        return await anyio.to_thread.run_sync(
            self._jobs.command, lambda commands: commands.request(told)
        )

    def name_retry(self, app: str, job_id: str, caller: Identity) -> str:
        """Return the id of the job that a retry of another makes."""
        return ids.of_retry(app, caller.name, self._new_key(), job_id)
