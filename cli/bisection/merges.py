"""The way into merges: the first bad commit of a branch may be a merge, which brought many.

`git bisect run` names one of those; so does this, and tries few commits of each branch on the way.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cli.bisection import search
from cli.bisection.rounds import Naming, search_all
from cli.bisection.search import Verdict, WrongEnd
from cli.bisection.tries import Tries
from cli.client.generated.records import Commit
from cli.command_context import CommandContext
from cli.display.output import note
from cli.names import commit_range
from prevs import names


class Found(NamedTuple):
    """The commits of which one is the first bad one, the rounds that took, the merges on the way.

    `whole` is why the last of the merges is the answer itself, as a sentence; "" if it is not.
    """

    suspects: Sequence[Commit]
    rounds: int
    merges: Sequence[str] = ()
    whole: str = ""


class Bisection:
    """A search along the first parents of a branch, and of what its first bad merge brought."""

    def __init__(self, context: CommandContext, tries: Tries, at_once: int, naming: Naming) -> None:
        self._context = context
        self._tries = tries
        self._at_once = at_once
        self._naming = naming

    def find(self, base: str, commits: Sequence[Commit], *, trust: bool) -> Found:
        """Return what is found among `commits`, the oldest first, which come after `base`. Blocks.

        Raises CliError, and WrongEnd if an end is not as somebody said.
        """
        found = self._search(base, commits, trust=trust)
        while len(found.suspects) == 1 and len(found.suspects[0]["parents"]) > 1:
            deeper = self._go_into(found.suspects[0])
            found = found._replace(
                suspects=deeper.suspects or found.suspects,
                rounds=found.rounds + deeper.rounds,
                merges=[*found.merges, *deeper.merges],
                whole=deeper.whole,
            )
            if deeper.whole:
                break
        return found

    def _go_into(self, merge: Commit) -> Found:
        """Return what is found in what a merge brought; no suspects if that is not to blame."""
        before, *merged = merge["parents"]
        why = f"What {names.short(merge['sha'])} brought is good: look at how the merge was made."
        for parent in merged:
            some = commit_range.find_merged(self._context.api, self._naming.app, before, parent)
            if some is None:
                continue
            brought = "1 commit" if len(some) == 1 else f"{len(some):,} commits"
            note(f"{names.short(merge['sha'])} is a merge, which brought {brought}.")
            try:
                found = self._search(some[0]["parents"][0], some, trust=False)
            except WrongEnd as wrong:
                if wrong.verdict is Verdict.BAD:
                    why = (
                        f"Before what {names.short(merge['sha'])} brought the command fails as "
                        "well, so no commit of that can be named."
                    )
            else:
                return found._replace(merges=[merge["sha"]])
        return Found((), 0, whole=why)

    def _search(self, base: str, commits: Sequence[Commit], *, trust: bool) -> Found:
        known: Mapping[str, Commit] = {one["sha"]: one for one in commits}
        subjects = {sha: one["subject"] for sha, one in known.items()}
        naming = self._naming._replace(subjects={**self._naming.subjects, **subjects})
        begun = search.begin([base, *known], trust=trust).learn(self._tries.verdicts)
        outcome = search_all(self._context, self._tries, begun, self._at_once, naming=naming)
        return Found([known[sha] for sha in outcome.search.suspects], outcome.rounds)
