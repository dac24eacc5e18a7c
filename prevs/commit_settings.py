"""What a commit says of itself in its `.prevs.toml`: how it is built, run and checked.

The framework reads it; it is stored with the preview, and rides in the order to the executor.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Optional

FILE = ".prevs.toml"
"""Where a commit says it, in the app's folder."""


class HealthKind(enum.Enum):
    """How an application is asked whether it is ready.

    A page over HTTP, gRPC's health service, or a connection alone; the first is for who asks to
    find out, between HTTP and gRPC.
    """

    GUESSED = ""
    HTTP = "http"
    GRPC = "grpc"
    TCP = "tcp"


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How the image is built. Paths are relative to the app's folder, and stay in the repository.

    Without a `target` it is the Dockerfile's last stage.
    """

    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""
    args: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How the container runs and is checked.

    Without a `command` it is the image's. `volumes` are absolute paths in the container that live
    as long as the preview. `hooks` are argument vectors that run once, in order, before the first
    request. `statuses` pass the health check; none means any 2xx or 3xx. `check_timeout` is how
    many seconds one check may take, 0 for the executor's own limit, `health_kind` how it asks.
    """

    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    read_only: bool = False
    volumes: tuple[str, ...] = ()
    hooks: tuple[tuple[str, ...], ...] = ()
    statuses: tuple[int, ...] = ()
    check_timeout: float = 0.0
    health_kind: HealthKind = HealthKind.GUESSED


@dataclasses.dataclass(frozen=True)
class CommitSettings:
    """All that a commit says; None is what it leaves to its app.

    `start_limit` is how many seconds it may take until the check passes, `cpus` a share, `mem` a
    limit in MB.
    """

    port: Optional[int] = None
    health: Optional[str] = None
    start_limit: Optional[float] = None
    cpus: Optional[float] = None
    mem: Optional[int] = None
    build: BuildSettings = dataclasses.field(default_factory=BuildSettings)
    run: RunSettings = dataclasses.field(default_factory=RunSettings)
