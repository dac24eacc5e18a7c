"""Clients of ours for the doubles of forges."""

from framework.clock import Clock
from framework.forges.forge_kind import ForgeKind
from framework.forges.forges import Forges
from prevs.records import AppRecord
from program.http.outgoing import Limits
from tests.fakes.forges.github import GiteaServer, GitHubServer
from tests.fakes.forges.gitlab import GitLabServer
from tests.fakes.forges.pagure import PagureServer
from tests.fakes.forges.server import DAY, TOKEN, ForgeServer

KINDS: tuple[type[ForgeServer], ...] = (GitHubServer, GiteaServer, GitLabServer, PagureServer)
LIMITS = Limits()


def client_of(
    forge: ForgeServer, token: str = TOKEN, *, name: str = "group/shop", limits: Limits = LIMITS
) -> ForgeKind:
    """Return a client; its clock stands still."""
    app = AppRecord("shop", f"{forge.origin}/{name}.git", forge=forge.kind)
    clock = Clock(lambda: DAY, lambda: 0.0)
    client = Forges(local_allowed=True, clock=clock, limits=limits).of(app, token)
    assert client is not None
    return client
