"""Makes the parts that send notifications and callbacks, for a framework that leads."""

from collections.abc import Callable
from secrets import token_bytes, token_hex
from typing import NamedTuple

from framework import events
from framework.clock import Clock
from framework.metrics import NotificationMetrics
from framework.notifications.bodies import Fields
from framework.notifications.callbacks import Callbacks, Edges
from framework.notifications.notifier import Notifier, Published
from framework.notifications.sender import Sender
from framework.ports.notifications import NotificationPorts
from framework.preview.history import ActivityEvent
from prevs.jobs import JobRecord


class NotificationParts(NamedTuple):
    """The threads that send notifications and callbacks, and what calls need of them."""

    notifier: Notifier
    callbacks: Callbacks
    ports: NotificationPorts


class Shown(NamedTuple):
    """How receivers get an event, a job that has ended, and a test of an app (its id, when)."""

    event: Callable[[ActivityEvent], Fields]
    job: Callable[[JobRecord], Fields]
    test: Callable[[str, str, float], Fields]


def make_parts(
    published: Published,
    shown: Shown,
    new_sender: Callable[[], Sender],
    *,
    submit: Callable[[events.Event], None],
    metrics: NotificationMetrics,
    clock: Clock,
) -> NotificationParts:
    """Make the parts; each thread has a sender of its own, all with the same allowed hosts."""
    sender = new_sender()
    notifier = Notifier(published, shown.event, sender, metrics=metrics, clock=clock)
    edges = Edges(published.snapshot, shown.job, submit)
    callbacks = Callbacks(edges, new_sender(), metrics=metrics, clock=clock)
    ports = NotificationPorts(
        sender.hosts,
        notifier.standing,
        lambda app, receiver: notifier.test(
            app, receiver, shown.test(app, f"test-{token_hex(8)}", clock.now())
        ),
        callbacks.last_try,
        token_bytes,
    )
    return NotificationParts(notifier, callbacks, ports)
