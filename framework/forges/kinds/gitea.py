"""Gitea, and Forgejo, which has the same API: its version 1, which is made after GitHub's."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from framework.forges.forge_kind import Place
from framework.forges.kinds.github import NO_COMMIT, GitHub, GitHubHooks
from framework.forges.requester import Body, Query
from framework.hooks.signatures import signed
from framework.ports.forge_errors import ForgeRefused, ForgeUnreachable
from framework.ports.telling import Abilities
from program.git.addresses import Origin, write_origin

_NOT_ALLOWED = (401, 403)


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


class Gitea(GitHub):
    """A repository at Gitea or Forgejo, as framework.ports.Forge describes it."""

    kind = "gitea"
    rank = 3
    title = "Gitea or Forgejo"
    hosts = ("codeberg.org", "gitea.com")
    aliases: ClassVar[Mapping[str, str]] = {}
    rights = (
        "The token needs the scopes write:repository and write:issue, and its user must be able to "
        "write; to look up who else may, the user must be an admin of the repository "
        "(docs/forges/gitea.md)."
    )
    abilities = Abilities()
    webhooks = GiteaHooks
    # Forgejo sends Gitea's headers too, and both those of Gogs and GitHub.
    schemes = (
        signed("forgejo", "x-forgejo-signature", id_header="x-forgejo-delivery"),
        signed("gitea", "x-gitea-signature", id_header="x-gitea-delivery"),
        signed("gogs", "x-gogs-signature", id_header="x-gogs-delivery"),
    )
    by_hand = (
        "At Gitea or Forgejo: Settings, Webhooks, Add webhook. Target URL: the address; POST, "
        "application/json; the secret; custom events: create, delete, push, and of pull requests "
        "modification, comments, synchronized."
    )
    page_size: ClassVar[Query] = {"limit": 50}
    """Its servers send no more, unless their settings differ."""
    writers: ClassVar[Collection[str]] = ("owner", "admin", "write")

    @staticmethod
    def headers(token: str) -> Mapping[str, str]:
        """Return the headers of all requests; "" is no token."""
        return {"Authorization": f"token {token}"} if token else {}

    @staticmethod
    def find_place(origin: Origin, parts: tuple[str, ...]) -> Place | None:
        """Return where a repository is. A server may be below a path of its host."""
        *prefix, owner, name = parts if len(parts) > 1 else ("", "")
        return (
            Place("/".join((write_origin(origin), *prefix, "api/v1")), (owner, name))
            if owner
            else None
        )

    def try_status(self, number: int) -> None:  # noqa: ARG002
        """Raise ForgeRefused if the token may not set a commit's status.

        Gitea fails at a commit that it does not know, after it has looked at the rights.
        """
        try:
            self.requester.write("POST", f"{self._path}/statuses/{NO_COMMIT}", {})
        except ForgeRefused as error:
            if error.status in _NOT_ALLOWED:
                raise
        except ForgeUnreachable:
            self.find_repository()
