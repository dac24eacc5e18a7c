"""Which previews are idle; stops those that have been idle for too long. Service thread only.

Proxies report which previews are in use. While one of them does not report, nobody knows what it
serves, and nothing stops; see docs/decisions/0015-room.md.
"""

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.ports import Use
from framework.preview import keep_warm
from framework.preview.transitions import StoppedIdle
from framework.scheduling import variant_uses
from framework.scheduling.last_use import FRESH_SECONDS, NEVER, LastUse
from framework.scheduling.variant_uses import VariantUse
from framework.state.records import Records
from framework.units.lifecycle import STARTING, WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit

log = structlog.get_logger(__name__)

BUSY_SECONDS = 60.0
"""How long after its last use a preview is not stopped. An open request counts as used with each
report of its proxy. If the proxy dies, its HAProxy continues, and it is back within this time."""
SETTLING_SECONDS = 60.0
"""How long after a subscription nothing stops: after that, proxies and agents are back."""
UNVISITED_SECONDS = FRESH_SECONDS
"""How long what was built ahead runs if nobody comes: every proxy has reported since it started."""
LOOK_SECONDS = 5.0
STOPS = 20
"""How many previews stop at a time, and how many times of last use are written in one turn."""
WRITE_SECONDS = 60.0
"""How old the last use in a preview's record may be."""
UNVISITED = Reason(
    ReasonKind.IDLE, "It was built ahead, and nobody has come yet; its address starts it."
)


class _Due(NamedTuple):
    """A preview that was idle for longer than `limit` seconds."""

    used: float
    sha: str
    preview: PreviewRecord
    limit: int


