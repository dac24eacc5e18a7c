"""Gitea, and Forgejo, which has the same API: its version 1, which is made after GitHub's."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from framework.forges.github import GitHub
from framework.forges.requester import Query

RIGHTS = (
    "The token needs the scopes read:repository and read:issue; to look up who may write, its "
    "user must be an admin of the repository (docs/forges/gitea.md)."
)


def headers(token: str) -> Mapping[str, str]:
    """Return the headers of all requests; "" is no token."""
    return {"Authorization": f"token {token}"} if token else {}


class Gitea(GitHub):
    """A repository at Gitea or Forgejo, as framework.ports.Forge describes it."""

    page_size: ClassVar[Query] = {"limit": 50}
    """Its servers send no more, unless their settings differ."""
    writers: ClassVar[Collection[str]] = ("owner", "admin", "write")
