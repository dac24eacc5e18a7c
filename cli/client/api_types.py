"""The types of the API's answers, as far as the commands read them.

`--json` prints an answer as it came, with every field that a newer API adds.
"""

from typing import Any, NotRequired, TypedDict

from cli.client.stacks.stack_types import VariantPlace


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
    folder: NotRequired[str]
    max_jobs: NotRequired[int]
    max_cpus: NotRequired[float]
    max_mem: NotRequired[int]
    room: NotRequired[str]
    room_shows: NotRequired[str]
    forge: NotRequired[str]
    forge_kind: NotRequired[str]
    forge_token_set: NotRequired[float | None]
    pulls: NotRequired[str]
    pulls_followed: NotRequired[str]
    forks: NotRequired[str]
    warm: NotRequired[str]
    tell: NotRequired[list[str]]


class Mistake(TypedDict):
    """What is wrong in a line of a commit's .prevs.toml."""

    line: int
    message: str


class Failure(TypedDict):
    """Why a preview failed; `mistakes` are those in its commit's settings."""

    cause: str
    message: str
    exit_code: int | None
    mistakes: NotRequired[list[Mistake]]


class Agent(TypedDict):
    """Where an attempt runs or ran."""

    id: str
    host: str | None


class Step(TypedDict):
    """A step of an attempt; `began` is None if the step was not reached or was skipped.

    `usual` is how many seconds it took in the app's last attempts, None if there were none.
    """

    name: str
    began: float | None
    ended: float | None
    usual: float | None


class Share(TypedDict):
    """A container of a preview, and what it takes; `image` is "" for the commit's own."""

    name: str
    image: str
    cpus: float
    mem: int


class Rival(TypedDict):
    """A preview of another commit that has one of the same labels."""

    label: str
    sha: str
    commit: NotRequired[str]
    state: str


class Preview(TypedDict):
    """An app at a commit. Times are in seconds since the epoch.

    `sha` is its id; stacks.instances.find_commit has its commit. `place` is the variant whose own
    instance it is. `detail` is the work in the phase, such as the step of the Dockerfile. An older
    framework sends no `rivals`.
    """

    app: str
    sha: str
    commit: NotRequired[str]
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
    ahead: NotRequired[bool]
    detail: NotRequired[str]
    rivals: NotRequired[list[Rival]]
    port: NotRequired[int]
    cpus: NotRequired[float]
    mem: NotRequired[int]
    containers: NotRequired[list[Share]]
    steps: NotRequired[list[Step]]
    place: NotRequired[VariantPlace | None]
    log_tail: NotRequired[str]


class Attempt(TypedDict):
    """One try to run a preview; `ended` is None while it goes on. Times are in epoch seconds."""

    number: int
    task_id: str | None
    began: float
    ended: float | None
    outcome: str
    exit_code: int | None
    why: str
    log_kept: bool


class Started(TypedDict):
    """What the answer to a start has beside the preview.

    If the repository could not be read, `problem` says why, and `as_of` is when it last could.
    """

    as_of: NotRequired[float | None]
    problem: NotRequired[str]


class Queued(TypedDict):
    """A preview that waits for an agent; `place` 1 is the next, `since` in epoch seconds."""

    place: int
    app: str
    sha: str
    commit: NotRequired[str]
    label: str | None
    reason: str
    since: float


class Label(TypedDict):
    """What a label leads to. `kind` is branch, tag, pull or commit."""

    app: str
    label: str
    sha: str
    commit: NotRequired[str]
    kind: str
    ref: str | None
    subject: str
    url: str
    problem: NotRequired[str]


class Commit(TypedDict):
    """A commit of an app's repository, with its address. A merge has several parents."""

    sha: str
    author: str
    subject: str
    committed: float
    url: str
    parents: list[str]


class Ref(TypedDict):
    """A branch or a tag, and its commit. `kind` is branch or tag.

    `url` is None if the label could mean other commits too.
    """

    name: str
    kind: str
    label: str
    sha: str
    author: str
    subject: str
    committed: float
    url: str | None


