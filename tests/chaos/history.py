"""What clients asked and what they got, with the times: the history of a run.

An operation has a line when it begins and another one when it has ended, so a run that is cut short
is whole up to there. Times are monotonic seconds of one machine.
"""

import dataclasses
import enum
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args


class Outcome(enum.Enum):
    """How an operation ended. After UNKNOWN it may have happened, or may happen yet."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Visit:
    """A request at `host` through `proxy`; `lot` is the client's number at a gate.

    `status` is 0 if nobody answered. `task` is the attempt that the answer names, "" for none, and
    `page` the beginning of the body.
    """

    proxy: str
    host: str
    lot: str = ""
    has_pass: bool = False
    status: int = 0
    task: str = ""
    page: str = ""


@dataclasses.dataclass(frozen=True)
class Name:
    """From now on the address `host` names these commits of `app`, and no others.

    A push names the new head of a branch, a change of a gate its targets. Each is the only writer
    of its address, one change after the other.
    """

    host: str
    app: str
    commits: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Write:
    """A register gets a value. Values of one register differ."""

    register: str
    value: str


@dataclasses.dataclass(frozen=True)
class Read:
    """A register has a value; "" if it has none."""

    register: str
    value: str = ""


@dataclasses.dataclass(frozen=True)
class Order:
    """A job is ordered under a key of its own, by which a repeated order is the same one."""

    key: str
    once: bool
    job: str = ""


@dataclasses.dataclass(frozen=True)
class JobSeen:
    """A job as it is in the end. `key` is that of its order; `starts` counts its containers."""

    job: str
    key: str
    state: str
    starts: int


@dataclasses.dataclass(frozen=True)
class TimeSeen:
    """A job that a schedule has made for a time, in seconds since the epoch."""

    schedule: str
    nominal: float
    job: str


@dataclasses.dataclass(frozen=True)
class Look:
    """The records at one moment: how many previews of each app have a task, and the routes.

    A route is (app, commit, task), of which one attempt each may have one.
    """

    with_task: Mapping[str, int]
    routes: tuple[tuple[str, str, str], ...]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault, from its begin until it is undone."""

    name: str
    target: str


@dataclasses.dataclass(frozen=True)
class Recovery:
    """From the end of the last fault until `host` answers as it should."""

    host: str


@dataclasses.dataclass(frozen=True)
class Left:
    """What is there after everything has been removed that was made."""

    kind: str
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Terms:
    """What a run was: which hosts are guarded, and which keep each client at its target.

    `pages` are what each commit answers, `limits` how many previews of an app may have a task,
    `within` the seconds from the last fault until everything answers.
    """

    guarded: tuple[str, ...] = ()
    sticky: tuple[str, ...] = ()
    pages: Mapping[str, str] = dataclasses.field(default_factory=dict)
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    within: float = 120.0


What = (
    Visit
    | Name
    | Write
    | Read
    | Order
    | JobSeen
    | TimeSeen
    | Look
    | Fault
    | Recovery
    | Left
    | Terms
)
_KINDS: Mapping[str, type[What]] = {kind.__name__: kind for kind in get_args(What)}


class Operation(NamedTuple):
    """One of `client`, from `began` to `ended`, which is infinite if its end is not known."""

    number: int
    client: str
    began: float
    ended: float
    outcome: Outcome
    what: What


History = Sequence[Operation]
W = TypeVar("W", bound=What)


def pick(history: History, kind: type[W]) -> Iterator[tuple[Operation, W]]:
    """Yield the operations of one kind, in the order in which they began."""
    for operation in history:
        if isinstance(operation.what, kind):
            yield operation, operation.what


class Recorder:
    """Appends to the file of a history; for any number of threads."""

    def __init__(self, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._lines = file.open("a", encoding="utf-8")
        self._now = now
        self._lock = threading.Lock()
        self._count = 0

    def begin(self, client: str, what: What, *, at: float | None = None) -> int:
        """Write down that a client begins something, now or at an earlier time; return its number.

        It has to be written before the first byte of it is sent.
        """
        with self._lock:
            self._count += 1
            number = self._count
            self._write({"number": number, "client": client, "at": self._time(at)}, what)
        return number

    def end(self, number: int, outcome: Outcome, what: What) -> None:
        """Write down how an operation has ended, with what is known by now."""
        with self._lock:
            self._write({"number": number, "at": self._time(None), "outcome": outcome.value}, what)

    def note(self, client: str, what: What) -> None:
        """Write down what has just been seen."""
        self.end(self.begin(client, what), Outcome.OK, what)

    def close(self) -> None:
        """Write no more."""
        self._lines.close()

    def _time(self, at: float | None) -> float:
        return self._now() if at is None else at

    def _write(self, line: dict[str, object], what: What) -> None:
        kind = {"kind": type(what).__name__, "what": dataclasses.asdict(what)}
        print(json.dumps(line | kind), file=self._lines, flush=True)


def read(lines: Iterable[str]) -> History:
    """Return the operations of a history, in the order in which they began."""
    found: dict[int, Operation] = {}
    for line in map(json.loads, lines):
        number, what = line["number"], _build(line["kind"], line["what"])
        if number not in found:
            open_end = (line["at"], math.inf, Outcome.UNKNOWN)
            found[number] = Operation(number, line["client"], *open_end, what)
            continue
        outcome = Outcome(line["outcome"])
        ended = math.inf if outcome is Outcome.UNKNOWN else line["at"]
        found[number] = found[number]._replace(ended=ended, outcome=outcome, what=what)
    return sorted(found.values(), key=lambda one: (one.began, one.number))


def _build(kind: str, fields: Mapping[str, Any]) -> What:
    return _KINDS[kind](**{name: _frozen(value) for name, value in fields.items()})


def _frozen(value: Any) -> Any:
    """Return a value of JSON with tuples for its lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
