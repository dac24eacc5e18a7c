"""Pull requests, as the API and the dashboard show them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example, order_example
from framework.http_api.http.paging import Next
from framework.http_api.models.variant_models import VariantAddress, show_addresses
from framework.pulls import gate
from framework.pulls.gate import Verdict
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.names import Addresses
from prevs.pulls import PullRecord

_PULL: dict[str, Any] = {
    "number": 7,
    "title": "Greet in three languages",
    "author": "ada",
    "fork": True,
    "draft": False,
    "base": "main",
    "sha": SHA,
    "label": "pr-7",
    "url": "http://pr-7.hello.localhost:8080/",
    "page": "https://git.example.org/hello/pull/7",
    "updated": 1764031200.0,
    "gate": "approved",
    "why": "",
    "approved_by": "grace",
    "approved_at": 1764031260.0,
    "delivered": "ready",
    "delivery_problem": "",
    "variants": [],
}


class Pull(BaseModel):
    """An open pull request (merge request), as the last look at its forge found it."""

    model_config = example(_PULL)

    number: int
    title: str
    author: str
    fork: bool = Field(description="Its head is not in the app's own repository.")
    draft: bool
    base: str = Field(description="The branch that it is to be merged into.")
    sha: str = Field(description="Its head.")
    label: str = Field(description="Its name in an address.")
    url: str = Field(description="The label's address.")
    page: str = Field(description="Its page at the forge, empty if that gives none.")
    updated: float = Field(description="When it last changed, in seconds since the epoch.")
    gate: Verdict = Field(
        description="Whether its head may be built: `trusted` like a branch, `approved` as a "
        "stranger's, `waiting` for an approval, or `refused`."
    )
    why: str = Field(description="Why its head may not be built, and the next step; else empty.")
    approved_by: str = Field(description="Who has approved its head; else empty.")
    approved_at: float | None = Field(description="When, in seconds since the epoch; else null.")
    delivered: str = Field(
        description="What prevs has said of it last at the forge, in words; empty: nothing yet."
    )
    delivery_problem: str = Field(
        description="What the forge has not taken of that, and will not take; else empty."
    )
    variants: list[VariantAddress] = Field(
        default=[], description="The open variants of stacks that have its head."
    )


class Pulls(BaseModel):
    """Open pull requests, the newest first."""

    model_config = example(
        {
            "pulls": [_PULL],
            "next": None,
            "as_of": 1764031205.0,
            "problem": "",
            "delivery_problem": "",
        }
    )

    pulls: list[Pull]
    next: Next
    as_of: float | None = Field(
        description="When the forge was last read, in seconds since the epoch; null: not known."
    )
    problem: str = Field(description="Why it could not be read since then; else empty.")
    delivery_problem: str = Field(
        description="Why something cannot be said at the forge now, and the next step; else empty."
    )


class Approval(BaseModel):
    """An approval of one commit."""

    model_config = order_example({"commit": SHA})

    commit: Annotated[
        str,
        Field(
            pattern="^[0-9a-f]{40}$",
            description="All 40 digits of the commit's id: it must be the head now.",
        ),
    ]


def show(pull: PullRecord, snapshot: Snapshot, addresses: Addresses) -> Pull:
    """Return a pull request as the API shows it. Raises UnknownApp."""
    rules = snapshot.rules(pull.app)
    verdict = gate.judge(rules, pull, pull.sha)
    is_approved = verdict is Verdict.APPROVED
    label = names.pull_label(pull.number)
    return Pull(
        number=pull.number,
        title=pull.title,
        author=pull.author,
        fork=pull.is_fork,
        draft=pull.draft,
        base=pull.base,
        sha=pull.sha,
        label=label,
        url=addresses.url(label, pull.app),
        page=pull.url,
        updated=pull.updated,
        gate=verdict,
        why="" if verdict.passes else gate.explain(rules, pull, pull.sha),
        approved_by=pull.approved_by if is_approved else "",
        approved_at=pull.approved_at if is_approved else None,
        delivered=pull.delivered.said,
        delivery_problem=" ".join(dict.fromkeys(pull.delivered.problems.values())),
        variants=show_addresses(snapshot.list_pull_variants(pull), addresses),
    )
