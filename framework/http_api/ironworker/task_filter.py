"""Which tasks a list shows, and which page of them."""

from collections.abc import Iterable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from framework.http_api.ironworker import task_presenter
from framework.http_api.ironworker.task_orders import read_code_name
from prevs.jobs import JobRecord

T = TypeVar("T")

MOST = 100


class Page(BaseModel):
    """A page of a list; the first one is 0."""

    page: int = Field(default=0, ge=0, le=1_000_000)
    per_page: int = Field(default=30, ge=1, le=MOST)

    def cut(self, entries: Sequence[T]) -> Sequence[T]:
        """Return the entries of the page."""
        begin = self.page * self.per_page
        return entries[begin : begin + self.per_page]


class TaskFilter(Page):
    """The tasks in any of the statuses that are set (none: in all), created in a time."""

    code_name: str = ""
    from_time: float = 0
    to_time: float | None = None
    queued: bool = False
    preparing: bool = False
    running: bool = False
    complete: bool = False
    error: bool = False
    cancelled: bool = False
    killed: bool = False
    timeout: bool = False

    def choose(self, jobs: Iterable[JobRecord]) -> Sequence[JobRecord]:
        """Return the page of the jobs that the list has, the newest first."""
        found = [job for job in jobs if self._has(job)]
        return self.cut(sorted(found, key=lambda job: (-job.created, job.id)))

    def _has(self, job: JobRecord) -> bool:
        wanted = {name for name in _STATUSES if getattr(self, name)}
        return (
            (not wanted or task_presenter.show_status(job) in wanted)
            and (not self.code_name or job.name == read_code_name(self.code_name))
            and self.from_time <= job.created
            and (self.to_time is None or job.created <= self.to_time)
        )


_STATUSES = tuple(
    name for name, field in TaskFilter.model_fields.items() if field.annotation is bool
)

Listed = Annotated[Page, Query()]
ListedTasks = Annotated[TaskFilter, Query()]
