"""What goes in and out of the API, as /docs shows it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from framework import repositories
from prevs import names
from prevs.records import AppRecord
from prevs.states import Cause, State

_SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"
_APP: dict[str, Any] = {
    "name": "hello",
    "repository": "https://git.example.org/hello.git",
    "port": 8080,
    "cpus": 0.1,
    "mem": 128,
    "max_previews": 10,
    "health": "/",
}
_PREVIEW: dict[str, Any] = {
    "app": "hello",
    "sha": _SHA,
    "state": "failed",
    "phase": "checking",
    "labels": ["main"],
    "url": "http://main.hello.localhost:8080/",
    "urls": ["http://main.hello.localhost:8080/"],
    "reason": "",
    "failure": {"cause": "app-exited", "message": "The app exited with 1.", "exit_code": 1},
    "task_id": f"hello.{_SHA}.0a1b2c3d4e",
    "agent": {"id": "f592d1ba-314b-43c2-b185-f8272c4b4746-S0", "host": "127.0.0.1"},
    "host_port": 31005,
    "created": 1764031200.0,
    "changed": 1764031207.5,
    "started": 1764031201.0,
    "last_used": None,
    "pinned": False,
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


def _check_name(name: str) -> str:
    if not names.is_app_name(name):
        raise PydanticCustomError(
            "app_name",
            "must be 1 to 40 of a-z, 0-9 and single hyphens, begin with a letter "
            "and not end with a hyphen",
        )
    return name


def _check_repository(repository: str) -> str:
    if problem := repositories.find_problem(repository):
        raise PydanticCustomError("repository", "{problem}", {"problem": problem})
    return repository


def _check_health(path: str) -> str:
    if not (path.startswith("/") and path.isascii() and path.isprintable() and " " not in path):
        raise PydanticCustomError(
            "health_path", "must begin with / and have no spaces or control characters in it"
        )
    return path


Name = Annotated[str, AfterValidator(_check_name), Field(description="A DNS label.")]
Repository = Annotated[
    str,
    AfterValidator(_check_repository),
    Field(description="A git URL without credentials, or an absolute path on the framework's host"),
]
Port = Annotated[int, Field(ge=1, le=65535, description="Where the application listens.")]
Cpus = Annotated[float, Field(ge=0.01, le=64, allow_inf_nan=False, description="A CPU share.")]
Mem = Annotated[int, Field(ge=16, le=1_048_576, description="A memory limit in MB.")]
MaxPreviews = Annotated[int, Field(ge=1, le=1000, description="How many may run at a time.")]
Health = Annotated[
    str,
    AfterValidator(_check_health),
    Field(max_length=200, description="The path that answers when the application is ready."),
]


class AppSettings(BaseModel):
    """A new app."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_APP]})

    name: Name
    repository: Repository
    port: Port = AppRecord.port
    cpus: Cpus = AppRecord.cpus
    mem: Mem = AppRecord.mem
    max_previews: MaxPreviews = AppRecord.max_previews
    health: Health = AppRecord.health


class AppChanges(TypedDict, total=False):
    """Settings to be changed; what is left out stays."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc] # pydantic's documented way
        extra="forbid", strict=True, json_schema_extra={"examples": [{"mem": 256}]}
    )

    repository: Repository
    port: Port
    cpus: Cpus
    mem: Mem
    max_previews: MaxPreviews
    health: Health


class App(BaseModel):
    """An app and its settings."""

    model_config = _example({**_APP, "created": 1764031200.0})

    name: str
    repository: str
    port: int
    cpus: float
    mem: int
    max_previews: int
    health: str
    created: float = Field(description="In seconds since the epoch.")


class Apps(BaseModel):
    """Every app, by name."""

    apps: list[App]


class Lead(BaseModel):
    """The commit that a label leads to."""

    model_config = _example(
        {
            "app": "hello",
            "label": "main",
            "sha": _SHA,
            "kind": "branch",
            "ref": "main",
            "author": "Ada",
            "subject": "Greet in three languages",
            "committed": 1764031200.0,
            "url": "http://main.hello.localhost:8080/",
        }
    )

    app: str
    label: str
    sha: str
    kind: Literal["branch", "tag", "commit"]
    ref: str | None = Field(description="The branch's or tag's name.")
    author: str
    subject: str
    committed: float = Field(description="In seconds since the epoch.")
    url: str


class StartOrder(BaseModel):
    """Which preview to start."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"app": "hello", "label": "main"}]},
    )

    app: str
    label: str = Field(description="A commit (7 to 40 digits), or a branch's or tag's slug.")


class Failure(BaseModel):
    """Why a preview failed."""

    cause: Cause
    message: str
    exit_code: int | None


class Agent(BaseModel):
    """The Mesos agent of a preview's attempt."""

    id: str
    host: str | None


class Preview(BaseModel):
    """An app at a commit. Times are in seconds since the epoch."""

    model_config = _example(_PREVIEW)

    app: str
    sha: str
    state: State
    phase: str = Field(description="What the attempt is doing, as its executor last said.")
    labels: list[str] = Field(description="The labels that were asked for, the newest last.")
    url: str = Field(description="The address of the newest label.")
    urls: list[str]
    reason: str = Field(description="Why it waits.")
    failure: Failure | None
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    pinned: bool


class PreviewDetail(Preview):
    """A preview; a failed one with the end of its log."""

    model_config = _example({**_PREVIEW, "log_tail": "Traceback …\nKeyError: 'DATABASE'\n"})

    log_tail: str = Field(default="", description="The last lines; only of a failed preview.")


class Previews(BaseModel):
    """Previews, by app and time of creation."""

    previews: list[Preview]
