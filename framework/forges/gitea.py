"""Gitea, and Forgejo, which has the same API: its version 1, which is made after GitHub's."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from framework.forges.github import NO_COMMIT, GitHub
from framework.forges.requester import Query, Requester
from framework.ports.forge_errors import ForgeRefused, ForgeUnreachable

RIGHTS = (
    "The token needs the scopes write:repository and write:issue, and its user must be able to "
    "write; to look up who else may, the user must be an admin of the repository "
    "(docs/forges/gitea.md)."
)

_NOT_ALLOWED = (401, 403)


def headers(token: str) -> Mapping[str, str]:
    """Return the headers of all requests; "" is no token."""
    return {"Authorization": f"token {token}"} if token else {}


class Gitea(GitHub):
    """A repository at Gitea or Forgejo, as framework.ports.Forge describes it."""

    page_size: ClassVar[Query] = {"limit": 50}
    """Its servers send no more, unless their settings differ."""
    writers: ClassVar[Collection[str]] = ("owner", "admin", "write")

    def __init__(self, requester: Requester, name: tuple[str, ...]) -> None:
        super().__init__(requester, name)
        self.deployments = None

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
