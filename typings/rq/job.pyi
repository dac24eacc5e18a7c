from collections.abc import Iterable

from redis import Redis

class JobStatus:
    value: str

class Job:
    @classmethod
    def fetch_many(cls, job_ids: Iterable[str], connection: Redis) -> list[Job | None]: ...
    def get_status(self, *, refresh: bool) -> JobStatus: ...