class Resources(TypedDict):
    """CPUs, and MB of memory."""

    cpus: float
    mem: float


class AgentPreview(TypedDict):
    """A preview that uses resources of an agent."""

    app: str
    sha: str
    commit: NotRequired[str]
    label: str | None
    state: str
    cpus: float
    mem: float


class Unfit(TypedDict):
    """Why an agent gets no attempts now, since when and until when, in epoch seconds."""

    reason: str
    since: float
    until: float


class Isolation(TypedDict):
    """What previews and builds on an agent can reach; see prevs.messages.Isolation."""

    allowed: list[str]
    required: bool
    builds: bool
    fetches: bool
    open: str | None
    builds_open: str | None
    builds_unlimited: str | None
    builds_privileged: str | None
    ports_open: str | None


class MesosAgent(TypedDict):
    """An agent of the cluster; one that is inactive or draining takes nothing new.

    `maintenance` is when it begins, in epoch seconds, None if none is planned. `unfit` is None if
    the agent is fit, `isolation` is None if nothing has started there yet; an older framework sends
    neither. `others` is the part of `used` that belongs to no preview.
    """

    id: str
    host: str
    active: bool
    draining: bool
    maintenance: float | None
    unfit: NotRequired[Unfit | None]
    isolation: NotRequired[Isolation | None]
    attributes: dict[str, Any]
    total: Resources
    used: Resources
    others: Resources
    previews: list[AgentPreview]


class Event(TypedDict):
    """Something that happened to a preview or an app, at `at` in epoch seconds."""

    id: str
    at: float
    type: str
    app: str
    sha: str | None
    label: str | None
    state: str | None
    before: str | None
    sentence: str
    task_id: str | None


class Token(TypedDict):
    """A token's name and scope; only the answer that creates it has the `token` itself.

    `app` is the one app that it is for, None for all; an older framework does not send it.
    """

    name: str
    scope: str
    app: NotRequired[str | None]
    created: float
    token: NotRequired[str]


class Variable(TypedDict):
    """A variable of an app's containers; `value` is None for a secret one.

    An earlier framework sends no scopes.
    """

    name: str
    secret: bool
    value: str | None
    changed: float
    branches: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    given_for: NotRequired[str]


class Credential(TypedDict):
    """The credential of an app's repository. `kind` is password or ssh-key.

    Each of the other fields belongs to one of the two kinds.
    """

    kind: str
    username: str | None
    fingerprint: str | None
    known_hosts: str | None
    changed: float


class Hooks(TypedDict):
    """Where an app's forge sends webhooks, and how the repository is read.

    `last` is when the last one came, in epoch seconds. `polled_every` is in seconds, None while no
    preview needs the repository.
    """

    url: str
    where: str
    has_secret: bool
    has_former_secret: bool
    last: float | None
    polled_every: float | None


class NewHookSecret(TypedDict):
    """A new webhook secret, and the address that goes with it."""

    url: str
    secret: str


class Pass(TypedDict):
    """A pass of visitors, without its text. `kind` is share or machine; `label` None: all.

    Times are in seconds since the epoch.
    """

    id: str
    name: str
    kind: str
    label: str | None
    until: float
    by: str
    created: float


class NewPass(Pass):
    """A pass that was just issued, with its `text`; a share link has the `link`."""

    text: str
    link: str | None


class Access(TypedDict):
    """Who may look at an app's previews: `access` is its mode."""

    access: str
    era: int
    preflight: bool
    https: bool
    passes: list[Pass]


class AuditEntry(TypedDict):
    """An entry of the audit log; `who` is None if the framework does not know the token.

    `request` is the id of the request in the logs of the framework and the proxy.
    """

    id: str
    at: float
    who: str | None
    scope: str | None
    action: str
    target: str
    outcome: int | str
    client: str
    request: str | None
