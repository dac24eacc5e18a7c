"""Parameters of the calls about jobs, as /docs shows them."""

import re
from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request
from starlette.exceptions import HTTPException

from framework.http_api.admission import idempotency
from framework.http_api.jobs.job_orders import GROUP
from prevs.jobs import ENDED, JobState

LONGEST_WAIT_S = 60

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,9})(?:$|[,;\s])", re.IGNORECASE)

JobId = Annotated[str, Path(alias="id", description="A job's id.", examples=["k4z7q2n5v3w6x2y7"])]
OfState = Annotated[
    JobState | Literal["active"] | None,
    Query(
        description="Only in this state; `active`: those that have not ended.", examples=["active"]
    ),
]
OfGroup = Annotated[str, Query(description="Only of this group.", examples=["november"])]
Group = Annotated[str, Query(pattern=GROUP, description="The group.", examples=["november"])]
OfSchedule = Annotated[str, Query(description="Only jobs of this schedule.", examples=["nightly"])]
Prefer = Annotated[
    str,
    Header(
        description="With `wait=30`, the answer comes once the job has ended, or after so many "
        f"seconds, {LONGEST_WAIT_S} at most (RFC 7240).",
        examples=["wait=1"],
    ),
]


def read_wait(prefer: str) -> int:
    """Return how many seconds a client wants to wait, by its Prefer."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), LONGEST_WAIT_S) if found else 0


def is_in(state: JobState, wanted: JobState | str | None) -> bool:
    """Return whether a list of jobs in a wanted state has those in `state`."""
    if wanted is None or isinstance(wanted, JobState):
        return wanted in (None, state)
    return state not in ENDED


async def _find_key(request: Request) -> str:
    header = request.headers.get("idempotency-key")
    key = "" if header is None else idempotency.read_key(header)
    if key is None:
        raise HTTPException(400, idempotency.MALFORMED)
    return key


Key = Annotated[str, Depends(_find_key)]
"""The key of an order; "" without one."""
