"""Answers of forges as values: lists over several pages, and the types that their fields have.

An answer with an unexpected form is no answer: its error names the field, not what is in it.
"""

import re
from collections.abc import Callable
from typing import Annotated, Generic, NamedTuple, TypeVar

import httpx
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from framework.forges.requester import Body, Query, Requester
from framework.ports.forge_errors import ForgeRefused, ForgeUnreachable

T = TypeVar("T")

MOST_PAGES = 50
"""Of one list; a forge has at most 100 entries on a page."""

_LONGEST_PLACE = 100
_LACKS = (400, 422)
"""The statuses with which forges refuse a write that lacks something."""
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}", re.ASCII)


def _check_page(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""


Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Page = Annotated[str, AfterValidator(_check_page)]
"""The address of a page, or "" for a text that no link may have."""
Time = AwareDatetime


class Numbered(BaseModel):
    """Something with an id, such as a repository."""

    id: int


class Listing(NamedTuple, Generic[T]):
    """All entries of a list. `mark` and `unchanged` are as in framework.ports.forges.Pulls."""

    entries: list[T]
    mark: str = ""
    unchanged: bool = False


def read(requester: Requester, kind: TypeAdapter[T], data: bytes) -> T:
    """Return what an answer holds. Raises ForgeUnreachable."""
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))[:_LONGEST_PLACE] or "the whole"
    raise ForgeUnreachable(
        requester.api, f"sent an answer that is not in the form of its API ({where})"
    )


def read_all(
    requester: Requester,
    path: str,
    query: Query,
    kind: TypeAdapter[list[T]],
    *,
    mark: str = "",
    until: Callable[[list[T]], bool] = lambda _: False,
) -> Listing[T]:
    """Return all entries of a list, from its first page to its last: a whole list, or an error.

    `until` returns whether no page after these entries is needed. A list of several pages has no
    mark: the second page may change without the first.
    """
    entries: list[T] = []
    total = 0
    for page in range(1, MOST_PAGES + 1):
        # The number, not the address of the next page: that may name another host.
        answer = requester.get(path, {**query, "page": page}, mark if page == 1 else "")
        if answer.unchanged:
            return Listing([], mark, unchanged=True)
        found = read(requester, kind, answer.data)
        entries += found
        total = max(total, answer.total or 0)
        if until(found):
            return Listing(entries)
        if not answer.has_more:
            if len(entries) < total or (page > 1 and not found):
                raise ForgeUnreachable(requester.api, "sent a list without some of its entries")
            return Listing(entries, answer.mark if page == 1 else "")
    raise ForgeUnreachable(requester.api, f"has a list of more than {MOST_PAGES} pages")


def find(requester: Requester, path: str, kind: TypeAdapter[T], *, parent: str) -> T | None:
    """Return what is at a path; None if there is `parent`, but nothing at the path.

    Without a look at the parent, a token that has lost its rights would seem to be a removal.
    """
    try:
        data = requester.get(path).data
    except ForgeRefused as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        requester.get(parent)
        return None
    return read(requester, kind, data)


def write_to(requester: Requester, method: str, path: str, body: Body, *, parent: str) -> bool:
    """Write to something; return False if there is `parent`, but nothing at the path."""
    try:
        requester.write(method, path, body)
    except ForgeRefused as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        requester.get(parent)
        return False
    return True


def probe(requester: Requester, path: str, *, is_form: bool = False) -> None:
    """Raise ForgeRefused if the token may not write to a path. Leaves nothing behind.

    The body lacks all required fields, so the forge refuses it for them.
    """
    try:
        requester.write("POST", path, {}, is_form=is_form)
    except ForgeRefused as error:
        if error.status not in _LACKS:
            raise


def is_user_name(user: str) -> bool:
    """Return whether a text can be the name of a user, and so a part of a path."""
    return _USER.fullmatch(user) is not None
