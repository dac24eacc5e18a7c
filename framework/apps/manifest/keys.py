"""The keys of a .prevs.toml: the allowed values of each, and its text in the documentation."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field

from framework.apps.manifest import declared, job_rules, rules
from framework.apps.manifest.companion_keys import MOST_COMPANIONS, Companions
from framework.apps.manifest.companion_problems import order_starts
from framework.apps.manifest.job_keys import MOST_JOBS, Job, JobName
from framework.apps.manifest.values import (
    MOST_VARIABLES,
    Cpus,
    Kept,
    Mem,
    Port,
    Stage,
    Table,
    Text,
    Volumes,
    Words,
)
from prevs.commit_settings import CommitSettings, HealthKind, RunSettings
from prevs.containers import BuildSettings, Keep
from prevs.job_settings import JobSettings

MOST_HOOKS, MOST_WATCHED = 20, 50
MOST_COMPOSE_FILES = 10

Name = Annotated[str, AfterValidator(rules.check_name)]
OwnName = Annotated[str, AfterValidator(rules.check_own_name)]
InTree = Annotated[str, AfterValidator(rules.check_path)]
ComposeFiles = Annotated[
    list[InTree],
    BeforeValidator(rules.list_paths),
    Field(min_length=1, max_length=MOST_COMPOSE_FILES),
]
HttpOnly = AfterValidator(rules.check_http_only)
HealthPath = Annotated[str, Field(max_length=200), HttpOnly, AfterValidator(rules.check_health)]
Status = Annotated[int, Field(ge=200, le=599)]


class Health(Table):
    """When it is ready: what the executor asks, until the answer says so."""

    # First, because the allowed values of the other keys depend on it.
    kind: Annotated[str, AfterValidator(rules.check_kind)] | None = Field(
        default=None,
        description="How to check it: `http` sends a `GET` over HTTP/1.1, or over HTTP/2 if it "
        "speaks nothing else; `grpc` calls gRPC's health service, and passes if there is none; "
        "`tcp` opens a connection. Default: `http`, or `grpc` if a gRPC server answers.",
        examples=['"grpc"'],
    )

    path: HealthPath | None = Field(
        default=None,
        description="The path to request. Default: the app's `health`.",
        examples=['"/healthz"'],
    )
    status: Annotated[
        list[Status],
        BeforeValidator(rules.make_list),
        Field(min_length=1, max_length=20),
        HttpOnly,
    ] = Field(
        default=[],
        description="The status that means ready: one, or a list. Default: any 2xx or 3xx.",
        examples=["200", "[200, 204]"],
    )
    host: Annotated[str, AfterValidator(rules.check_host)] | None = Field(
        default=None,
        description="The `Host` of the request, for a server that refuses those it does not know. "
        "Default: that of the preview's address.",
        examples=['"localhost"'],
    )
    timeout: Annotated[float, Field(ge=0.1, le=60)] | None = Field(
        default=None,
        description="How many seconds one answer may take.",
        examples=["5"],
    )
    grace: Annotated[float, Field(ge=1, le=3600)] | None = Field(
        default=None,
        description="How many seconds may pass from the container's start to the first answer "
        "that passes. Default: 60.",
        examples=["120"],
    )

    @property
    def check_kind(self) -> HealthKind:
        """The kind of the check. A file with statuses but without a kind means HTTP."""
        return HealthKind(self.kind or ("http" if self.status else ""))


_AMOUNTS = declared.table_of(
    JobSettings, Table, {}, {"cpus": Cpus, "mem": Mem}, only=("cpus", "mem")
)


class Resources(_AMOUNTS):  # type: ignore[misc, valid-type] # what it takes is as for a job
    """What it takes of its agent, within what the app lets its commits have."""


class Build(Table):
    """How its image is built. Paths begin at the app's folder, and stay in the repository."""

    dockerfile: InTree = Field(
        default=BuildSettings.dockerfile,
        description="The path of the Dockerfile.",
        examples=['"docker/Dockerfile"'],
    )
    context: InTree = Field(
        default=BuildSettings.context,
        description="The folder that the build sees.",
        examples=['".."'],
    )
    target: Stage | None = Field(
        default=None,
        description="The stage of the Dockerfile that runs. Default: the last.",
        examples=['"web"'],
    )
    args: Annotated[dict[Name, Text], Field(max_length=MOST_VARIABLES)] = Field(
        default={},
        description="Build arguments, a table of texts. They stay in the image's history, so "
        "put no secrets in them.",
        examples=['{ NODE_ENV = "production" }'],
    )


_Commands = Annotated[list[Words], Field(max_length=MOST_HOOKS)]


class Hooks(Table):
    """What runs in its container before the first request, in this order.

    Each is a list of commands that run one after the other, each a text or a list of words, without
    a shell (`["sh", "-c", "…"]` starts one). If one fails, the preview fails.
    """

    prepare: _Commands = Field(
        default=[],
        description="Run once for its `volumes`, with those of a branch once for each commit, or "
        "at each start if it has none.",
        examples=['["python manage.py migrate", ["python", "seed.py"]]'],
    )
    release: _Commands = Field(
        default=[],
        description="Run once for each commit on its data, such as migrations.",
        examples=['["python manage.py migrate"]'],
    )
    seed: _Commands = Field(
        default=[],
        description="Run once for data that are new, and no copy of another branch's.",
        examples=['["python manage.py loaddata demo"]'],
    )
    postdeploy: _Commands = Field(
        default=[],
        description="The same under another name; run after `seed`.",
        examples=['["bin/postdeploy"]'],
    )


