"""GitLab, at gitlab.com or elsewhere: its API of version 4. Its pull requests are merge requests.

The number of a merge request is its `iid`, which counts in its project.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from framework.forges import answers
from framework.forges.answers import Numbered, Page, Sha, Time
from framework.forges.requester import Query, Requester
from framework.ports.forge_errors import ForgeRefused
from framework.ports.forges import Comment, Pull, Pulls
from framework.ports.telling import Deployments, Light, Status

RIGHTS = (
    "A project access token needs the role Developer and the scope api (docs/forges/gitlab.md)."
)
_DEVELOPER = 30
"""The lowest access level that may push."""
_OPEN = ("opened", "locked")
"""It is locked while it is being merged."""


def headers(token: str) -> Mapping[str, str]:
    """Return the headers of all requests; "" is no token."""
    return {"PRIVATE-TOKEN": token} if token else {}


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


_SOURCE = TypeAdapter(_Source)
_PROJECT = TypeAdapter(_Project)
_MERGE_REQUEST = TypeAdapter(_MergeRequest)
_MERGE_REQUESTS = TypeAdapter(list[_MergeRequest])
_NOTES = TypeAdapter(list[_Note])
_USERS = TypeAdapter(list[_User])
_MEMBER = TypeAdapter(_Member)
_MADE = TypeAdapter(Numbered)
_STATES = {Light.SUCCESS: "success", Light.PENDING: "running", Light.FAILURE: "failed"}
_SAME_STATE = b"Cannot transition status"
"""What GitLab says of a status that has the state already."""


class GitLab:
    """A project at GitLab, as framework.ports.Forge describes it."""

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:
        self.requester = requester
        self.deployments: Deployments | None = None
        self._path = f"/projects/{quote('/'.join(name), safe='')}"

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
                self.requester.api, 403, "The token's role is below Developer.", RIGHTS
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
