"""What an app's landing page may show, as the framework's API describes it. Pure.

Unknown JSON is tolerated: a key of another type counts as absent.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from prevs.states import State
from proxy.model.preview import as_mapping, read_number, read_text

KINDS = ("pull", "branch", "tag")
FEW, MANY = 20, 100
"""How many entries of each kind are on the first page, and on a page of one kind."""
_LISTS = {"pull": "pulls", "branch": "branches", "tag": "tags"}
_CURSOR = re.compile(r"[A-Za-z0-9._-]{1,12000}", re.ASCII)
"""What the framework takes as the place where a list goes on."""
_STATES = frozenset(one.value for one in State)


class LandingQuery(NamedTuple):
    """What a visitor wants to see: all kinds (""), or those of one `kind` behind a cursor.

    They match `search`.
    """

    search: str = ""
    kind: str = ""
    after: str = ""

    @property
    def limit(self) -> int:
        """How many entries a list has at most."""
        return MANY if self.kind else FEW


class LandingEntry(NamedTuple):
    """A branch, a tag or a pull request. `at` is in seconds since the epoch.

    `state` is that of its commit's preview, "" if it never started; `why` is the reason. `serving`
    is the older commit that runs at its address, `same` that of the preview which serves this
    commit too, as they do not differ. It is not built unless it `may_run`. `stacks` are
    the stacks with this entry in an open variant, each with the variant's address, and `services`
    what visitors reach beside its application, with their addresses.
    """

    kind: str
    name: str
    url: str
    sha: str
    author: str
    title: str
    at: float | None
    state: str
    why: str
    serving: str
    may_run: bool
    stacks: tuple[tuple[str, str], ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    same: str = ""


class LandingList(NamedTuple):
    """Some entries of one kind, of `total`; `next` is where others begin, "" for nowhere."""

    kind: str
    entries: tuple[LandingEntry, ...]
    total: int
    next: str

    @property
    def more(self) -> int:
        """How many are not on the first page."""
        return self.total - len(self.entries)


class Landing(NamedTuple):
    """What a landing page shows; without `shows_all` it has no lists.

    `commit_url` is a commit's address with COMMIT in it, `found_url` that of a commit that was
    searched for. `trouble` is why branches and tags are old or missing, as of `as_of`.
    """

    shows_all: bool
    commit_url: str
    found_url: str
    default: LandingEntry | None
    lists: tuple[LandingList, ...]
    as_of: float | None
    trouble: str


def read_query(fields: Mapping[str, str]) -> LandingQuery:
    """Return what a visitor asks for. A kind that is none counts as all."""
    kind = fields.get("kind", "")
    kind = kind if kind in KINDS else ""
    after = fields.get("after", "")
    return LandingQuery(
        fields.get("q", "").strip()[:200], kind, after if kind and _CURSOR.fullmatch(after) else ""
    )


def read_landing(value: Any) -> Landing:
    """Return the landing page in a JSON object of the API. Raises ValueError if there is none."""
    fields = as_mapping(value)
    commit_url = _address(fields, "commit_url")
    if not commit_url:
        raise ValueError("no landing page")
    default = fields.get("default")
    return Landing(
        shows_all=fields.get("shows") == "full",
        commit_url=commit_url,
        found_url=_address(fields, "found_url"),
        default=_read_entry(as_mapping(default)) if isinstance(default, Mapping) else None,
        lists=tuple(_read_list(kind, fields.get(name)) for kind, name in _LISTS.items()),
        as_of=read_number(fields, "as_of"),
        trouble=read_text(fields, "trouble"),
    )


def _read_list(kind: str, value: Any) -> LandingList:
    fields = as_mapping(value)
    listed = fields.get("entries")
    read = (_read_entry(as_mapping(one)) for one in (listed if isinstance(listed, list) else ()))
    entries = tuple(one for one in read if one is not None)
    total = int(read_number(fields, "total") or len(entries))
    return LandingList(kind, entries, total, read_text(fields, "next"))


def _read_entry(fields: Mapping[str, Any]) -> LandingEntry | None:
    """Return an entry; None if it has no address."""
    url = _address(fields, "url")
    if not url:
        return None
    state = read_text(fields, "state")
    texts = {name: read_text(fields, name) for name in ("name", "sha", "author", "title")}
    return LandingEntry(
        kind=read_text(fields, "kind"),
        url=url,
        at=read_number(fields, "at"),
        state=state if state in _STATES else "",
        why=read_text(fields, "why"),
        serving=read_text(fields, "serving"),
        same=read_text(fields, "same"),
        may_run=fields.get("may_run") is not False,
        stacks=_read_addresses(fields.get("variants"), "stack"),
        services=_read_addresses(fields.get("services"), "name"),
        **texts,
    )


def _read_addresses(value: Any, key: str) -> tuple[tuple[str, str], ...]:
    """Return what is listed with a name and an address; the `key` has the name."""
    listed = [as_mapping(one) for one in value] if isinstance(value, list) else []
    read = ((read_text(one, key), _address(one, "url")) for one in listed)
    return tuple((name, url) for name, url in read if name and url)


def _address(fields: Mapping[str, Any], key: str) -> str:
    """Return an address that a link may lead to; "" for any other text."""
    text = read_text(fields, key)
    return text if text.startswith(("http://", "https://")) else ""
