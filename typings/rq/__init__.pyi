"""The part of RQ 3 that the benches use; it is not installed here."""

from collections.abc import Callable, Sequence

from redis import Redis
from rq.job import Job

class Data: ...

class Retry:
    def __init__(self, *, max: int) -> None: ...

class Registry:
    def __len__(self) -> int: ...
    def get_job_ids(self) -> list[str]: ...
    def remove(self, job: str, *, delete_job: bool = ...) -> None: ...

class Queue:
    finished_job_registry: Registry
    failed_job_registry: Registry
    def __init__(self, *, connection: Redis) -> None: ...
    @staticmethod
    def prepare_data(
        function: Callable[..., object],
        args: tuple[object, ...] = ...,
        *,
        result_ttl: int = ...,
        job_id: str = ...,
        retry: Retry | None = ...,
    ) -> Data: ...
    def enqueue_many(self, jobs: Sequence[Data]) -> list[Job]: ...
    def fetch_job(self, job_id: str) -> Job | None: ...
