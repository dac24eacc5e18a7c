"""The Previews port over the service: reads from its snapshot, writes through its inbox."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from framework.errors import InvalidSettings, Problem, UnknownApp, UnknownPreview
from framework.events import ConnectionsRefused, Used, ask
from framework.matching.agents import Unfit
from framework.ports import Use
from framework.preview.history import History
from framework.service.service import Service
from prevs.messages import Isolation
from prevs.records import AppRecord, PreviewRecord

_UNKNOWN: Mapping[str, float] = {}

T = TypeVar("T")


class ServicePreviews:
    """What the HTTP API sees of the service. Thread safe; see framework.ports.Previews."""

    def __init__(
        self, service: Service, find_problem: Callable[[str], str | None] = lambda _: None
    ) -> None:
        """`find_problem` tells why an app may not have a repository from now on, None if it may."""
        self._service = service
        self._find_problem = find_problem

    def apps(self) -> Sequence[AppRecord]:
        """Return every app, by name."""
        return sorted(self._service.snapshot.apps.values(), key=lambda app: app.name)

    def app(self, name: str) -> AppRecord:
        """Return an app. Raises UnknownApp."""
        try:
            return self._service.snapshot.apps[name]
        except KeyError:
            raise UnknownApp(name) from None

    def add_app(self, app: AppRecord) -> AppRecord:
        """Store a new app."""
        self._check(app.name, app.repository)
        return self._ask(lambda: self._service.requests.add_app(app))

    def change_app(
        self, name: str, changes: Mapping[str, object], *, only_if: AppRecord | None = None
    ) -> AppRecord:
        """Change settings of an app."""
        if isinstance(repository := changes.get("repository"), str):
            self._check(name, repository)
        return self._ask(lambda: self._service.requests.change_app(name, changes, only_if))

    def remove_app(self, name: str, *, only_if: AppRecord | None = None) -> None:
        """Stop an app's previews and forget it and them, which goes on after this returns."""
        self._ask(lambda: self._service.requests.remove_app(name, only_if))

    def previews(self) -> Sequence[PreviewRecord]:
        """Return every preview, by app and time of creation."""
        previews = self._service.snapshot.previews.values()
        return sorted(previews, key=lambda p: (p.app, p.created, p.sha))

    def preview(self, app: str, sha: str) -> PreviewRecord:
        """Return a preview. Raises UnknownApp, UnknownPreview."""
        snapshot = self._service.snapshot
        if app not in snapshot.apps:
            raise UnknownApp(app)
        try:
            return snapshot.previews[app, sha]
        except KeyError:
            raise UnknownPreview(app, sha) from None

    def start(self, app: str, sha: str, label: str, *, refs: Sequence[str] = ()) -> PreviewRecord:
        """Ask for a preview, under a label."""
        return self._ask(lambda: self._service.requests.start(app, sha, label, refs))

    def stop(self, app: str, sha: str) -> PreviewRecord:
        """End a preview's task, if it has one."""
        return self._ask(lambda: self._service.requests.stop(app, sha))

    def retry(self, app: str, sha: str) -> PreviewRecord:
        """Queue a failed preview again."""
        return self._ask(lambda: self._service.requests.retry(app, sha))

    def pin(self, app: str, sha: str, *, pinned: bool) -> PreviewRecord:
        """Keep a preview from being stopped for others or for idleness, or no longer."""
        return self._ask(lambda: self._service.requests.pin(app, sha, pinned=pinned))

    def queue_place(self, app: str, sha: str) -> int | None:
        """Return a queued preview's place in the queue, 1 being the next; None for others."""
        return self._service.snapshot.queue_places.get((app, sha))

    def usual(self, app: str) -> Mapping[str, float]:
        """Return how many seconds each step of an app's attempts usually takes, where known."""
        return self._service.snapshot.usual.get(app, _UNKNOWN)

    def rivals(self, preview: PreviewRecord) -> Sequence[tuple[str, PreviewRecord]]:
        """Return each label of a preview that others of its app hold too, with each of those."""
        shared = self._service.snapshot.shared
        return [
            (label, other)
            for label in (preview.labels if shared else ())
            for other in shared.get((preview.app, label), ())
            if other.sha != preview.sha
        ]

    def unfit(self) -> Mapping[str, Unfit]:
        """Return the agents where nothing is tried now, by id, and why."""
        return self._service.unfit

    def isolations(self) -> Mapping[str, Isolation]:
        """Return what previews and builds reach at agents, by id, as far as it was told."""
        return self._service.isolations

    def history(self) -> History:
        """Return what has happened since this framework leads."""
        return self._service.history

    def note_uses(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take what a proxy says of its use of tasks. Does not wait for it to be looked at."""
        self._service.inbox.put(Used(proxy, uses))

    def note_refusals(self, proxy: str, tasks: Sequence[str]) -> None:
        """Take that tasks refuse a proxy's connections. Does not wait for it to be looked at."""
        self._service.inbox.put(ConnectionsRefused(proxy, tasks))

    def _check(self, name: str, repository: str) -> None:
        """Raise InvalidSettings for a repository that the app may not get. It may keep its own."""
        known = self._service.snapshot.apps.get(name)
        if known is not None and known.repository == repository:
            return
        if problem := self._find_problem(repository):
            raise InvalidSettings([Problem("repository", problem)])

    def _ask(self, act: Callable[[], T]) -> T:
        return ask(self._service.inbox.put, act)
