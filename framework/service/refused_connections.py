"""Running previews that take no connections. Owned by the service's thread.

A proxy tells of such a task every two seconds, while somebody waits for it there. Mesos is asked
about the task at once. Where Mesos says that it runs, and it goes on for too long, the attempt is
ended as one that failed; why not always, is in docs/decisions/0024-refused.md.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.attempts.attempts import Attempts
from framework.clock import Clock
from framework.ports import Use
from framework.preview import reasons
from framework.preview.reasons import Reason, ReasonKind
from framework.preview.transitions import Alive
from framework.state.records import Records
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from program.log_lines import name_attempt

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 15.0
"""For how long a running preview may refuse connections until its attempt is ended."""
LAPSE_SECONDS = 8.0
"""How long after a proxy's last word it may still be that its connections are refused."""

REASON = Reason(
    ReasonKind.REFUSES_CONNECTIONS,
    "Its container refuses connections. Mesos has been asked about its task; "
    f"if it runs, and no proxy reaches it for {PATIENCE_SECONDS:g} s, it is started again.",
)
_FAILURE = Failure(
    Cause.UNHEALTHY,
    f"Its container refused connections for {PATIENCE_SECONDS:g} s, though Mesos says that it "
    "runs; its log may say why.",
)


class Spell(NamedTuple):
    """A task that refuses connections, from `since` on, as was last told at `told`.

    `refused` is when each proxy last told of it, `used` when each last told of a use of the task.
    """

    since: float
    told: float
    refused: Mapping[str, float]
    used: Mapping[str, float] = {}


def tell(spell: Spell | None, proxy: str, now: float) -> Spell:
    """Return the spell after a proxy has told of it at `now`; a new one where none lasts."""
    if spell is None or is_over(spell, now):
        return Spell(now, now, {proxy: now})
    return spell._replace(told=now, refused={**spell.refused, proxy: now})


def is_over(spell: Spell, now: float) -> bool:
    """Tell whether nobody is refused any more, or nobody asks."""
    return now - spell.told > LAPSE_SECONDS


def has_lasted(spell: Spell) -> bool:
    """Tell whether a task has refused connections for too long, and no proxy has reached it.

    A request counts as a use before it is refused. So a proxy has reached the task where it told
    of a use, and not of a refusal in the seconds before.
    """
    never = float("-inf")
    reached = any(
        at - spell.refused.get(proxy, never) > LAPSE_SECONDS and spell.told - at < PATIENCE_SECONDS
        for proxy, at in spell.used.items()
    )
    return spell.told - spell.since >= PATIENCE_SECONDS and not reached


class RefusedConnections:
    """Hears of refused connections, and sees to it that they end. Forgets what is over."""

    def __init__(self, records: Records, attempts: Attempts, clock: Clock) -> None:
        self._records = records
        self._attempts = attempts
        self._clock = clock
        self._spells: dict[str, Spell] = {}

    def note(self, proxy: str, tasks: Sequence[str]) -> None:
        """Take that tasks refuse a proxy's connections; ask Mesos about what is new."""
        now = self._clock.monotonic()
        for task_id in tasks:
            if (preview := self._running(task_id)) is None:
                continue
            spell = self._spells.get(task_id)
            if spell is None or is_over(spell, now):
                log.warning("connections are refused", proxy=proxy, **name_attempt(task_id))
                self._attempts.query({task_id: preview.agent_id})
            self._spells[task_id] = tell(spell, proxy, now)

    def used(self, proxy: str, uses: Sequence[Use]) -> None:
        """Take what a proxy says of its use of tasks."""
        for use in uses:
            spell = self._spells.get(use.task_id)
            if spell is not None and (use.open or use.requests):
                used = {**spell.used, proxy: self._clock.monotonic()}
                self._spells[use.task_id] = spell._replace(used=used)

    def reconcile(self) -> None:
        """Write what is the case as the previews' reason, and end what it lasts for too long.

        Raises Unavailable.
        """
        for task_id, spell in tuple(self._spells.items()):
            preview = self._running(task_id)
            if preview is None or is_over(spell, self._clock.monotonic()):
                if preview and preview.reason_kind == REASON.kind:
                    self._records.change(preview, Alive(reasons.NONE))
                del self._spells[task_id]
            elif has_lasted(spell) and self._attempts.is_confirmed(task_id):
                self._attempts.give_up(preview, _FAILURE)
            elif not preview.reason:
                self._records.change(preview, Alive(REASON))

    def _running(self, task_id: str) -> PreviewRecord | None:
        preview = self._records.of_task(task_id)
        return preview if preview and preview.state is State.RUNNING else None
