"""What a service waits for, and when it is ready itself. Pure."""

import math
from typing import NamedTuple

from framework.apps.compose import key_words
from framework.apps.compose.amounts import read_seconds
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.yaml_tree import Node, Scalar, Table

_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_TIMINGS = {"interval": 30.0, "timeout": 30.0, "start_period": 0.0, "retries": 3.0}
_LEAST_LIMIT, _MOST_LIMIT = 30.0, 3600.0


class Dependency(NamedTuple):
    """A service to wait for, until the condition holds, if it `must` be there."""

    node: Node
    name: str
    condition: str = _CONDITIONS[0]
    must: bool = True

    @property
    def ends(self) -> bool:
        """Whether that service has to have run to its end."""
        return self.condition == _CONDITIONS[2]


class Check(NamedTuple):
    """When a service is ready: its `command`, none if that is switched off, and its times.

    `node` is where the command is from.
    """

    command: list[str] | None = None
    timings: dict[str, float] = {}  # noqa: RUF012  # nothing changes it
    node: Node | None = None

    @property
    def limit(self) -> float:
        """Return how many seconds its check may fail; 0 if the file says nothing of it."""
        if not self.timings or self.command is None:
            return 0.0
        all_of = {**_TIMINGS, **self.timings}
        tries = all_of["retries"] * (all_of["interval"] + all_of["timeout"])
        return max(_LEAST_LIMIT, math.ceil(min(all_of["start_period"] + tries, _MOST_LIMIT)))

    @property
    def every(self) -> float:
        """Return the seconds between two checks, at least one; 0 if the file says nothing of it."""
        interval = self.timings.get("interval", 0.0) if self.command else 0.0
        return max(1.0, interval) if interval else 0.0


def read_depends_on(node: Node, where: str, notes: Notes) -> list[Dependency]:
    """Return what the key depends_on says."""
    if not isinstance(node, Table):
        return [Dependency(node, name) for name in notes.texts(node, where) or ()]
    found = []
    for name, (key, value) in node.entries.items():
        inside = f"{where}.{cut(name)}"
        condition, must = _CONDITIONS[0], True
        unused = {"restart": key_words.RESTARTS}
        for one, _, inner in notes.known(value, inside, ("condition", "required"), unused):
            if one == "required":
                must = notes.truth(inner, f"{inside}.{one}")
                continue
            condition = notes.text(inner, f"{inside}.{one}") or condition
            if condition not in _CONDITIONS:
                why = f"must be {', '.join(_CONDITIONS)}, not {cut(condition)}"
                notes.refuse(inner, f"{inside}.{one}", why)
        found.append(Dependency(key, name, condition, must))
    return found


def read_healthcheck(node: Node, where: str, notes: Notes) -> Check:
    """Return what the key healthcheck says."""
    known, unused = ("test", "disable", *_TIMINGS), {"start_interval": "interval is taken"}
    command: list[str] | None = None
    timings: dict[str, float] = {}
    is_off, at = False, None
    for name, _, value in notes.known(node, where, known, unused):
        inside = f"{where}.{name}"
        if name == "test":
            command, at = _read_test(value, inside, notes), value
        elif name == "disable":
            is_off = notes.truth(value, inside)
        elif (text := notes.text(value, inside)) is not None:
            seconds = read_seconds(text)
            if seconds is None:
                notes.refuse(value, inside, f"must be like 1m30s, not {cut(text)}")
            else:
                timings[name] = seconds
    return Check(None if is_off else command, timings, at)


def _read_test(node: Node, where: str, notes: Notes) -> list[str] | None:
    if isinstance(node, Scalar):
        text = notes.text(node, where, later=True)
        return None if text is None else ["sh", "-c", text]
    words = notes.texts(node, where, later=True)
    match words:
        case None | ["NONE"]:
            return None
        case ["CMD", *command] if command:
            return command
        case ["CMD-SHELL", line]:
            return ["sh", "-c", line]
    notes.refuse(node, where, 'must begin with "CMD" or "CMD-SHELL", and go on after it')
    return None
