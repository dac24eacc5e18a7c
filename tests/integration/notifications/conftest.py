import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from framework.apps.app_secrets import AppSecrets
from framework.apps.receivers import Receiver
from framework.clock import Clock
from framework.hooks import secret
from framework.http_api.models import event_models
from framework.metrics import NotificationMetrics
from framework.notifications.notifier import Notifier, Published
from framework.notifications.sender import Limits, Sender, resolve
from framework.ports.notifications import Standing
from framework.preview import history
from framework.preview.history import History
from framework.state.secret_records import StoredSecrets
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.records import AppRecord, SecretsRecord
from tests.fakes.receiver import ReceiverServer

FASTER = 100.0
"""How much faster the outbox's time passes: a pause of 5 s takes 50 ms."""
SECRET = secret.form(bytes(range(32)))


def make_receiver(server: ReceiverServer, name: str = "ci", **fields: Any) -> Receiver:
    """Return a receiver at a server of this machine; its path is a secret."""
    url = f"http://127.0.0.1:{server.port}/hunter2"
    return Receiver(name, **{"url": url, "secret": SECRET, "created": 1.0, **fields})


class Site:
    """What a service publishes, with an app `shop`, and the notifier that follows it."""

    def __init__(
        self, hosts: Sequence[str] = ("127.0.0.1",), *, faster: float = FASTER, **options: Any
    ) -> None:
        self.history = History("5c80e7d2")
        self.snapshot = Snapshot({"shop": AppRecord("shop", "/srv/shop")}, {})
        self.registry = CollectorRegistry()
        addresses = names.addresses("prevs.example", 80)
        clock = Clock(time.time, lambda: time.monotonic() * faster)
        options = {"resolve": resolve, "limits": Limits(0.5, 1.0), **options}
        self.notifier = Notifier(
            Published(lambda: self.history, lambda: self.snapshot),
            lambda event: event_models.write_notification(event, addresses),
            Sender(hosts, lambda: ["10.9.9.9"], clock, **options),
            metrics=NotificationMetrics(self.registry),
            clock=clock,
        )
        self.notifier.start()

    def send_to(self, *receivers: Receiver) -> None:
        """Set the receivers of the app."""
        given = AppSecrets("shop", receivers=receivers)
        stored = StoredSecrets(SecretsRecord("shop", "sealed"), given)
        self.snapshot = self.snapshot._replace(secrets={"shop": stored})

    def change_app(self, times: int = 1, at: float | None = None) -> list[str]:
        """Have something happen now, or `at` another time; return the ids of the events."""
        after = self.history.last
        for _ in range(times):
            before, app = self.snapshot, self.snapshot.apps["shop"]
            apps = {"shop": dataclasses.replace(app, mem=app.mem + 1)}
            self.snapshot = before._replace(apps=apps)
            self.history = history.note(self.history, before, self.snapshot, at or time.time())
        return [event.id for event in self.history.after(after) or ()]

    def standing(self, name: str = "ci") -> Standing:
        """Return how a receiver does."""
        return self.notifier.standing("shop").get(name, Standing())

    def count(self, fate: str) -> float:
        """Return how many have had this fate."""
        return self.registry.get_sample_value("prevs_notifications_total", {"fate": fate}) or 0.0


@pytest.fixture
def make_site() -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(*args: Any, **options: Any) -> Site:
        sites.append(Site(*args, **options))
        return sites[-1]

    yield make
    for site in sites:
        site.notifier.stop()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def server() -> Iterator[ReceiverServer]:
    with ReceiverServer().serving() as server:
        yield server


@pytest.fixture
def other() -> Iterator[ReceiverServer]:
    with ReceiverServer().serving() as server:
        yield server
