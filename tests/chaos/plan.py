"""Which faults come when: drawn from a seed, so that the same seed makes the same plan. Pure."""

import random
from collections.abc import Sequence
from typing import NamedTuple

ZOOKEEPERS = ("zookeeper", "zookeeper-2", "zookeeper-3")
FRAMEWORKS = ("framework", "framework-2", "framework-3")
PROXIES = ("proxy", "proxy-2")
AGENTS = ("agent-1", "agent-2", "agent-3", "agent-4")
PARTS = (*ZOOKEEPERS, *FRAMEWORKS, *PROXIES, *AGENTS, "master")
EVERYTHING = "everything"

_LINKS = (
    *(f"{one}>{other}" for one in FRAMEWORKS for other in ("zookeepers", "master")),
    *(f"{one}>{other}" for one in PROXIES for other in ("zookeepers", "frameworks")),
    *(f"{one}>master" for one in AGENTS),
    *(f"{one}>zookeepers" for one in ZOOKEEPERS),
)
_FIRST, _GAP = 10.0, (4.0, 12.0)
"""Seconds before the first fault, and between the end of one and the begin of the next."""
_TWO = 0.4
"""The share of faults that come with another one."""


class Kind(NamedTuple):
    """A kind of fault, what it may be of, and how many seconds it lasts.

    `share` is how often it is drawn, among others. One that is `alone` comes with no other.
    """

    name: str
    targets: Sequence[str]
    seconds: tuple[float, float]
    share: float = 1.0
    alone: bool = False


KINDS = (
    Kind("kill", (*PARTS, "leader", "leader", "dockerd"), (0.0, 0.0), 4.0),
    Kind("kill-haproxy", PROXIES, (0.0, 0.0)),
    Kind("kill-executor", ("an executor",), (0.0, 0.0)),
    Kind("kill-container", ("a container",), (0.0, 0.0)),
    Kind("hold", (*ZOOKEEPERS, *FRAMEWORKS, *AGENTS, "master"), (4.0, 20.0), 2.0),
    Kind("pause", (*PARTS, "leader", "leader", "dockerd"), (4.0, 20.0), 3.0),
    Kind("partition", _LINKS, (5.0, 25.0), 3.0),
    Kind("lossy-link", (*_LINKS, "git"), (5.0, 25.0), 2.0),
    Kind("git-away", ("git",), (5.0, 25.0)),
    Kind("git-hangs", ("git",), (5.0, 25.0)),
    Kind("registry-away", ("registry",), (5.0, 25.0)),
    Kind("registry-hangs", ("registry",), (5.0, 25.0)),
    Kind("full-disk", ZOOKEEPERS, (5.0, 20.0)),
    Kind("few-files", (*FRAMEWORKS, *PROXIES), (5.0, 20.0)),
    Kind("replace-framework", FRAMEWORKS, (1.0, 5.0)),
    # Alone: with another member away, what only those two have acknowledged would be lost.
    Kind("replace-zookeeper", ZOOKEEPERS, (5.0, 10.0), alone=True),
    Kind("power-cut", (EVERYTHING,), (0.0, 0.0), 0.7, alone=True),
    Kind("down-and-up", (EVERYTHING,), (0.0, 0.0), 0.5, alone=True),
    # Alone: both follow the steps of an operator, who waits until all parts are ready.
    Kind("change-token", (EVERYTHING,), (0.0, 0.0), 0.5, alone=True),
    Kind("backup-and-restore", (EVERYTHING,), (0.0, 0.0), 0.5, alone=True),
)


class Strike(NamedTuple):
    """A fault: `at` seconds after the begin of the run, for `seconds`.

    `number` chooses among what there is then, where the target is no part.
    """

    at: float
    name: str
    target: str
    seconds: float
    number: int


def draw(seed: int, seconds: float, kinds: Sequence[Kind] = KINDS) -> list[Strike]:
    """Return the faults of a run of `seconds`; all of them have ended by then."""
    chance = random.Random(seed)
    plan: list[Strike] = []
    at = _FIRST
    while True:
        together = _draw_together(chance, at, kinds)
        ends = max(one.at + one.seconds for one in together)
        if ends > seconds:
            return plan
        plan += together
        at = ends + chance.uniform(*_GAP)


def _draw_together(chance: random.Random, at: float, kinds: Sequence[Kind]) -> list[Strike]:
    first = _draw_one(chance, at, kinds)
    alone = {kind.name for kind in kinds if kind.alone}
    if first.name in alone or chance.random() >= _TWO:
        return [first]
    company = [kind for kind in kinds if not kind.alone]
    second = _draw_one(chance, at + chance.uniform(0.0, first.seconds), company)
    return [first] if _same(first, second) else [first, second]


def _draw_one(chance: random.Random, at: float, kinds: Sequence[Kind]) -> Strike:
    [kind] = chance.choices(kinds, [kind.share for kind in kinds])
    target = chance.choice(kind.targets)
    seconds = round(chance.uniform(*kind.seconds), 1)
    return Strike(round(at, 1), kind.name, target, seconds, chance.randrange(1000))


def _same(first: Strike, second: Strike) -> bool:
    """Return whether two faults are of the same part: one would undo the other."""
    return first.target.partition(">")[0] == second.target.partition(">")[0] or (
        "leader" in (first.target, second.target)
        and any(one.target.partition(">")[0] in FRAMEWORKS for one in (first, second))
    )
