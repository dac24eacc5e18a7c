"""What the API answers about gates, and about records that no token has signed."""

from typing import NotRequired, TypedDict

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
"""One of the first five; the last three of them are names, and `is` their value."""


class GateTarget(TypedDict):
    """A label, and how many of 100 clients go there."""

    label: str
    weight: float | None


class GateRule(TypedDict):
    """Where requests go; without `when` it has no condition."""

    path: str
    when: GateCondition | None
    to: list[GateTarget]
    sticky: str


class GateLead(TypedDict):
    """What a label leads to now; nothing has been started if `commit` is None."""

    label: str
    commit: str | None
    state: str | None
    reason: str
    queue_place: int | None
    gone_since: NotRequired[float | None]


class EarlierRevision(TypedDict):
    """A revision that was in force from `changed` (epoch seconds) on."""

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[str]
    unknown: int | None
    commits: dict[str, str]


class GateProposal(TypedDict):
    """A change that waits; `failure` is why it comes to nothing, or empty."""

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[str]
    unknown: int | None
    hosts: list[str]
    keep: bool
    on_delete: NotRequired[str]
    awaits: list[GateLead]
    failure: str


class Gate(TypedDict):
    """A gate, with its revision in force since `changed` (epoch seconds); None: it has none yet.

    `behind` is how many proxies do not choose by that yet, None: not known. `stack` is the one that
    it follows from, "" for none; `variants` are the labels to which it leads in that one's open
    variants. An older framework sends neither.
    """

    revision: int
    changed: float | None
    by: str
    rules: list[GateRule]
    override: list[str]
    unknown: int | None
    name: str
    app: str
    url: str
    hosts: list[str]
    keep: bool
    on_delete: NotRequired[str]
    behind: int | None
    stack: NotRequired[str]
    variants: NotRequired[dict[str, str]]
    leads: list[GateLead]
    proposal: GateProposal | None
    earlier: list[EarlierRevision]


class TryAnswer(TypedDict):
    """Where a request would go, and why; `status` is that of a refusal."""

    label: str | None
    commit: str | None
    to: list[GateTarget]
    status: int | None
    vary: list[str]
    why: str


class RefusedRecord(TypedDict):
    """A gate, a stack or who may look (access) whose record no token has signed."""

    kind: str
    name: str
    app: str
    detail: str
