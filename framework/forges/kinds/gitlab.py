"""GitLab, at gitlab.com or elsewhere: its API of version 4. Its pull requests are merge requests.

The number of a merge request is its `iid`, which counts in its project.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from framework.forges import answers
from framework.forges.answers import Numbered, Page, Sha, Time
from framework.forges.forge_kind import ForgeKind, Place
from framework.forges.requester import Body, Query, Requester
from framework.forges.setup.webhooks import KnownHook
from framework.hooks.signatures import STANDARD, secret_in
from framework.ports.forge_errors import ForgeRefused
from framework.ports.forges import Comment, Pull, Pulls
from framework.ports.telling import Light, Status
from program.git.addresses import Origin, write_origin

_DEVELOPER = 30
"""The lowest access level that may push."""
_OPEN = ("opened", "locked")
"""It is locked while it is being merged."""


class _User(BaseModel):
    id: int
    username: str


class _MergeRequest(BaseModel):
    iid: int
    sha: Sha | None
    source_branch: str
    target_branch: str
    source_project_id: int | None
    target_project_id: int
    author: _User | None
    title: str
    updated_at: Time
    web_url: Page
    state: str
    draft: bool = False


class _Note(BaseModel):
    id: int
    author: _User
    body: str
    system: bool = False
    created_at: Time
    updated_at: Time


class _Member(BaseModel):
    id: int
    access_level: int
    state: str = "active"


class _Access(BaseModel):
    access_level: int


class _Permissions(BaseModel):
    project_access: _Access | None = None
    group_access: _Access | None = None


class _Project(BaseModel):
    id: int
    permissions: _Permissions = _Permissions()


class _Namespace(BaseModel):
    kind: str
    path: str


class _Source(BaseModel):
    namespace: _Namespace


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


_SOURCE = TypeAdapter(_Source)
_PROJECT = TypeAdapter(_Project)
_MERGE_REQUEST = TypeAdapter(_MergeRequest)
_MERGE_REQUESTS = TypeAdapter(list[_MergeRequest])
_NOTES = TypeAdapter(list[_Note])
_USERS = TypeAdapter(list[_User])
_MEMBER = TypeAdapter(_Member)
_MADE = TypeAdapter(Numbered)
_FLAGS = TypeAdapter(list[_Flags])
_EVENTS = TypeAdapter(list[_Event])
_STATES = {Light.SUCCESS: "success", Light.PENDING: "running", Light.FAILURE: "failed"}
_SAME_STATE = b"Cannot transition status"
"""What GitLab says of a status that has the state already."""


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


class GitLab(ForgeKind):
    """A project at GitLab, as framework.ports.Forge describes it."""

    kind = "gitlab"
    rank = 2
    title = "GitLab"
    hosts = ("gitlab.com", "altssh.gitlab.com")
    aliases: ClassVar[Mapping[str, str]] = {"altssh.gitlab.com": "gitlab.com"}
    rights = (
        "A project access token needs the role Developer and the scope api (docs/forges/gitlab.md)."
    )
    webhooks = GitLabHooks
    own_secret = "the signing token"  # noqa: S105 # its name
    # With a signing token it signs as Standard Webhooks does, and so do others.
    schemes = (STANDARD, secret_in("gitlab", "x-gitlab-token", id_header="x-gitlab-event-uuid"))
    by_hand = (
        "At GitLab: Settings, Webhooks, Add new webhook. URL: the address; secret token: the "
        "secret; push, tag push, merge request and comment events."
    )

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:
        super().__init__(requester, name)
        self._path = f"/projects/{quote('/'.join(name), safe='')}"

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """Return the headers of all requests; "" is no token."""
        return {"PRIVATE-TOKEN": token} if token else {}

    @staticmethod
    def find_place(origin: Origin, parts: tuple[str, ...]) -> Place | None:
        """Return where a project is: in a group, or deeper."""
        return Place(f"{write_origin(origin)}/api/v4", parts) if len(parts) > 1 else None

    def find_repository(self) -> str:
        """Return the project's id. Raises ForgeRefused if the token may not see it."""
        return str(self._read_project().id)

    def open_pulls(self, mark: str = "") -> Pulls:
        """Return all open merge requests that have a commit."""
        query: Query = {"state": "opened", "per_page": 100}
        path = f"{self._path}/merge_requests"
        listed = answers.read_all(self.requester, path, query, _MERGE_REQUESTS, mark=mark)
        found = (_read(one) for one in listed.entries)
        pulls = {pull.number: pull for pull in found if pull}
        return Pulls(tuple(pulls.values()), listed.mark, listed.unchanged)

    def pull(self, number: int) -> Pull | None:
        """Return one merge request, open or not; None if there is none, or none with a commit."""
        path = f"{self._path}/merge_requests/{number}"
        found = answers.find(self.requester, path, _MERGE_REQUEST, parent=self._path)
        return None if found is None else _read(found)

    def head_owner(self, number: int) -> str:
        """Return whose the project of a merge request's head is, "" for a group's or a hidden one.

        The merge request itself names that project by its id alone.
        """
        path = f"{self._path}/merge_requests/{number}"
        found = answers.find(self.requester, path, _MERGE_REQUEST, parent=self._path)
        if found is None or found.source_project_id is None:
            return ""
        path = f"/projects/{found.source_project_id}"
        source = answers.find(self.requester, path, _SOURCE, parent=self._path)
        is_persons = source is not None and source.namespace.kind == "user"
        return source.namespace.path if source and is_persons else ""

    def comments(self, number: int, since: float) -> Sequence[Comment]:
        """Return the notes of people that were made or changed after `since`."""
        query: Query = {"sort": "desc", "order_by": "updated_at", "per_page": 100}

        def is_older(notes: Sequence[_Note]) -> bool:
            return any(note.updated_at.timestamp() <= since for note in notes)

        listed = answers.read_all(
            self.requester, self._notes(number), query, _NOTES, until=is_older
        )
        return [
            Comment(str(note.id), note.author.username, note.body, note.created_at.timestamp())
            for note in reversed(listed.entries)
            if not note.system and note.updated_at.timestamp() > since
        ]

    def may_write(self, user: str) -> bool:
        """Return whether a user may push to the project; an unknown user may not."""
        if not answers.is_user_name(user):
            return False
        query: Query = {"username": user}
        found = answers.read_all(self.requester, "/users", query, _USERS).entries
        return any(
            self._is_developer(one.id) for one in found if one.username.lower() == user.lower()
        )

    def find_comment(self, number: int, marker: str) -> str:
        """Return the id of the oldest note that begins with a marker, "" for none."""
        query: Query = {"sort": "asc", "order_by": "created_at", "per_page": 100}

        def is_found(notes: Sequence[_Note]) -> bool:
            return any(note.body.startswith(marker) for note in notes)

        listed = answers.read_all(
            self.requester, self._notes(number), query, _NOTES, until=is_found
        ).entries
        ours = [note.id for note in listed if note.body.startswith(marker)]
        return str(min(ours)) if ours else ""

    def add_comment(self, number: int, text: str) -> str:
        """Add a note; return its id."""
        made = self.requester.write("POST", self._notes(number), {"body": text})
        return str(answers.read(self.requester, _MADE, made.data).id)

    def edit_comment(self, number: int, comment: str, text: str) -> bool:
        """Give a note another text; return whether it is still there."""
        path = f"{self._notes(number)}/{comment}"
        return answers.write_to(self.requester, "PUT", path, {"body": text}, parent=self._path)

    def set_status(self, number: int, status: Status) -> None:  # noqa: ARG002
        """Set a status of a commit. That of a fork belongs to the fork, and may be refused."""
        shown = {
            "state": _STATES[status.light],
            "name": status.context,
            "description": status.text,
            "target_url": status.url,
        }
        path = f"{self._path}/statuses/{status.sha}"
        self.requester.write("POST", path, shown, done=_SAME_STATE)

    def try_comment(self, number: int) -> None:
        """Raise ForgeRefused if the token may not comment a merge request."""
        answers.probe(self.requester, self._notes(number))

    def try_status(self, number: int) -> None:
        """Raise ForgeRefused if the token may not set a commit's status.

        GitLab looks at what a write lacks before it looks at the role, so the role is read.
        """
        self.try_comment(number)
        granted = self._read_project().permissions
        levels = [one.access_level for one in (granted.project_access, granted.group_access) if one]
        if max(levels, default=_DEVELOPER) < _DEVELOPER:
            raise ForgeRefused(
                self.requester.api, 403, "The token's role is below Developer.", self.rights
            )

    def _read_project(self) -> _Project:
        return answers.read(self.requester, _PROJECT, self.requester.get(self._path).data)

    def _notes(self, number: int) -> str:
        return f"{self._path}/merge_requests/{number}/notes"

    def _is_developer(self, user: int) -> bool:
        path = f"{self._path}/members/all/{user}"
        member = answers.find(self.requester, path, _MEMBER, parent=self._path)
        return member is not None and member.access_level >= _DEVELOPER and member.state == "active"


def _read(one: _MergeRequest) -> Pull | None:
    """Return a merge request; None if it has no commit, for example because its branch is empty."""
    if one.sha is None:
        return None
    return Pull(
        number=one.iid,
        sha=one.sha,
        ref=f"merge-requests/{one.iid}/head",
        base=one.target_branch,
        is_fork=one.source_project_id != one.target_project_id,
        author=one.author.username if one.author else "",
        title=one.title,
        updated=one.updated_at.timestamp(),
        url=one.web_url,
        repository=str(one.target_project_id),
        is_open=one.state in _OPEN,
        is_draft=one.draft,
        branch=one.source_branch,
    )
