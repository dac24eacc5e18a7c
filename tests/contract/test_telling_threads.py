"""What the threads of a framework say at a double of GitHub."""

import dataclasses
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from framework.clock import Clock
from framework.events import PullsSeen
from framework.forges.forges import Forges
from framework.forges.teller import Teller
from framework.metrics import TellingMetrics
from framework.telling.wording import Wording
from prevs import names
from tests.fakes.driven import APP, Driven
from tests.fakes.forges.clients import client_of
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.server import TOKEN, ForgeServer, PullFacts, Reply, sha_of
from tests.waits import wait_until

pytestmark = pytest.mark.contract

WORDING = Wording(names.addresses("prevs.example", 80), b"key")
FASTER = 50
"""Twenty milliseconds are a second, so that no pause takes long."""


class Framework:
    """A service and a teller, each on its own threads."""

    def __init__(self, forge: ForgeServer) -> None:
        self.forge = forge
        self.driven = Driven()
        app = dataclasses.replace(
            APP, name="shop", repository=forge.repository, forge=forge.kind, pulls="all"
        )
        self.driven.add_app(app)
        commands = self.driven.service.commands
        self.driven.call(lambda: commands.set_forge_token("shop", TOKEN))
        self.forges = Forges(local_allowed=True, clock=Clock())

    def make_teller(self) -> Teller:
        service = self.driven.service
        return Teller(
            lambda app: self.forges.outlet(app, service.snapshot.forge_token(app.name)),
            service.inbox.put,
            lambda: service.snapshot,
            wording=WORDING,
            find_subject=lambda *_: "Add the cart",
            metrics=TellingMetrics(CollectorRegistry()),
            clock=lambda: time.monotonic() * FASTER,
        )

    def look(self) -> None:
        """Look at the forge, as the poller does."""
        client = client_of(self.forge)
        pulls = [pull for one in self.forge.pulls if (pull := client.pull(one.number))]
        self.driven.service.inbox.put(PullsSeen("shop", pulls))

    def has_said(self, sha: str, text: str) -> bool:
        """Return whether the commit has its status, and the one comment that text."""
        status = self.forge.latest_status(sha)
        return status is not None and [text in one.text for one in self.forge.comments] == [True]


@pytest.fixture
def framework(github: GitHubServer) -> Iterator[Framework]:
    made = Framework(github)
    with made.driven.running():
        yield made


def test_a_pull_request_is_told_until_it_is_closed(framework: Framework) -> None:
    forge = framework.forge
    forge.pulls = [PullFacts(7, sha_of(1))]
    forge.mishap = lambda _: Reply(500) if len(forge.requests) % 5 == 4 else None
    teller = framework.make_teller()
    teller.start()
    framework.look()
    wait_until(lambda: framework.has_said(sha_of(1), sha_of(1)[:7]))
    made = forge.comments[0].id
    teller.stop()
    teller = framework.make_teller()
    teller.start()
    forge.pulls = [PullFacts(7, sha_of(2))]
    framework.look()
    wait_until(lambda: framework.has_said(sha_of(2), sha_of(2)[:7]))
    forge.pulls = [PullFacts(7, sha_of(2), is_open=False)]
    framework.look()
    wait_until(lambda: framework.has_said(sha_of(2), "Closed"))
    teller.stop()
    assert [(one.id, one.author) for one in forge.comments] == [(made, forge.bot)]
