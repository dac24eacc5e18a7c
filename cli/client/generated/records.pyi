"""What the API answers, as its description says. Made by `make generate`: do not edit.

Fields that a newer framework adds are in an answer all the same: `--json` prints it as it came.
"""

from typing import Literal, NotRequired, TypedDict

class App(TypedDict):
    """An app and its settings."""

    repository: str
    port: int
    cpus: float
    mem: int
    max_previews: int
    max_jobs: int
    health: str
    idle_after: int
    keep_warm: list[str]
    constraints: list[str]
    folder: str
    service: str
    max_cpus: float
    max_mem: int
    room: Literal["auto", "full", "status"]
    forge: str
    pulls: Literal["auto", "off", "branches", "all"]
    forks: Literal["never", "approve", "members"]
    warm: Literal["off", "pulls", "branches"]
    tell: list[Literal["comment", "status", "deployment"]]
    name: str
    room_shows: Literal["full", "status"]
    forge_kind: str
    forge_token_set: float | None
    pulls_followed: Literal["off", "branches", "all"]
    created: float

class Apps(TypedDict):
    """Apps, by name."""

    apps: list[App]
    next: str | None

class Artifact(TypedDict):
    """A file that a job's command left in /run/prevs/artifacts."""

    path: str
    size: int

class Artifacts(TypedDict):
    """The files that the last attempt of an ended job left."""

    artifacts: list[Artifact]
    attempt: int | None
    until: float | None

class Agent(TypedDict):
    """The Mesos agent of a preview's attempt."""

    id: str
    host: str | None

Cause = Literal[
    "repository-unreachable",
    "commit-missing",
    "dockerfile-missing",
    "build-failed",
    "start-failed",
    "app-exited",
    "never-listened",
    "unhealthy",
    "out-of-memory",
    "docker-unavailable",
    "task-lost",
    "task-rejected",
    "executor-failed",
    "settings-invalid",
    "hook-failed",
    "disk-full",
    "commit-too-large",
    "agent-unfit",
    "registry-unreachable",
    "agent-open",
    "timed-out",
    "expired",
    "result-unusable",
    "companion-failed",
    "preview-stopped",
]

Outcome = Literal["underway", "stopped", "failed"]

class Attempt(TypedDict):
    """One try to run a preview. Times are in seconds since the epoch."""

    number: int
    task_id: str | None
    agent: Agent | None
    began: float
    ended: float | None
    reached: str
    outcome: Outcome
    cause: Cause | None
    exit_code: int | None
    why: str
    log_kept: bool

class Attempts(TypedDict):
    """The current attempt and the last few before it, the newest first."""

    attempts: list[Attempt]

class AuditEntry(TypedDict):
    """What somebody did or tried."""

    id: str
    at: float
    who: str | None
    scope: str | None
    action: str
    target: str
    outcome: int | str
    client: str
    request: str | None

class AuditLog(TypedDict):
    """The latest entries of the audit log, the newest first."""

    entries: list[AuditEntry]
    next: str | None

class Belongings(TypedDict):
    """What goes with an app when somebody removes it."""

    sentence: str
    stacks: list[str]

class CancelledJobs(TypedDict):
    """How many jobs of a group were cancelled."""

    jobs: int

class ShownVariable(TypedDict):
    """A variable of an app's containers."""

    name: str
    secret: bool
    value: str | None
    changed: float
    branches: list[str]
    tags: list[str]
    given_for: Literal["build", "run", "both"]

class ChangedVariables(TypedDict):
    """What became of variables that were just set, by their names."""

    new: list[str]
    changed: list[str]
    same: list[str]
    variables: list[ShownVariable]
    holds_for: NotRequired[Literal["attempts that begin later"]]

class CheckedNote(TypedDict):
    """A sentence about a commit."""

    message: str
    file: str
    line: int | None

class CheckedContainer(TypedDict):
    """A container of a preview."""

    name: str
    image: str
    dockerfile: str
    target: str
    command: list[str]
    port: int | None
    cpus: float
    mem: int
    volumes: list[str]
    once: bool

