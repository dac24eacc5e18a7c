"""Makes the parts that read and write at forges, for a framework that leads."""

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from framework import events
from framework.forges.forges import Forges
from framework.forges.pull_poller import PullPoller
from framework.forges.repository_check import RepositoryCheck
from framework.forges.teller import Teller
from framework.metrics import TellingMetrics
from framework.ports.forges import Forge
from framework.state.snapshot import Snapshot
from framework.telling.wording import Wording
from prevs.records import AppRecord


class ForgeParts(NamedTuple):
    """The parts that read and write at forges."""

    forges: Forges
    check: RepositoryCheck
    pull_poller: PullPoller
    teller: Teller


class Reading(NamedTuple):
    """The calls of these parts to git; both block.

    `fetch` reads an app's repository, `find_subject` the subject of a commit.
    """

    fetch: Callable[[AppRecord], object]
    find_subject: Callable[[AppRecord, str], str]


def make_parts(
    forges: Forges,
    submit: Callable[[events.Event], None],
    snapshot: Callable[[], Snapshot],
    *,
    reading: Reading,
    wording: Wording,
    registry: CollectorRegistry,
) -> ForgeParts:
    """Make the parts; each takes an app's token from the snapshot."""

    def find_forge(app: AppRecord) -> Forge | None:
        return forges.of(app, snapshot().forge_token(app.name))

    return ForgeParts(
        forges,
        RepositoryCheck(find_forge, submit, snapshot),
        PullPoller(find_forge, submit, snapshot, fetch=reading.fetch),
        Teller(
            lambda app: forges.outlet(app, snapshot().forge_token(app.name)),
            submit,
            snapshot,
            wording=wording,
            find_subject=reading.find_subject,
            metrics=TellingMetrics(registry),
        ),
    )
