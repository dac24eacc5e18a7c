"""Branches, tags and commits of a repository, as the API shows them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next

_COMMIT: dict[str, Any] = {
    "sha": SHA,
    "author": "Ada",
    "subject": "Greet in three languages",
    "committed": 1764031200.0,
    "url": f"http://{SHA}.hello.localhost:8080/",
}
_REF: dict[str, Any] = {
    "name": "feature/greetings",
    "kind": "branch",
    "label": "feature-greetings-7be0ac6b",
    **_COMMIT,
    "url": "http://feature-greetings-7be0ac6b.hello.localhost:8080/",
    "ambiguous": False,
}


class Commit(BaseModel):
    """A commit."""

    model_config = example(_COMMIT)

    sha: str
    author: str
    subject: str = Field(description="The first line of its message.")
    committed: float = Field(description="In seconds since the epoch.")
    url: str = Field(description="Its address, which never leads anywhere else.")
    parents: list[str] = Field(
        description="The ids of the commits before it: several for a merge, none for the first."
    )


class Commits(BaseModel):
    """Commits that a branch or tag reaches, the newest first."""

    model_config = example({"commits": [_COMMIT], "next": None})

    commits: list[Commit]
    next: Next


class Ref(BaseModel):
    """A branch or a tag, and the commit it leads to."""

    model_config = example(_REF)

    name: str
    kind: Literal["branch", "tag"]
    label: str = Field(description="Its name in an address.")
    sha: str
    author: str
    subject: str = Field(description="The first line of the commit's message.")
    committed: float = Field(description="In seconds since the epoch.")
    url: str | None = Field(description="The label's address; null: it is ambiguous.")
    ambiguous: bool = Field(description="The label could mean several commits: use `sha`.")


class Refs(BaseModel):
    """Branches and tags, the newest commit first."""

    model_config = example({"refs": [_REF], "next": None, "as_of": 1764031205.0, "problem": ""})

    refs: list[Ref]
    next: Next
    as_of: float | None = Field(
        description="When they were fetched, in seconds since the epoch; null: not known."
    )
    problem: str = Field(description="Why they could not be fetched again since then; else empty.")