class CheckedRecipe(TypedDict):
    """A Dockerfile that prevs writes for a commit without one."""

    name: str
    why: list[str]
    dockerfile: str

class Plan(TypedDict):
    """What would be built and run of a commit."""

    source: str
    recipe: CheckedRecipe | None
    port: int
    health: str
    start_limit: float
    cpus: float
    mem: int
    containers: list[CheckedContainer]
    hooks: list[list[str]]
    watch: list[str]

class Unrecognised(TypedDict):
    """Why nothing describes a commit, and what to do."""

    why: str
    looked_for: list[str]
    found: list[str]
    near: list[str]
    ways: list[str]

class Check(TypedDict):
    """What a check of a commit has found; nothing was built."""

    sha: str
    runs: bool
    plan: Plan | None
    unrecognised: Unrecognised | None
    mistakes: list[CheckedNote]
    notes: list[CheckedNote]

class Commit(TypedDict):
    """A commit."""

    sha: str
    author: str
    subject: str
    committed: float
    url: str
    parents: list[str]

class Commits(TypedDict):
    """Commits that a branch or tag reaches, the newest first."""

    commits: list[Commit]
    next: str | None

class Data(TypedDict):
    """The data of a branch. Times are in seconds since the epoch."""

    branch: str
    agent: str
    commit: str
    used: float
    began: float | None
    running: bool
    begins_with: str

class DataOfApp(TypedDict):
    """The data of an app's branches, by name."""

    data: list[Data]
    next: str | None

class EnteredHook(TypedDict):
    """What became of the webhook that the forge's API was to enter."""

    outcome: Literal["made", "updated", "refused", "by hand"]
    why: str
    advice: str
    secret: str | None

class Environment(TypedDict):
    """The variables of an app's containers, by name."""

    variables: list[ShownVariable]

State = Literal[
    "queued", "placed", "building", "starting", "running", "draining", "stopped", "failed"
]

class Event(TypedDict):
    """Something that happened to an app, or to what belongs to it."""

    id: str
    at: float
    type: Literal["preview", "app", "job", "schedule", "gate", "stack"]
    app: str
    sha: str | None
    label: str | None
    state: State | None
    before: State | None
    sentence: str
    task_id: str | None
    job: NotRequired[str | None]
    schedule: NotRequired[str | None]
    gate: NotRequired[str | None]
    stack: NotRequired[str | None]

class Events(TypedDict):
    """What has happened lately, the last first."""

    events: list[Event]
    next: str | None

class Finding(TypedDict):
    """What a check found about one part of the way to a forge."""

    part: str
    ok: bool | None
    detail: str
    advice: str

class ForgeCheck(TypedDict):
    """What works between an app and its forge."""

    app: str
    findings: list[Finding]

GateCondition = TypedDict(
    "GateCondition",
    {
        "method": str | None,
        "accept": str | None,
        "header": str | None,
        "cookie": str | None,
        "query": str | None,
        "is": str | None,
    },
)
"""That a request has a value: one of method, accept, header, cookie and query."""

class GateTarget(TypedDict):
    """Where a rule leads."""

    label: str
    weight: float

class GateRule(TypedDict):
    """Where requests go whose path begins with the segments of `path`."""

    path: str
    when: GateCondition | None
    to: list[GateTarget]
    sticky: Literal["address", "cookie"]

class EarlierRevision(TypedDict):
    """A revision that was in force, and may be again."""

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[Literal["header", "query", "cookie"]]
    unknown: int | None
    commits: dict[str, str]

class GateLead(TypedDict):
    """What a label of a gate leads to now."""

    label: str
    commit: str | None
    state: State | None
    reason: str
    queue_place: int | None
    url: str
    gone_since: float | None

class GateProposal(TypedDict):
    """A change that is not in force yet: it waits until what it leads to runs."""

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[Literal["header", "query", "cookie"]]
    unknown: int | None
    hosts: list[str]
    keep: bool
    on_delete: Literal["stay", "default"]
    awaits: list[GateLead]
    failure: str

