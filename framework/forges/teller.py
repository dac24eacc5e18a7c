"""Says in pull requests what is to be said there: the threads that write to forges.

What was said is stored by the service, as it takes the event of each act. A leader that dies in
between leaves an act that the next one finds at the forge, or does once more.
"""

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.forges import registry
from framework.metrics import TellingMetrics
from framework.ports.forge_errors import ForgeBusy, ForgeError, ForgeRefused
from framework.ports.telling import TellingForge
from framework.state.snapshot import Snapshot
from framework.telling import acts, wanted
from framework.telling.acts import (
    Act,
    AddComment,
    AddDeployment,
    EditComment,
    SetDeployment,
    SetStatus,
)
from framework.telling.pace import Pace, Result, Topic
from framework.telling.wanted import Facts, Wanted
from framework.telling.wording import Wording
from prevs.apps import Tell
from prevs.pulls import Delivered, PullRecord
from prevs.records import AppRecord

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many forges are written to at a time."""
LOOK_SECONDS = 1.0
SUBJECT_SECONDS = 60.0
"""How long a commit's subject counts as unknown after it could not be read."""
_PARTS: tuple[Tell, ...] = ("status", "comment", "deployment")
_NEVER_TAKEN = (400, 409, 410, 413, 422)
_NOT_ACCEPTED = 401
_NOTHING = Delivered()
Key = tuple[str, int]


class Outlet(NamedTuple):
    """An app's forge, and what its writes share with others': one lane for each credential."""

    forge: TellingForge
    lane: str


class _Known(NamedTuple):
    """What is to be said of a pull request, the facts that this follows from, and what waits."""

    facts: Facts
    wanted: Wanted
    parts: tuple[Tell, ...]


