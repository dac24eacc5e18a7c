"""Roles from the order to the snapshot: stored, replaced, taken away, and removed with an app."""

from collections.abc import Callable

import pytest

from framework import events
from framework.errors import InvalidSettings, Unavailable, UnknownApp
from framework.people.errors import UnknownRole
from framework.people.roles import MOST_ROLES
from framework.service.commands import Commands
from prevs.records import AppRecord
from prevs.roles import RoleRecord, find_role_id
from tests.fakes.driven import Driven
from tests.fakes.mishaps import Fate

DEVS = RoleRecord("use", group="org/devs", app="hello")


def add(driven: Driven, role: RoleRecord) -> RoleRecord:
    return driven.commands.add_role(role)


def known(driven: Driven) -> list[tuple[str, str, str]]:
    found = driven.service.snapshot.roles.values()
    return [(role.group or role.person, role.scope, role.app) for role in found]


def test_a_holder_has_one_role_for_an_app(driven: Driven) -> None:
    added = add(driven, DEVS)
    assert added.created == driven.clock.seconds
    add(driven, RoleRecord("read", group="org/devs"))
    add(driven, RoleRecord("read", group="org/devs", app="hello"))
    assert known(driven) == [("org/devs", "read", "hello"), ("org/devs", "read", "")]


def test_the_same_role_again_is_not_written(driven: Driven) -> None:
    added = add(driven, DEVS)
    writes = driven.store.writes
    assert add(driven, DEVS) == added
    assert driven.store.writes == writes


def test_a_role_that_is_taken_away_is_gone(driven: Driven) -> None:
    role = add(driven, DEVS)
    driven.commands.remove_role(role.id)
    assert known(driven) == []
    with pytest.raises(UnknownRole):
        driven.commands.remove_role(role.id)


def test_a_role_is_for_an_app_that_exists(driven: Driven) -> None:
    with pytest.raises(UnknownApp):
        add(driven, RoleRecord("use", person="ada", app="nope"))
    with pytest.raises(InvalidSettings):
        add(driven, RoleRecord("admin", person="ada", app="hello"))
    assert known(driven) == []


def test_a_role_goes_with_its_app_and_a_new_app_of_the_name_has_none(driven: Driven) -> None:
    driven.add_app(AppRecord("shop", "/srv/shop"))
    add(driven, RoleRecord("use", group="devs", app="shop"))
    add(driven, RoleRecord("read", group="devs"))
    driven.commands.remove_app("shop")
    driven.tick()
    driven.step(events.MirrorRemoved("shop"))
    assert known(driven) == [("devs", "read", "")]
    driven.add_app(AppRecord("shop", "/srv/another"))
    assert known(Driven(driven.znodes)) == [("devs", "read", "")]


def test_the_next_framework_knows_the_roles(driven: Driven) -> None:
    add(driven, DEVS)
    driven.znodes.epoch += 1
    assert known(Driven(driven.znodes)) == [("org/devs", "use", "hello")]


@pytest.mark.parametrize(
    "write",
    [
        lambda commands: commands.add_role(RoleRecord("admin", person="ada")),
        lambda commands: commands.remove_role(DEVS.id),
    ],
    ids=["add", "remove"],
)
def test_a_write_without_an_answer_changes_nothing(
    driven: Driven, write: Callable[[Commands], object]
) -> None:
    driven.run()
    add(driven, DEVS)
    before, stored = known(driven), driven.znodes.values()
    driven.mishaps.plan([Fate.UNANSWERED])
    with pytest.raises(Unavailable):
        driven.call(lambda: write(driven.service.commands))
    assert driven.mishaps.met == 1
    assert known(driven) == before
    driven.tick()
    assert (known(driven), driven.znodes.values()) == (before, stored)


def test_there_are_not_more_roles_than_every_request_can_look_at(driven: Driven) -> None:
    for number in range(MOST_ROLES):
        driven.znodes.records["roles", str(number)] = (
            RoleRecord("read", group=f"g{number}"),
            0,
        )
    full = Driven(driven.znodes)
    with pytest.raises(InvalidSettings, match="1000"):
        add(full, RoleRecord("read", person="ada"))
    changed = full.commands.add_role(RoleRecord("use", group="g7"))
    assert changed.scope == "use"


def test_ids_of_different_holders_and_apps_differ() -> None:
    ids = {
        find_role_id(group="a", app="b"),
        find_role_id(group="ab"),
        find_role_id(person="a", app="b"),
        find_role_id(group="a"),
        find_role_id(person="a"),
    }
    assert len(ids) == 5
