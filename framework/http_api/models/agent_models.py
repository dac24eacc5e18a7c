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
    "builds_privileged": "",
    "ports_open": None,
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
            "commit": SHA,
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
    commit: str
    label: str | None = Field(description="The newest that was requested, if any.")
    state: State
    cpus: float = Field(description="Its share, from its app's current settings.")
    mem: int = Field(description="Its limit in MB, from its app's current settings.")


class Unfit(BaseModel):
    """Why nothing starts on an agent now: its Docker, its disk or its network failed attempts."""

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
        description="When the next attempt may start there, in seconds since the epoch; sooner "
        "if there is no other agent."
    )


class Isolation(BaseModel):
    """What previews and builds reach at an agent, as executors reported."""

    model_config = example(_ISOLATION)

    allowed: list[str] = Field(description="Private networks that previews reach (PREVS_ALLOW).")
    required: bool = Field(
        description="Nothing starts on an agent that cannot keep previews apart."
    )
    builds: bool = Field(description="Steps of builds must be kept apart as previews are.")
    fetches: bool = Field(description="A Dockerfile may add files from an address.")
    open: str | None = Field(
        description="Why previews are not kept apart; empty: they are. Null: not checked yet."
    )
    builds_open: str | None = Field(description="The same for steps of builds.")
    builds_unlimited: str | None = Field(
        description="Why steps of builds may use all memory and all processes, in the same form."
    )
    builds_privileged: str | None = Field(
        description="Capabilities that steps of builds do not need and have, in the same form."
    )
    ports_open: str | None = Field(
        description="Why others than proxies may connect to previews, in the same form."
    )


class MesosAgent(BaseModel):
    """An agent, what it has, and who uses it."""

    model_config = example(_AGENT)

    id: str
    host: str
    active: bool = Field(description="It is connected and takes new tasks.")
    draining: bool = Field(description="An operator drains it: what runs there ends.")
    maintenance: float | None = Field(
        description="When its planned maintenance begins, in seconds since the epoch; null: none "
        "is planned."
    )
    unfit: Unfit | None = Field(
        description="Why nothing starts there now, from what attempts have met; null: nothing "
        "is known against it."
    )
    isolation: Isolation | None = Field(
        description="What previews reach there; null: none has started there since this "
        "framework began to lead."
    )
    attributes: dict[str, str]
    total: Amount
    used: Amount = Field(description="What all frameworks together use.")
    others: Amount = Field(
        description="What of it is used by something else than previews and their executors."
    )
    previews: list[AgentPreview]


class MesosAgents(BaseModel):
    """The agents, by host."""

    model_config = example({"agents": [_AGENT], "next": None, "as_of": 1764031205.0})

    agents: list[MesosAgent]
    next: Next
    as_of: float = Field(description="When Mesos reported this, in seconds since the epoch.")