class Idleness:
    """Receives reports of use, and stops previews that are idle longer than their app allows."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._last_use = LastUse()
        self._since = float("inf")
        self._look_at = 0.0
        self._unwritten: dict[str, None] = {}

    @property
    def proxies(self) -> int:
        """How many proxies have reported lately."""
        return self._last_use.reporting(self._clock.now())

    def subscribed(self) -> None:
        """Begin to wait for the reports of all proxies."""
        self._since = self._clock.monotonic()

    def note(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take a proxy's report. A use of a variant is one of each of its running instances."""
        ours = [use for use in uses if self._records.of_task(use.task_id)]
        ours += variant_uses.spread(self._records, uses)
        self._unwritten |= dict.fromkeys(self._last_use.note(proxy, ours, self._clock.now()))

    def last_used(self, preview: PreviewRecord) -> float:
        """Return when a preview was last used; its start counts as use."""
        reported = self._last_use.last.get(preview.task_id, NEVER)
        return max(reported, preview.last_used or NEVER, preview.started or NEVER)

    def knows_use(self) -> bool:
        """Return whether all use is known. Reads the store; raises Unavailable."""
        if self._clock.monotonic() - self._since < SETTLING_SECONDS:
            return False
        return self._last_use.reporting(self._clock.now()) >= self._records.live_proxies()

    def idle(self) -> Iterator[tuple[Unit, PreviewRecord, float]]:
        """Yield (unit, preview, last use) of all that may stop.

        None is pinned, busy, unvisited, held by a gate or used by a job beside it. All of a variant
        is used as one.
        """
        before = self._clock.now() - BUSY_SECONDS
        held = self._records.gates.list_held(self._clock.now())
        apps = {app.name for app in self._records.apps}
        reported = self._last_use.last
        of_variants = self.find_variant_uses()
        beside = self._find_beside()
        # There may be ten thousand previews, and somebody waits: no call for each.
        for unit, preview in self._records.units_in_state(State.RUNNING):
            task_id = preview.task_id
            used = preview.last_used or NEVER
            if preview.started and preview.started > used:
                used = preview.started
            if task_id in reported and reported[task_id] > used:
                used = reported[task_id]
            if of_variants and preview.instance in of_variants:
                used = of_variants[preview.instance].used
            if used > before or preview.pinned or preview.ahead or preview.app not in apps:
                continue
            if beside and task_id in beside:
                continue
            if held and preview.app in held and _is_held(preview, held[preview.app]):
                continue
            yield unit, preview, used

    def _find_beside(self) -> Collection[str]:
        """Return the tasks of the previews whose companions jobs use now."""
        return {job.beside for job in self._records.jobs.with_task() if job.beside}

    def find_variant_uses(self) -> Mapping[str, VariantUse]:
        """Return how variants are used, by the label of each of their running instances."""
        return variant_uses.find_uses(self._records, self.last_used)

    def unvisited(self) -> Iterator[tuple[Unit, PreviewRecord]]:
        """Yield (unit, preview) of what was or is built ahead, and has not been used.

        What runs has run for long enough that every proxy has reported since.
        """
        before, beside = self._clock.now() - UNVISITED_SECONDS, self._find_beside()
        apps = {app.name for app in self._records.apps}
        for unit, preview in self._records.units_in_state(*STARTING, State.RUNNING):
            if not preview.ahead or preview.app not in apps or preview.task_id in beside:
                continue
            if preview.state is not State.RUNNING or self.last_used(preview) <= before:
                yield unit, preview

    def reconcile(self) -> None:
        """Write when previews were last used, and stop those that were idle for too long.

        Raises Unavailable.
        """
        self._write()
        if self._clock.monotonic() < self._look_at:
            return
        self._look_at = self._clock.monotonic() + LOOK_SECONDS
        self._forget()
        due = self._due()
        unvisited = [one for _, one in self.unvisited() if one.state is State.RUNNING]
        if (due or unvisited) and self.knows_use():
            for preview in unvisited:
                self.stop(preview, NEVER, UNVISITED)
            for one in due[:STOPS]:
                what = "its variant" if one.preview.instance else "it"
                why = f"Nobody used {what} for {_format_duration(one.limit)}"
                reason = Reason(ReasonKind.IDLE, f"{why}; its address starts it again.")
                self.stop(one.preview, one.used, reason)
            if len(due) > STOPS:
                self._look_at = 0.0

    def _due(self) -> list[_Due]:
        """Return what was idle for too long, the oldest first.

        A variant is due once each of its instances is, by the limit of its own app.
        """
        now, uses = self._clock.now(), self.find_variant_uses()
        limits = {
            app.name: app.idle_after
            for app in self._records.apps
            if app.idle_after and not app.removed and not keep_warm.is_warm(app.keep_warm, now)
        }
        due = []
        for _, preview, used in self.idle():
            limit = limits.get(preview.app, math.inf)
            if uses and preview.instance in uses:
                limit = max(limits.get(app, math.inf) for app in uses[preview.instance].apps)
            if now - used > limit:
                due.append(_Due(used, preview.sha, preview, int(limit)))
        return sorted(due, key=attrgetter("used", "sha"))

    def stop(self, preview: PreviewRecord, used: float, reason: Reason) -> None:
        """Stop an idle preview, with a reason for people. An unvisited one has no last use.

        An instance stops with all others of its variant, once.
        """
        of = self._records.stacks.find_instance(preview)
        for one in variant_uses.list_running(self._records, (of[:2],)) if of else (preview,):
            self._stop(one, used, reason)

    def _stop(self, preview: PreviewRecord, used: float, reason: Reason) -> None:
        log.info(
            "an idle preview stops", app=preview.app, commit=preview.commit[:12], why=reason.text
        )
        idle = StoppedIdle(reason, last_used=used)
        self._records.change(preview, Stopped(reason) if preview.ahead else idle)

    def _write(self) -> None:
        for task_id in list(self._unwritten)[:STOPS]:
            preview = self._records.of_task(task_id)
            if preview and (preview.ahead or self._is_news(preview)):
                used = self.last_used(preview)
                self._records.save(dataclasses.replace(preview, last_used=used, ahead=False))
            del self._unwritten[task_id]

    def _is_news(self, preview: PreviewRecord) -> bool:
        return self.last_used(preview) - (preview.last_used or NEVER) >= WRITE_SECONDS

    def _forget(self) -> None:
        tasks = {p.task_id for p in self._records.in_state(*WITH_TASK) if p.task_id}
        self._last_use.forget(tasks, self._clock.now())


def _is_held(preview: PreviewRecord, held: frozenset[str]) -> bool:
    """Return whether a gate holds a preview by its commit or by one of its labels."""
    return preview.sha in held or not held.isdisjoint(preview.labels)


def _format_duration(seconds: int) -> str:
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{seconds} seconds"
