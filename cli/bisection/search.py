"""The search for the commit that broke something, with several commits tried at a time. Pure.

The exit codes are those of `git bisect run`: 0 is good, 125 cannot be tried, others up to 127 are
bad, and any other one stops the search.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CANNOT_TRY = 125
_LAST_BAD = 127


class Verdict(enum.Enum):
    """What a try says about its commit."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


class WrongEnd(Exception):
    """The commit that is said to be good is bad, or the other way round: `verdict` is the truth."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"It is {verdict.value}.")
        self.verdict = verdict


def judge(exit_code: int) -> Verdict | None:
    """Return what an exit code says, None if it stops the search."""
    if exit_code == 0:
        return Verdict.GOOD
    if exit_code == CANNOT_TRY:
        return Verdict.SKIPPED
    return Verdict.BAD if 0 < exit_code <= _LAST_BAD else None


class Search(NamedTuple):
    """What is known of `commits`, the oldest first: the first is good, the last is bad.

    `good` and `bad` are positions: of the last good one, and of a bad one after it. With each round
    they come closer, and there is always a change from good to bad between. `unproven` are the ends
    of which somebody has said so, until they are tried too.
    """

    commits: Sequence[str]
    good: int
    bad: int
    skipped: frozenset[int] = frozenset()
    unproven: frozenset[int] = frozenset()

    @property
    def suspects(self) -> Sequence[str]:
        """The commits among which the first bad one is; a single commit unless some were skipped.

        They are final once there is nothing `open`.
        """
        return self.commits[self.good + 1 : self.bad + 1]

    @property
    def open(self) -> Sequence[str]:
        """The commits whose verdicts would tell something, the oldest first."""
        return [self.commits[at] for at in sorted([*self._unproven_ends(), *self._untried()])]

    def choose(self, most: int) -> list[str]:
        """Return up to `most` commits to try next: unproven ends, and commits that divide the rest.

        The oldest come first. There are none once the suspects are final.
        """
        ends = self._unproven_ends()[:most]
        untried = self._untried()
        number = min(most - len(ends), len(untried))
        steps = [(step + 1) * (len(untried) + 1) // (number + 1) - 1 for step in range(number)]
        return [self.commits[at] for at in sorted([*ends, *(untried[step] for step in steps)])]

    def count_rounds(self, most: int) -> int:
        """Return how many rounds are left at most, if no commit is skipped."""
        left, rounds = len(self.suspects), 0
        if ends := self._unproven_ends():
            rounds = -(-len(ends) // most)
            left = -(-left // (most * rounds - len(ends) + 1))
        while left > 1:
            left = -(-left // (most + 1))
            rounds += 1
        return rounds

    def learn(self, verdicts: Mapping[str, Verdict]) -> "Search":
        """Return the search after some tries; those of commits that are not `open` change nothing.

        If a good one comes after a bad one, the change before the bad one is looked for. Raises
        WrongEnd.
        """
        among = [*self._unproven_ends(), *self._untried()]
        told = {at: found for at in among if (found := verdicts.get(self.commits[at]))}
        bad = min((at for at in told if told[at] is Verdict.BAD), default=self.bad)
        good = max((at for at in told if told[at] is Verdict.GOOD and at < bad), default=self.good)
        if bad == self.good:
            raise WrongEnd(Verdict.BAD)
        if told.get(bad) is Verdict.GOOD:
            raise WrongEnd(Verdict.GOOD)
        skipped = {at for at in told if told[at] is Verdict.SKIPPED}
        return self._replace(
            good=good,
            bad=bad,
            skipped=self.skipped | skipped,
            unproven=self.unproven - told.keys(),
        )

    def _unproven_ends(self) -> list[int]:
        return [at for at in (self.good, self.bad) if at in self.unproven]

    def _untried(self) -> list[int]:
        return [at for at in range(self.good + 1, self.bad) if at not in self.skipped]


def begin(commits: Sequence[str], *, trust: bool) -> Search:
    """Return the search among at least two `commits`; with `trust` the ends are not tried."""
    last = len(commits) - 1
    return Search(commits, 0, last, unproven=frozenset() if trust else frozenset({0, last}))
