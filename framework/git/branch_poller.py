"""Threads that run git for the service: they poll branches, and remove mirrors."""

import threading
from collections.abc import Callable, Iterator, Mapping

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.polling.schedule import Pace, Periods
from framework.polling.turns import Read, Turns
from framework.ports import Heads, Polling, Repositories
from framework.preview import stale_refs
from framework.pulls.same_commits import list_questions
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE

log = structlog.get_logger(__name__)

SELDOM_SECONDS = 300.0
"""The interval for apps without an active preview, and the longest one after failures."""
WARM_SECONDS = 60.0
"""The interval for an app whose branches are built ahead. Nobody waits for these."""
_WARM = {"pulls": SELDOM_SECONDS, "branches": WARM_SECONDS}
NUDGED_SECONDS = 2.0
"""The shortest pause between two reads of one repository, however many webhooks come."""


def periods(snapshot: Snapshot, interval: float) -> Periods:
    """Return the apps to poll: often while a preview is active, else seldom.

    Inactive previews that have no branch's label need no polling: a branch that moves or goes does
    not concern them. Apps whose new heads are built ahead are polled without any preview; for pull
    requests alone that is seldom, since a look at the forge has their new heads read. So are apps
    with jobs, or with schedules of their default branch, as that one may have others by now, and
    the members of stacks, whose variants open and go with branches.
    """
    seldom = max(interval, SELDOM_SECONDS)
    of_file = {one.app for one in snapshot.schedules.values() if one.from_file}
    with_jobs = {app for app, _ in snapshot.jobs} | of_file
    members = {app for stack in snapshot.stacks.values() for app in stack.apps}
    found = {name: seldom for name in with_jobs | members if name in snapshot.apps}
    found |= {
        name: max(interval, _WARM[app.warm])
        for name, app in snapshot.apps.items()
        if app.warm in _WARM
    }
    for preview in snapshot.previews.values():
        if preview.app not in snapshot.apps:
            continue
        if preview.state in ACTIVE:
            found[preview.app] = interval
        elif _has_branch(preview):
            found.setdefault(preview.app, seldom)
    return found


def list_news(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield (app, why) for what is news of an app when it was not so before.

    One that was just added may have schedules of its default branch. Of one that was just set to
    build ahead it is not known which heads are new; of a new member of a stack, which branches it
    has.
    """
    for name, record in snapshot.apps.items():
        yield name, "it is there"
        if record.warm in _WARM:
            yield name, f"it builds ahead: {record.warm}"
    for stack in snapshot.stacks.values():
        for app in sorted(stack.apps & snapshot.apps.keys()):
            yield app, f"it is in the stack {stack.name}"


def _has_branch(preview: PreviewRecord) -> bool:
    return any(not stale_refs.is_own_commit(preview, label) for label in preview.labels)


class BranchPoller:
    """Fetches the heads of active apps every `interval` seconds, and submits them as events.

    While webhooks announce the changes of an app, that is seldom, and at once after each of them.
    A repository that hangs holds one of the threads, and has a longer pause afterwards. `failed` is
    called with each app whose repository could not be read, on one of these threads. `confirm` is
    called once other heads were read; if it raises FrameworkError, they are not submitted.
    """

    def __init__(
        self,
        refs: Repositories,
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
        *,
        interval: float,
        failed: Callable[[str], object],
        confirm: Callable[[AppRecord], object] = lambda _: None,
    ) -> None:
        self._refs = refs
        self._submit = submit
        self._snapshot = snapshot
        self._interval = interval
        self._failed = failed
        self._confirm = confirm
        self._lock = threading.Lock()
        self._leading: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._news: frozenset[tuple[str, str]] | None = None
        self._turns = Turns(
            "following",
            self._find_periods,
            self._read,
            pace=Pace(NUDGED_SECONDS, SELDOM_SECONDS),
        )

    def start(self) -> None:
        """Start the threads."""
        self._turns.start()

    def stop(self) -> None:
        """Stop the threads once git no longer runs. Does not wait for that."""
        self._turns.stop()

    def nudge(self, app: str) -> None:
        """Read an app's repository soon: its forge has announced a change. Does not block."""
        self._turns.nudge(app)

    def polling(self, app: str) -> Polling:
        """Return how an app's repository is read now. Does not block."""
        return self._turns.polling(app)

    def forget(self, app: str) -> None:
        """Remove the mirror of an app soon, then submit events.MirrorRemoved. Does not block."""
        # A thread of its own: other apps' repositories may hold the workers for minutes.
        threading.Thread(target=self.remove, args=(app,), name="forgetting", daemon=True).start()

    def fetch(self, app: AppRecord) -> Read:
        """Fetch the heads of an app now, and submit them."""
        try:
            heads = self._refs.heads(app)
            heads = heads._replace(same=self._find_same(app, heads))
            if heads.refs != self._find_last(app.name):
                self._confirm(app)
        except FrameworkError as error:
            log.warning("branches cannot be followed now", app=app.name, why=str(error))
        except Exception:
            log.exception("branches cannot be followed", app=app.name)
        else:
            self._submit(events.HeadsFetched(app.name, heads))
            with self._lock:
                before = self._leading.get(app.name, heads.refs)
                self._leading[app.name] = heads.refs
            return Read.SAME if before == heads.refs else Read.CHANGED
        self._failed(app.name)
        return Read.FAILED

    def _find_same(self, app: AppRecord, heads: Heads) -> Mapping[str, str]:
        """Return which previews serve the new commits of their labels too, as Heads says."""
        snapshot, found = self._snapshot(), {}
        facts = snapshot.find_facts(app.name)
        if facts is None or facts.app != app:
            return {}
        known = {one.commit for one in snapshot.previews.values() if one.app == app.name}
        asked: dict[tuple[str, str], bool] = {}
        for label, sha, preview in list_questions(snapshot.watched[app.name], heads, known, facts):
            own, watch = preview.commit, preview.settings.watch if preview.settings else ()
            is_reached = preview.state not in ACTIVE
            if (own, sha) not in asked:
                asked[own, sha] = self._refs.is_same(app, own, sha, watch, reached=is_reached)
            if asked[own, sha]:
                found[label] = own
        return found

    def _find_last(self, app: str) -> Mapping[str, tuple[str, ...]] | None:
        with self._lock:
            return self._leading.get(app)

    def remove(self, app: str) -> None:
        """Remove a mirror now, and submit that it is gone. Files that are left do no harm."""
        self._turns.forget(app)
        with self._lock:
            self._leading.pop(app, None)
        try:
            self._refs.forget(app)
        except Exception:
            log.exception("a mirror cannot be removed", app=app)
        self._submit(events.MirrorRemoved(app))

    def _find_periods(self) -> Periods:
        """Return the apps to poll.

        One of which there is news is read soon. At first there are none: what is followed is read
        then anyway.
        """
        snapshot = self._snapshot()
        before, self._news = self._news, frozenset(list_news(snapshot))
        for name in {name for name, _ in self._news - before} if before is not None else ():
            self._turns.hurry(name)
        return periods(snapshot, self._interval)

    def _read(self, name: str) -> Read:
        app = self._snapshot().apps.get(name)
        return self.fetch(app) if app else Read.SAME