class Gate(TypedDict):
    """An address whose rules choose a label for each request."""

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[Literal["header", "query", "cookie"]]
    unknown: int | None
    hosts: list[str]
    keep: bool
    on_delete: Literal["stay", "default"]
    name: str
    app: str
    url: str
    created: float
    behind: int | None
    stack: str
    variants: dict[str, str]
    leads: list[GateLead]
    proposal: GateProposal | None
    earlier: list[EarlierRevision]

class Gates(TypedDict):
    """Gates, by name."""

    gates: list[Gate]
    next: str | None

class Hooks(TypedDict):
    """Where an app's forge sends webhooks, and how the repository is read."""

    url: str
    where: str
    has_secret: bool
    has_former_secret: bool
    last: float | None
    polled_every: float | None

class Mistake(TypedDict):
    """What is wrong in a line, and what to write instead."""

    line: int
    message: str

class Failure(TypedDict):
    """Why a preview failed."""

    cause: Cause
    message: str
    exit_code: int | None
    mistakes: NotRequired[list[Mistake]]

CallbackState = Literal["waiting", "told", "given-up"]

class ShownTry(TypedDict):
    """The last try to send something to a receiver."""

    at: float
    status: int | None
    problem: str

class JobCallback(TypedDict):
    """Who is told of the end of a job, and what has become of that."""

    receiver: str
    state: CallbackState
    last: ShownTry | None
    next: float | None

class JobProgress(TypedDict):
    """What the command itself says about its progress."""

    percent: int
    message: str

JobState = Literal[
    "queued", "placed", "building", "running", "ending", "succeeded", "failed", "cancelled"
]

class Job(TypedDict):
    """A command that runs, or ran, in an app's image. Times are in seconds since the epoch."""

    id: str
    app: str
    commit: str
    label: str
    name: str | None
    command: list[str]
    state: JobState
    reason: str
    failure: Failure | None
    exit_code: int | None
    group: str | None
    schedule: str | None
    nominal: float | None
    by: str
    priority: int
    timeout: float
    cpus: float | None
    mem: int | None
    created: float
    changed: float
    began: float | None
    ended: float | None
    tries: int
    failures: int
    retries: int
    place: int | None
    phase: str
    detail: str
    progress: JobProgress | None
    payload_size: int
    result_size: int
    agent: Agent | None
    task_id: str | None
    url: str
    callback: JobCallback | None

class JobAttempt(TypedDict):
    """A try to run a job that has ended. Times are in seconds since the epoch."""

    number: int
    task_id: str
    began: float
    ended: float
    agent: Agent | None
    cause: Cause | None
    exit_code: int | None
    why: str
    log_kept: bool

class JobDetail(TypedDict):
    """A job with its last attempts."""

    id: str
    app: str
    commit: str
    label: str
    name: str | None
    command: list[str]
    state: JobState
    reason: str
    failure: Failure | None
    exit_code: int | None
    group: str | None
    schedule: str | None
    nominal: float | None
    by: str
    priority: int
    timeout: float
    cpus: float | None
    mem: int | None
    created: float
    changed: float
    began: float | None
    ended: float | None
    tries: int
    failures: int
    retries: int
    place: int | None
    phase: str
    detail: str
    progress: JobProgress | None
    payload_size: int
    result_size: int
    agent: Agent | None
    task_id: str | None
    url: str
    callback: JobCallback | None
    attempts: list[JobAttempt]

class Jobs(TypedDict):
    """Jobs, the newest first."""

    jobs: list[Job]
    next: str | None

class VariantMember(TypedDict):
    """Where a member is in a variant, and what runs there."""

    member: str
    app: str
    label: str
    apart: bool
    url: str
    sha: str | None
    commit: str | None
    state: State | None
    reason: str
    queue_place: int | None

class VariantPlace(TypedDict):
    """The variant whose own instance a preview is, with those of its members that you see."""

    stack: str
    variant: str
    member: str
    members: list[VariantMember]

class Lead(TypedDict):
    """The commit that a label leads to."""

    app: str
    label: str
    sha: str
    commit: str
    kind: Literal["branch", "tag", "pull", "commit"]
    ref: str | None
    author: str
    subject: str
    committed: float
    url: str
    as_of: NotRequired[float | None]
    problem: NotRequired[str]
    place: NotRequired[VariantPlace | None]

