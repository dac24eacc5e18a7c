"""Moments in the start of a preview at which something is killed: seen in its record, in ZooKeeper.

A watch fires some hundred microseconds after a write. So the framework's next act may or may not
have happened; after a delay it has.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kazoo.client import KazooClient
from kazoo.recipe.watchers import DataWatch

from prevs.paths import Paths
from prevs.records import PreviewRecord, RecordError
from prevs.states import State
from tests.faults.picture import Key
from tests.faults.system import System
from tests.waits import describe_record

_COURSE = (State.QUEUED, State.PLACED, State.BUILDING, State.STARTING, State.RUNNING)


class Moment(NamedTuple):
    """`delay` seconds after the record of a preview has become `state`, or one that follows it.

    A machine that is busy may show the one that follows only.
    """

    state: State
    delay: float
    what: str

    def __str__(self) -> str:
        return self.what

    @contextlib.contextmanager
    def strikes(self, system: System, key: Key, strike: Callable[[], None]) -> Iterator[None]:
        """Call `strike` at this moment; the block has to bring it about. Waits for it."""
        struck, failed = threading.Event(), list[str]()
        old = system.record(key)
        with system.observer.zookeeper() as client:
            _watch(client, key, lambda now: self._look(now, old, struck, failed))
            thread = threading.Thread(target=self._wait, args=(struck, failed, strike), daemon=True)
            thread.start()
            yield
            thread.join(60)
            assert not failed, failed
            assert struck.is_set(), f"{key} never was {self.state.value}"

    def _look(
        self,
        now: PreviewRecord | None,
        old: PreviewRecord | None,
        struck: threading.Event,
        failed: list[str],
    ) -> None:
        if words := describe_record(now):
            failed.append(words)
            struck.set()
        if now is None or now.state not in _COURSE[_COURSE.index(self.state) :]:
            return
        # The state of an earlier attempt does not belong to this start.
        if now.state is State.QUEUED or old is None or now.task_id != old.task_id:
            struck.set()

    def _wait(self, struck: threading.Event, failed: list[str], strike: Callable[[], None]) -> None:
        if struck.wait(60) and not failed:
            time.sleep(self.delay)
            strike()


def _watch(client: KazooClient, key: Key, look: Callable[[PreviewRecord | None], None]) -> None:
    """Call `look` with the record at each change."""

    def changed(data: bytes | None, *_: object) -> None:
        try:
            look(None if data is None else PreviewRecord.decode(data))
        except RecordError:
            return

    DataWatch(client, Paths().preview(*key), changed)


INTENT = Moment(State.PLACED, 0.0, "with the intent written")
MOMENTS = (
    INTENT,
    Moment(State.PLACED, 0.005, "5 ms after the intent"),
    Moment(State.PLACED, 0.1, "just after the ACCEPT"),
    Moment(State.RUNNING, 0.0, "with an update not acknowledged"),
)