class Teller:
    """Writes to forges, on threads of its own; nothing waits for it.

    `find_outlet` returns an app's forge; `find_subject` the subject of a commit, and it may block.
    Both may raise FrameworkError.
    """

    def __init__(
        self,
        find_outlet: Callable[[AppRecord], Outlet | None],
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
        *,
        wording: Wording,
        find_subject: Callable[[AppRecord, str], str],
        metrics: TellingMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_outlet = find_outlet
        self._submit = submit
        self._snapshot = snapshot
        self._wording = wording
        self._find_subject = find_subject
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._pace = Pace()
        self._delivered: dict[Key, Delivered] = {}
        self._known: dict[Key, _Known] = {}
        self._subjects: dict[Key, tuple[str, str, float]] = {}
        self._undelivered: dict[tuple[str, Tell], str] = {}
        self._seen: Snapshot | None = None
        self._waiting: Mapping[Topic, str] = {}
        self._has_delivered = threading.Event()
        self._turns: queue.SimpleQueue[tuple[str, Topic]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._woken = threading.Event()

    def start(self) -> None:
        """Start the threads."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: a forge may hold one for a minute when the program ends.
            threading.Thread(target=run, name="telling", daemon=True).start()

    def stop(self) -> None:
        """Say nothing more. Does not wait for what is being said."""
        self._ended.set()
        self._woken.set()

    def begin(self) -> list[tuple[str, Topic]]:
        """Return what is to be said now, with its lane; each waits for its `tell`."""
        snapshot = self._snapshot()
        if snapshot is not self._seen or self._has_delivered.is_set():
            self._has_delivered.clear()
            self._seen, self._waiting = snapshot, self._list_waiting(snapshot)
            self._metrics.waiting.set(len(self._waiting))
            self._note_end({(one.app, one.part) for one in self._waiting})
        with self._lock:
            return self._pace.begin(self._waiting, self._clock())

    def tell(self, lane: str, topic: Topic) -> Result:
        """Say what is to be said by now of a topic, in one write at most. Blocks on the forge."""
        result, seconds = Result.FAILED, 0.0
        try:
            result = self._tell(topic)
        except ForgeBusy as error:
            result, seconds = Result.BUSY, error.seconds
            self._note_undelivered(topic, str(error))
        except ForgeError as error:
            is_refused = isinstance(error, ForgeRefused) and error.status != _NOT_ACCEPTED
            result = Result.REFUSED if is_refused else Result.FAILED
            self._note_undelivered(topic, str(error))
        except FrameworkError as error:
            log.info("nothing is said at forges now", why=str(error))
        finally:
            with self._lock:
                self._pace.end(lane, topic, self._clock(), result=result, seconds=seconds)
            self._has_delivered.set()
        if result is not Result.NOTHING:
            self._metrics.count(topic.part, result.value)
        if result is Result.SAID:
            self._note_undelivered(topic, "")
        return result

    def _list_waiting(self, snapshot: Snapshot) -> dict[Topic, str]:
        """Return what is to be said, with its lane."""
        waiting: dict[Topic, str] = {}
        followed: set[Key] = set()
        for name, pulls in snapshot.pulls.items():
            app = snapshot.apps.get(name)
            if app is None:
                continue
            topics = [
                Topic(name, number, part)
                for number, pull in pulls.items()
                if (known := self._find_wanted(snapshot, pull))
                for part in known.parts
            ]
            followed |= {(name, number) for number in pulls}
            lane = self._find_lane(app) if topics else None
            waiting |= dict.fromkeys(topics, lane) if lane else {}
        self._forget(followed)
        return waiting

    def _find_lane(self, app: AppRecord) -> str | None:
        try:
            outlet = self._find_outlet(app)
        except FrameworkError:
            return None
        return outlet.lane if outlet else None

    def _find_wanted(self, snapshot: Snapshot, pull: PullRecord) -> _Known | None:
        """Return what is to be said of a pull request; it is kept while the facts are equal."""
        key = (pull.app, pull.number)
        if pull.closed is not None and pull.delivered == _NOTHING and key not in self._delivered:
            return None
        sha, subject, _ = self._subjects.get(key, ("", "", 0.0))
        app = snapshot.apps[pull.app]
        delivered = self._delivered.get(key, pull.delivered)
        if delivered.repository != app.repository:
            delivered = Delivered(app.repository)
        if delivered != pull.delivered:
            pull = dataclasses.replace(pull, delivered=delivered)
        facts = wanted.find_facts(
            snapshot, pull, registry.find_abilities, subject if sha == pull.sha else ""
        )
        if facts is None:
            return None
        known = self._known.get(key)
        if known is None or known.facts != facts:
            what = wanted.find_wanted(facts, self._wording)
            parts = tuple(part for part in _PARTS if acts.choose_act(part, what, facts.pull))
            known = self._known[key] = _Known(facts, what, parts)
        return known

    def _forget(self, followed: set[Key]) -> None:
        everything: tuple[dict[Key, Any], ...] = (self._delivered, self._known, self._subjects)
        for kept in everything:
            for key in [one for one in tuple(kept) if one not in followed]:
                kept.pop(key, None)

    def _tell(self, topic: Topic) -> Result:
        # If this framework does not lead any more, or cannot store what it says, it says nothing.
        events.call(self._submit, lambda: None)
        snapshot, key = self._snapshot(), topic[:2]
        app = snapshot.apps.get(topic.app)
        pull = snapshot.pulls.get(topic.app, {}).get(topic.number)
        if app is None or pull is None or self._ended.is_set():
            return Result.NOTHING
        if not self._is_stored(key, pull):
            return Result.FAILED
        self._read_subject(snapshot, app, pull)
        found = self._find_wanted(snapshot, pull)
        outlet = self._find_outlet(app)
        if found is None or outlet is None:
            return Result.NOTHING
        act = acts.choose_act(topic.part, found.wanted, found.facts.pull)
        if act is None:
            return Result.NOTHING
        if not self._is_begun(topic, act, found.facts.pull.delivered):
            return Result.FAILED
        return self._act(topic, act, outlet.forge, found)

    def _is_begun(self, topic: Topic, act: Act, delivered: Delivered) -> bool:
        """Return whether it is stored that an act has begun; have that stored. Blocks."""
        begun = acts.note_begun(act, delivered)
        if begun == delivered:
            return True
        self._store(topic, begun)
        events.call(self._submit, lambda: None)
        pull = self._snapshot().pulls.get(topic.app, {}).get(topic.number)
        return pull is not None and self._is_stored(topic[:2], pull)

    def _is_stored(self, key: Key, pull: PullRecord) -> bool:
        """Return whether what was said of a pull request is stored; if not, have it stored."""
        delivered = self._delivered.get(key)
        if delivered is None or delivered == pull.delivered:
            return True
        self._submit(events.PullDelivery(pull.app, pull.number, delivered))
        return False

    def _read_subject(self, snapshot: Snapshot, app: AppRecord, pull: PullRecord) -> None:
        """Read the subject of a head that may be built, if it is not known."""
        key, now = (pull.app, pull.number), self._clock()
        sha, _, until = self._subjects.get(key, ("", "", 0.0))
        facts = wanted.find_facts(snapshot, pull, registry.find_abilities)
        is_known = sha == pull.sha and now < until
        if facts is None or not facts.passes or is_known or pull.closed is not None:
            return
        try:
            subject = self._find_subject(app, pull.sha)
        except FrameworkError:
            self._subjects[key] = (pull.sha, "", now + SUBJECT_SECONDS)
        else:
            self._subjects[key] = (pull.sha, subject, float("inf"))

    def _act(self, topic: Topic, act: Act, forge: TellingForge, found: _Known) -> Result:
        pull = found.facts.pull
        try:
            done = self._perform(act, forge, pull, found.wanted.said)
        except ForgeRefused as error:
            if error.status not in _NEVER_TAKEN:
                raise
            self._store(topic, acts.note_rejected(act, pull.delivered, error.why))
            return Result.REJECTED
        self._store(topic, done)
        return Result.SAID

    def _perform(self, act: Act, forge: TellingForge, pull: PullRecord, said: str) -> Delivered:
        """Do an act; return what was said by then."""
        result, delivered = "", pull.delivered
        match act:
            case AddComment(text):
                comment = self._add_comment(forge, pull, text)
                return acts.note_done(act, delivered, comment, said)
            case EditComment(comment, text):
                if not forge.edit_comment(pull.number, comment, text):
                    return acts.note_gone(delivered)
            case SetStatus(status):
                forge.set_status(pull.number, status)
            case AddDeployment(deployment) if known := forge.deployments:
                result = known.find(deployment) or known.add(deployment)
            case SetDeployment(made, status) if known := forge.deployments:
                known.set(made, status)
        return acts.note_done(act, delivered, result, said)

    def _add_comment(self, forge: TellingForge, pull: PullRecord, text: str) -> str:
        """Return the id of our comment, with this text if it can have that.

        An earlier leader may have made it and died, so the forge is asked first. Of several, the
        oldest one counts.
        """
        found = forge.find_comment(pull.number, self._wording.marker(pull.app, pull.number))
        if not found:
            return forge.add_comment(pull.number, text)
        forge.edit_comment(pull.number, found, text)
        return found

    def _store(self, topic: Topic, delivered: Delivered) -> None:
        self._delivered[topic[:2]] = delivered
        self._submit(events.PullDelivery(topic.app, topic.number, delivered))

    def _note_undelivered(self, topic: Topic, why: str) -> None:
        """Have it shown why something cannot be said, or with "" that this is over."""
        key = (topic.app, topic.part)
        if self._undelivered.get(key, "") == why:
            return
        if why:
            log.warning("something cannot be said at a forge", app=topic.app, why=why)
            self._undelivered[key] = why
        else:
            self._undelivered.pop(key, None)
        self._submit(events.TellingFailed(*key, why))

    def _note_end(self, waiting: set[tuple[str, Tell]]) -> None:
        """Show no problem any more with what is not to be said any more."""
        for key in [one for one in tuple(self._undelivered) if one not in waiting]:
            self._undelivered.pop(key, None)
            self._submit(events.TellingFailed(*key, ""))

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            try:
                for turn in self.begin():
                    self._turns.put(turn)
            except Exception:
                log.exception("nothing can be said at forges for now")

    def _work(self) -> None:
        while not self._ended.is_set():
            lane, topic = self._turns.get()
            try:
                self.tell(lane, topic)
            except Exception:
                log.exception("something cannot be said at a forge", app=topic.app)
            self._woken.set()