class AgentPreview(TypedDict):
    """A preview that has an agent's resources."""

    app: str
    sha: str
    commit: str
    label: str | None
    state: State
    cpus: float
    mem: int

class Amount(TypedDict):
    """CPUs, and MB of memory."""

    cpus: float
    mem: float

class Isolation(TypedDict):
    """What previews and builds reach at an agent, as executors reported."""

    allowed: list[str]
    required: bool
    builds: bool
    fetches: bool
    open: str | None
    builds_open: str | None
    builds_unlimited: str | None
    builds_privileged: str | None
    ports_open: str | None

class Unfit(TypedDict):
    """Why nothing starts on an agent now: its Docker, its disk or its network failed attempts."""

    reason: str
    since: float
    until: float

class MesosAgent(TypedDict):
    """An agent, what it has, and who uses it."""

    id: str
    host: str
    active: bool
    draining: bool
    maintenance: float | None
    unfit: Unfit | None
    isolation: Isolation | None
    attributes: dict[str, str]
    total: Amount
    used: Amount
    others: Amount
    previews: list[AgentPreview]

class MesosAgents(TypedDict):
    """The agents, by host."""

    agents: list[MesosAgent]
    next: str | None
    as_of: float

class NewHookSecret(TypedDict):
    """The address and the secret to enter at the forge."""

    url: str
    secret: str

class NewPass(TypedDict):
    """A pass that was just issued. Its text is shown here and nowhere else."""

    id: str
    name: str
    kind: Literal["share", "machine"]
    label: str | None
    until: float
    by: str
    created: float
    text: str
    link: str | None

class NewReceiver(TypedDict):
    """A receiver that was just added, with the secret that notifications are signed with."""

    name: str
    host: str
    events: list[str] | None
    format: str
    created: float
    last: ShownTry | None
    waiting: int
    dropped: int
    secret: str

class NewToken(TypedDict):
    """A token that was just made. Its text is shown here and nowhere else."""

    scope: str
    app: str | None
    name: str
    created: float
    token: str

class Rival(TypedDict):
    """A preview of another commit that holds a label of this one, too."""

    label: str
    sha: str
    commit: str
    state: State

class ServiceAddress(TypedDict):
    """A companion that visitors reach, and its address."""

    name: str
    url: str

class Share(TypedDict):
    """A container of a preview, and what it takes."""

    name: str
    image: str
    cpus: float
    mem: int

class Step(TypedDict):
    """A step of a preview's current or last attempt. Times are in seconds since the epoch."""

    name: Literal["queued", "placed", "fetching", "building", "starting", "checking"]
    began: float | None
    ended: float | None
    usual: float | None

class Preview(TypedDict):
    """An app at a commit. Times are in seconds since the epoch."""

    app: str
    sha: str
    commit: str
    state: State
    phase: str
    detail: str
    labels: list[str]
    url: str
    urls: list[str]
    reason: str
    queue_place: int | None
    next_try: float | None
    failure: Failure | None
    port: int
    cpus: float
    mem: int
    containers: list[Share]
    services: NotRequired[list[ServiceAddress]]
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    rivals: NotRequired[list[Rival]]
    pinned: bool
    ahead: bool
    steps: list[Step]
    place: NotRequired[VariantPlace | None]
    data: NotRequired[str]
    same: NotRequired[list[str]]
    older_variables: NotRequired[list[str]]

class PreviewDetail(TypedDict):
    """A preview; a failed one with the end of its log."""

    app: str
    sha: str
    commit: str
    state: State
    phase: str
    detail: str
    labels: list[str]
    url: str
    urls: list[str]
    reason: str
    queue_place: int | None
    next_try: float | None
    failure: Failure | None
    port: int
    cpus: float
    mem: int
    containers: list[Share]
    services: NotRequired[list[ServiceAddress]]
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    rivals: NotRequired[list[Rival]]
    pinned: bool
    ahead: bool
    steps: list[Step]
    place: NotRequired[VariantPlace | None]
    data: NotRequired[str]
    same: NotRequired[list[str]]
    older_variables: NotRequired[list[str]]
    log_tail: NotRequired[str]

