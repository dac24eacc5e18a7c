"""The rounds of a bisection: commits are tried together, until the first bad one is known."""

from collections.abc import Mapping
from typing import NamedTuple

from cli.bisection.search import Search, Verdict, WrongEnd
from cli.bisection.tries import Tries, Try
from cli.command_context import CommandContext
from cli.display.output import note
from cli.display.progress import WaitingLine, waiting_line
from cli.errors import NotDone
from cli.jobs import group
from prevs import names


class Naming(NamedTuple):
    """What messages name: the app, the ends as somebody gave them, and the subjects of commits."""

    app: str
    good: str
    bad: str
    subjects: Mapping[str, str]


class Outcome(NamedTuple):
    """A search that has ended, and its rounds."""

    search: Search
    rounds: int


def search_all(
    context: CommandContext, tries: Tries, search: Search, at_once: int, *, naming: Naming
) -> Outcome:
    """Try up to `at_once` commits together until no other one would tell anything. Blocks.

    Raises CliError, and WrongEnd for an end that is not as somebody said. The caller ends the
    tries.
    """
    number = 0
    with waiting_line() as line:
        while chosen := search.choose(at_once):
            all_rounds = number + search.count_rounds(at_once)
            number += 1
            found = tries.start(chosen)
            while True:
                _tell(line, found, naming.subjects)
                search = search.learn({one.commit: one.verdict for one in found if one.verdict})
                _stop_at_unclear(search, found, naming.app)
                tries.keep(search.open)
                if not tries.pending:
                    break
                line.show(
                    f"Round {number} of {max(number, all_rounds)}: the first bad commit is one of "
                    f"{len(search.suspects):,}; {group.describe(list(tries.pending.values()))}"
                )
                context.pause(group.POLL)
                found = tries.look()
    return Outcome(search, number)


def explain(wrong: WrongEnd, naming: Naming) -> NotDone:
    """Return what to say of an end that is not as somebody said."""
    if wrong.verdict is Verdict.BAD:
        return NotDone(
            f"{naming.good} is bad: the command fails there as well.",
            "Give an older commit as GOOD, at which it succeeds.",
        )
    return NotDone(
        f"{naming.bad} is good: the command succeeds there as well.",
        "Give a commit as BAD at which it fails. For the commit that has repaired something, "
        "turn the command around: -- sh -c '! ./test.sh'.",
    )


def _stop_at_unclear(search: Search, found: list[Try], app: str) -> None:
    """Raise NotDone if a try that matters says nothing about its commit."""
    for one in found:
        if one.verdict is None and one.commit in search.open:
            raise NotDone(one.why, f"`prevs job logs {app} {one.job_id}` prints its log.")


def _tell(line: WaitingLine, found: list[Try], subjects: Mapping[str, str]) -> None:
    for one in found:
        if one.verdict:
            line.clear()
            why = f": {one.why}" if one.why else ""
            subject = subjects.get(one.commit, "")
            note(f"{one.verdict.value} {names.short(one.commit)} {subject}{why}")
