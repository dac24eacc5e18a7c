"""Previews, the queue and the reports of proxies, as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from framework.apps.manifest.declared import WHOLE
from framework.http_api.http.examples import SHA, TASK_ID, example, order_example
from framework.http_api.http.paging import Next
from framework.http_api.http.parameters import MOST
from framework.http_api.models.app_models import AsOf, OutOfDate
from framework.http_api.models.variant_models import VariantPlace
from framework.preview.steps import STEPS
from prevs.states import Cause, State

MOST_USES, MOST_REFUSALS = 5000, 300
"""How many tasks one report of a proxy may have."""

_PREVIEW: dict[str, Any] = {
    "app": "hello",
    "sha": SHA,
    "commit": SHA,
    "state": "failed",
    "phase": "checking",
    "detail": "",
    "labels": ["main"],
    "url": "http://main.hello.localhost:8080/",
    "urls": ["http://main.hello.localhost:8080/"],
    "reason": "",
    "queue_place": None,
    "next_try": None,
    "failure": {
        "cause": "app-exited",
        "message": "The app exited with 1.",
        "exit_code": 1,
        "mistakes": [],
    },
    "port": 8080,
    "cpus": 0.1,
    "mem": 128,
    "containers": [{"name": "app", "image": "", "cpus": 0.1, "mem": 128}],
    "services": [],
    "task_id": TASK_ID,
    "agent": {"id": "f592d1ba-314b-43c2-b185-f8272c4b4746-S0", "host": "127.0.0.1"},
    "host_port": 31005,
    "created": 1764031200.0,
    "changed": 1764031207.5,
    "started": 1764031201.0,
    "last_used": None,
    "pinned": False,
    "ahead": False,
    "steps": [
        {"name": "queued", "began": 1764031200.0, "ended": 1764031200.5, "usual": 0.2},
        {"name": "placed", "began": 1764031200.5, "ended": 1764031201.0, "usual": 0.6},
        {"name": "fetching", "began": None, "ended": None, "usual": 1.5},
        {"name": "building", "began": None, "ended": None, "usual": 48.0},
        {"name": "starting", "began": 1764031201.0, "ended": 1764031201.5, "usual": 0.4},
        {"name": "checking", "began": 1764031201.5, "ended": 1764031207.5, "usual": 2.5},
    ],
}
_OTHER = "45f5e10" + "0" * 33
_RIVAL = {"label": "main", "sha": _OTHER, "commit": _OTHER, "state": "failed"}
_QUEUED: dict[str, Any] = {
    "place": 2,
    "app": "hello",
    "sha": SHA,
    "commit": SHA,
    "label": "main",
    "reason": "no agent has 2048 MB free; the most is 1536",
    "since": 1764031200.0,
}


class StartOrder(BaseModel):
    """Which preview to start."""

    model_config = order_example({"app": "hello", "label": "main"})

    app: str
    label: str = Field(
        description="A commit (7 to 40 digits), or a branch's or tag's slug; or that of a service "
        "of its preview, as in an address: result--main."
    )


class Mistake(BaseModel):
    """What is wrong in a line, and what to write instead.

    The file is the commit's .prevs.toml, or the compose file that the failure's message names.
    """

    model_config = example({"line": 3, "message": "prot is not known; did you mean port?"})

    line: int = Field(description="The first is 1.")
    message: str


class Failure(BaseModel):
    """Why a preview failed."""

    model_config = example(_PREVIEW["failure"])

    cause: Cause
    message: str
    exit_code: int | None
    mistakes: list[Mistake] = Field(
        default=[], description="Those in its commit's settings, by line, if they are the cause."
    )


class Agent(BaseModel):
    """The Mesos agent of a preview's attempt."""

    model_config = example(_PREVIEW["agent"])

    id: str
    host: str | None


class Step(BaseModel):
    """A step of a preview's current or last attempt. Times are in seconds since the epoch."""

    model_config = example(_PREVIEW["steps"][0])

    name: str = Field(json_schema_extra={"enum": list(STEPS)})
    began: float | None = Field(description="null: it has not begun, or is not needed.")
    ended: float | None
    usual: float | None = Field(
        description="Seconds: the median of the app's last attempts; null: none went through it."
    )


class Share(BaseModel):
    """A container of a preview, and what it takes."""

    model_config = example({"name": "db", "image": "postgres:17", "cpus": 0.1, "mem": 128})

    name: str = Field(description="app for the application, or a companion's name.")
    image: str = Field(description="What its commit names; empty: the commit's own.")
    cpus: float
    mem: int = Field(description="Its memory limit in MB.")


class ServiceAddress(BaseModel):
    """A companion that visitors reach, and its address."""

    model_config = example({"name": "result", "url": "http://result--main.hello.localhost:8080/"})

    name: str
    url: str


class Rival(BaseModel):
    """A preview of another commit that holds a label of this one, too."""

    model_config = example(_RIVAL)

    label: str
    sha: str
    commit: str
    state: State