class Previews(TypedDict):
    """Previews, by app and time of creation."""

    previews: list[Preview]
    next: str | None

class VariantAddress(TypedDict):
    """An open variant of a stack, and its address where visitors enter the stack."""

    stack: str
    variant: str
    url: str

Verdict = Literal["trusted", "approved", "waiting", "refused"]

class Pull(TypedDict):
    """An open pull request (merge request), as the last look at its forge found it."""

    number: int
    title: str
    author: str
    fork: bool
    draft: bool
    base: str
    sha: str
    label: str
    url: str
    page: str
    updated: float
    gate: Verdict
    why: str
    approved_by: str
    approved_at: float | None
    delivered: str
    delivery_problem: str
    variants: NotRequired[list[VariantAddress]]

class Pulls(TypedDict):
    """Open pull requests, the newest first."""

    pulls: list[Pull]
    next: str | None
    as_of: float | None
    problem: str
    delivery_problem: str

class Queued(TypedDict):
    """A preview that waits for an agent."""

    place: int
    app: str
    sha: str
    commit: str
    label: str | None
    reason: str
    since: float

class Queue(TypedDict):
    """What waits for an agent, the next first."""

    queue: list[Queued]
    next: str | None

class ShownReceiver(TypedDict):
    """A receiver of an app's notifications, without its address and its secret."""

    name: str
    host: str
    events: list[str] | None
    format: str
    created: float
    last: ShownTry | None
    waiting: int
    dropped: int

class Receivers(TypedDict):
    """The receivers of an app's notifications, the oldest first."""

    receivers: list[ShownReceiver]

class Ref(TypedDict):
    """A branch or a tag, and the commit it leads to."""

    name: str
    kind: Literal["branch", "tag"]
    label: str
    sha: str
    author: str
    subject: str
    committed: float
    url: str | None
    ambiguous: bool

class Refs(TypedDict):
    """Branches and tags, the newest commit first."""

    refs: list[Ref]
    next: str | None
    as_of: float | None
    problem: str

class RequestedJobs(TypedDict):
    """The jobs of a request for many, in its order."""

    jobs: list[Job]
    group: str | None

class Role(TypedDict):
    """What the members of a group, or one person, may do after they have signed in."""

    scope: str
    group: str | None
    person: str | None
    app: str | None
    id: str
    created: float

class Roles(TypedDict):
    """Roles: those for all apps first, then by app, group and person."""

    roles: list[Role]
    next: str | None

class ActiveJob(TypedDict):
    """A job of a schedule that has not ended."""

    id: str
    state: JobState
    nominal: float | None
    url: str

Missed = Literal["last", "none", "all"]

Overlap = Literal["skip", "queue", "replace", "allow"]

class ScheduledTime(TypedDict):
    """A time of a schedule, in three forms."""

    at: int
    utc: str
    local: str

class SkippedTime(TypedDict):
    """A time at which a schedule made no job."""

    at: int
    why: str

class Schedule(TypedDict):
    """What makes jobs at times. All moments are in seconds since the epoch."""

    app: str
    name: str
    label: str
    job: str | None
    command: list[str] | None
    cron: str | None
    every: int | None
    zone: str
    overlap: Overlap
    missed: Missed
    deadline: float
    spread: float
    start_at: int | None
    end_at: int | None
    times: int
    delay: float
    paused: bool
    reason: str
    hindrance: str
    next: list[ScheduledTime]
    last: float
    count: int
    skipped: list[SkippedTime]
    active: list[ActiveJob]
    created: float
    by: str | None
    from_file: bool

class ScheduledTimes(TypedDict):
    """The next times of a schedule."""

    zone: str
    times: list[ScheduledTime]
    reason: str

class FileTrouble(TypedDict):
    """Why schedules in the .prevs.toml of the default branch do not hold; earlier ones stay."""

    label: str
    commit: str
    why: str
    mistakes: list[Mistake]

class Schedules(TypedDict):
    """The schedules of an app, by name."""

    schedules: list[Schedule]
    file_trouble: FileTrouble | None
    next: str | None

