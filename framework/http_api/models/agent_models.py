"""The agents of the cluster and what runs there, as the API shows them."""

from typing import Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next
from prevs.states import State

_ISOLATION: dict[str, Any] = {
    "allowed": ["10.1.0.0/16"],
    "required": False,
    "builds": True,
    "fetches": False,
    "open": "",
    "builds_open": "",
    "builds_unlimited": None,
}
_AGENT: dict[str, Any] = {
    "id": "f592d1ba-314b-43c2-b185-f8272c4b4746-S0",
    "host": "agent1.example.org",
    "active": True,
    "draining": False,
    "maintenance": None,
    "unfit": None,
    "isolation": _ISOLATION,
    "attributes": {"zone": "a", "disk": "ssd"},
    "total": {"cpus": 8.0, "mem": 16384.0},
    "used": {"cpus": 1.11, "mem": 1184.0},
    "others": {"cpus": 1.0, "mem": 1024.0},
    "previews": [
        {
            "app": "hello",
            "sha": SHA,
            "label": "main",
            "state": "running",
            "cpus": 0.1,
            "mem": 128,
        }
    ],
}


class Amount(BaseModel):
    """CPUs, and MB of memory."""

    model_config = example(_AGENT["total"])

    cpus: float
    mem: float


class AgentPreview(BaseModel):
    """A preview that has an agent's resources."""

    model_config = example(_AGENT["previews"][0])

    app: str
    sha: str
    label: str | None = Field(description="The newest that was asked for, if any was.")
    state: State
    cpus: float = Field(description="Its share, as its app's settings are now.")
    mem: int = Field(description="Its limit in MB, as its app's settings are now.")


class Unfit(BaseModel):
    """Why nothing is tried on an agent now: its Docker, its disk or its network failed attempts."""

    model_config = example(
        {
            "reason": "The agent failed, not the commit: its disk is full: "
            "write /var/lib/docker/tmp/x: no space left on device.",
            "since": 1764031145.0,
            "until": 1764031205.0,
        }
    )

    reason: str
    since: float = Field(description="In seconds since the epoch.")
    until: float = Field(
        description="When an attempt is made there again, in seconds since the epoch; sooner where "
        "no other agent is."
    )


class Isolation(BaseModel):
    """What previews and builds reach at an agent, by what executors have said."""

    model_config = example(_ISOLATION)

    allowed: list[str] = Field(description="Private networks that previews reach (PREVS_ALLOW).")
    required: bool = Field(description="Nothing starts where previews cannot be kept apart.")
    builds: bool = Field(description="Steps of builds are to be kept apart as previews are.")
    fetches: bool = Field(description="A Dockerfile may add what is at an address.")
    open: str | None = Field(
        description="Why previews are not kept apart; empty: they are. Null: nobody has looked."
    )
    builds_open: str | None = Field(description="The same of steps of builds.")
    builds_unlimited: str | None = Field(
        description="Why steps of builds may take all memory and all processes, in the same way."
    )


class MesosAgent(BaseModel):
    """An agent, what it has, and who uses it."""

    model_config = example(_AGENT)

    id: str
    host: str
    active: bool = Field(description="It is connected and takes new tasks.")
    draining: bool = Field(description="An operator has it drained: what runs there ends.")
    maintenance: float | None = Field(
        description="When its planned maintenance begins, in seconds since the epoch; null: none "
        "is planned."
    )
    unfit: Unfit | None = Field(
        description="Why nothing is tried there now, by what attempts have met; null: nothing is "
        "known against it."
    )
    isolation: Isolation | None = Field(
        description="What previews reach there; null: none has started there since this framework "
        "leads."
    )
    attributes: dict[str, str]
    total: Amount
    used: Amount = Field(description="What all frameworks together use.")
    others: Amount = Field(description="What of it is neither a preview's nor its executor's.")
    previews: list[AgentPreview]


class MesosAgents(BaseModel):
    """The agents, by host."""

    model_config = example({"agents": [_AGENT], "next": None, "as_of": 1764031205.0})

    agents: list[MesosAgent]
    next: Next
    as_of: float = Field(description="When Mesos told this, in seconds since the epoch.")
