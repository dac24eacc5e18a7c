"""What clients of IronWorker send about tasks, and the order of a job that it is."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from framework.apps.manifest.job_keys import Priority, Timeout
from framework.errors import InvalidSettings
from framework.http_api.http import field_problems
from framework.http_api.jobs.job_orders import MOST_JOBS, JobOrder
from prevs import names

CLIENTS_TIMEOUT = 3600.0
"""What a client sends if its user has not chosen a timeout; IronWorker allows no more."""
_LONGEST_DELAY = 7 * 24 * 3600
_LONGEST_GROUP = 63
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+", re.ASCII)


def read_code_name(text: str) -> str:
    """Return the name of the job that a code package is: `hello-worker` of `Hello_Worker`."""
    return _NOT_IN_NAMES.sub("-", text.lower()).strip("-")


def _check_code_name(text: str) -> str:
    name = read_code_name(text)
    if not names.is_job_name(name):
        raise PydanticCustomError("code_name", "has to name a [jobs.NAME] of the commit")
    return name


CodeName = Annotated[str, AfterValidator(_check_code_name)]
Delay = Annotated[float, Field(ge=0, le=_LONGEST_DELAY, allow_inf_nan=False)]


class TaskOrder(BaseModel):
    """A task to queue. `name`, `cluster` and `sync` change nothing here."""

    model_config = ConfigDict(extra="forbid")

    code_name: CodeName
    payload: str | None = Field(default=None, repr=False)
    priority: Priority | None = None
    timeout: Timeout | None = None
    delay: Delay | None = None
    label: str | None = None
    name: str | None = None
    cluster: str | None = None
    sync: bool | None = None

    def order(self, label: str) -> JobOrder:
        """Return the order of the job at a label. Raises InvalidSettings."""
        # The Python client always sends a timeout, so its own default is nobody's wish.
        timeout = None if self.timeout == CLIENTS_TIMEOUT else self.timeout
        group = read_code_name(self.label or "")[:_LONGEST_GROUP]
        try:
            return JobOrder(
                label=label,
                job=self.code_name,
                payload=self.payload,
                priority=self.priority,
                timeout=timeout,
                group=group or None,
            )
        except ValidationError as error:
            raise InvalidSettings(field_problems.read(error.errors())) from None


class TaskOrders(BaseModel):
    """Tasks to queue together: all of them, or none."""

    tasks: list[TaskOrder] = Field(min_length=1, max_length=MOST_JOBS)


class RetryOrder(BaseModel):
    """When a task is to start again."""

    delay: Delay | None = None


class ProgressOrder(BaseModel):
    """How far a task is, as it says itself."""

    percent: int = Field(default=0, ge=0, le=100)
    msg: str = Field(default="", max_length=200)
