"""The search for the commit that broke something, with several commits tried at a time. Pure.

The exit codes are those of `git bisect run`: 0 is good, 125 cannot be tried, others up to 127 are
bad, and any other one stops the search.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_CANNOT_TRY = 125
_LAST_BAD = 127


class Verdict(enum.Enum):
    """What a try says about its commit."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


class Stopped(Exception):
    """A try has ended with an exit code that says nothing about its commit."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(
            f"The command ended with {exit_code}, which stops the search. 0 means good, 125 that "
            "the commit cannot be tried, 1 to 127 bad."
        )
        self.exit_code = exit_code


def judge(exit_code: int) -> Verdict:
    """Return what an exit code says. Raises Stopped."""
    if exit_code == 0:
        return Verdict.GOOD
    if exit_code == _CANNOT_TRY:
        return Verdict.SKIPPED
    if 0 < exit_code <= _LAST_BAD:
        return Verdict.BAD
    raise Stopped(exit_code)


class Search(NamedTuple):
    """What is known of `commits`, the oldest first: the one before them is good, the last is bad.

    `good` and `bad` are positions: of the last good one (-1: before all), and of a bad one after
    it. With each round they come closer, and there is always a change from good to bad between.
    """

    commits: Sequence[str]
    good: int
    bad: int
    skipped: frozenset[int] = frozenset()

    @property
    def suspects(self) -> Sequence[str]:
        """The commits of which one is the first bad one; just that one, unless some were skipped.

        They are final once there is nothing to `choose`.
        """
        return self.commits[self.good + 1 : self.bad + 1]

    def choose(self, most: int) -> list[str]:
        """Return up to `most` commits to try next, which divide the others evenly."""
        untried = [at for at in range(self.good + 1, self.bad) if at not in self.skipped]
        number = min(most, len(untried))
        steps = [(step + 1) * (len(untried) + 1) // (number + 1) - 1 for step in range(number)]
        return [self.commits[untried[step]] for step in steps]

    def learn(self, verdicts: Mapping[str, Verdict]) -> "Search":
        """Return the search after the tries of a round; commits not in it change nothing.

        If a good one comes after a bad one, the change before the bad one is looked for.
        """
        among = range(self.good + 1, self.bad)
        told = {at: found for at in among if (found := verdicts.get(self.commits[at]))}
        bad = min((at for at in told if told[at] is Verdict.BAD), default=self.bad)
        good = max((at for at in told if told[at] is Verdict.GOOD and at < bad), default=self.good)
        skipped = {at for at in told if told[at] is Verdict.SKIPPED}
        return self._replace(good=good, bad=bad, skipped=self.skipped | skipped)


def begin(commits: Sequence[str]) -> Search:
    """Return the search among `commits`, of which there is at least one."""
    return Search(commits, good=-1, bad=len(commits) - 1)