class Preview(BaseModel):
    """An app at a commit. Times are in seconds since the epoch."""

    model_config = example(_PREVIEW)

    app: str
    sha: str = Field(description="Its id: that of its commit, but for an instance of a variant.")
    commit: str = Field(description="What it is built from.")
    state: State
    phase: str = Field(description="What the attempt is doing, as its executor last reported.")
    detail: str = Field(description="How far it is: the step of the Dockerfile, 3/5 RUN make.")
    labels: list[str] = Field(description="The labels that were requested, the newest last.")
    url: str = Field(description="The address of the newest label.")
    urls: list[str]
    reason: str = Field(
        description="Why it waits, or why it was stopped; what is wrong with it while it runs."
    )
    queue_place: int | None = Field(
        description="1 is the next that starts; null: it does not wait for an agent, or waits "
        "for its next try."
    )
    next_try: float | None = Field(description="When it is tried again; null: it need not wait.")
    failure: Failure | None
    port: int = Field(description="The port where it listens: its commit's, or else its app's.")
    cpus: float = Field(description="The CPU share of all its containers, likewise.")
    mem: int = Field(description="The memory of all its containers in MB, likewise.")
    containers: list[Share] = Field(
        description="The application, and its companions in the order in which they start before "
        "it."
    )
    services: list[ServiceAddress] = Field(
        default=[], description="What visitors reach beside the application, at the newest label."
    )
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    rivals: list[Rival] = Field(
        default=[],
        description="Previews of other commits that hold one of its labels. The label's address "
        "leads to the one that runs, until a newer one runs. If this one has failed, it leads "
        "to a running rival. If this one runs, rivals that do not are newer.",
    )
    pinned: bool = Field(description="It does not stop when it is idle, or to make room.")
    ahead: bool = Field(
        description="It was or is built ahead of its first visit; nobody has requested it yet."
    )
    steps: list[Step] = Field(description="All six, in order, whether it has reached them or not.")
    place: VariantPlace | None = Field(
        default=None, description="The variant of a stack whose own instance it is; null: none."
    )
    data: str = Field(
        default="",
        description="The branch whose data its attempt has; empty: it has data of its own, or "
        "none.",
    )
    same: list[str] = Field(
        default=[],
        description="The commits that it serves too, as nothing of what it is made of (`watch`) "
        "differs in them; the newest last.",
    )
    older_variables: list[str] = Field(
        default=[],
        description="The app's variables that were set or unset since its attempt was placed: its "
        "containers have them as they were. A restart gives it the newest.",
    )


class StartedPreview(Preview):
    """A preview that was requested by a label."""

    model_config = example({**_PREVIEW, "as_of": None, "problem": ""})

    as_of: AsOf = None
    problem: OutOfDate = ""


class PreviewDetail(Preview):
    """A preview; a failed one with the end of its log."""

    model_config = example({**_PREVIEW, "log_tail": "Traceback …\nKeyError: 'DATABASE'\n"})

    log_tail: str = Field(default="", description="The last lines; only of a failed preview.")


class Previews(BaseModel):
    """Previews, by app and time of creation."""

    model_config = example({"previews": [_PREVIEW], "next": None})

    previews: list[Preview]
    next: Next


class Queued(BaseModel):
    """A preview that waits for an agent."""

    model_config = example(_QUEUED)

    place: int = Field(description="1 is the next that starts.")
    app: str
    sha: str
    commit: str
    label: str | None = Field(description="The newest that was requested, if any.")
    reason: str = Field(description="Why it waits.")
    since: float = Field(description="In seconds since the epoch.")


class Queue(BaseModel):
    """What waits for an agent, the next first."""

    model_config = example({"queue": [_QUEUED], "next": None})

    queue: list[Queued]
    next: Next


class Use(BaseModel):
    """What a proxy reports about one task, or about one variant of a stack."""

    model_config = order_example({"task_id": TASK_ID, "open": 2, "requests": 17})

    task_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="The task's id. For a variant its name, |, and the gate at which it was"
            " used: `feature-x|shop`.",
        ),
    ]
    open: Annotated[int, Field(ge=0, le=MOST, description="Requests that are open now."), WHOLE]
    requests: Annotated[
        int, Field(ge=0, le=MOST, description="How many came since its last report."), WHOLE
    ]


class UseReport(BaseModel):
    """How tasks were used through a proxy since its last report."""

    model_config = order_example(
        {"proxy": "proxy-1", "uses": [{"task_id": TASK_ID, "open": 2, "requests": 17}]}
    )

    proxy: Annotated[str, Field(min_length=1, max_length=200, description="The proxy's id.")]
    uses: Annotated[list[Use], Field(max_length=MOST_USES)]
    addresses: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=45)]],
        Field(
            max_length=1000,
            description="From where it connects to previews. Agents let nobody else in.",
        ),
    ] = []
    user: Annotated[
        int | None,
        Field(ge=0, le=MOST, description="The id of the user that it runs as."),
        WHOLE,
    ] = None


class RefusalReport(BaseModel):
    """The tasks that refuse a proxy's connections now, while somebody waits for them there."""

    model_config = order_example({"proxy": "proxy-1", "tasks": [TASK_ID]})

    proxy: Annotated[str, Field(min_length=1, max_length=200, description="The proxy's id.")]
    tasks: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=MOST_REFUSALS)
    ]
