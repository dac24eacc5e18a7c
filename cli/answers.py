"""The shapes of what the API answers, as far as the commands read them.

What `--json` prints is the answer as it came, with whatever else a newer API says.
"""

from typing import NotRequired, TypedDict


class App(TypedDict):
    """An app's settings; `cpus` is a share, `mem` in MB, `idle_after` in seconds (0: never).

    `created` is in seconds since the epoch.
    """

    name: str
    repository: str
    port: int
    cpus: float
    mem: int
    max_previews: int
    health: str
    idle_after: int
    keep_warm: list[str]
    constraints: list[str]
    created: float


class Failure(TypedDict):
    """Why a preview failed."""

    cause: str
    message: str
    exit_code: int | None


class Agent(TypedDict):
    """Where an attempt runs or ran."""

    id: str
    host: str | None


class Preview(TypedDict):
    """An app at a commit. Times are in seconds since the epoch."""

    app: str
    sha: str
    state: str
    phase: str
    labels: list[str]
    url: str
    urls: list[str]
    reason: str
    queue_place: int | None
    next_try: float | None
    failure: Failure | None
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    pinned: bool
    log_tail: NotRequired[str]


class Queued(TypedDict):
    """A preview that waits for an agent; `place` 1 is the next, `since` in epoch seconds."""

    place: int
    app: str
    sha: str
    label: str | None
    reason: str
    since: float


class Label(TypedDict):
    """What a label leads to. `kind` is branch, tag or commit."""

    app: str
    label: str
    sha: str
    kind: str
    ref: str | None
    subject: str
    url: str
