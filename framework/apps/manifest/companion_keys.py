"""The keys of the [companions.NAME] in a .prevs.toml, as keys.py has those of the other tables."""

from typing import Annotated, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, WrapValidator

from framework.apps.manifest import companion_rules
from framework.apps.manifest.companion_rules import Ready
from framework.apps.manifest.values import (
    MOST_VARIABLES,
    MOST_WORDS,
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
from prevs import companions
from prevs.containers import Keep

MOST_COMPANIONS = 20

CompanionName = Annotated[str, AfterValidator(companion_rules.check_companion_name)]
Image = Annotated[str, Field(max_length=255), AfterValidator(companion_rules.check_image)]
BuildKey = Annotated[str, AfterValidator(companion_rules.check_build_key)]
Variable = Annotated[str, AfterValidator(companion_rules.check_variable)]
_READY_KINDS = [{"type": "array", "maxItems": MOST_WORDS}, {"type": "object"}]
ReadyCheck = Annotated[
    Words, WrapValidator(companion_rules.read_ready), WithJsonSchema({"anyOf": _READY_KINDS})
]


class Companion(Table):
    """A container that starts before the application, and ends with it: a database, a worker.

    NAME is a host name that leads to it: 1 to 63 characters of `a-z`, `0-9` and `-`, and neither
    `app` nor `localhost`. A file may have 20 companions. [Companions](companions.md) has an
    example.
    """

    image: Image | None = Field(
        default=None,
        description="The image to pull. Without one, it runs in the image of the application.",
        examples=['"postgres:17"'],
    )
    build: Annotated[dict[BuildKey, Stage], AfterValidator(companion_rules.check_build)] = Field(
        default={},
        description="Instead of `image`: another stage of the application's Dockerfile.",
        examples=['{ target = "worker" }'],
    )
    command: Words | None = Field(
        default=None,
        description="The command that runs instead of the image's `CMD`, as at the top.",
        examples=['["celery", "-A", "shop", "worker"]', "\"redis-server --save ''\""],
    )
    environment: Annotated[dict[Variable, Text], Field(max_length=MOST_VARIABLES)] = Field(
        default={},
        description="Environment variables for it alone, a table of texts.",
        examples=['{ POSTGRES_PASSWORD = "x" }'],
    )
    read_only: bool = Field(
        default=False,
        description="Whether it may write to its volumes and to `/tmp` alone, as at the top.",
        examples=["true"],
    )
    volumes: Volumes = Field(
        default=[],
        description="Folders in its container that outlive it, as at the top.",
        examples=['["/var/lib/postgresql/data"]'],
    )
    keep: Kept = Field(
        default=companions.Companion.keep.value,
        description="Whose its `volumes` are, as at the top. Default: `branch`.",
        examples=['"commit"'],
    )
    ready: ReadyCheck | None = Field(
        default=None,
        description="When it is ready: a command that exits with 0 in its container, or a port "
        "that something listens at. Default: as soon as it runs.",
        examples=['["pg_isready", "-U", "postgres"]', "{ port = 6379 }"],
    )
    port: Port | None = Field(
        default=None,
        description="A port at which it serves pages: visitors reach it at an address of its own, "
        "`<name>--<label>.<app>`. Without `ready` it is ready once something listens there.",
        examples=["8081"],
    )
    after: Annotated[list[Text], Field(max_length=MOST_COMPANIONS)] = Field(
        default=[],
        description="The companions that have to be ready before it starts. Without it, it starts "
        "at once; the application starts after all of them.",
        examples=['["db"]'],
    )
    cpus: Cpus = Field(
        default=companions.Companion.cpus,
        description="A share of CPUs. Default: 0.1. All containers together may have the app's "
        "`max_cpus`.",
        examples=["0.5"],
    )
    mem: Mem = Field(
        default=companions.Companion.mem,
        description="A memory limit in MB. Default: 128. All containers together may have the "
        "app's `max_mem`.",
        examples=["256"],
    )

    def settings(self, name: str) -> companions.Companion:
        """Return the companion of that name, as it is stored and sent."""
        ready = cast("Ready | None", self.ready) or Ready()
        return companions.Companion(
            name=name,
            image=self.image or "",
            target=self.build.get("target", ""),
            command=tuple(self.command or ()),
            environment=self.environment,
            volumes=tuple(self.volumes),
            read_only=self.read_only,
            keep=Keep(self.keep),
            ready=ready.command,
            ready_port=ready.port,
            port=self.port or 0,
            after=tuple(dict.fromkeys(self.after)),
            cpus=self.cpus,
            mem=self.mem,
        )


Companions = Annotated[
    dict[CompanionName, Companion], BeforeValidator(companion_rules.check_companions)
]
