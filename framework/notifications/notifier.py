"""Sends what happens to the receivers of each app, on a thread with an event loop."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from framework.apps.receivers import Receiver
from framework.clock import Clock
from framework.metrics import NotificationMetrics
from framework.notifications.bodies import Fields
from framework.notifications.outbox import AppReceiver, Fate, Message, Outbox
from framework.notifications.sender import Sender
from framework.notifications.sending_thread import SendingThread
from framework.ports.notifications import LastTry, Standing
from framework.preview.history import ActivityEvent, History
from framework.state.snapshot import Snapshot

log = structlog.get_logger(__name__)

TEST_SECONDS = 20.0
LOGGED = 100
"""The first of so many dropped ones is logged."""


class Published(NamedTuple):
    """What the service has published. Neither blocks."""

    history: Callable[[], History]
    snapshot: Callable[[], Snapshot]


class Notifier:
    """Follows the events, and sends them. `standing` and `test` are for any thread.

    `show` returns an event as receivers get it.
    """

    def __init__(
        self,
        published: Published,
        show: Callable[[ActivityEvent], Fields],
        sender: Sender,
        *,
        metrics: NotificationMetrics,
        clock: Clock,
    ) -> None:
        self._published = published
        self._show = show
        self._sender = sender
        self._metrics = metrics
        self._clock = clock
        self._last = published.history().last
        self._lock = threading.Lock()
        self._outbox = Outbox()
        self._snapshot: Snapshot | None = None
        self._receivers: Mapping[str, tuple[AppReceiver, ...]] = {}
        self._tries: dict[AppReceiver, LastTry] = {}
        self._dropped: Counter[AppReceiver] = Counter()
        self._thread = SendingThread("notifications", self._look)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more. What is being sent is broken off, or lost."""
        self._thread.stop()

    def standing(self, app: str) -> Mapping[str, Standing]:
        """Return how each receiver of an app does, by name."""
        with self._lock:
            return {
                one.receiver.name: Standing(
                    self._tries.get(one), self._outbox.count(one), self._dropped[one]
                )
                for one in self._receivers.get(app, ())
            }

    def test(self, app: str, receiver: Receiver, event: Fields) -> LastTry:
        """Send a test to a receiver now, and return what came of it. Blocks."""
        outcome = self._thread.call(
            self._sender.send(receiver, str(event["id"]), event), TEST_SECONDS
        )
        last = outcome.last
        self._note(AppReceiver(app, receiver), last)
        return last

    def _look(self) -> None:
        self._collect()
        self._send_due()

    def _collect(self) -> None:
        """Put what has happened since the last look into the outbox."""
        history, snapshot = self._published.history(), self._published.snapshot()
        events = history.after(self._last)
        self._last = history.last
        with self._lock:
            self._update(snapshot)
            for event in events or ():
                self._put(event)
        if events is None:
            self._metrics.count("lost")
            log.warning("more has happened at once than is kept: some of it is sent to nobody")

    def _update(self, snapshot: Snapshot) -> None:
        """Learn of the receivers that there are now, and forget the others."""
        before, self._snapshot = self._snapshot, snapshot
        if before and before.secrets is snapshot.secrets and before.apps is snapshot.apps:
            return
        self._receivers = _find_receivers(snapshot)
        known = {one for receivers in self._receivers.values() for one in receivers}
        self._outbox.keep(known)
        self._tries = {one: last for one, last in self._tries.items() if one in known}
        self._dropped = Counter({one: n for one, n in self._dropped.items() if one in known})

    def _put(self, event: ActivityEvent) -> None:
        wanting = [
            one
            for one in self._receivers.get(event.app, ())
            if one.receiver.wants(event.kind) and one.receiver.created <= event.at
        ]
        if not wanting:
            return
        message = Message(event.id, self._clock.monotonic(), self._show(event))
        for to in wanting:
            if self._outbox.put(to, message):
                self._drop(to, Fate.DROPPED)

    def _send_due(self) -> None:
        now = self._clock.monotonic()
        with self._lock:
            for to in self._outbox.expire(now):
                self._drop(to, Fate.EXPIRED)
            begun = self._outbox.begin(now, self._thread.free)
        for to, message in begun:
            self._thread.begin(self._send(to, message))

    async def _send(self, to: AppReceiver, message: Message) -> None:
        fate, wait = Fate.FAILED, 0.0
        try:
            outcome = await self._sender.send(to.receiver, message.id, message.event)
            fate, wait = outcome.fate, outcome.wait
            self._note(to, outcome.last)
        except Exception:
            log.exception("a notification cannot be sent", app=to.app)
        self._metrics.count(fate)
        with self._lock:
            self._outbox.end(to, self._clock.monotonic(), fate, wait)

    def _note(self, to: AppReceiver, last: LastTry) -> None:
        """Keep the last try, and log it if the receiver has failed, or does no longer."""
        with self._lock:
            before = self._tries.get(to)
            self._tries[to] = last
        names = {"app": to.app, "receiver": to.receiver.name}
        if last.problem and (before is None or before.problem != last.problem):
            log.warning("a receiver takes no notification", **names, why=last.problem)
        elif not last.problem and before is not None and before.problem:
            log.info("a receiver takes notifications again", **names)

    def _drop(self, to: AppReceiver, fate: Fate) -> None:
        """Note that a message was not sent. The lock is held."""
        self._metrics.count(fate)
        self._dropped[to] += 1
        if self._dropped[to] % LOGGED == 1:
            names = {"app": to.app, "receiver": to.receiver.name}
            log.warning("notifications are dropped", **names, why=fate.value)


def _find_receivers(snapshot: Snapshot) -> Mapping[str, tuple[AppReceiver, ...]]:
    """Return the receivers of each app that has some; none of one whose secrets do not open."""
    return {
        app: tuple(AppReceiver(app, one) for one in stored.opened.receivers)
        for app, stored in snapshot.secrets.items()
        if stored.opened.receivers and app in snapshot.apps
    }
