"""Apps that are being removed, until nothing is left of them. Owned by the service's thread."""

from collections.abc import Callable

from framework.lifecycle import WITH_TASK, Event
from framework.records import Records
from prevs.states import State


class Removals:
    """Goes on with every removal that is marked in the records, also after a restart.

    `forget_mirror` removes an app's mirror, elsewhere, and must not block; `forgotten` is told.
    """

    def __init__(self, records: Records, forget_mirror: Callable[[str], None]) -> None:
        self._records = records
        self._forget_mirror = forget_mirror
        self._asked: set[str] = set()

    def go_on(self) -> None:
        """Stop what is left of removed apps; where nothing runs any more, forget the mirror."""
        removed = [app.name for app in self._records.apps if app.removed]
        if not removed:
            return
        for preview in self._records.previews:
            if preview.app in removed:
                self._records.change(preview, Event.STOP_REQUESTED, again=False, reason="")
        busy = {p.app for p in self._records.previews if p.state in {*WITH_TASK, State.QUEUED}}
        busy |= {w.app for w in self._records.withdrawals} | self._asked
        for name in removed:
            if name not in busy:
                self._asked.add(name)
                self._forget_mirror(name)

    def forgotten(self, name: str) -> None:
        """Forget the records of an app whose mirror is gone. Raises Unavailable."""
        self._asked.discard(name)
        self._records.forget(name)
