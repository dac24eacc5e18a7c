"""Has new heads built before anybody visits them. Owned by the service's thread.

A head is new if it has changed while its app was followed: since the last fetch that was acted on.
So the first fetch of a leader, and the first one after an app was set to `warm`, build nothing. A
head that cannot be built yet is asked about again after each fetch.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import structlog

from framework.apps.effective_settings import find_warm
from framework.events import HeadsFetched
from framework.metrics import Metrics
from framework.preview import ahead
from framework.pulls import gate, new_heads
from framework.pulls.errors import NOT_LET_THROUGH
from framework.pulls.gate import PullHead, Rules
from framework.pulls.new_heads import MOST, Next
from framework.pulls.skip import is_skipped
from framework.service.commands import Commands
from framework.state.records import Records
from framework.units.lifecycle import STARTING
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.pulls import PullRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE, State
from prevs.units import Unit, preview_unit

log = structlog.get_logger(__name__)

SUPERSEDED = Reason(
    ReasonKind.SUPERSEDED,
    "Nobody was waiting for it, and its branch or pull request has moved on or is gone.",
)
SWITCHED_OFF = Reason(
    ReasonKind.SUPERSEDED, "Its app builds nothing ahead any more; its address starts it."
)


@dataclasses.dataclass
class _Followed:
    """The heads of an app as last acted on, by label.

    Heads that were there before are not new: all of them before the first fetch for `warm`
    (`is_read`), and those of pull requests before the first look under these rules (`is_looked`).
    """

    repository: str
    warm: str
    rules: Rules
    seen: dict[str, str | None]
    is_read: bool = False
    is_looked: bool = False


class BuildsAhead:
    """Starts builds ahead, ends those that nobody needs, and counts what became of each."""

    def __init__(self, records: Records, commands: Commands, metrics: Metrics) -> None:
        self._records = records
        self._commands = commands
        self._metrics = metrics
        self._followed: dict[str, _Followed] = {}
        waiting = records.units_in_state(State.QUEUED, *STARTING)
        self._unfinished: set[Unit] = {unit for unit, one in waiting if one.ahead}

    def looked(self, name: str, before: Mapping[int, PullRecord]) -> None:
        """Note that a look at an app's forge is in the records; `before` is what they were."""
        app = self._records.find_app(name)
        if app is None or app.removed or find_warm(app) == "off":
            return
        followed = self._follow(app)
        if followed.is_looked:
            return
        for one in self._list_pulls(app):
            was = before.get(one.number)
            sha = was.sha if was and was.closed is None else one.sha
            for label in one.labels:
                followed.seen.setdefault(label, sha if one.verdict.passes else None)
        followed.is_looked = True

    def fetched(self, event: HeadsFetched) -> None:
        """Build the new heads of an app, and end what is no head any more. Raises Unavailable."""
        app = self._records.find_app(event.app)
        # A repository without any branch is more likely being set up again than given up.
        if app is None or app.removed or not event.heads.commits:
            return
        if self._records.find_other_repository(event.app):
            return
        warm, pulls = find_warm(app), self._list_pulls(app)
        labels = new_heads.list_labels(warm, event.heads, pulls)
        self._end(event, pulls, wanted=new_heads.list_wanted(warm, labels, pulls))
        if warm != "off":
            self._build(app, event, labels, pulls)

    def reconcile(self) -> None:
        """Forget apps that build nothing ahead any more; count the builds that have ended."""
        for name in tuple(self._followed):
            app = self._records.find_app(name)
            if app is None or app.removed or find_warm(app) == "off":
                del self._followed[name]
                self._stop_queued(name)
        for unit in tuple(self._unfinished):
            if outcome := ahead.find_outcome(self._records.find(unit)):
                self._unfinished.discard(unit)
                self._metrics.ahead.labels(outcome.value).inc()

    def _follow(self, app: AppRecord) -> _Followed:
        """Return what is known of an app's heads; what was built ahead was seen, by any leader."""
        rules, known = self._records.find_rules(app.name), self._followed.get(app.name)
        if known is None or known.repository != app.repository:
            built = (one for one in self._records.of_app(app.name) if one.ahead)
            seen: dict[str, str | None] = {label: one.sha for one in built for label in one.labels}
            known = self._followed[app.name] = _Followed(app.repository, app.warm, rules, seen)
        if known.warm != app.warm:
            known.warm, known.is_read = app.warm, False
        if known.rules != rules:
            known.rules, known.is_looked = rules, False
        return known

    def _list_pulls(self, app: AppRecord) -> Sequence[PullHead]:
        rules = self._records.find_rules(app.name)
        return gate.list_heads(rules, self._records.pulls.of(app.name).values())

    def _end(
        self, event: HeadsFetched, pulls: Sequence[PullHead], *, wanted: frozenset[str]
    ) -> None:
        built = [one for one in self._records.of_app(event.app) if one.ahead]
        heads = {*event.heads.commits.values(), *(one.sha for one in pulls)} if built else set()
        for preview in built:
            if new_heads.is_over(preview, heads):
                self._records.forget_preview(preview)
            elif _goes_on(preview) and wanted.isdisjoint((preview.sha, *preview.same)):
                self._records.change(preview, Stopped(SUPERSEDED))

    def _build(
        self,
        app: AppRecord,
        event: HeadsFetched,
        labels: Mapping[str, str | None],
        pulls: Sequence[PullHead],
    ) -> None:
        followed, skipped = self._follow(app), self._list_skipped(app.name)
        of_pulls = {label for one in pulls for label in one.labels}
        left = MOST - sum(map(_goes_on, self._records.of_app(app.name)))
        for label, sha in labels.items():
            if not followed.is_read or (label in of_pulls and not followed.is_looked):
                followed.seen.setdefault(label, sha)
            if label in followed.seen and followed.seen[label] == sha:
                continue
            what = Next.LEAVE
            if sha is not None and sha not in skipped:
                what = self._build_one(event, label, sha) if left > 0 else Next.LATER
            if what is not Next.LATER:
                followed.seen[label] = sha
            left -= what is Next.BUILD
        if not followed.is_read:
            log.info("new heads are built ahead from now on", app=app.name, whose=app.warm)
        followed.is_read = True
        for label in followed.seen.keys() - labels.keys() - of_pulls:
            del followed.seen[label]

    def _list_skipped(self, app: str) -> frozenset[str]:
        """Return the heads whose open pull requests ask by their title not to be built."""
        pulls = self._records.pulls.of(app).values()
        return frozenset(one.sha for one in pulls if one.closed is None and is_skipped(one.title))

    def _build_one(self, event: HeadsFetched, label: str, sha: str) -> Next:
        """Build a new head, if that is the thing to do; return what was done."""
        app, unit = event.app, preview_unit(event.app, sha)
        holders = (one for one in self._records.of_app(app) if label in one.labels)
        what = new_heads.judge(self._records.find_serving(unit), holders)
        if what is not Next.BUILD:
            return what
        refs = event.heads.refs.get(sha, ())
        try:
            self._commands.start(app, sha, label, refs=refs, ahead=True)
        except NOT_LET_THROUGH as error:
            # Somebody has pushed to it, or closed it, since the repository was read.
            log.info("a head is not built ahead", app=app, label=label, why=str(error))
            return Next.LATER
        self._unfinished.add(unit)
        return what

    def _stop_queued(self, app: str) -> None:
        for preview in self._records.of_app(app):
            if preview.ahead and preview.state is State.QUEUED:
                self._records.change(preview, Stopped(SWITCHED_OFF))


def _goes_on(preview: PreviewRecord) -> bool:
    """Return whether a build ahead waits or has a task that is not being ended."""
    return preview.ahead and preview.state in ACTIVE and preview.state is not State.DRAINING