class Top(Table):
    """The file as a whole."""

    port: Port | None = Field(
        default=None,
        description="The port where it listens, which `PORT` contains. Default: the app's `port`.",
        examples=["8000"],
    )
    command: Words | None = Field(
        default=None,
        description="The command that runs instead of the image's `CMD`: a list of words, or "
        "one text that is split into words as a shell would. No shell runs it.",
        examples=['["gunicorn", "shop:app"]', '"gunicorn shop:app"'],
    )
    read_only: bool = Field(
        default=RunSettings.read_only,
        description="Whether it may write only to its volumes and `/tmp`.",
        examples=["true"],
    )
    volumes: Volumes = Field(
        default=[],
        description="Folders in the container that outlive it, through stops and starts on one "
        "agent.",
        examples=['["/data"]'],
    )
    keep: Kept = Field(
        default=RunSettings.keep.value,
        description="Whose `volumes` are: with `commit` each commit has its own, with `branch` the "
        "next commit of a branch [goes on with them](companions.md#data). Default: `commit`.",
        examples=['"branch"'],
    )
    seed: Annotated[str, Field(max_length=300), AfterValidator(rules.check_seed)] | None = Field(
        default=None,
        description="What the data of a new branch [begin with](companions.md#data): "
        "`branch:NAME` for a copy of those of another branch. Default: they begin empty.",
        examples=['"branch:main"'],
    )
    stay: bool = Field(
        default=RunSettings.stay,
        description="Whether it waits up to 5 minutes for the agent that has its volumes, and its "
        "companions', before it starts elsewhere with empty ones. For those of a branch it always "
        "does.",
        examples=["true"],
    )
    compose: ComposeFiles | None = Field(
        default=None,
        description="The path of a [compose file](companions.md#a-compose-file): its services are "
        "the application and its companions. What is in this file wins over it. Of several paths "
        "each later file overrides those before it.",
        examples=['"compose.yaml"', '["compose.yaml", "compose.prevs.yaml"]'],
    )
    compose_service: (
        Annotated[
            str, Field(min_length=1, max_length=100), AfterValidator(rules.check_compose_service)
        ]
        | None
    ) = Field(
        default=None,
        description="The service of the compose file that is the application. Default: the one "
        "that publishes a port, is built, and that no other such service depends on.",
        examples=['"web"'],
    )
    watch: Annotated[
        list[Annotated[str, Field(max_length=200), AfterValidator(rules.check_watch)]],
        Field(max_length=MOST_WATCHED),
    ] = Field(
        default=[],
        description="What it is made of, as paths from the root of the repository on, where `*` "
        "and `?` match no slash and `**` matches folders. A push that changes nothing of it "
        "[keeps the running container](writing-an-app.md#watch). Default: a guess for an app with "
        "a folder, else everything.",
        examples=['["services/web/**", "libs/ui/**"]'],
    )
    environment: Annotated[dict[OwnName, Text], Field(max_length=MOST_VARIABLES)] = Field(
        default={},
        description="Environment variables, a table of texts. The app's own variables and "
        "secrets win over these.",
        examples=['{ DEBUG = "1" }'],
    )
    health: Health = Health()
    resources: Resources = Resources()
    build: Build = Build()
    hooks: Hooks = Hooks()
    companions: Companions = Field(default={}, max_length=MOST_COMPANIONS)
    jobs: Annotated[dict[JobName, Job], BeforeValidator(job_rules.check_jobs)] = Field(
        default={}, max_length=MOST_JOBS
    )

    def settings(self) -> CommitSettings:
        """Return the settings of the file, as they are stored and sent."""
        return CommitSettings(
            port=self.port,
            health=self.health.path,
            start_limit=self.health.grace,
            cpus=self.resources.cpus,
            mem=self.resources.mem,
            build=BuildSettings(
                dockerfile=self.build.dockerfile,
                context=self.build.context,
                target=self.build.target or "",
                args=self.build.args,
            ),
            watch=tuple(self.watch),
            run=RunSettings(
                command=tuple(self.command or ()),
                environment=self.environment,
                read_only=self.read_only,
                volumes=tuple(self.volumes),
                keep=Keep(self.keep),
                seed=(self.seed or "").partition(":")[2],
                hooks=tuple(map(tuple, self.hooks.prepare)),
                release=tuple(map(tuple, self.hooks.release)),
                seed_hooks=tuple(map(tuple, (*self.hooks.seed, *self.hooks.postdeploy))),
                statuses=tuple(self.health.status),
                check_timeout=self.health.timeout or 0.0,
                health_kind=self.health.check_kind,
                health_host=self.health.host or "",
                companions=order_starts(
                    table.settings(name) for name, table in self.companions.items()
                ),
                stay=self.stay,
            ),
        )

    def job_settings(self) -> Mapping[str, JobSettings]:
        """Return the settings of the file's jobs, by name."""
        return {name: job.settings() for name, job in self.jobs.items()}


def find_table(path: tuple[Any, ...]) -> type[Table] | None:
    """Return the table that a path of keys leads to; None if there is none."""
    kind: Any = Top
    for key in path:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif _is_table(kind) and key in kind.model_fields:
            kind = kind.model_fields[key].annotation
        else:
            return None
    return kind if _is_table(kind) else None


def list_tables() -> Mapping[str, type[Table]]:
    """Return all tables by their headers: "" for the top, jobs.NAME for that of a job."""
    paths = [path for name in Top.model_fields for path in ((name,), (name, "NAME"))]
    return {"": Top} | {".".join(path): table for path in paths if (table := find_table(path))}


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)
