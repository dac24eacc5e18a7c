"""The data of branches, as the API shows them, and the orders about them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example, order_example
from framework.http_api.http.paging import Next
from framework.preview.branch_data import BranchData

_DATA: dict[str, Any] = {
    "branch": "main",
    "agent": "10.0.0.5",
    "commit": SHA,
    "used": 1764031200.0,
    "began": 1763945000.0,
    "running": True,
    "begins_with": "",
}
Branch = Annotated[
    str,
    Field(
        min_length=1, max_length=255, description="A branch, by its whole name.", examples=["main"]
    ),
]


class Data(BaseModel):
    """The data of a branch. Times are in seconds since the epoch."""

    model_config = example(_DATA)

    branch: str
    agent: str = Field(
        description="The address of the agent that has them; empty: they begin anew with the next "
        "start."
    )
    commit: str = Field(description="The commit that had them last.")
    used: float = Field(description="When that was used last.")
    began: float | None = Field(description="When they began; null: they begin anew.")
    running: bool = Field(description="A preview has them now.")
    begins_with: str = Field(
        description="If they begin anew: the branch whose data are copied then; else empty."
    )


class DataOfApp(BaseModel):
    """The data of an app's branches, by name."""

    model_config = example({"data": [_DATA], "next": None})

    data: list[Data]
    next: Next


class Reset(BaseModel):
    """An order to let the data of a branch begin anew."""

    model_config = order_example({"branch": "feature/x"})

    branch: Branch


class Copy(BaseModel):
    """An order to let the data of a branch begin anew with a copy of those of another one."""

    model_config = order_example({"source": "main", "target": "feature/x"})

    source: Branch
    target: Branch


def show(found: BranchData) -> Data:
    """Return the data of a branch as the API shows them."""
    place = found.place
    return Data(
        branch=found.branch,
        agent=place.agent_host or place.agent_id,
        commit=found.last.commit,
        used=max(found.last.last_used or 0.0, place.at if place.agent_id else 0.0),
        began=place.began if place.agent_id else None,
        running=found.running is not None,
        begins_with="" if place.agent_id else place.seed,
    )
