"""GitHub, also GitHub Enterprise Server: its REST API of version 2022-11-28."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, TypeAdapter

from framework.forges import answers
from framework.forges.answers import Numbered, Page, Sha, Time
from framework.forges.forge_kind import ForgeKind, Place
from framework.forges.github_deployments import GitHubDeployments
from framework.forges.requester import Body, Query, Requester
from framework.forges.setup.webhooks import KnownHook
from framework.hooks.signatures import Scheme, signed
from framework.ports.forges import Comment, Pull, Pulls
from framework.ports.telling import Abilities, Status
from program.git.addresses import Origin, write_origin


class _User(BaseModel):
    login: str


class _Source(Numbered):
    owner: _User | None = None


class _Head(BaseModel):
    ref: str
    sha: Sha
    repo: _Source | None


class _Base(BaseModel):
    ref: str
    repo: Numbered


class _Pull(BaseModel):
    number: int
    state: str
    title: str
    user: _User | None
    head: _Head
    base: _Base
    draft: bool = False
    updated_at: Time
    html_url: Page


class _Comment(BaseModel):
    id: int
    user: _User | None
    body: str | None = None
    created_at: Time


class _Permission(BaseModel):
    permission: str


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


_PUBLIC, _PUBLIC_API = "github.com", "https://api.github.com"
NO_COMMIT = "0" * 40
"""An id that no commit has."""
_PULL = TypeAdapter(_Pull)
_PULLS = TypeAdapter(list[_Pull])
_COMMENTS = TypeAdapter(list[_Comment])
_PERMISSION = TypeAdapter(_Permission)
_MADE = _REPOSITORY = TypeAdapter(Numbered)
_HOOKS = TypeAdapter(list[_Hook])


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


class GitHub(ForgeKind):
    """A repository at GitHub, as framework.ports.Forge describes it."""

    kind = "github"
    rank = 1
    title = "GitHub, also Enterprise Server"
    hosts = (_PUBLIC, "ssh.github.com")
    aliases: ClassVar[Mapping[str, str]] = {"www.github.com": _PUBLIC, "ssh.github.com": _PUBLIC}
    rights = (
        "A fine-grained token for this repository needs to read contents and metadata, and to read "
        "and write pull requests and commit statuses (docs/forges/github.md)."
    )
    abilities = Abilities(has_deployments=True)
    webhooks = GitHubHooks
    schemes: ClassVar[Sequence[Scheme]] = (
        signed("github", "x-hub-signature-256", "sha256=", id_header="x-github-delivery"),
    )
    by_hand = (
        "At GitHub: Settings, Webhooks, Add webhook. Payload URL: the address; content type: "
        "application/json; the secret; individual events: pushes, pull requests, issue comments."
    )
    page_size: ClassVar[Query] = {"per_page": 100}
    writers: ClassVar[Collection[str]] = ("admin", "write")
    """The permissions that allow pushes. `maintain` is reported as write, `triage` as read."""

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:
        super().__init__(requester, name)
        self._path = "/repos/" + "/".join(name)
        if self.abilities.has_deployments:
            self.deployments = GitHubDeployments(requester, self._path)

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """Return the headers of all requests; "" is no token."""
        kind = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return {**kind, "Authorization": f"Bearer {token}"} if token else kind

    @staticmethod
    def find_place(origin: Origin, parts: tuple[str, ...]) -> Place | None:
        """Return where a repository is. The API of github.com has a host of its own."""
        api = (
            "https://api.github.com" if origin.host == _PUBLIC else f"{write_origin(origin)}/api/v3"
        )
        return Place(api, parts) if len(parts) == 2 else None

    def find_repository(self) -> str:
        """Return the repository's id. Raises ForgeRefused if the token may not see it."""
        found = answers.read(self.requester, _REPOSITORY, self.requester.get(self._path).data)
        return str(found.id)

    def open_pulls(self, mark: str = "") -> Pulls:
        """Return all open pull requests."""
        query = {"state": "open", **self.page_size}
        listed = answers.read_all(self.requester, f"{self._path}/pulls", query, _PULLS, mark=mark)
        pulls = {pull.number: _read(pull) for pull in listed.entries}
        return Pulls(tuple(pulls.values()), listed.mark, listed.unchanged)

    def pull(self, number: int) -> Pull | None:
        """Return one pull request, open or not; None if there is none."""
        path = f"{self._path}/pulls/{number}"
        found = answers.find(self.requester, path, _PULL, parent=self._path)
        return None if found is None else _read(found)

    def head_owner(self, number: int) -> str:
        """Return who owns the repository of a pull request's head, "" if that is gone.

        An organization is an owner like any other, but not one who may write.
        """
        path = f"{self._path}/pulls/{number}"
        found = answers.find(self.requester, path, _PULL, parent=self._path)
        source = found.head.repo if found else None
        return source.owner.login if source and source.owner else ""

    def comments(self, number: int, since: float) -> Sequence[Comment]:
        """Return the comments that were made or changed after `since`."""
        moment = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"since": moment, **self.page_size}
        path = f"{self._path}/issues/{number}/comments"
        return [
            Comment(str(one.id), one.user.login, one.body or "", one.created_at.timestamp())
            for one in answers.read_all(self.requester, path, query, _COMMENTS).entries
            if one.user
        ]

    def may_write(self, user: str) -> bool:
        """Return whether a user may write to the repository; an unknown user may not."""
        if not answers.is_user_name(user):
            return False
        path = f"{self._path}/collaborators/{user}/permission"
        found = answers.find(self.requester, path, _PERMISSION, parent=self._path)
        return found is not None and found.permission in self.writers

    def find_comment(self, number: int, marker: str) -> str:
        """Return the id of the oldest comment that begins with a marker, "" for none."""
        path = f"{self._path}/issues/{number}/comments"

        def is_found(some: Sequence[_Comment]) -> bool:
            return any((one.body or "").startswith(marker) for one in some)

        # The oldest ones come first.
        listed = answers.read_all(
            self.requester, path, self.page_size, _COMMENTS, until=is_found
        ).entries
        ours = [one.id for one in listed if (one.body or "").startswith(marker)]
        return str(min(ours)) if ours else ""

    def add_comment(self, number: int, text: str) -> str:
        """Add a comment; return its id."""
        path = f"{self._path}/issues/{number}/comments"
        made = self.requester.write("POST", path, {"body": text})
        return str(answers.read(self.requester, _MADE, made.data).id)

    def edit_comment(self, number: int, comment: str, text: str) -> bool:  # noqa: ARG002
        """Give a comment another text; return whether it is still there."""
        path = f"{self._path}/issues/comments/{comment}"
        return answers.write_to(self.requester, "PATCH", path, {"body": text}, parent=self._path)

    def set_status(self, number: int, status: Status) -> None:  # noqa: ARG002
        """Set a status of a commit."""
        shown = {
            "state": status.light.value,
            "context": status.context,
            "description": status.text,
            "target_url": status.url,
        }
        self.requester.write("POST", f"{self._path}/statuses/{status.sha}", shown)

    def try_comment(self, number: int) -> None:
        """Raise ForgeRefused if the token may not comment a pull request."""
        answers.probe(self.requester, f"{self._path}/issues/{number}/comments")

    def try_status(self, number: int) -> None:  # noqa: ARG002
        """Raise ForgeRefused if the token may not set a commit's status."""
        answers.probe(self.requester, f"{self._path}/statuses/{NO_COMMIT}")


def _read(pull: _Pull) -> Pull:
    # Not head.repo.fork: that is also true for a fork that is the base itself.
    is_own = pull.head.repo is not None and pull.head.repo.id == pull.base.repo.id
    return Pull(
        number=pull.number,
        sha=pull.head.sha,
        ref=f"pull/{pull.number}/head",
        base=pull.base.ref,
        is_fork=not is_own,
        author=pull.user.login if pull.user else "",
        title=pull.title,
        updated=pull.updated_at.timestamp(),
        url=pull.html_url,
        repository=str(pull.base.repo.id),
        is_open=pull.state == "open",
        is_draft=pull.draft,
        branch=pull.head.ref,
    )
