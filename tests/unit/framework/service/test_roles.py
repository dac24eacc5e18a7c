"""Roles from the order to the snapshot: stored, replaced, taken away, and removed with an app."""

import pytest

from framework.errors import InvalidSettings, UnknownApp
from framework.people.errors import UnknownRole
from framework.people.roles import MOST_ROLES
from prevs.roles import RoleRecord, find_role_id
from tests.fakes.driven import Driven

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
