"""Apps as they go in and out of the API, as /docs shows them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from framework.apps import repository_url
from framework.apps.forge_settings import (
    Followed,
    ForgeSetting,
    Forks,
    Kind,
    PullsSetting,
    Tell,
)
from framework.apps.warm_setting import Warm
from framework.http_api.http.examples import SHA, example, order_example
from framework.http_api.http.paging import Next
from framework.http_api.http.parameters import WHOLE
from framework.http_api.models.variant_models import VariantPlace
from framework.matching import constraints
from framework.preview import keep_warm
from prevs import names
from prevs.records import AppRecord

_APP: dict[str, Any] = {
    "name": "hello",
    "repository": "https://git.example.org/hello.git",
    "port": 8080,
    "cpus": 0.1,
    "mem": 128,
    "max_previews": 10,
    "max_jobs": 10,
    "health": "/",
    "idle_after": 3600,
    "keep_warm": ["mon-fri 08:00-18:00"],
    "constraints": ["zone=a|b", "disk!=slow", "gpu"],
    "folder": "services/web",
    "max_cpus": 1.0,
    "max_mem": 512,
    "room": "auto",
    "forge": "auto",
    "pulls": "auto",
    "forks": "approve",
    "warm": "pulls",
    "tell": ["comment", "status"],
}
_MEANT: dict[str, Any] = {
    "room_shows": "full",
    "forge_kind": "gitlab",
    "forge_token_set": 1764031200.0,
    "pulls_followed": "branches",
    "created": 1764031200.0,
}


def _check_name(name: str) -> str:
    if not names.is_app_name(name):
        raise PydanticCustomError(
            "app_name",
            "must have 1 to 40 characters (a-z, 0-9 and single hyphens), begin with a letter "
            "and not end with a hyphen",
        )
    if name == names.SIGN_IN:
        raise PydanticCustomError("app_name", "is reserved: visitors sign in at this host")
    return name


def _refusing(find_problem: Callable[[str], str | None]) -> AfterValidator:
    """Return a validator from a function that returns what is wrong with a text, or None."""

    def check(text: str) -> str:
        if problem := find_problem(text):
            raise PydanticCustomError("setting", "{problem}", {"problem": problem})
        return text

    return AfterValidator(check)


def _of_format(name: str, longest: int) -> Any:
    """Return the description of a text that no pattern describes."""
    return Field(max_length=longest, json_schema_extra={"format": name, "minLength": 1})


def _check_health(path: str) -> str:
    if not (path.startswith("/") and path.isascii() and path.isprintable() and " " not in path):
        raise PydanticCustomError(
            "health_path", "must begin with / and contain no spaces or control characters"
        )
    return path


Name = Annotated[
    str,
    AfterValidator(_check_name),
    Field(
        description="A DNS label of at most 40 characters without two hyphens in a row.",
        json_schema_extra={
            "minLength": 1,
            "maxLength": 40,
            "pattern": "^[a-z]([a-z0-9]|-[a-z0-9])*$",
        },
    ),
]
Repository = Annotated[
    str,
    _refusing(repository_url.find_problem),
    Field(
        description="A git URL without credentials, user@host:path, or an absolute path on the "
        "framework's host.",
        json_schema_extra={"format": "git-repository", "minLength": 1, "maxLength": 2000},
    ),
]
Port = Annotated[
    int, Field(ge=1, le=65535, description="The port where the application listens."), WHOLE
]
Cpus = Annotated[float, Field(ge=0.01, le=64, allow_inf_nan=False, description="A CPU share.")]
MOST_MEM = 1_048_576
"""In MB: more than any machine that runs previews has."""
Mem = Annotated[int, Field(ge=16, le=MOST_MEM, description="A memory limit in MB."), WHOLE]
MaxPreviews = Annotated[
    int, Field(ge=1, le=1000, description="How many previews may run at a time."), WHOLE
]
MaxJobs = Annotated[
    int, Field(ge=1, le=1000, description="How many jobs may run at a time."), WHOLE
]
Health = Annotated[
    str,
    AfterValidator(_check_health),
    Field(
        max_length=200,
        description="The path that answers when the application is ready.",
        json_schema_extra={"pattern": "^/[!-~]*$"},
    ),
]
IdleAfter = Annotated[
    int,
    Field(
        ge=0,
        le=31_536_000,
        description="A preview stops after so many seconds without use; 0: never.",
    ),
    WHOLE,
]
KeepWarm = Annotated[
    list[Annotated[str, _of_format("utc-hours", 100), _refusing(keep_warm.find_problem)]],
    Field(max_length=20, description="Hours (UTC) in which no preview stops because it is idle."),
]
Constraints = Annotated[
    list[Annotated[str, _of_format("agent-constraint", 200), _refusing(constraints.find_problem)]],
    Field(
        max_length=20,
        description="The agents that it may run on, by their attributes: an attribute has one "
        "of some values, does not have a value, or exists.",
    ),
]

Folder = Annotated[
    str,
    _refusing(repository_url.find_folder_problem),
    Field(
        max_length=200,
        description="The folder of its Dockerfile and its .prevs.toml in the repository. Empty: "
        "the root.",
        json_schema_extra={"format": "repository-folder"},
    ),
]
MaxCpus = Annotated[
    float,
    Field(
        ge=0,
        le=64,
        allow_inf_nan=False,
        description="The largest CPU share that a commit may ask for in its .prevs.toml; 0: no "
        "more than `cpus`.",
    ),
]
MaxMem = Annotated[
    int,
    Field(
        ge=0,
        le=MOST_MEM,
        description="The most memory in MB that a commit may ask for; 0: no more than `mem`.",
    ),
    WHOLE,
]
Room = Annotated[
    Literal["auto", "full", "status"],
    Field(
        description="What the waiting room shows to visitors: with `full` the commit, its build "
        "log and more; with `status` the steps and a sentence. `auto` is `status` if the "
        "repository is read with a credential or over ssh, else `full`.",
    ),
]


Forge = Annotated[
    ForgeSetting,
    Field(
        description="The kind of host that the repository is on. `auto` goes by the host's name, "
        "and is `none` for an unknown one.",
    ),
]
Pulls = Annotated[
    PullsSetting,
    Field(
        description="Which pull requests are followed: `branches` are those whose head is in the "
        "repository itself, `all` also those of forks. `auto` is `branches` with a token for the "
        "forge, else `off`.",
    ),
]
ForkRule = Annotated[
    Forks,
    Field(
        description="Whether commits of forks may be built: `never`, once somebody has approved "
        "the commit, or also without that if its people may write to the repository (`members`).",
    ),
]
TellWays = Annotated[
    list[Tell],
    Field(
        max_length=3,
        description="How pull requests are told about their previews, once there is a token for "
        "the forge: by a comment, by a commit status, by deployments (at GitHub). Empty: not at "
        "all.",
    ),
]

WarmRule = Annotated[
    Warm,
    Field(
        description="Whose new heads are built before anybody visits them: those of open pull "
        "requests that are followed (`pulls`), or also those of branches (`branches`).",
    ),
]


class AppSettings(BaseModel):
    """A new app."""

    model_config = order_example(_APP)

    name: Name
    repository: Repository
    port: Port = AppRecord.port
    cpus: Cpus = AppRecord.cpus
    mem: Mem = AppRecord.mem
    max_previews: MaxPreviews = AppRecord.max_previews
    max_jobs: MaxJobs = AppRecord.max_jobs
    health: Health = AppRecord.health
    idle_after: IdleAfter = AppRecord.idle_after
    keep_warm: KeepWarm = list(AppRecord.keep_warm)
    constraints: Constraints = list(AppRecord.constraints)
    folder: Folder = AppRecord.folder
    max_cpus: MaxCpus = AppRecord.max_cpus
    max_mem: MaxMem = AppRecord.max_mem
    room: Room = "auto"
    forge: Forge = "auto"
    pulls: Pulls = "auto"
    forks: ForkRule = "approve"
    warm: WarmRule = "off"
    tell: TellWays = ["comment", "status"]


class AppChanges(TypedDict, total=False):
    """Settings to change; those that are left out stay as they are."""

    __pydantic_config__ = order_example({"mem": 256})  # type: ignore[misc] # the documented way

    repository: Repository
    port: Port
    cpus: Cpus
    mem: Mem
    max_previews: MaxPreviews
    max_jobs: MaxJobs
    health: Health
    idle_after: IdleAfter
    keep_warm: KeepWarm
    constraints: Constraints
    folder: Folder
    max_cpus: MaxCpus
    max_mem: MaxMem
    room: Room
    forge: Forge
    pulls: Pulls
    forks: ForkRule
    warm: WarmRule
    tell: TellWays


class App(BaseModel):
    """An app and its settings."""

    model_config = example({**_APP, **_MEANT})

    name: str
    repository: str
    port: int
    cpus: float
    mem: int
    max_previews: int
    max_jobs: int
    health: str
    idle_after: int = Field(description="In seconds; 0: never.")
    keep_warm: list[str]
    constraints: list[str]
    folder: str
    max_cpus: float
    max_mem: int
    room: Room
    room_shows: Literal["full", "status"] = Field(description="What `room` means for this app.")
    forge: Forge
    forge_kind: Kind = Field(description="What `forge` means for this app.")
    forge_token_set: float | None = Field(
        description="When its token for the forge was set, in seconds since the epoch; null if it "
        "has none. Nothing else of the token is shown."
    )
    pulls: Pulls
    pulls_followed: Followed = Field(description="What `pulls` means for this app.")
    forks: ForkRule
    warm: WarmRule
    tell: TellWays
    created: float = Field(description="In seconds since the epoch.")


class Apps(BaseModel):
    """Apps, by name."""

    model_config = example(
        {
            "apps": [{**_APP, **_MEANT}],
            "next": "WyJoZWxsbyJd",
        }
    )

    apps: list[App]
    next: Next


class Belongings(BaseModel):
    """What goes with an app when somebody removes it."""

    model_config = example(
        {"sentence": "This also removes 3 previews (2 running) and the gate api.", "stacks": []}
    )

    sentence: str = Field(description="What is removed too; empty if that is nothing.")
    stacks: list[str] = Field(
        description="The stacks of which it is a member. While there are any, it cannot be removed."
    )


AsOf = Annotated[
    float | None,
    Field(
        description="If the repository cannot be read now: when the label led there, in seconds "
        "since the epoch, or null if that is not known. Else null.",
    ),
]
OutOfDate = Annotated[
    str, Field(description="Why the repository cannot be read now; empty if it was read.")
]


class Lead(BaseModel):
    """The commit that a label leads to."""

    model_config = example(
        {
            "app": "hello",
            "label": "main",
            "sha": SHA,
            "commit": SHA,
            "kind": "branch",
            "ref": "main",
            "author": "Ada",
            "subject": "Greet in three languages",
            "committed": 1764031200.0,
            "url": "http://main.hello.localhost:8080/",
            "as_of": None,
            "problem": "",
            "place": None,
        }
    )

    app: str
    label: str
    sha: str = Field(description="The id of its preview: that of the commit, but for a variant's.")
    commit: str
    kind: Literal["branch", "tag", "pull", "commit"]
    ref: str | None = Field(description="The branch's or tag's name.")
    author: str
    subject: str
    committed: float = Field(description="In seconds since the epoch.")
    url: str
    as_of: AsOf = None
    problem: OutOfDate = ""
    place: VariantPlace | None = Field(
        default=None, description="The variant of whose own instance it is the label; null: none."
    )


def read_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the fields of an AppRecord."""
    return {key: tuple(x) if isinstance(x, list) else x for key, x in given.items()}