class SetVariable(TypedDict):
    """A variable that was just set."""

    name: str
    secret: bool
    value: str | None
    changed: float
    branches: list[str]
    tags: list[str]
    given_for: Literal["build", "run", "both"]
    holds_for: NotRequired[Literal["attempts that begin later"]]

class ShownPass(TypedDict):
    """A pass, without its text."""

    id: str
    name: str
    kind: Literal["share", "machine"]
    label: str | None
    until: float
    by: str
    created: float

class ShownAccess(TypedDict):
    """Who may look at an app's previews, and the passes that count."""

    access: Literal["public", "password", "team"]
    era: int
    preflight: bool
    https: bool
    passes: list[ShownPass]

class ShownCredential(TypedDict):
    """How a repository is read, without the secret part."""

    kind: Literal["password", "ssh-key"]
    username: str | None
    fingerprint: str | None
    known_hosts: str | None
    changed: float

class ShownForgeToken(TypedDict):
    """When a token was set; nothing else of it is shown."""

    changed: float

RecordKind = Literal["gate", "stack", "access"]

class RefusedRecord(TypedDict):
    """A record that counts for nothing, and is kept: its signature is of no token of now."""

    kind: RecordKind
    name: str
    app: str
    detail: str

class Signatures(TypedDict):
    """What is wrong with the signatures of records."""

    refused: list[RefusedRecord]

class StackMember(TypedDict):
    """An app of a stack, as it is without a variant."""

    member: str
    app: str
    label: str
    gate: str
    url: str
    variable: str

class StackVariant(TypedDict):
    """Choices of labels for members, which have an address."""

    stack: str
    name: str
    ref: str
    url: str
    labels: dict[str, str]
    own: list[str]
    pinned: bool
    opened: float
    by: str
    behind: int | None
    members: list[VariantMember]

class Stack(TypedDict):
    """Apps that are previewed together."""

    name: str
    entry: str
    url: str
    members: list[StackMember]
    variants: list[StackVariant]
    created: float
    changed: float
    by: str

class Stacks(TypedDict):
    """Stacks, by name."""

    stacks: list[Stack]
    next: str | None

class StartedPreview(TypedDict):
    """A preview that was requested by a label."""

    app: str
    sha: str
    commit: str
    state: State
    phase: str
    detail: str
    labels: list[str]
    url: str
    urls: list[str]
    reason: str
    queue_place: int | None
    next_try: float | None
    failure: Failure | None
    port: int
    cpus: float
    mem: int
    containers: list[Share]
    services: NotRequired[list[ServiceAddress]]
    task_id: str | None
    agent: Agent | None
    host_port: int | None
    created: float
    changed: float
    started: float | None
    last_used: float | None
    rivals: NotRequired[list[Rival]]
    pinned: bool
    ahead: bool
    steps: list[Step]
    place: NotRequired[VariantPlace | None]
    data: NotRequired[str]
    same: NotRequired[list[str]]
    older_variables: NotRequired[list[str]]
    as_of: NotRequired[float | None]
    problem: NotRequired[str]

class Token(TypedDict):
    """A token, without its text."""

    scope: str
    app: str | None
    name: str
    created: float

class Tokens(TypedDict):
    """Tokens, by name. Those of the operator and of proxies are in the settings instead."""

    tokens: list[Token]
    next: str | None

class TryAnswer(TypedDict):
    """Where a request to a gate would go, and why."""

    label: str | None
    commit: str | None
    to: list[GateTarget]
    rule: int | None
    status: int | None
    vary: list[str]
    why: str

class WrittenSchedule(TypedDict):
    """A schedule that was just written, and what its jobs take by the commit of now."""

    app: str
    name: str
    label: str
    job: str | None
    command: list[str] | None
    cron: str | None
    every: int | None
    zone: str
    overlap: Overlap
    missed: Missed
    deadline: float
    spread: float
    start_at: int | None
    end_at: int | None
    times: int
    delay: float
    paused: bool
    reason: str
    hindrance: str
    next: list[ScheduledTime]
    last: float
    count: int
    skipped: list[SkippedTime]
    active: list[ActiveJob]
    created: float
    by: str | None
    from_file: bool
    cpus: float | None
    mem: int | None
