"""The types of the API's answers about forges, as far as the commands read them."""

from typing import NotRequired, TypedDict


class Pull(TypedDict):
    """An open pull request. `gate` is trusted, approved, waiting or refused; `why` explains it."""

    number: int
    title: str
    author: str
    fork: bool
    draft: bool
    sha: str
    url: str
    gate: str
    why: str
    told: NotRequired[str]
    told_problem: NotRequired[str]


class Finding(TypedDict):
    """What a check of an app's forge found about one part; `ok` is None if it was not tried."""

    part: str
    ok: bool | None
    detail: str
    advice: str
