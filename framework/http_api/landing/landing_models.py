"""What an app's landing page may show, as the API gives it to proxies."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next
from framework.http_api.models.preview_models import ServiceAddress
from framework.http_api.models.variant_models import VariantAddress
from prevs.states import State

Kind = Literal["pull", "branch", "tag"]
Trouble = Literal["", "old", "unreadable", "being-fetched", "other-repository"]

_ENTRY: dict[str, Any] = {
    "kind": "branch",
    "name": "feature/greetings",
    "label": "feature-greetings-7be0ac6b",
    "url": "http://feature-greetings-7be0ac6b.hello.localhost:8080/",
    "sha": SHA,
    "author": "Ada",
    "title": "Greet in three languages",
    "at": 1764031200.0,
    "state": "failed",
    "why": "The app exited with 1.",
    "serving": "",
    "same": "",
    "may_run": True,
    "variants": [],
    "services": [],
}
_LIST: dict[str, Any] = {"entries": [_ENTRY], "total": 1, "next": None}
_EMPTY: dict[str, Any] = {"entries": [], "total": 0, "next": None}


class LandingEntry(BaseModel):
    """A branch, a tag or an open pull request, and the preview of the commit it leads to."""

    model_config = example(_ENTRY)

    kind: Kind
    name: str = Field(description="A branch's or tag's name, or a pull request's label.")
    label: str = Field(description="Its name in an address; where that is ambiguous, `sha`.")
    url: str
    sha: str
    author: str
    title: str = Field(description="The commit's subject, or the pull request's title.")
    at: float = Field(
        description="When it was committed, or the pull request last changed, in seconds since "
        "the epoch."
    )
    state: State | None = Field(description="Of the commit's preview; null: it never started.")
    why: str = Field(description="Why it failed, waits or was stopped; else empty.")
    serving: str = Field(description="The older commit that runs at its address; else empty.")
    same: str = Field(
        default="",
        description="The commit whose preview serves this one too, as nothing that counts differs; "
        "else empty.",
    )
    may_run: bool = Field(description="false: the head waits for an approval, or is refused.")
    variants: list[VariantAddress] = Field(
        default=[], description="The open variants of stacks that have it."
    )
    services: list[ServiceAddress] = Field(
        default=[], description="What visitors reach beside its application, if that is known."
    )


class LandingList(BaseModel):
    """Some entries of one kind. `total` is how many match."""

    model_config = example(_LIST)

    entries: list[LandingEntry]
    total: int
    next: Next


NO_ENTRIES = LandingList(entries=[], total=0, next=None)


class Landing(BaseModel):
    """What an app's landing page may show."""

    model_config = example(
        {
            "shows": "full",
            "commit_url": "http://COMMIT.hello.localhost:8080/",
            "found_url": None,
            "default": None,
            "pulls": _EMPTY,
            "branches": _LIST,
            "tags": _EMPTY,
            "as_of": 1764031205.0,
            "trouble": "",
        }
    )

    shows: Literal["full", "status"] = Field(
        description="What `room` of the app means. With `status` there are no lists."
    )
    commit_url: str = Field(description="The form of a commit's address, with COMMIT in it.")
    found_url: str | None = Field(
        default=None,
        description="The address of the commit that was searched for; null: that was no commit.",
    )
    default: LandingEntry | None = Field(
        default=None,
        description="The default branch; null: there is none, or something was searched for.",
    )
    pulls: LandingList = NO_ENTRIES
    branches: LandingList = NO_ENTRIES
    tags: LandingList = NO_ENTRIES
    as_of: float | None = Field(
        default=None,
        description="When branches and tags were fetched, in seconds since the epoch; null: not "
        "known.",
    )
    trouble: Trouble = Field(
        default="",
        description="Why branches and tags are old, or missing. The reason may be secret.",
    )
