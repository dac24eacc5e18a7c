"""Gates as the API shows them."""

from typing import Any

from pydantic import BaseModel, Field

from framework.apps.manifest import declared
from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next
from prevs.gates import GateSettings, Override, Sticky
from prevs.states import State

_SHOWN_WHEN: dict[str, Any] = {
    **dict.fromkeys(("method", "accept", "cookie", "query")),
    "header": "x-api-version",
    "is": "2015-03-27",
}
_TO: list[dict[str, Any]] = [{"label": "main", "weight": 100.0}]
_RULES: list[dict[str, Any]] = [
    {"path": "/v2", "when": None, "to": _TO, "sticky": "address"},
    {"path": "/", "when": _SHOWN_WHEN, "to": _TO, "sticky": "address"},
]
_REVISION: dict[str, Any] = {
    "revision": 7,
    "changed": 1764031200.0,
    "by": "ci",
    "rules": _RULES,
    "override": ["header"],
    "unknown": 400,
}
_LEAD: dict[str, Any] = {
    "label": "main",
    "commit": SHA,
    "state": "running",
    "reason": "",
    "queue_place": None,
    "url": "http://main.hello.localhost:8080/",
    "gone_since": None,
}
_PROPOSAL: dict[str, Any] = {
    **_REVISION,
    "revision": 8,
    "changed": None,
    "hosts": ["api.example.com"],
    "keep": True,
    "on_delete": "stay",
    "awaits": [{**_LEAD, "label": "v3", "state": "building"}],
    "failure": "",
}
_EARLIER: dict[str, Any] = {**_REVISION, "revision": 6, "commits": {"main": SHA}}
GATE: dict[str, Any] = {
    "name": "api",
    "app": "hello",
    "url": "http://api.localhost:8080/",
    "hosts": ["api.example.com"],
    "keep": True,
    "on_delete": "stay",
    **_REVISION,
    "created": 1764000000.0,
    "behind": 0,
    "stack": "",
    "variants": {},
    "leads": [_LEAD],
    "proposal": _PROPOSAL,
    "earlier": [_EARLIER],
}
_SETTINGS = declared.answer_of(
    GateSettings, {"on_delete": declared.value_of(GateSettings, "on_delete")}
)


class GateCondition(BaseModel):
    """That a request has a value: one of method, accept, header, cookie and query."""

    model_config = example(_SHOWN_WHEN)

    method: str | None
    accept: str | None
    header: str | None
    cookie: str | None
    query: str | None
    value: str | None = Field(
        alias="is", description="That of the header, cookie or parameter; null: it is about none."
    )


class GateTarget(BaseModel):
    """Where a rule leads."""

    model_config = example(_TO[0])

    label: str
    weight: float = Field(description="How many of 100 clients go there.")


class GateRule(BaseModel):
    """Where requests go whose path begins with the segments of `path`."""

    model_config = example(_RULES[0])

    path: str
    when: GateCondition | None = Field(description="What must hold besides; null: nothing.")
    to: list[GateTarget]
    sticky: str = Field(
        description="What keeps a client at its target.",
        json_schema_extra={"enum": [one.value for one in Sticky]},
    )


class GateLead(BaseModel):
    """What a label of a gate leads to now."""

    model_config = example(_LEAD)

    label: str
    commit: str | None = Field(description="null: nothing has been started for it.")
    state: State | None = Field(description="That of the commit's preview; null: it has none.")
    reason: str = Field(description="Why it waits, stopped or failed; else empty.")
    queue_place: int | None = Field(description="Its place among those that wait for an agent.")
    url: str = Field(description="The label's own address.")
    gone_since: float | None = Field(
        description="Since when no branch, tag or open pull request leads to it, in seconds since "
        "the epoch: the gate stays at `commit`. null: one does."
    )


class GateRevision(BaseModel):
    """All that chooses labels at a gate at a time."""

    model_config = example(_REVISION)

    revision: int = Field(description="Its number. 0: none is in force yet.")
    changed: float | None = Field(
        description="When it came into force, in seconds since the epoch; null: it has not."
    )
    by: str = Field(description="The token or the person that wrote it.")
    rules: list[GateRule]
    override: list[str] = Field(
        description="How a request may name its label itself.",
        json_schema_extra={"items": {"enum": [one.value for one in Override]}},
    )
    unknown: int | None = Field(
        description="400: a version that no rule has is refused; null: the other rules decide."
    )


class EarlierRevision(GateRevision):
    """A revision that was in force, and may be again."""

    model_config = example(_EARLIER)

    commits: dict[str, str] = Field(description="To which its labels led last.")


# hosts and the other settings follow from GateSettings, here and below.
class GateProposal(_SETTINGS, GateRevision):  # type: ignore[misc, valid-type]
    """A change that is not in force yet: it waits until what it leads to runs."""

    model_config = example(_PROPOSAL)

    awaits: list[GateLead] = Field(description="What must run first.")
    failure: str = Field(description="Why it comes to nothing; empty while it waits.")


class Gate(_SETTINGS, GateRevision):  # type: ignore[misc, valid-type]
    """An address whose rules choose a label for each request."""

    model_config = example(GATE)

    name: str
    app: str
    url: str
    created: float
    behind: int | None = Field(
        description="How many proxies do not choose by this revision yet; null: not known. With 0 "
        "it is in force everywhere."
    )
    stack: str = Field(
        description="The stack that it follows from, which alone says where it leads; empty: none."
    )
    variants: dict[str, str] = Field(
        description="The label to which it leads in each open variant of that stack."
    )
    leads: list[GateLead] = Field(description="What its labels lead to now.")
    proposal: GateProposal | None = Field(description="A change that waits, or has failed.")
    earlier: list[EarlierRevision] = Field(description="The latest first, ten at most.")


class Gates(BaseModel):
    """Gates, by name."""

    model_config = example({"gates": [GATE], "next": None})

    gates: list[Gate]
    next: Next


class TryAnswer(BaseModel):
    """Where a request to a gate would go, and why."""

    model_config = example(
        {
            "label": "v1",
            "commit": SHA,
            "to": [{"label": "v1", "weight": 100.0}],
            "rule": 1,
            "status": None,
            "vary": ["x-api-version"],
            "why": "Its path begins with /, and its header x-api-version is 2015-03-27.",
        }
    )

    label: str | None = Field(description="null: it is refused, or the client's lot decides.")
    commit: str | None = Field(description="What that label leads to now; null: nothing yet.")
    to: list[GateTarget] = Field(description="The targets of the rule that decides.")
    rule: int | None = Field(description="Its place among the rules; null: none decides.")
    status: int | None = Field(description="That of a refusal; null: it is not refused.")
    vary: list[str] = Field(description="What answers at this path depend on.")
    why: str
