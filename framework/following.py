"""The threads that run git for the service: one fetches heads, others remove mirrors."""

import threading
from collections.abc import Callable, Iterable

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.ports import Refs
from framework.records import Snapshot
from prevs.records import AppRecord
from prevs.states import ACTIVE

log = structlog.get_logger(__name__)


def followed(snapshot: Snapshot) -> list[AppRecord]:
    """Return the apps whose branches somebody looks at: those with active previews."""
    active = {preview.app for preview in snapshot.previews.values() if preview.state in ACTIVE}
    return [app for app in snapshot.apps.values() if app.name in active]


class Following:
    """Fetches the heads of followed apps every `interval` seconds, and submits what it found."""

    def __init__(
        self,
        refs: Refs,
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
        *,
        interval: float,
    ) -> None:
        self._refs = refs
        self._submit = submit
        self._snapshot = snapshot
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End as soon as git is not running. Does not wait for it."""
        self._ended.set()

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, soon; events.Forgotten tells when. Does not block."""
        # A thread of its own: some other app's repository may keep the first one for a minute.
        threading.Thread(target=self.remove, args=(app,), name="forgetting", daemon=True).start()

    def fetch(self, apps: Iterable[AppRecord]) -> None:
        """Fetch the heads of some apps, now, and submit them."""
        for app in apps:
            try:
                heads = self._refs.heads(app)
            except FrameworkError as error:
                log.warning("branches cannot be followed now", app=app.name, why=str(error))
            except Exception:
                log.exception("branches cannot be followed", app=app.name)
            else:
                self._submit(events.Heads(app.name, heads))

    def remove(self, app: str) -> None:
        """Remove a mirror, now, and submit that it is gone: what is left of one harms nobody."""
        try:
            self._refs.forget(app)
        except Exception:
            log.exception("a mirror cannot be removed", app=app)
        self._submit(events.Forgotten(app))

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            self.fetch(followed(self._snapshot()))
