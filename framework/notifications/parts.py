"""Makes the parts that send notifications, for a framework that leads."""

from collections.abc import Callable
from secrets import token_bytes, token_hex
from typing import NamedTuple

from framework.clock import Clock
from framework.metrics import NotificationMetrics
from framework.notifications.bodies import Fields
from framework.notifications.notifier import Notifier, Published
from framework.notifications.sender import Sender
from framework.ports.notifications import NotificationPorts
from framework.preview.history import ActivityEvent


class NotificationParts(NamedTuple):
    """The thread that sends notifications, and what the calls about them need of it."""

    notifier: Notifier
    ports: NotificationPorts


class Shown(NamedTuple):
    """How receivers get an event, and a test of an app with an id at a time."""

    event: Callable[[ActivityEvent], Fields]
    test: Callable[[str, str, float], Fields]


def make_parts(
    published: Published,
    shown: Shown,
    sender: Sender,
    *,
    metrics: NotificationMetrics,
    clock: Clock,
) -> NotificationParts:
    """Make the parts; both know the same allowed hosts, those of `sender`."""
    notifier = Notifier(published, shown.event, sender, metrics=metrics, clock=clock)
    ports = NotificationPorts(
        sender.hosts,
        notifier.standing,
        lambda app, receiver: notifier.test(
            app, receiver, shown.test(app, f"test-{token_hex(8)}", clock.now())
        ),
        token_bytes,
    )
    return NotificationParts(notifier, ports)
