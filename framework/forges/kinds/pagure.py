"""Pagure: its API of version 0. Times are texts with seconds since the epoch.

Pagure 5.14 shows pull requests of public projects only, whatever the token is.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter

from framework.forges import answers
from framework.forges.answers import Numbered, Page, Sha
from framework.forges.forge_kind import ForgeKind, Place
from framework.forges.requester import Body, Query, Requester
from framework.hooks.signatures import signed
from framework.ports.forge_errors import ForgeUnreachable
from framework.ports.forges import Comment, Pull, Pulls
from framework.ports.telling import Abilities, Status
from program.git.addresses import Origin, write_origin

_API = "/api/0"
_SIGNATURE = "x-pagure-signature-256"
_LONGEST_UID = 32
_NOT_STORED = b"EDBERROR"
"""What Pagure says, with 400, when its database does not answer, or is locked."""
_WRITES = ("owner", "admin", "commit")
_LONGEST_NAME = 4
"""forks/USER/NAMESPACE/NAME"""


class _User(BaseModel):
    name: str


class _Comment(BaseModel):
    id: int
    user: _User
    comment: str
    date_created: float
    edited_on: float | None = None
    notification: bool = False


class _Source(Numbered):
    user: _User | None = None


class _Request(BaseModel):
    id: int
    title: str | None
    branch: str
    branch_from: str | None = None
    project: Numbered
    repo_from: _Source | None
    commit_stop: Sha | None
    user: _User
    status: str
    last_updated: float
    full_url: Page = ""
    comments: list[_Comment] = []


class _Requests(BaseModel):
    requests: list[_Request]
    total_requests: int


class _Project(BaseModel):
    id: int
    access_users: Mapping[str, list[str]]
    access_groups: Mapping[str, list[str]]


class _Group(BaseModel):
    members: list[str]


_REQUEST = TypeAdapter(_Request)
_REQUESTS = TypeAdapter(_Requests)
_PROJECT = TypeAdapter(_Project)
_GROUP = TypeAdapter(_Group)


class Pagure(ForgeKind):
    """A project at Pagure, as framework.ports.Forge describes it."""

    kind = "pagure"
    rank = 4
    title = "Pagure"
    hosts = ("pagure.io",)
    rights = (
        "Pagure's API shows the pull requests of public projects only. A key needs the rights "
        "pull_request_comment and pull_request_flag (docs/forges/other.md)."
    )
    abilities = Abilities(edits_comments=False)
    own_secret = "the private web-hook key"  # noqa: S105 # its name
    takes_secret = False
    # A delivery's id is in its body, and so its signature is as unique.
    schemes = (signed("pagure", _SIGNATURE, id_header=_SIGNATURE),)
    by_hand = (
        "At Pagure: Settings, Project options, web-hooks: the address. Pagure makes the secret "
        "itself, the private web-hook key: give it to `prevs forge hook APP --file FILE`."
    )

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:
        super().__init__(requester, name)
        self._path = "/" + "/".join(name)

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """Return the headers of all requests; "" is no token."""
        return {"Authorization": f"token {token}"} if token else {}

    @staticmethod
    def find_place(origin: Origin, parts: tuple[str, ...]) -> Place | None:
        """Return where a project is. The API calls the folder of forks `fork`."""
        first, *more = parts
        name = ("fork" if first == "forks" and more else first, *more)
        return Place(f"{write_origin(origin)}{_API}", name) if len(name) <= _LONGEST_NAME else None

    def find_repository(self) -> str:
        """Return the project's id. Raises ForgeRefused if there is none, or the token has ended."""
        # Most calls that read ignore a token that has ended. This one checks it.
        self.requester.get(f"{self._path}/git/urls")
        return str(self._read(self._path, _PROJECT).id)

    def open_pulls(self, mark: str = "") -> Pulls:  # noqa: ARG002
        """Return all open pull requests that have a commit. Pagure has no marks."""
        found: dict[int, _Request] = {}
        for page in range(1, answers.MOST_PAGES + 1):
            query: Query = {"status": "Open", "per_page": 100, "page": page}
            listed = self._read(f"{self._path}/pull-requests", _REQUESTS, query)
            found |= {one.id: one for one in listed.requests}
            if len(found) >= listed.total_requests:
                pulls = (_read(one) for one in found.values())
                return Pulls(tuple(pull for pull in pulls if pull))
            if not listed.requests:
                break
        raise ForgeUnreachable(self.requester.api, "sent a list without some of its entries")

    def pull(self, number: int) -> Pull | None:
        """Return one pull request, open or not; None if there is none, or none with a commit."""
        found = self._find(number)
        return None if found is None else _read(found)

    def head_owner(self, number: int) -> str:
        """Return who owns the project of a pull request's head, "" if that is gone."""
        found = self._find(number)
        source = found.repo_from if found else None
        return source.user.name if source and source.user else ""

    def comments(self, number: int, since: float) -> Sequence[Comment]:
        """Return the comments of people that were made or changed after `since`."""
        found = self._find(number)
        return [
            Comment(str(one.id), one.user.name, one.comment, one.date_created)
            for one in (found.comments if found else ())
            if not one.notification and max(one.date_created, one.edited_on or 0.0) > since
        ]

    def may_write(self, user: str) -> bool:
        """Return whether a user may push, alone or in a group; an unknown user may not."""
        project = self._read(self._path, _PROJECT)
        if any(user in project.access_users.get(access, ()) for access in _WRITES):
            return True
        groups = (group for one in _WRITES for group in project.access_groups.get(one, ()))
        return any(
            user in self._read(f"/group/{group}", _GROUP).members
            for group in groups
            if answers.is_user_name(group)
        )

    def find_comment(self, number: int, marker: str) -> str:
        """Return the id of the oldest comment that begins with a marker, "" for none."""
        found = self._find(number)
        ours = [
            one.id for one in (found.comments if found else ()) if one.comment.startswith(marker)
        ]
        return str(min(ours)) if ours else ""

    def add_comment(self, number: int, text: str) -> str:
        """Add a comment; return its id, which Pagure's answer does not have."""
        path = f"{self._path}/pull-request/{number}/comment"
        self._write(path, {"comment": text})
        return self.find_comment(number, text.strip())

    def edit_comment(self, number: int, comment: str, text: str) -> bool:  # noqa: ARG002
        """Change nothing: Pagure's API edits no comments."""
        return True

    def set_status(self, number: int, status: Status) -> None:
        """Flag the head of a pull request, which has at most one flag with the id that we give."""
        # Pagure flags the head of now. If that is newer than ours, its own status comes next, and
        # replaces this one.
        uid = hashlib.sha256(f"{self._path} {status.context}".encode()).hexdigest()[:_LONGEST_UID]
        flag = {
            "username": status.context,
            "comment": status.text,
            "url": self._choose_url(number, status.url),
            "status": status.light.value,
            "uid": uid,
        }
        self._write(f"{self._path}/pull-request/{number}/flag", flag)

    def try_comment(self, number: int) -> None:
        """Raise ForgeRefused if the key may not comment a pull request."""
        path = f"{self._path}/pull-request/{number}/comment"
        answers.probe(self.requester, path, is_form=True)

    def try_status(self, number: int) -> None:
        """Raise ForgeRefused if the key may not flag a pull request."""
        answers.probe(self.requester, f"{self._path}/pull-request/{number}/flag", is_form=True)

    def _choose_url(self, number: int, url: str) -> str:
        """Return the URL for a flag: the pull request's if Pagure would not take this one.

        That is one whose host has two hyphens in a row, such as an address of the flat form. Our
        comment is there, in which any URL may be.
        """
        if "--" not in url:
            return url
        return f"{self.requester.api.removesuffix(_API)}{self._path}/pull-request/{number}"

    def _find(self, number: int) -> _Request | None:
        path = f"{self._path}/pull-request/{number}"
        return answers.find(self.requester, path, _REQUEST, parent=self._path)

    def _write(self, path: str, form: Body) -> None:
        self.requester.write("POST", path, form, is_form=True, failed=_NOT_STORED)

    def _read(self, path: str, kind: Any, query: Query | None = None) -> Any:
        return answers.read(self.requester, kind, self.requester.get(path, query).data)


def _read(one: _Request) -> Pull | None:
    """Return a pull request; None if Pagure has not noted its commit yet."""
    if one.commit_stop is None:
        return None
    return Pull(
        number=one.id,
        sha=one.commit_stop,
        ref=f"pull/{one.id}/head",
        base=one.branch,
        is_fork=one.repo_from is None or one.repo_from.id != one.project.id,
        author=one.user.name,
        title=one.title or "",
        updated=one.last_updated,
        url=one.full_url,
        repository=str(one.project.id),
        is_open=one.status == "Open",
        branch=one.branch_from or "",
    )
