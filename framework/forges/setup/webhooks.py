"""The webhook of an app at its forge, read and made by the forge's API: a class for each kind.

Pagure's API has no webhooks. A forge never shows the secret of one.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from framework.forges import answers
from framework.forges.requester import Body, Query, Requester
from framework.ports.forge_errors import ForgeError, ForgeRefused
from framework.ports.hooks import EnteredHook


class _Response(BaseModel):
    code: int | None = None


class _Config(BaseModel):
    url: str = ""


class _Hook(BaseModel):
    id: int
    active: bool
    events: list[str]
    config: _Config
    last_response: _Response = _Response()


class _Flags(BaseModel):
    """A webhook of GitLab. `alert_status` is not executable after too many failures."""

    id: int
    url: str
    push_events: bool = False
    tag_push_events: bool = False
    merge_requests_events: bool = False
    note_events: bool = False
    alert_status: str = "executable"


class _Event(BaseModel):
    response_status: str | int | None = None


_HOOKS = TypeAdapter(list[_Hook])
_FLAGS = TypeAdapter(list[_Flags])
_EVENTS = TypeAdapter(list[_Event])


class KnownHook(NamedTuple):
    """A webhook that a forge has. `lacks` are the events that it should announce and does not.

    `answer` is the status of the last answer to it, 0 if there was none, None if that is not known.
    """

    id: int
    is_active: bool
    lacks: Sequence[str]
    answer: int | None = None


class Hooks(Protocol):
    """The webhooks of a repository at its forge.

    `rights` is what a token needs, as a sentence. `edit` is the method that changes one, and `test`
    the path below one that has the forge deliver it.
    """

    rights: ClassVar[str]
    edit: ClassVar[str]
    test: ClassVar[str]
    requester: Requester
    path: str

    def find(self, url: str) -> Iterator[KnownHook]:
        """Yield the webhooks with this address. Raises as framework.ports.Forge."""
        ...

    def describe(self, url: str, secret: str) -> Body:
        """Return what the forge is sent to have such a webhook."""
        ...


class GitHubHooks:
    """The webhooks of a repository at GitHub."""

    rights: ClassVar[str] = (
        "To make webhooks, a fine-grained token also needs the right Webhooks: read and write "
        "(docs/forges/github.md)."
    )
    page_size: ClassVar[Query] = {"per_page": 100}
    edit: ClassVar[str] = "PATCH"
    test: ClassVar[str] = "pings"
    events: ClassVar[Collection[str]] = ("push", "pull_request", "issue_comment")

    def __init__(self, requester: Requester) -> None:
        self.requester = requester
        self.path = f"/repos/{requester.repository}/hooks"

    def find(self, url: str) -> Iterator[KnownHook]:
        """Yield the webhooks with this address. Raises as framework.ports.Forge."""
        listed = answers.read_all(self.requester, self.path, self.page_size, _HOOKS)
        for one in listed.entries:
            if one.config.url == url:
                lacks = () if "*" in one.events else sorted(set(self.events) - set(one.events))
                yield KnownHook(one.id, one.active, lacks, one.last_response.code)

    def describe(self, url: str, secret: str) -> Body:
        """Return what the forge is sent to have such a webhook."""
        config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        return {"active": True, "events": [*self.events], "config": config}


class GiteaHooks(GitHubHooks):
    """The webhooks of a repository at Gitea or Forgejo, which do not show their deliveries."""

    rights: ClassVar[str] = (
        "To make webhooks, a token also needs the scope write:repository, and its user must be an "
        "admin of the repository (docs/forges/gitea.md)."
    )
    page_size: ClassVar[Query] = {"limit": 50}
    test: ClassVar[str] = "tests"
    events: ClassVar[Collection[str]] = (
        "create",
        "delete",
        "push",
        "pull_request",
        "pull_request_comment",
        "pull_request_sync",
    )

    def describe(self, url: str, secret: str) -> Body:
        """Return what the forge is sent to have such a webhook."""
        config = {"url": url, "content_type": "json", "secret": secret}
        return {"type": "gitea", "active": True, "events": [*self.events], "config": config}


class GitLabHooks:
    """The webhooks of a project at GitLab."""

    rights: ClassVar[str] = (
        "To make webhooks, a project access token needs the role Maintainer and the scope api "
        "(docs/forges/gitlab.md)."
    )
    edit: ClassVar[str] = "PUT"
    test: ClassVar[str] = "test/push_events"
    events: ClassVar[Collection[str]] = (
        "push_events",
        "tag_push_events",
        "merge_requests_events",
        "note_events",
    )

    def __init__(self, requester: Requester) -> None:
        self.requester = requester
        self.path = f"/projects/{quote(requester.repository, safe='')}/hooks"

    def find(self, url: str) -> Iterator[KnownHook]:
        """Yield the webhooks with this address. Raises as framework.ports.Forge."""
        for one in answers.read_all(self.requester, self.path, {"per_page": 100}, _FLAGS).entries:
            if one.url == url:
                lacks = tuple(event for event in self.events if not getattr(one, event))
                is_active = one.alert_status == "executable"
                yield KnownHook(one.id, is_active, lacks, self._find_answer(one.id))

    def describe(self, url: str, secret: str) -> Body:
        """Return what the forge is sent to have such a webhook."""
        flags = dict.fromkeys(self.events, True)
        return {"url": url, "token": secret, "enable_ssl_verification": True, **flags}

    def _find_answer(self, number: int) -> int | None:
        """Return the status of the last delivery, 0 for none that HTTP knows; None if unknown."""
        try:
            data = self.requester.get(f"{self.path}/{number}/events", {"per_page": 1}).data
        except ForgeRefused:  # before GitLab 17.3 there is no such call
            return None
        events = answers.read(self.requester, _EVENTS, data)
        if not events or events[0].response_status is None:
            return None
        status = str(events[0].response_status)
        return int(status) if status.isdecimal() else 0


_KINDS: Mapping[str, Callable[[Requester], Hooks]] = {
    "github": GitHubHooks,
    "gitea": GiteaHooks,
    "gitlab": GitLabHooks,
}


def find_hooks(kind: str, requester: Requester) -> Hooks | None:
    """Return the webhooks of a repository at this kind of forge; None if its API has none."""
    make = _KINDS.get(kind)
    return make(requester) if make else None


def enter(hooks: Hooks, url: str, secret: str) -> EnteredHook:
    """Give the forge the webhook with this address, and its secret. Blocks; raises nothing.

    Whatever is wrong with those that it has at this address is corrected. The forge is asked to
    deliver it once: that shows whether it arrives, and GitLab switches one on again that was off.
    """
    try:
        is_new = _enter(hooks, url, secret)
    except ForgeRefused as error:
        return _explain(hooks, error)
    except ForgeError as error:
        return EnteredHook("refused", str(error), "Try again, or enter it by hand.")
    return EnteredHook("made" if is_new else "updated")


def _enter(hooks: Hooks, url: str, secret: str) -> bool:
    """Return whether the webhook is new."""
    body = hooks.describe(url, secret)
    known = [one.id for one in hooks.find(url)]
    for number in known:
        hooks.requester.write(hooks.edit, f"{hooks.path}/{number}", body)
    if not known:
        hooks.requester.write("POST", hooks.path, body)
    for one in hooks.find(url):
        # What came of it, the check shows.
        with contextlib.suppress(ForgeError):
            hooks.requester.write("POST", f"{hooks.path}/{one.id}/{hooks.test}", {})
    return not known


def _explain(hooks: Hooks, error: ForgeRefused) -> EnteredHook:
    match error.status:
        case 401:
            return EnteredHook("refused", error.why, error.advice)
        case 422:
            why = f"The forge at {error.api} does not accept this webhook."
            return EnteredHook(
                "refused",
                why,
                "Some forges refuse addresses in private networks: its own settings allow them.",
            )
    why = f"The token may not make webhooks at {error.api}."
    return EnteredHook("refused", why, hooks.rights)
