"""What goes with an app when somebody removes it, in words. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from framework.apps.visitor_access import list_passes
from framework.errors import SecretsUnreadable
from framework.state.snapshot import Snapshot
from framework.trust import RecordKind
from prevs.jobs import ENDED
from prevs.states import State

_MOST_NAMES = 3


class Belongings(NamedTuple):
    """What goes with an app: "This also removes 3 previews and the gate api.", or "".

    While it is a member of `stacks`, it cannot be removed.
    """

    sentence: str
    stacks: Sequence[str]


def find_belongings(snapshot: Snapshot, app: str, now: float) -> Belongings:
    """Return what goes with an app. Raises UnknownApp.

    Passes that have ended by `now` (epoch seconds) do not count.
    """
    runs, leads = _list_running(snapshot, app), _list_gates(snapshot, app)
    secrets, people = _list_secrets(snapshot, app), _list_people(snapshot, app, now)
    found = [*runs, *leads, *secrets, *people]
    before, last = ", ".join(found[:-1]), "".join(found[-1:])
    sentence = f"This also removes {before}{' and ' if before else ''}{last}." if found else ""
    stacks = sorted(one.name for one in snapshot.stacks.values() if app in one.apps)
    return Belongings(sentence, stacks)


def _list_running(snapshot: Snapshot, app: str) -> Iterator[str]:
    snapshot.app(app)
    previews = [one for one in snapshot.previews.values() if one.app == app]
    running = sum(one.state is State.RUNNING for one in previews)
    if previews:
        yield _count(len(previews), "preview") + (f" ({running} running)" if running else "")
    jobs = [one for one in snapshot.jobs.values() if one.app == app and one.state not in ENDED]
    if jobs:
        yield _count(len(jobs), "job that has not ended", "jobs that have not ended")
    yield from _name("schedule", [name for of, name in snapshot.schedules if of == app])


def _list_gates(snapshot: Snapshot, app: str) -> Iterator[str]:
    gates = [one.name for one in snapshot.gates.values() if one.app == app]
    left_out = [
        one.name
        for one in snapshot.refused.values()
        if one.kind is RecordKind.GATE and one.app == app
    ]
    yield from _name("gate", [*gates, *left_out])


def _list_secrets(snapshot: Snapshot, app: str) -> Iterator[str]:
    try:
        given = snapshot.given(app)
    except SecretsUnreadable:
        yield "its variables and secrets"
        return
    if given.variables:
        yield _count(len(given.variables), "variable")
    if given.credential:
        yield "the credential of its repository"
    if given.forge_token:
        yield "the token for its forge"
    if given.receivers:
        yield _count(len(given.receivers), "receiver") + " of notifications"


def _list_people(snapshot: Snapshot, app: str, now: float) -> Iterator[str]:
    if passes := list_passes(snapshot.access_of(app), now):
        yield _count(len(passes), "pass", "passes")
    yield from _name("token", [one.name for one in snapshot.tokens.values() if one.app == app])
    if roles := [one for one in snapshot.roles.values() if one.app == app]:
        yield _count(len(roles), "role")


def _name(what: str, names: Collection[str]) -> Iterator[str]:
    """Yield things by their names, or how many there are."""
    if len(names) > _MOST_NAMES:
        yield _count(len(names), what)
    elif names:
        many = len(names) > 1
        yield f"the {what}{'s' if many else ''} {' and '.join(sorted(names))}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
